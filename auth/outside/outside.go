// Package outside answers who a person is at an outside OpenID provider: code
// flow with PKCE, state and nonce (OpenID Connect Core 1.0 §3.1; RFC 9700).
package outside

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"lgsp/internal/problem"
)

// Provider is the outside provider, as the operator has set it up there.
type Provider struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	NameVI       string // as people call it
	NameEN       string
	Redirect     string       // our address that it sends browsers back to
	Client       *http.Client // egress-safe
	Now          func() time.Time

	known   atomic.Pointer[discovered] // nil: it has not answered so far
	mu      sync.Mutex                 // of who asks it about itself
	askedAt time.Time                  // when that was last done
	failed  error                      // what came of it
}

// discovered is what the provider says of itself.
type discovered struct {
	*oidc.Provider
	sendsIssuer bool // RFC 9207 §3
	style       oauth2.AuthStyle
	end         string // where people sign out there; "" when it has no such page
}

// Ask is one way to the provider and back.
type Ask struct {
	State, Nonce string
	Verifier     string // PKCE
	Fresh        bool   // the person is to prove themself there although they are signed in
}

// Claims are what the provider says of a person.
type Claims struct {
	Subject string
	Email   string // "" unless verified
	Name    string
	At      time.Time // when they proved it there, to the second; zero when it does not say
}

// What the provider says of itself is asked for anew before people are sent
// there: one that is away is told of on our page, not by the browser's. While it
// does not answer it is asked only now and then.
const (
	knownLasts  = time.Minute
	failedLasts = 5 * time.Second
)

// How long ago, at most, a person may have signed in at the provider: as long
// as a session of ours may be idle, or just now. Who asks for a max_age is also
// told when it was (OpenID Connect Core 1.0 §2, auth_time).
const (
	maxAge   = 12 * time.Hour
	freshAge = 10 * time.Minute
)

// maxAnswer bounds what is read of one answer of the provider, in bytes.
const maxAnswer = 1 << 20

// maxWait bounds one exchange with the provider.
const maxWait = 10 * time.Second

// bounded cuts every answer of the provider.
type bounded struct{ next http.RoundTripper }

// RoundTrip passes the request on.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxAnswer), answer.Body}
	}
	return answer, err
}

// client puts the egress-safe client into ctx, where go-oidc and oauth2 look for it.
func (p *Provider) client(ctx context.Context) context.Context {
	safe := *p.Client
	safe.Transport = bounded{safe.Transport}
	return oidc.ClientContext(ctx, &safe)
}

// discover is what the provider has said about itself lately.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lasts := knownLasts
	if p.failed != nil {
		lasts = failedLasts
	}
	if now := p.Now(); p.askedAt.IsZero() || now.Sub(p.askedAt) >= lasts {
		known, err := p.ask(ctx)
		if err == nil {
			p.known.Store(known)
		}
		p.askedAt, p.failed = now, err
	}
	return p.known.Load(), p.failed
}

