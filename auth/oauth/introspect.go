package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// active is the answer of RFC 7662 §2.2 about a token to be believed.
type active struct {
	Active    bool   `json:"active"`
	TokenType string `json:"token_type"`
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"`
	Client    string `json:"client_id"`
	ID        string `json:"jti"`
	Issued    int64  `json:"iat"`
	Expires   int64  `json:"exp"`
	Scope     string `json:"scope,omitempty"`

	AuthTime int64    `json:"auth_time,omitempty"` // RFC 9470 §6.2
	Level    string   `json:"acr,omitempty"`
	Bound    *binding `json:"cnf,omitempty"` // RFC 9449 §6.2, RFC 8705 §3.2: for the caller to check
	Actor    *actor   `json:"act,omitempty"` // RFC 8693 §4.1
}

func (t Token) active() active {
	a := active{
		Active: true, TokenType: t.Bound.tokenType(), Issuer: t.Issuer, Audience: t.Audience, Subject: t.Subject, Client: t.Client, ID: t.ID,
		Issued: t.Issued.Unix(), Expires: t.Expires.Unix(), Scope: strings.Join(t.Scopes, " "), AuthTime: unix(t.AuthTime), Level: t.Level,
	}
	if t.Bound != (binding{}) {
		a.Bound = &t.Bound
	}
	if t.Actor != "" {
		a.Actor = &actor{t.Actor}
	}
	return a
}

// introspect answers POST /oauth2/introspect (RFC 7662). The caller is a
// confidential client that proves itself: a token authorises nobody here. It
// learns of access tokens issued to it, or for an audience it serves; every
// other token, and every refresh token, is inactive to it (F3).
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	caller, err := s.authenticate(ctx, r, r.PostForm)
	if err == nil && caller.IsPublic() {
		err = fosite.ErrInvalidClient.WithHint("A public client may not introspect.")
	}
	if err == nil && r.PostForm.Get("token") == "" {
		err = fosite.ErrInvalidRequest.WithHint("token is missing.")
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	t, err := s.live(ctx, r.PostForm.Get("token"))
	if err == nil {
		err = s.mayIntrospect(ctx, caller, t)
	}
	var answer any = map[string]bool{"active": false}
	if err == nil {
		answer = t.active()
	} else if !isProblem(err) {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, answer)
}

func (s *Server) mayIntrospect(ctx context.Context, caller fosite.Client, t Token) error {
	if t.Client == caller.GetID() {
		return nil
	}
	id, err := uuid.Parse(caller.GetID())
	if err != nil || s.Serves == nil {
		return problem.Errorf(problem.Forbidden, "the token is another client's")
	}
	return s.Serves(ctx, id, t.Audience)
}

const isRevokedSQL = `
select exists (select from auth.revoked_token where jti = $1)
    or exists (select from auth.application where id = $2 and tokens_not_before > $3)`

// Revocations are the access tokens that must not be believed although they
// have not expired: by jti, and all that an application had by a moment.
type Revocations struct {
	tokens  map[string]bool
	younger map[uuid.UUID]time.Time // tokens of an application must be younger
}

func (s *Server) readRevocations(ctx context.Context) (Revocations, error) {
	list, err := s.RevokedTokens(ctx)
	if err != nil {
		return Revocations{}, err
	}
	all := Revocations{tokens: make(map[string]bool, len(list))}
	for _, t := range list {
		all.tokens[t.JTI] = true
	}
	all.younger, err = s.Younger(ctx)
	return all, err
}

// notRevoked is nil for a token that is not revoked, nor all that its
// application had; an Unauthorized problem otherwise.
func (s *Server) notRevoked(ctx context.Context, t Token) error {
	revoked := false
	if s.Revocations == nil {
		if err := s.DB.QueryRow(ctx, isRevokedSQL, t.ID, t.Client, t.Issued).Scan(&revoked); err != nil {
			return fmt.Errorf("look up token %s: %w", t.ID, err)
		}
	} else {
		all, err := s.Revocations.Get(ctx, struct{}{}, s.readRevocations)
		if err != nil {
			return err
		}
		client, _ := uuid.Parse(t.Client) // a token of ours names one
		revoked = all.tokens[t.ID] || all.younger[client].After(t.Issued)
	}
	if revoked {
		return refused("token-revoked", "the token was revoked; ask for a new one")
	}
	return nil
}

// forget makes this node look again at once after it has revoked something;
// other nodes hear of it by the notice.
func (s *Server) forget() {
	if s.Revocations != nil {
		s.Revocations.Feed.Forget()
	}
}

// live verifies an access token of ours, whoever sends it and whatever it is
// for and bound to: to tell about it, not to act on it.
func (s *Server) live(ctx context.Context, token string) (Token, error) {
	t, err := s.verifier.verify(token)
	if err != nil {
		return Token{}, err
	}
	return *t, s.notRevoked(ctx, *t)
}

