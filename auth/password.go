package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"lgsp/internal/problem"
)

// The cost of one hash: argon2id, 19 MiB, two passes, one lane (OWASP
// Password Storage Cheat Sheet), about 20 ms.
const (
	argonPrefix = "$argon2id$v=19$m=19456,t=2,p=1$"
	argonMemory = 19456 // KiB
	argonPasses = 2
	argonSalt   = 16
	argonLength = 32
)

// Passwords hashes and compares passwords, a few at a time, so that a flood
// of logins takes neither the memory nor the processors of everything else.
type Passwords struct {
	slots  chan struct{} // one for each password that may be hashed at once
	places atomic.Int64  // left, being hashed and waiting together
}

// NewPasswords lets workers passwords be hashed at once while queue more wait;
// who comes on top of those is sent away with TooMany.
func NewPasswords(workers, queue int) *Passwords {
	p := &Passwords{slots: make(chan struct{}, workers)}
	p.places.Store(int64(workers + queue))
	return p
}

// hash gives what is stored of a password, in the PHC string form.
func (p *Passwords) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails (crypto/rand)
	sum, err := p.derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	code := base64.RawStdEncoding
	return argonPrefix + code.EncodeToString(salt) + "$" + code.EncodeToString(sum), nil
}

// match reports whether stored was made of password. When nothing is stored
// it takes the same time and says no.
func (p *Passwords) match(ctx context.Context, stored, password string) (bool, error) {
	salt, want := make([]byte, argonSalt), []byte(nil)
	if stored != "" {
		rest, ok := strings.CutPrefix(stored, argonPrefix)
		saltText, sumText, found := strings.Cut(rest, "$")
		var errSalt, errSum error
		salt, errSalt = base64.RawStdEncoding.DecodeString(saltText)
		want, errSum = base64.RawStdEncoding.DecodeString(sumText)
		if !ok || !found || errSalt != nil || errSum != nil {
			return false, fmt.Errorf("read a stored password: it is not %s…", argonPrefix)
		}
	}
	got, err := p.derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// derive waits for its turn and computes argon2id. The password is normalised
// first, so that it is the same from every keyboard (NIST SP 800-63B-4 §3.1.1.2).
func (p *Passwords) derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	defer p.places.Add(1)
	if p.places.Add(-1) < 0 {
		return nil, problem.Errorf(problem.TooMany, "too many people are signing in just now; try again in a few seconds").
			Coded("sign-in-busy").Sends("Retry-After", "3")
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, argonPasses, argonMemory, 1, argonLength), nil
}