// ask asks the provider about itself.
func (p *Provider) ask(ctx context.Context) (*discovered, error) {
	// Its keys are fetched later with this context's client: it must not end.
	provider, err := oidc.NewProvider(p.client(context.WithoutCancel(ctx)), p.Issuer)
	if err != nil {
		return nil, down(err)
	}
	var says struct {
		SendsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
		End         string   `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, down(err)
	}
	known := &discovered{Provider: provider, sendsIssuer: says.SendsIssuer, style: oauth2.AuthStyleInHeader}
	if len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		known.style = oauth2.AuthStyleInParams
	}
	if end, err := url.Parse(says.End); err == nil && (end.Scheme == "https" || end.Scheme == "http") && end.Host != "" {
		query := end.Query()
		query.Set("client_id", p.ClientID)
		end.RawQuery = query.Encode()
		known.end = end.String()
	}
	return known, nil
}

// EndURL is where a person signs out at the provider (OpenID Connect
// RP-Initiated Logout 1.0 §2); "" when there is no such page, or we do not know
// of it. The provider asks whether they mean it.
func (p *Provider) EndURL() string {
	if known := p.known.Load(); known != nil {
		return known.end
	}
	return ""
}

func down(err error) error {
	return problem.Errorf(problem.BadGateway, "the provider does not answer as it should").Coded("provider-down").Because(err)
}

func refused(err error) error {
	return problem.Errorf(problem.BadGateway, "the provider's answer does not hold").Coded("provider-answer-wrong").Because(err)
}

func (p *Provider) config(known *discovered) *oauth2.Config {
	endpoint := known.Endpoint()
	endpoint.AuthStyle = known.style
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.Redirect,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
}

// Address is where the browser goes to sign in there. It fails with BadGateway
// when the provider does not answer.
func (p *Provider) Address(ctx context.Context, ask Ask) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	known, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	age, options := maxAge, []oauth2.AuthCodeOption{oidc.Nonce(ask.Nonce), oauth2.S256ChallengeOption(ask.Verifier)}
	if ask.Fresh {
		age, options = freshAge, append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	options = append(options, oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(age.Seconds()))))
	return p.config(known).AuthCodeURL(ask.State, options...), nil
}

// Finish turns the provider's answer to the browser into who is there. answer
// are the parameters that the browser came back with, whose state the caller
// has matched. It fails with Forbidden when the person was refused there or
// gave up, and with BadGateway when the answer does not hold.
func (p *Provider) Finish(ctx context.Context, answer url.Values, nonce, verifier string) (Claims, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	known := p.known.Load() // of when the browser was sent there, unless we began anew since
	if known == nil {
		var err error
		if known, err = p.discover(ctx); err != nil {
			return Claims{}, err
		}
	}
	if iss := answer.Get("iss"); iss != p.Issuer && (iss != "" || known.sendsIssuer) {
		return Claims{}, refused(errors.New("iss is not the provider's"))
	}
	if code := answer.Get("error"); code != "" {
		return Claims{}, problem.Errorf(problem.Forbidden, "the provider refused").Coded("provider-refused").Because(errors.New("the provider says: " + code))
	}
	ctx = p.client(ctx)
	token, err := p.config(known).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return Claims{}, exchangeFault(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Claims{}, refused(errors.New("no id_token"))
	}
	id, err := known.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Now}).Verify(ctx, raw)
	if err != nil {
		return Claims{}, refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return Claims{}, refused(errors.New("the nonce is another"))
	}
	return p.claims(ctx, known, id, token)
}

// exchangeFault is a failed exchange without the provider's body, which may
// repeat what we sent.
func exchangeFault(err error) error {
	var fault *oauth2.RetrieveError
	if !errors.As(err, &fault) {
		return down(err)
	}
	said := errors.New("the token endpoint answered " + fault.Response.Status + " " + fault.ErrorCode)
	if fault.Response.StatusCode >= http.StatusInternalServerError {
		return down(said)
	}
	return refused(said)
}

// claims reads the token, and asks userinfo for what it does not say.
func (p *Provider) claims(ctx context.Context, known *discovered, id *oidc.IDToken, token *oauth2.Token) (Claims, error) {
	var said struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Name     string `json:"name"`
		At       int64  `json:"auth_time"`
	}
	if err := id.Claims(&said); err != nil {
		return Claims{}, refused(err)
	}
	at := said.At // what userinfo says of it is not signed
	if said.Email == "" && known.UserInfoEndpoint() != "" {
		info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return Claims{}, refused(err)
		}
		if info.Subject != id.Subject { // OpenID Connect Core 1.0 §5.3.2
			return Claims{}, refused(errors.New("userinfo is about somebody else"))
		}
		if err := info.Claims(&said); err != nil {
			return Claims{}, refused(err)
		}
	}
	c := Claims{Subject: id.Subject, Name: said.Name}
	if at > 0 {
		c.At = time.Unix(at, 0).UTC()
	}
	if said.Verified {
		c.Email = said.Email
	}
	if c.Subject == "" || len(c.Subject) > 255 {
		return Claims{}, refused(errors.New("no subject"))
	}
	return c, nil
}
