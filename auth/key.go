package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// The kinds of key, by the word in their prefix.
const (
	KindKey    = "key"    // an API key of an application
	KindSecret = "secret" // a client secret of an application
	KindToken  = "pat"    // a personal access token

	KindRegistration = "reg"    // an initial access token, for applications that register themselves
	KindClient       = "client" // what such an application manages itself with
)

const (
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	randomChars = 43 // 256 bits
	checkChars  = 6  // 32 bits
	lookupChars = 12 // public; the 31 that stay secret are 184 bits
)

// Key is a well-formed API key, client secret or personal access token:
// lgsp_{kind}_ + 43 random base62 characters + the CRC-32 of all before it in
// 6 more, or as scanners of leaks write it lgsp_(key|secret|pat|reg|client)_[0-9A-Za-z]{49}.
// It prints without its secret.
type Key struct {
	Kind   string // KindKey, KindSecret, KindToken
	Lookup string // the first 12 characters after the prefix, public
	Last4  string // before the checksum, to tell keys apart
	secret string // the whole
}

// NewKey makes a key of a kind from the system's random source.
func NewKey(kind string) Key {
	random := make([]byte, 0, randomChars)
	var pool [64]byte
	for len(random) < randomChars {
		rand.Read(pool[:]) // never fails (crypto/rand)
		for _, b := range pool {
			// 248 is the largest multiple of 62 in a byte: no character is likelier.
			if b < 248 && len(random) < randomChars {
				random = append(random, base62[b%62])
			}
		}
	}
	whole := "lgsp_" + kind + "_" + string(random)
	sum := checksum(whole)
	return describe(kind, whole+string(sum[:]))
}

// ParseKey reads a key. What is no key, or was mistyped, is refused without a
// look at any database: Unauthorized, code key-malformed.
func ParseKey(text string) (Key, error) {
	rest, ok := strings.CutPrefix(text, "lgsp_")
	kind, rest, _ := strings.Cut(rest, "_")
	end := len(text) - checkChars
	if !ok || !slices.Contains(kinds, kind) || len(rest) != randomChars+checkChars || !isBase62(rest) || !isChecksum(text[end:], text[:end]) {
		return Key{}, problem.Errorf(problem.Unauthorized, "this is not a key of this platform; check that it was copied whole").Coded("key-malformed")
	}
	return describe(kind, text), nil
}

var kinds = []string{KindKey, KindSecret, KindToken, KindRegistration, KindClient}

func isBase62(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

func describe(kind, whole string) Key {
	start, end := len("lgsp__")+len(kind), len(whole)-checkChars
	return Key{Kind: kind, Lookup: whole[start : start+lookupChars], Last4: whole[end-4 : end], secret: whole}
}

// checksum is the CRC-32 of text in six base62 digits. It finds typing errors
// and is no authentication.
func checksum(text string) (digits [checkChars]byte) {
	var room [64]byte // a key's length
	sum := crc32.ChecksumIEEE(append(room[:0], text...))
	for i := checkChars - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return digits
}

func isChecksum(digits, text string) bool {
	sum := checksum(text)
	return string(sum[:]) == digits
}

// Secret is the whole key, to show once to its owner.
func (k Key) Secret() string { return k.secret }

// Hash is what is stored of the key: HMAC-SHA-256 under the pepper. The key
// holds 256 random bits, so no slow hash would add anything.
func (k Key) Hash(pepper []byte) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(k.secret))
	return mac.Sum(nil)
}

// Matches reports, in constant time, whether hash is stored of this key under
// the pepper of a version. Nothing is under a pepper that is not there (any
// more), whatever stands in the database.
func (k Key) Matches(peppers keyring.Ring, version int, hash []byte) bool {
	pepper, known := peppers.At(version)
	return hmac.Equal(k.Hash(pepper), hash) && known
}

// Matcher reports as Key.Matches does, for many calls: it prepares once what a
// pepper alone decides. It is safe for concurrent use.
type Matcher struct {
	peppers keyring.Ring
	macs    sync.Map // by version: *sync.Pool of *prepared
}

// prepared is a mac that knows its pepper, with room for its work.
type prepared struct {
	hash.Hash
	text []byte
	sum  [sha256.Size]byte
}

// NewMatcher makes the matcher of peppers.
func NewMatcher(peppers keyring.Ring) *Matcher { return &Matcher{peppers: peppers} }

// Matches reports, in constant time, whether hash is stored of the key under
// the pepper of a version. One that is not there takes as long.
func (m *Matcher) Matches(k Key, version int, stored []byte) bool {
	pepper, known := m.peppers.At(version)
	if !known {
		version = 0 // of which there is none: one pool for them all
	}
	pool, ok := m.macs.Load(version)
	if !ok {
		pool, _ = m.macs.LoadOrStore(version, &sync.Pool{New: func() any { return &prepared{Hash: hmac.New(sha256.New, pepper)} }})
	}
	mac := pool.(*sync.Pool).Get().(*prepared)
	defer pool.(*sync.Pool).Put(mac)
	mac.Reset()
	mac.text = append(mac.text[:0], k.secret...)
	mac.Write(mac.text) // never fails (package hash)
	clear(mac.text)     // no secret stays in the pool
	return hmac.Equal(mac.Sum(mac.sum[:0]), stored) && known
}

// String names the key without its secret.
func (k Key) String() string { return "lgsp_" + k.Kind + "_" + k.Lookup + "…" }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

// LogValue is String, for slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
