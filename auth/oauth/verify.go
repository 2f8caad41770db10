package oauth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unique"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

const (
	maxToken     = 8 << 10 // bytes, looked at before anything is parsed
	maxVerdicts  = 20_000  // remembered by one verifier: some 15 MB
	clockLeeway  = 30 * time.Second
	longestToken = 24 * time.Hour // a token with a longer life is none of ours
)

// Token is what a verified access token says.
type Token struct {
	ID       string // jti
	Issuer   string
	Audience string
	Subject  string // a person's id, or the client's when it acts by itself
	Client   string
	Scopes   []string
	Issued   time.Time
	Expires  time.Time
	AuthTime time.Time // of the person's last proof; zero for an application
	Level    string    // acr: auth.AAL1, AAL2; "" for an application
	Methods  []string  // amr
	Bound    binding   // what else its bearer must hold
	Actor    string    // the client that acts for the subject after an exchange; "" otherwise

	key       *ecdsa.PublicKey
	kid       string
	notBefore time.Time
}

// Verifier checks access tokens (RFC 9068 §4) with no call back to the
// server: alg, typ, key, issuer, audience, times, and the jti against what was
// revoked. It fetches nothing a token names. A token that held is remembered
// under the SHA-256 of its whole text; its times, audience, key and jti are
// looked at again at each use, and so is what it is bound to: a DPoP proof
// counts for one request. It is for use by any number of goroutines.
type Verifier struct {
	Issuer  string
	Keys    func() map[string]*ecdsa.PublicKey // by kid, P-256; the map is not changed afterwards
	Now     func() time.Time
	Revoked func(jti string) bool
	Nonces  keyring.Ring // key DPoP nonces; the same for all nodes (lgsp dpop nonce v1)
	// Spend takes a DPoP proof, false when it was taken before; it may forget
	// it at until. Spent.Take is one.
	Spend func(ctx context.Context, proof [32]byte, until time.Time) (bool, error)

	byHash sync.Map // [32]byte → *Token, read without a lock
	mu     sync.Mutex
	byID   map[string][32]byte // jti → the one text remembered for it
}

// Verify gives what a presented token says when it is to be believed at
// audience: of whom it is bound to, and nobody else. Otherwise it returns
// Unauthorized, with the code token-absent, token-malformed, token-untrusted,
// token-audience, token-expired, token-revoked, token-certificate, or one that
// begins with dpop-; or Unavailable (dpop-busy).
func (v *Verifier) Verify(ctx context.Context, p auth.Presented, audience string) (Token, error) {
	t, err := v.verify(p.Token)
	if err != nil {
		return Token{}, err
	}
	if t.Audience != audience {
		return Token{}, refused("token-audience", "the token is for %s, not for %s; ask for one with audience=%s", t.Audience, audience, audience).
			Coded("token-audience", "has", t.Audience, "want", audience)
	}
	if err := v.holds(ctx, t, p); err != nil {
		return Token{}, err
	}
	return *t, nil
}

// verify checks a token by itself, for whatever audience and binding it has.
func (v *Verifier) verify(text string) (*Token, error) {
	if len(text) > maxToken {
		return nil, refused("token-malformed", "the token is longer than %d bytes", maxToken)
	}
	hash := sha256.Sum256([]byte(text))
	keys := v.Keys()
	if known, ok := v.byHash.Load(hash); ok {
		t := known.(*Token)
		if key := keys[t.kid]; key != nil && key.Equal(t.key) { // a key withdrawn takes its tokens along
			return v.current(t)
		}
	}
	t, err := parse(text, v.Issuer, keys)
	if err != nil {
		return nil, err
	}
	if t, err = v.current(t); err != nil {
		return nil, err
	}
	v.remember(hash, t)
	return t, nil
}

// current checks what time and revocation change.
func (v *Verifier) current(t *Token) (*Token, error) {
	now := v.Now()
	switch {
	case !now.Before(t.Expires):
		return nil, refused("token-expired", "the token expired at %s; ask for a new one", t.Expires.UTC().Format(time.RFC3339)).
			Coded("token-expired", "at", t.Expires.UTC().Format(time.RFC3339))
	case now.Add(clockLeeway).Before(t.notBefore), now.Add(clockLeeway).Before(t.Issued):
		return nil, refused("token-untrusted", "the token is not valid yet; check the clock")
	case v.Revoked(t.ID):
		return nil, refused("token-revoked", "the token was revoked; ask for a new one")
	}
	return t, nil
}

