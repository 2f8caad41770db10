package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// tokenAlgorithms are those that tokens are signed with, each by keys of its
// own: ES256 everything, RS256 the ID and logout tokens of clients that want it.
var tokenAlgorithms = []string{auth.ES256, auth.RS256}

// keySet is the keys of one moment, swapped whole. The keys of the two
// algorithms are kept apart, so that none is ever tried with the other one: an
// access token is checked with those of ES256, whatever its header says.
type keySet struct {
	sign   map[string]signer    // by algorithm
	newest map[string]time.Time // by algorithm, when the newest key begins to sign
	es256  map[string]*ecdsa.PublicKey
	rs256  map[string]*rsa.PublicKey
}

// signer is a key in use.
type signer struct {
	kid string
	key crypto.Signer // *ecdsa.PrivateKey, *rsa.PrivateKey
}

// public is the key of an algorithm by its kid; nil when there is none.
func (k *keySet) public(algorithm, kid string) crypto.PublicKey {
	if key := k.es256[kid]; key != nil && algorithm == auth.ES256 {
		return key
	}
	if key := k.rs256[kid]; key != nil && algorithm == auth.RS256 {
		return key
	}
	return nil
}

// tokenKey is a row of auth.token_key.
type tokenKey struct {
	ID        string
	Algorithm string
	PublicX   []byte // of ES256
	PublicY   []byte
	PublicN   []byte // of RS256
	Sealed    []byte
	Version   int // of the seal
	SignsFrom time.Time
	RetiresAt *time.Time
}

const liveKeysSQL = `
select id, algorithm, public_x, public_y, public_n, sealed, seal_version as version, signs_from, retires_at
  from auth.token_key
 where retires_at is null or retires_at > $1
 order by signs_from, id`

// rsaExponent is that of every RSA key that Go makes.
const rsaExponent = 65537

// readKeys puts the public halves of keys into a ring that signs nothing.
func readKeys(rows []tokenKey) (*keySet, error) {
	ring := &keySet{
		sign: map[string]signer{}, newest: map[string]time.Time{},
		es256: map[string]*ecdsa.PublicKey{}, rs256: map[string]*rsa.PublicKey{},
	}
	for _, row := range rows {
		if row.Algorithm == auth.RS256 {
			ring.rs256[row.ID] = &rsa.PublicKey{N: new(big.Int).SetBytes(row.PublicN), E: rsaExponent}
			continue
		}
		point := append(append([]byte{4}, row.PublicX...), row.PublicY...) // SEC 1 §2.3.3, uncompressed
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
		}
		ring.es256[row.ID] = key
	}
	return ring, nil
}

// TrustKeys believes tokens signed by these keys, by their kids, and signs none:
// of a node whose database is away, until it reads the keys again.
func (s *Server) TrustKeys(public map[string]*ecdsa.PublicKey) { s.keys.Store(&keySet{es256: public}) }

// ReloadKeys reads the keys again. Of each algorithm the newest whose time has
// come signs; the only one there is does so at once, for a node whose clock is
// behind that of the node which made it.
func (s *Server) ReloadKeys(ctx context.Context) error {
	now := s.Now().UTC()
	rows, err := pg.All[tokenKey](ctx, s.DB, liveKeysSQL, now)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	ring, err := readKeys(rows)
	if err != nil {
		return err
	}
	for _, row := range rows { // in the order in which they sign
		if ring.newest[row.Algorithm] = row.SignsFrom; row.SignsFrom.After(now) && ring.sign[row.Algorithm].key != nil {
			continue
		}
		key, err := s.unseal(row)
		if err != nil {
			return fmt.Errorf("open signing key %s (was LGSP_SECRET_FILE replaced?): %w", row.ID, err)
		}
		ring.sign[row.Algorithm] = signer{row.ID, key}
	}
	for _, algorithm := range tokenAlgorithms {
		if ring.sign[algorithm].key == nil {
			return fmt.Errorf("no signing key for %s is in use", algorithm)
		}
	}
	s.keys.Store(ring)
	return nil
}

