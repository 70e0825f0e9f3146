package workloads

import (
	"fmt"
	"math/rand/v2"
)

// keyring hands out keys k0, k1, … so that a fixed number is in use at once and each retires after a fixed number of
// calls. The first ones live for less, each for a different time, so that there are young and old keys at any moment.
type keyring struct {
	life int // calls of a key
	keys []*key
	next int // number of the next key
}

// key is a key in use.
type key struct {
	number int
	left   int     // calls until it retires
	recent []int64 // values it may hold now, the likeliest first
}

func newKeyring(inUse, life int) *keyring {
	return &keyring{life: life, keys: make([]*key, max(inUse, 1))}
}

// pick chooses a key for a call.
func (r *keyring) pick(rng *rand.Rand) *key {
	i := rng.IntN(len(r.keys))
	k := r.keys[i]
	switch {
	case k == nil:
		k = &key{number: r.next, left: max(r.life*(i+1)/len(r.keys), 1)}
	case k.left == 0:
		k = &key{number: r.next, left: r.life}
	}
	if k != r.keys[i] {
		r.keys[i] = k
		r.next++
	}
	k.left--
	return k
}

// latest returns the numbers of up to limit keys: those in use first, then those that retired last. The rest are older.
func (r *keyring) latest(limit int) (latest, older []int) {
	inUse := make(map[int]bool)
	var numbers []int
	for _, k := range r.keys {
		if k != nil {
			inUse[k.number] = true
			numbers = append(numbers, k.number)
		}
	}
	for n := r.next - 1; n >= 0; n-- {
		if !inUse[n] {
			numbers = append(numbers, n)
		}
	}
	for i, n := range numbers {
		if i < limit {
			latest = append(latest, n)
		} else {
			older = append(older, n)
		}
	}
	return latest, older
}

func keyName(number int) string { return fmt.Sprintf("k%d", number) }

func (k *key) name() string { return keyName(k.number) }

// remember puts a value before the others that the key may hold.
func (k *key) remember(value int64) {
	const depth = 6
	if len(k.recent) < depth {
		k.recent = append(k.recent, 0)
	}
	copy(k.recent[1:], k.recent)
	k.recent[0] = value
}
