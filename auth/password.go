package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync/atomic"
	"unicode/utf8"

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
// first, so that it is the same from every keyboard (NIST SP 800-63B §3.1.1.2).
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
	return argon2.IDKey(norm.NFKC.Bytes([]byte(password)), salt, argonPasses, argonMemory, 1, argonLength), nil
}

// common are long enough passwords that are tried first. A longer list would
// belong into a file.
const common = ` 12345678 123456789 1234567890 0123456789 987654321 87654321 11111111 00000000 88888888 password password1
 matkhau123 matkhau1 12341234 11223344 1q2w3e4r 1qaz2wsx qwertyuiop qwerty123 asdfghjkl abcd1234 abc12345 iloveyou
 admin123 administrator anhyeuem vietnam1 quangngai quangngai1 `

// checkPassword adds what is wrong with a new password: at least 8 characters,
// at most 256, none that everybody tries, not the person's own address or name;
// no rule about kinds of characters (NIST SP 800-63B §3.1.1).
func checkPassword(wrong *problem.Error, password, email, name string) {
	length := utf8.RuneCountInString(password)
	local, _, _ := strings.Cut(email, "@")
	folded := strings.ToLower(password)
	switch {
	case length < 8:
		wrong.Wrong("password", "password-short", "at least 8 characters")
	case length > 256:
		wrong.Wrong("password", "password-long", "at most 256 characters")
	case strings.Contains(common, " "+folded+" ") || folded == email || folded == local || folded == strings.ToLower(name):
		wrong.Wrong("password", "password-common", "this password is guessed first; choose another")
	}
}
