package auth

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// SigningKey is a public key as the gateway knows it: an application may sign
// its calls with the private half (RFC 9421).
type SigningKey struct {
	Application uuid.UUID
	KID         string // unique in its application only: others choose theirs freely
	JWK         json.RawMessage
}

// KeyID is how a signature names the key: application and kid, for a kid alone
// may be another application's too.
func (k SigningKey) KeyID() string { return k.Application.String() + "/" + k.KID }

// Public is the key itself: *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
func (k SigningKey) Public() (crypto.PublicKey, error) {
	jwk, err := ReadJWK(k.JWK)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", k.KeyID(), err)
	}
	return jwk.Key, nil
}

const signingKeysSQL = `
select application_id as application, kid, jwk
  from auth.application_key
 where $1::uuid[] is null or application_id = any($1)`

// SigningKeys are the public keys of these applications, nil: of all. Keys that
// stand at a jwks_uri are not among them: the gateway fetches nothing.
func (a *Auth) SigningKeys(ctx context.Context, applications []uuid.UUID) ([]SigningKey, error) {
	list, err := pg.All[SigningKey](ctx, a.DB, signingKeysSQL, applications)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	return list, nil
}
