package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
	"github.com/ory/fosite/token/hmac"

	"lgsp/auth"
	"lgsp/internal/keyring"
)

// What a code and a refresh token begin with, so that scanners of leaks can
// tell them.
const (
	codePrefix    = "lgsp_code_"
	refreshPrefix = "lgsp_refresh_"
)

// strategy makes the texts of tokens, for fosite: codes and refresh tokens are
// random and carry an HMAC, access tokens are JWTs and known by their jti
// where fosite says signature (F18).
type strategy struct {
	server *Server
	hmac   *hmac.HMACStrategy
}

func newStrategy(s *Server) *strategy {
	return &strategy{server: s, hmac: &hmac.HMACStrategy{Config: &hmacConfig{Config: &fosite.Config{}, keys: s.HMACs}}}
}

// hmacConfig gives fosite the keys of codes and refresh tokens: the current one
// makes, each is accepted.
type hmacConfig struct {
	*fosite.Config
	keys keyring.Ring
}

// GetGlobalSecret is the key that makes.
func (c *hmacConfig) GetGlobalSecret(context.Context) ([]byte, error) { return c.keys.Key(), nil }

// GetRotatedGlobalSecrets are those that are accepted.
func (c *hmacConfig) GetRotatedGlobalSecrets(context.Context) ([][]byte, error) {
	return c.keys.Any(), nil
}

// AuthorizeCodeSignature is what a code is kept as.
func (y *strategy) AuthorizeCodeSignature(_ context.Context, code string) string {
	return y.hmac.Signature(strings.TrimPrefix(code, codePrefix))
}

// GenerateAuthorizeCode makes a code and its signature.
func (y *strategy) GenerateAuthorizeCode(ctx context.Context, _ fosite.Requester) (string, string, error) {
	code, signature, err := y.hmac.Generate(ctx)
	return codePrefix + code, signature, err
}

// ValidateAuthorizeCode checks the HMAC; the store knows the expiry.
func (y *strategy) ValidateAuthorizeCode(ctx context.Context, _ fosite.Requester, code string) error {
	return y.hmac.Validate(ctx, strings.TrimPrefix(code, codePrefix))
}

// RefreshTokenSignature is what a refresh token is kept as.
func (y *strategy) RefreshTokenSignature(_ context.Context, token string) string {
	return y.hmac.Signature(strings.TrimPrefix(token, refreshPrefix))
}

// GenerateRefreshToken makes a refresh token and its signature.
func (y *strategy) GenerateRefreshToken(ctx context.Context, _ fosite.Requester) (string, string, error) {
	token, signature, err := y.hmac.Generate(ctx)
	return refreshPrefix + token, signature, err
}

// ValidateRefreshToken checks the HMAC; the store knows the expiry.
func (y *strategy) ValidateRefreshToken(ctx context.Context, _ fosite.Requester, token string) error {
	return y.hmac.Validate(ctx, strings.TrimPrefix(token, refreshPrefix))
}