// remember keeps a verdict, in place of one of another text with the same jti
// (an ES256 signature has a twin that also holds). A full memory forgets any one.
func (v *Verifier) remember(hash [32]byte, t *Token) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byID == nil {
		v.byID = map[string][32]byte{}
	}
	if other, ok := v.byID[t.ID]; ok {
		v.byHash.Delete(other)
	} else if len(v.byID) >= maxVerdicts {
		for id, text := range v.byID { // the order of a map is random
			v.byHash.Delete(text)
			delete(v.byID, id)
			break
		}
	}
	v.byID[t.ID] = hash
	v.byHash.Store(hash, t)
}

// jwtHeader is all that a header of ours holds.
type jwtHeader struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	Key       string `json:"kid"`
}

// claims are those of accessClaims as they come: nbf too, and an audience
// that must be one string.
type claims struct {
	accessClaims
	NotBefore int64 `json:"nbf"`
}

// parse reads a compact JWS, strictly: a header of exactly alg, typ and kid
// (so no crit, jwk, jku, x5u or b64), ES256 by a key we know, our issuer. A
// claim that is not known here is refused too: it may be a condition (cnf).
func parse(text, issuer string, keys map[string]*ecdsa.PublicKey) (*Token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || strings.ContainsAny(text, "\r\n") { // which encoding/base64 would skip
		return nil, refused("token-malformed", "the token is no JWT of three parts")
	}
	head, body := parts[0], parts[1]
	var header jwtHeader
	if err := decodePart(head, &header); err != nil {
		return nil, refused("token-malformed", "the token's header cannot be read").Because(err)
	}
	if header.Algorithm != "ES256" {
		return nil, refused("token-untrusted", "the token is not signed with ES256")
	}
	if header.Type != "at+jwt" && header.Type != "application/at+jwt" {
		return nil, refused("token-untrusted", "the token is not an access token: its typ is not at+jwt")
	}
	key, ok := keys[header.Key]
	if !ok {
		return nil, refused("token-untrusted", "the token is signed with a key that is not ours, or no longer")
	}
	signature, err := strict64.DecodeString(parts[2])
	if err != nil || !verifyES256(key, head+"."+body, signature) {
		return nil, refused("token-untrusted", "the token's signature does not hold")
	}
	var c claims
	if err := decodePart(body, &c); err != nil {
		return nil, refused("token-malformed", "the token's claims cannot be read").Because(err)
	}
	if c.Issuer != issuer {
		return nil, refused("token-untrusted", "the token is from another issuer")
	}
	life := c.Expires - c.Issued
	if c.ID == "" || c.Audience == "" || c.Subject == "" || c.Client == "" || c.Issued <= 0 || life <= 0 || life > int64(longestToken/time.Second) {
		return nil, refused("token-untrusted", "the token lacks a claim that RFC 9068 asks for")
	}
	if c.Bound == nil {
		c.Bound = &binding{}
	} else if *c.Bound == (binding{}) {
		return nil, refused("token-untrusted", "the token is bound to nothing that is known here")
	}
	if c.Actor == nil {
		c.Actor = &actor{}
	} else if c.Actor.Subject == "" {
		return nil, refused("token-untrusted", "the token does not name who acts")
	}
	t := &Token{
		ID: c.ID, Issuer: issuer, Audience: once(c.Audience), Subject: once(c.Subject), Client: once(c.Client),
		Scopes: strings.Fields(c.Scope), Issued: time.Unix(c.Issued, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(),
		key: key, kid: once(header.Key), notBefore: time.Unix(c.NotBefore, 0).UTC(),
		Level: c.Level, Methods: c.Methods, Bound: *c.Bound, Actor: c.Actor.Subject,
	}
	if c.AuthTime != 0 {
		t.AuthTime = time.Unix(c.AuthTime, 0).UTC()
	}
	return t, nil
}

// once is a text that many tokens hold, stored once for all of them.
func once(text string) string { return unique.Make(text).Value() }

// strict64 refuses padding, line breaks and stray bits, so that a text has one spelling.
var strict64 = base64.RawURLEncoding.Strict()

func decodePart(part string, into any) error {
	raw, err := strict64.DecodeString(part)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("more than one JSON value")
	}
	return nil
}

// Has reports whether the token carries a scope.
func (t Token) Has(scope string) bool { return slices.Contains(t.Scopes, scope) }

func refused(code, format string, args ...any) *problem.Error {
	return problem.Errorf(problem.Unauthorized, format, args...).Coded(code)
}
