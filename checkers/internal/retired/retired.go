// Package retired remembers which keys a stream has let go of.
package retired

import "hash/maphash"

// Keys are hashes of keys that were retired. The zero value is not ready: see [New].
type Keys struct {
	seed maphash.Seed
	// now and before: when there are too many, those from before the latest are forgotten.
	now, before map[uint64]struct{}
}

// most is how many keys are known for sure; as many again are known if they were retired soon before.
const most = 1 << 18

// New makes an empty set.
func New() Keys { return Keys{seed: maphash.MakeSeed()} }

// Add notes that a key was retired.
func (k *Keys) Add(key string) {
	if len(k.now) >= most {
		k.now, k.before = nil, k.now
	}
	if k.now == nil {
		k.now = map[uint64]struct{}{}
	}
	k.now[maphash.String(k.seed, key)] = struct{}{}
}

// Has reports whether a key was retired, as far as that is remembered.
func (k *Keys) Has(key string) bool {
	hash := maphash.String(k.seed, key)
	_, now := k.now[hash]
	_, before := k.before[hash]
	return now || before
}
