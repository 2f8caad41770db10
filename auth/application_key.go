package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// maxKeys is how many public keys an application has at once: one in use, its
// successor, and some for several servers.
const maxKeys = 5

// ApplicationKey is a public key that an application proves itself with, by
// signing with the private half, which the platform never sees (RFC 7523 §3).
type ApplicationKey struct {
	KID   string          `json:"kid"`
	JWK   json.RawMessage `json:"jwk" swaggertype:"object"` // RFC 7517: EC P-256, RSA of 2048 to 4096 bits, or Ed25519
	SetAt time.Time       `json:"set_at"`
}

const applicationKeysSQL = `
select kid, jwk, set_at
  from auth.application_key
 where application_id = $1
 order by kid`

// Keys lists the public keys of an application, by kid. It fails with NotFound
// unless who owns the application.
func (a *Auth) Keys(ctx context.Context, who Principal, application uuid.UUID) ([]ApplicationKey, error) {
	if err := a.WorksOn(ctx, who, application); err != nil {
		return nil, err
	}
	return readKeys(ctx, a.DB, application)
}

func readKeys(ctx context.Context, db pg.DB, application uuid.UUID) ([]ApplicationKey, error) {
	keys, err := pg.All[ApplicationKey](ctx, db, applicationKeysSQL, application)
	if err != nil {
		return nil, fmt.Errorf("list keys of application %s: %w", application, err)
	}
	return keys, nil
}

// PublicKeys are the keys of an application by kid: *ecdsa.PublicKey,
// *rsa.PublicKey or ed25519.PublicKey. None is no error.
func (a *Auth) PublicKeys(ctx context.Context, application uuid.UUID) (map[string]crypto.PublicKey, error) {
	list, err := readKeys(ctx, a.DB, application)
	if err != nil {
		return nil, err
	}
	keys := make(map[string]crypto.PublicKey, len(list))
	for _, k := range list {
		var jwk jose.JSONWebKey
		if err := jwk.UnmarshalJSON(k.JWK); err != nil {
			return nil, fmt.Errorf("read key %q of application %s: %w", k.KID, application, err)
		}
		keys[k.KID] = jwk.Key
	}
	return keys, nil
}

const (
	dropKeysSQL = `
delete from auth.application_key where application_id = $1`
	setKeySQL = `
insert into auth.application_key (application_id, kid, jwk, set_at)
values ($1, $2, $3, $4)`
)

// SetKeys puts the public keys of an application in the place of those it had;
// none takes them all away. Each is a JWK; one without kid gets its RFC 7638
// thumbprint. It fails with NotFound unless who, a person, owns the
// application, Conflict when it is public, disabled or has a jwks_uri, and
// Invalid, field keys: jwk-many, jwk-private, jwk-form or jwk-kid.
func (a *Auth) SetKeys(ctx context.Context, who Principal, application uuid.UUID, set []json.RawMessage) ([]ApplicationKey, error) {
	if who.Person == uuid.Nil {
		return nil, signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return nil, err
	}
	keys, err := readJWKs(set)
	if err != nil {
		return nil, err
	}
	var list []ApplicationKey
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, application, TeamDeveloper)
		if err != nil {
			return err
		}
		if app.Kind == Public {
			return problem.Errorf(problem.Conflict, "a public application keeps no secret").Coded("application-public")
		}
		if app.JWKSURI != "" && len(keys) > 0 {
			return problem.Errorf(problem.Conflict, "its keys are read from %s; take jwks_uri away first", app.JWKSURI).
				Coded("keys-elsewhere", "uri", app.JWKSURI)
		}
		if _, err := tx.Exec(ctx, dropKeysSQL, application); err != nil {
			return fmt.Errorf("drop keys of application %s: %w", application, err)
		}
		kids := []string{}
		for _, jwk := range keys {
			text, err := jwk.MarshalJSON()
			if err != nil {
				return fmt.Errorf("write key %q: %w", jwk.KeyID, err)
			}
			if _, err := tx.Exec(ctx, setKeySQL, application, jwk.KeyID, text, a.Now().UTC()); err != nil {
				return fmt.Errorf("set key %q of application %s: %w", jwk.KeyID, application, err)
			}
			kids = append(kids, jwk.KeyID)
		}
		if list, err = readKeys(ctx, tx, application); err != nil {
			return err
		}
		if err := pg.Notify(ctx, tx, "gateway", "credential"); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "application.keys", Agency: agencyOf(app), About: application,
			Detail: map[string]any{"kids": kids}})
	})
	return list, err
}

