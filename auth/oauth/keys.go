package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// keySet is the keys of one moment, swapped whole.
type keySet struct {
	kid    string // of the key that signs
	sign   *ecdsa.PrivateKey
	public map[string]*ecdsa.PublicKey
	newest time.Time // when the newest of them begins to sign
}

type signingKey struct {
	ID        string
	PublicX   []byte
	PublicY   []byte
	Sealed    []byte
	Version   int // of the seal
	SignsFrom time.Time
	RetiresAt *time.Time
}

const liveKeysSQL = `
select id, public_x, public_y, sealed, seal_version as version, signs_from, retires_at
  from auth.signing_key
 where retires_at is null or retires_at > $1
 order by signs_from, id`

func publicKeys(rows []signingKey) (map[string]*ecdsa.PublicKey, error) {
	keys := make(map[string]*ecdsa.PublicKey, len(rows))
	for _, row := range rows {
		point := append(append([]byte{4}, row.PublicX...), row.PublicY...) // SEC 1 §2.3.3, uncompressed
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, fmt.Errorf("read signing key %s: %w", row.ID, err)
		}
		keys[row.ID] = key
	}
	return keys, nil
}

// ReloadKeys reads the keys again. The one that signs is the newest whose
// time has come.
func (s *Server) ReloadKeys(ctx context.Context) error {
	now := s.Now().UTC()
	rows, err := pg.All[signingKey](ctx, s.DB, liveKeysSQL, now)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	ring := &keySet{}
	if ring.public, err = publicKeys(rows); err != nil {
		return err
	}
	for _, row := range rows { // in the order in which they sign
		if ring.newest = row.SignsFrom; row.SignsFrom.After(now) {
			continue
		}
		if ring.sign, err = s.unseal(row); err != nil {
			return fmt.Errorf("open signing key %s (was LGSP_SECRET_FILE replaced?): %w", row.ID, err)
		}
		ring.kid = row.ID
	}
	if ring.sign == nil {
		return errors.New("no signing key is in use")
	}
	s.keys.Store(ring)
	return nil
}

const addKeySQL = `
insert into auth.signing_key (id, public_x, public_y, sealed, seal_version, created_at, signs_from)
values ($1, $2, $3, $4, $5, $6, $7)`

// addKey makes a key that signs from a time on, inside the caller's lock.
func (s *Server) addKey(ctx context.Context, tx pgx.Tx, signsFrom time.Time) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	x, y, err := coordinates(&key.PublicKey)
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	kid := thumbprint(x, y)
	scalar, err := key.Bytes()
	if err != nil {
		return "", fmt.Errorf("make signing key: %w", err)
	}
	sealed, version, err := s.Seals.Seal(scalar, []byte(kid))
	if err != nil {
		return "", fmt.Errorf("signing key: %w", err)
	}
	if _, err := tx.Exec(ctx, addKeySQL, kid, x, y, sealed, version, s.Now().UTC(), signsFrom); err != nil {
		return "", fmt.Errorf("keep signing key %s: %w", kid, err)
	}
	return kid, nil
}

// unseal opens the private half, the scalar, bound to the kid.
func (s *Server) unseal(row signingKey) (*ecdsa.PrivateKey, error) {
	scalar, err := s.Seals.Open(row.Sealed, row.Version, []byte(row.ID))
	if err != nil {
		return nil, err
	}
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
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

func verifyES256(key *ecdsa.PublicKey, text string, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}
