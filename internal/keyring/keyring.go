// Package keyring answers which key makes what is new, and which opens what is
// old: the keys of one purpose, one for each version of the platform's secret.
package keyring

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/crypto/chacha20poly1305"
)

// Ring is the keys of one purpose, 32 bytes each, by version. The zero Ring
// has none.
type Ring struct {
	keys    map[int][]byte
	current func() int
}

// New is a ring of keys; current is the version that makes what is new. It may
// change while the process runs, and is one that the ring has.
func New(keys map[int][]byte, current func() int) Ring { return Ring{keys: keys, current: current} }

// Of is a ring of one key, version 1.
func Of(key []byte) Ring { return New(map[int][]byte{1: key}, func() int { return 1 }) }

// Check is an error unless every key has 32 bytes, and there is a current one.
func (r Ring) Check() error {
	for version, key := range r.keys {
		if len(key) != 32 {
			return fmt.Errorf("version %d has %d bytes, not 32", version, len(key))
		}
	}
	if r.current == nil || r.keys[r.current()] == nil {
		return errors.New("it has no current key")
	}
	return nil
}

// Current is the version that makes what is new.
func (r Ring) Current() int { return r.current() }

// Key is the key that makes what is new.
func (r Ring) Key() []byte { return r.keys[r.current()] }

// Old reports whether what a version made is to be made anew: it is older than
// the current one.
func (r Ring) Old(version int) bool { return version < r.current() }

// At is the key of a version; false when there is none, or no more. A value
// that names such a version is none of ours.
func (r Ring) At(version int) ([]byte, bool) {
	key, ok := r.keys[version]
	return key, ok
}

// Any is every key, the current one first, then the newest before the oldest.
func (r Ring) Any() [][]byte {
	now := r.current()
	all := [][]byte{r.keys[now]}
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(r.keys))) {
		if version != now {
			all = append(all, r.keys[version])
		}
	}
	return all
}

// Sum is the HMAC-SHA-256 of text by the current key.
func (r Ring) Sum(text []byte) []byte { return Sum(r.Key(), text) }

// Sums is the same by every key, as Any has them: where one is looked up that
// any of them may have made.
func (r Ring) Sums(text []byte) [][]byte {
	all := r.Any()
	for i, key := range all {
		all[i] = Sum(key, text)
	}
	return all
}

// Verify reports, in constant time for each key, whether sum is the beginning,
// of len(sum) bytes and at least 16, of what any of the keys makes of text.
func (r Ring) Verify(text, sum []byte) bool {
	if len(sum) < 16 || len(sum) > sha256.Size {
		return false
	}
	ok := false
	for _, own := range r.Sums(text) {
		ok = hmac.Equal(own[:len(sum)], sum) || ok
	}
	return ok
}

// Sum is the HMAC-SHA-256 of text by key.
func Sum(key, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return mac.Sum(nil)
}

// Seal closes a secret by the current key, bound to what it is of: 24 random
// bytes, then XChaCha20-Poly1305. The version goes beside it.
func (r Ring) Seal(secret, of []byte) (sealed []byte, version int, err error) {
	version = r.current()
	sealer, err := chacha20poly1305.NewX(r.keys[version])
	if err != nil {
		return nil, 0, fmt.Errorf("seal: %w", err)
	}
	nonce := make([]byte, sealer.NonceSize())
	rand.Read(nonce) // never fails (crypto/rand)
	return sealer.Seal(nonce, nonce, secret, of), version, nil
}

// Open is the secret that Seal closed by the key of a version. It fails for
// what was changed, was of something else, or of another key, and says so of a
// version that is not there.
func (r Ring) Open(sealed []byte, version int, of []byte) ([]byte, error) {
	key, ok := r.keys[version]
	if !ok {
		return nil, fmt.Errorf("open: it is sealed by version %d of the secret, which LGSP_SECRET_FILE here does not hold", version)
	}
	sealer, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if len(sealed) < sealer.NonceSize() {
		return nil, errors.New("open: too short")
	}
	secret, err := sealer.Open(nil, sealed[:sealer.NonceSize()], sealed[sealer.NonceSize():], of)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return secret, nil
}
