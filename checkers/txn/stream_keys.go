package txn

import (
	"math"

	"github.com/capsize-dev/capsize/checkers/internal/values"
)

// key returns a key that is used.
func (s *stream) key(key any) *streamKey {
	id := values.Identity(key)
	k := s.keys[id]
	if k == nil {
		s.numbered++
		k = &streamKey{id: id, number: s.numbered, name: keyName(key), stored: map[word]*stored{}}
		k.retired = s.gone.Has(k.name)
		s.keys[id] = k
	}
	k.used = s.lines
	if k.retired {
		s.doubt(k)
	}
	return k
}

// doubt notes that a retired key was used.
func (s *stream) doubt(k *streamKey) {
	if !k.noted {
		k.noted = true
		s.unclear = append(s.unclear, k)
	}
}

// accuse notes that something is wrong with a key.
func (s *stream) accuse(k *streamKey) { s.wrong[k.name] = true }

// retire lets go of the keys that were not used for long.
func (s *stream) retire() {
	for id, k := range s.keys {
		if s.lines-k.used > s.patience {
			s.drop(id, k)
		}
	}
}

func (s *stream) drop(id any, k *streamKey) {
	delete(s.keys, id)
	s.gone.Add(k.name)
	for _, st := range k.stored {
		if st.place == none && st.by.unseen > 0 {
			st.by.unseen--
		}
	}
	k.retired, k.stored, k.lists, k.regs = true, nil, listKey{}, registerKey{}
}

// forget begins anew.
func (s *stream) forget() {
	for id, k := range s.keys {
		s.drop(id, k)
	}
	for _, t := range s.txns {
		t.letGo()
	}
	clear(s.open)
	clear(s.wrong)
	s.txns, s.kept, s.now, s.returned, s.unclear = nil, 0, &vertex{}, nil, nil
}

// horizon is when the first of the transactions that are open was called.
func (s *stream) horizon() int {
	first := math.MaxInt
	for _, t := range s.open {
		first = min(first, t.call)
	}
	return first
}