const addKeySQL = `
insert into auth.token_key (id, algorithm, public_x, public_y, public_n, sealed, seal_version, created_at, signs_from)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// addKey makes a key that signs from a time on, inside the caller's lock, which
// nobody waits for but who changes keys too: an RSA key takes a tenth of a
// second.
func (s *Server) addKey(ctx context.Context, tx pgx.Tx, algorithm string, signsFrom time.Time) (string, error) {
	row, private, err := makeKey(algorithm)
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	sealed, version, err := s.Seals.Seal(private, []byte(row.ID))
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	if _, err := tx.Exec(ctx, addKeySQL, row.ID, algorithm, row.PublicX, row.PublicY, row.PublicN, sealed, version, s.Now().UTC(), signsFrom); err != nil {
		return "", fmt.Errorf("keep signing key %s: %w", row.ID, err)
	}
	return row.ID, nil
}

// makeKey makes the public half of a key, and its private half: the scalar of
// P-256, or PKCS #1 of RSA.
func makeKey(algorithm string) (tokenKey, []byte, error) {
	if algorithm == auth.RS256 {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return tokenKey{}, nil, err
		}
		n := key.N.Bytes()
		return tokenKey{ID: rsaThumbprint(n), PublicN: n}, x509.MarshalPKCS1PrivateKey(key), nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tokenKey{}, nil, err
	}
	x, y, err := coordinates(&key.PublicKey)
	if err != nil {
		return tokenKey{}, nil, err
	}
	scalar, err := key.Bytes()
	return tokenKey{ID: thumbprint(x, y), PublicX: x, PublicY: y}, scalar, err
}

// unseal opens the private half, what makeKey gave, bound to the kid.
func (s *Server) unseal(row tokenKey) (crypto.Signer, error) {
	private, err := s.Seals.Open(row.Sealed, row.Version, []byte(row.ID))
	if err != nil {
		return nil, err
	}
	if row.Algorithm == auth.RS256 {
		return x509.ParsePKCS1PrivateKey(private)
	}
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), private)
}

// coordinates are the two halves of a public key, 32 bytes each.
func coordinates(key *ecdsa.PublicKey) (x, y []byte, err error) {
	point, err := key.Bytes()
	if err != nil {
		return nil, nil, err
	}
	return point[1:33], point[33:65], nil
}

// thumbprint is the RFC 7638 thumbprint of a P-256 key.
func thumbprint(x, y []byte) string {
	b64 := base64.RawURLEncoding
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + b64.EncodeToString(x) + `","y":"` + b64.EncodeToString(y) + `"}`))
	return b64.EncodeToString(sum[:])
}

// rsaThumbprint is the RFC 7638 thumbprint of an RSA key with our exponent.
func rsaThumbprint(n []byte) string {
	b64 := base64.RawURLEncoding
	sum := sha256.Sum256([]byte(`{"e":"AQAB","kty":"RSA","n":"` + b64.EncodeToString(n) + `"}`))
	return b64.EncodeToString(sum[:])
}

// signatureBy signs text by the algorithm of the key (RFC 7518 §3.3, §3.4).
func signatureBy(key crypto.Signer, text string) ([]byte, error) {
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		return signES256(k, text)
	case *rsa.PrivateKey:
		sum := sha256.Sum256([]byte(text))
		return rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	}
	return nil, fmt.Errorf("no algorithm for %T", key)
}

// signES256 signs with ECDSA on P-256: r and s, 32 bytes each (RFC 7518 §3.4).
func signES256(key *ecdsa.PrivateKey, text string) ([]byte, error) {
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signature, nil
}

// signedWith reports whether a signature over text is by a key of ours. The key,
// found under its algorithm, says how to check it.
func signedWith(key crypto.PublicKey, text string, signature []byte) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return verifyES256(k, text, signature)
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(text))
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}

func verifyES256(key *ecdsa.PublicKey, text string, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