// accessClaims are the claims of an access token (RFC 9068 §2.2).
type accessClaims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Client   string `json:"client_id"`
	ID       string `json:"jti"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Scope    string `json:"scope,omitempty"`

	AuthTime int64    `json:"auth_time,omitempty"`
	Level    string   `json:"acr,omitempty"`
	Methods  []string `json:"amr,omitempty"`
	Bound    *binding `json:"cnf,omitempty"`
	Actor    *actor   `json:"act,omitempty"`
}

// actor is who acts for the subject of a token (RFC 8693 §4.1): one, and for
// nobody else in turn.
type actor struct {
	Subject string `json:"sub"` // a client_id
}

// lifeOf is how long an access token lives that a request is given at now: no
// longer than the one it is exchanged for.
func lifeOf(request fosite.Requester, now time.Time) time.Duration {
	if known, ok := request.GetSession().(*session); ok && known.exchange != nil {
		return min(accessLife, known.exchange.subject.Expires.Sub(now))
	}
	return accessLife
}

// GenerateAccessToken makes a JWT access token; its "signature" is the jti. A
// token without exactly one audience is never made.
func (y *strategy) GenerateAccessToken(_ context.Context, request fosite.Requester) (string, string, error) {
	if n := len(request.GetGrantedAudience()); n != 1 {
		return "", "", fmt.Errorf("sign access token: it has %d audiences", n)
	}
	if err := checkBound(request); err != nil { // whichever way led here
		return "", "", err
	}
	now := y.server.Now()
	claims := accessClaims{
		Issuer: y.server.Issuer, Audience: request.GetGrantedAudience()[0],
		Subject: request.GetSession().GetSubject(), Client: request.GetClient().GetID(),
		ID:     uuid.NewString(), // random: it tells nothing about when or where
		Issued: now.Unix(), Expires: now.Add(lifeOf(request, now)).Unix(),
		Scope: strings.Join(request.GetGrantedScopes(), " "),
	}
	if known, ok := request.GetSession().(*session); ok {
		if known.binding != (binding{}) {
			claims.Bound = &known.binding
		}
		if known.exchange != nil {
			claims.Actor = &actor{claims.Client}
		}
		if known.person != uuid.Nil {
			claims.AuthTime, claims.Level, claims.Methods = unix(known.proof.At), known.proof.Level(), known.proof.Methods
		}
	}
	if claims.Subject == "" { // an application that acts by itself (RFC 9068 §2.2)
		claims.Subject = claims.Client
	}
	token, err := y.server.sign(auth.ES256, "at+jwt", claims)
	return token, claims.ID, err
}

// AccessTokenSignature and ValidateAccessToken are for fosite's introspection
// and revocation, which are not in use here (F3, F9).
func (y *strategy) AccessTokenSignature(context.Context, string) string { return "" }

// ValidateAccessToken refuses; see AccessTokenSignature.
func (y *strategy) ValidateAccessToken(context.Context, fosite.Requester, string) error {
	return fosite.ErrRequestUnauthorized
}

// idClaims are the claims of an ID token (OpenID Connect Core §2).
type idClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	AuthTime int64  `json:"auth_time,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	AtHash   string `json:"at_hash"`

	Level   string   `json:"acr,omitempty"`
	Methods []string `json:"amr,omitempty"`
	Session string   `json:"sid,omitempty"` // OpenID Connect Back-Channel Logout 1.0 §2.1
}

// idToken makes the ID token that goes with an access token, signed by the
// algorithm of its client. Either hashes with SHA-256, and so does at_hash.
func (y *strategy) idToken(request fosite.Requester, access string) (string, error) {
	now := y.server.Now()
	sum := sha256.Sum256([]byte(access))
	claims := idClaims{
		Issuer: y.server.Issuer, Subject: request.GetSession().GetSubject(), Audience: request.GetClient().GetID(),
		Expires: now.Add(idTokenLife).Unix(), Issued: now.Unix(),
		AtHash: base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if known, ok := request.GetSession().(*session); ok {
		claims.Nonce, claims.AuthTime = known.nonce, unix(known.proof.At)
		claims.Level, claims.Methods = known.proof.Level(), known.proof.Methods
		if known.proof.Session != uuid.Nil {
			claims.Session = known.proof.Session.String()
		}
	}
	algorithm := auth.ES256
	if known, ok := request.GetClient().(*client); ok {
		algorithm = known.IDTokenAlgorithm
	}
	return y.server.sign(algorithm, "JWT", claims)
}

// unix is 0 for a time that is not known, which leaves a claim out.
func unix(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

// sign makes a compact JWS with the key in use for an algorithm.
func (s *Server) sign(algorithm, typ string, claims any) (string, error) {
	by, ok := s.keys.Load().sign[algorithm]
	if !ok {
		return "", fmt.Errorf("sign token: no key for %q", algorithm)
	}
	header, err := json.Marshal(jwtHeader{Algorithm: algorithm, Type: typ, Key: by.kid})
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(header) + "." + b64.EncodeToString(payload)
	signature, err := signatureBy(by.key, text)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text + "." + b64.EncodeToString(signature), nil
}