// readJWKs gives the keys of a JWK set, or an Invalid problem about the first that will not do.
func readJWKs(set []json.RawMessage) ([]jose.JSONWebKey, error) {
	if len(set) > maxKeys {
		return nil, tooManyKeys()
	}
	var keys []jose.JSONWebKey
	seen := map[string]bool{}
	for _, text := range set {
		jwk, err := ReadJWK(text)
		switch {
		case errors.Is(err, errPrivate):
			return nil, privateKeyShown()
		case err != nil:
			return nil, unfitKey().Because(err)
		case len(jwk.KeyID) > 100 || strings.ContainsFunc(jwk.KeyID, func(r rune) bool { return r <= ' ' || r > '~' }) || seen[jwk.KeyID]:
			return nil, fieldsWrong().Wrong("keys", "jwk-kid", "a kid is at most 100 visible ASCII characters, and each key has another")
		}
		seen[jwk.KeyID] = true
		keys = append(keys, jwk)
	}
	return keys, nil
}

func tooManyKeys() error {
	return fieldsWrong().Wrong("keys", "jwk-many", "at most 5 keys", "max", fmt.Sprint(maxKeys))
}

func privateKeyShown() error {
	return fieldsWrong().Wrong("keys", "jwk-private", "send the public half alone; this private key has been shown and must not be used any more")
}

func unfitKey() *problem.Error {
	return fieldsWrong().Wrong("keys", "jwk-form", "a key is a JWK or PEM: EC P-256, RSA of 2048 to 4096 bits, or Ed25519, for signatures")
}

var errPrivate = errors.New("it is private")

// privateMembers are those of a JWK that no public key has (RFC 7518 §6).
type privateMembers struct {
	D, P, Q, DP, DQ, QI, Oth *json.RawMessage
}

// ReadJWK reads one public key for signatures, EC P-256, RSA of 2048 to 4096
// bits or Ed25519, and leaves out all that is not of the key itself. Without a
// kid it gets its RFC 7638 thumbprint.
func ReadJWK(text []byte) (jose.JSONWebKey, error) {
	var given jose.JSONWebKey
	var private privateMembers
	if err := errors.Join(json.Unmarshal(text, &private), given.UnmarshalJSON(text)); err != nil {
		return jose.JSONWebKey{}, err
	}
	if !given.IsPublic() || private != (privateMembers{}) {
		if _, symmetric := given.Key.([]byte); symmetric {
			return jose.JSONWebKey{}, errors.New("it is symmetric")
		}
		return jose.JSONWebKey{}, errPrivate
	}
	algorithm := signatureAlgorithm(given.Key)
	named := given.Algorithm == "" || given.Algorithm == algorithm || algorithm == "EdDSA" && given.Algorithm == "Ed25519" // RFC 9864
	if algorithm == "" || !named || given.Use != "" && given.Use != "sig" {
		return jose.JSONWebKey{}, fmt.Errorf("%T for %q, use %q", given.Key, given.Algorithm, given.Use)
	}
	jwk := jose.JSONWebKey{Key: given.Key, KeyID: given.KeyID, Use: "sig", Algorithm: algorithm}
	if jwk.KeyID == "" {
		sum, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil {
			return jose.JSONWebKey{}, err
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	}
	return jwk, nil
}

// maxSetKeys is how many keys a set at a jwks_uri may hold for us: a signature
// without kid is tried with each.
const maxSetKeys = 10

// ReadJWKS reads the set at a client's jwks_uri (RFC 7517 §5), and gives those
// keys of it that may sign an assertion, by kid; one without kid is under its
// thumbprint. Others are passed over, as the RFC says. It refuses a set with
// more than 10 such keys, with a kid twice, or with a private key, which has
// been shown to the world.
func ReadJWKS(text []byte) (map[string]crypto.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("read JWK set: %w", err)
	}
	keys := map[string]crypto.PublicKey{}
	for _, one := range set.Keys {
		jwk, err := ReadJWK(one)
		if errors.Is(err, errPrivate) {
			return nil, fmt.Errorf("read JWK set: %w", err)
		} else if err != nil {
			continue
		}
		if keys[jwk.KeyID] != nil {
			return nil, fmt.Errorf("read JWK set: kid %.100q stands twice", jwk.KeyID)
		}
		if keys[jwk.KeyID] = jwk.Key; len(keys) > maxSetKeys {
			return nil, fmt.Errorf("read JWK set: more than %d keys", maxSetKeys)
		}
	}
	return keys, nil
}

// signatureAlgorithm is the one that a key may be used with, or "".
func signatureAlgorithm(key crypto.PublicKey) string {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return "ES256"
		}
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= 2048 && bits <= 4096 && k.E >= 3 && k.E%2 == 1 {
			return "PS256"
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return "EdDSA"
		}
	}
	return ""
}