// believe verifies a presented token for the platform itself, whose audience
// is the issuer. It returns the problems of Verifier.Verify.
func (s *Server) believe(ctx context.Context, p auth.Presented) (Token, error) {
	t, err := s.verifier.Verify(ctx, p, s.Issuer)
	if err == nil {
		err = s.notRevoked(ctx, t)
	}
	return t, err
}

// WhoByAccessToken is the principal of an access token for the platform's own
// API: its audience is the issuer, its scope holds lgsp.manage. It returns
// Unauthorized for a token not to be believed and Forbidden (scope-missing)
// without the scope, which a sign-in by OpenID Connect does not give.
func (s *Server) WhoByAccessToken(ctx context.Context, p auth.Presented) (auth.Principal, error) {
	t, err := s.believe(ctx, p)
	if err != nil {
		return auth.Principal{}, err
	}
	if !t.Has(ScopeManage) {
		return auth.Principal{}, problem.Errorf(problem.Forbidden, "the token lacks the scope %s; ask for one with it", ScopeManage).
			Coded("scope-missing", "scope", ScopeManage).
			Sends("WWW-Authenticate", p.Scheme+` realm="lgsp", error="insufficient_scope", scope="`+ScopeManage+`"`)
	}
	application, err := s.client(ctx, t.Client)
	if errors.Is(err, fosite.ErrInvalidClient) {
		return auth.Principal{}, refused("token-untrusted", "the application of this token is disabled or gone").Because(err)
	} else if err != nil {
		return auth.Principal{}, err
	}
	if t.Subject == t.Client {
		return s.WhoByApplication(ctx, application.ID)
	}
	person, err := uuid.Parse(t.Subject)
	if err != nil {
		return auth.Principal{}, refused("token-untrusted", "the token names nobody").Because(err)
	}
	return s.WhoByProof(ctx, person, t.Level)
}

// userinfo answers GET and POST /oauth2/userinfo (OpenID Connect Core §5.3).
// The token stands in the Authorization header and nowhere else (F13).
func (s *Server) userinfo(w http.ResponseWriter, r *http.Request) {
	p, err := auth.PresentedBy(r, auth.OriginOf(r, s.Issuer, s.ClientURL)+r.URL.EscapedPath())
	if p.Is(auth.DPoPScheme) {
		w.Header().Set("DPoP-Nonce", s.Nonce())
	}
	if err == nil && (p.Token == "" || r.URL.RawQuery != "") {
		err = refused("token-absent", "send an access token in the Authorization header, as Bearer or DPoP")
	}
	var claims map[string]any
	if err == nil {
		claims, err = s.userClaims(r.Context(), p)
	}
	if e := problem.Of(err); e != nil && e.Kind == problem.Unauthorized {
		p.Challenge(e, "")
	}
	if isAway(err) {
		err = problem.Errorf(problem.Unavailable, "nothing was done; try again in a few seconds").Sends("Retry-After", "5").Because(err)
	}
	if err != nil {
		problem.Write(w, r, err)
		return
	}
	writeJSON(w, claims)
}

// userClaims are what the scopes of a token tell of its person (OpenID Connect
// Core §5.4).
func (s *Server) userClaims(ctx context.Context, p auth.Presented) (map[string]any, error) {
	person, t, err := s.personOf(ctx, p)
	if err != nil {
		return nil, err
	}
	claims := map[string]any{"sub": t.Subject}
	if t.Has(scopeProfile) {
		claims["name"], claims["locale"] = person.Name, person.Locale
	}
	if t.Has(scopeEmail) {
		claims["email"] = person.Email
		claims["email_verified"], err = s.EmailProved(ctx, person.ID)
	}
	return claims, err
}

// personOf is the person of a token with scope openid for the issuer.
func (s *Server) personOf(ctx context.Context, p auth.Presented) (auth.Person, Token, error) {
	t, err := s.believe(ctx, p)
	if err != nil {
		return auth.Person{}, Token{}, err
	}
	if !t.Has(scopeOpenID) {
		return auth.Person{}, Token{}, problem.Errorf(problem.Forbidden, "the token is not for this address; ask for one with scope openid and no audience").
			Coded("scope-missing", "scope", scopeOpenID).
			Sends("WWW-Authenticate", p.Scheme+` realm="lgsp", error="insufficient_scope", scope="openid"`)
	}
	id, err := uuid.Parse(t.Subject)
	if err != nil {
		return auth.Person{}, Token{}, refused("token-untrusted", "the token names nobody").Because(err)
	}
	found, err := s.Persons(ctx, []uuid.UUID{id})
	if err != nil {
		return auth.Person{}, Token{}, fmt.Errorf("read person %s: %w", id, err)
	}
	person, ok := found[id]
	if !ok || person.DisabledAt != nil {
		return auth.Person{}, Token{}, refused("token-untrusted", "the person of this token is disabled or gone")
	}
	return person, t, nil
}

// writeJSON answers with what no cache may keep.
func writeJSON(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer) // the caller may have gone
}

// RevokedToken is an access token that must not be believed any more.
type RevokedToken struct {
	JTI     string
	Expires time.Time `db:"expires_at"` // by itself; afterwards it need not be remembered
}
