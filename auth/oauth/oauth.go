// Package oauth answers which program may act, for whom and where: the
// OAuth 2 and OpenID Connect server, on fosite, and the verifier of its tokens.
//
// fosite v0.49.0 gives the order of a grant and the wording of errors. What it
// leaves open or gets wrong is done here, each with a test that names it:
// client authentication, PKCE bound to the code, codes and refresh tokens
// spent by one statement, audiences, introspection, revocation, bodies.
package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/recall"
)

// How long things live. Access tokens are short because a gateway believes
// them without asking; codes as RFC 9700 advises.
const (
	accessLife  = 5 * time.Minute
	idTokenLife = time.Hour
	codeLife    = time.Minute
	consentLife = 10 * time.Minute
	refreshLife = 30 * 24 * time.Hour  // of one refresh token
	grantLife   = 180 * 24 * time.Hour // of all that come of one authorization
	keyNotice   = 2 * time.Minute      // a key is published this long before it signs
	reloadEvery = time.Minute          // at which every node reads the keys again
	bodyLimit   = 64 << 10             // bytes
	requestLife = 10 * time.Second     // to send a request, and for us to answer it
)

// The scopes. They narrow what a token may do at the platform itself; what it
// may do at an API is decided by the agreement, at the call.
const (
	ScopeManage  = "lgsp.manage" // the management API, for the person or the application
	scopeOpenID  = "openid"
	scopeProfile = "profile"
	scopeEmail   = "email"
	scopeOffline = "offline_access"
)

var allScopes = []string{scopeOpenID, scopeProfile, scopeEmail, scopeOffline, ScopeManage}

// SignedIn is who sits at the browser, and how they proved it.
type SignedIn struct {
	Who auth.Principal
	auth.Proof
}

// Server is the authorization server. Call Prepare before Routes.
type Server struct {
	DB  pg.DB
	Now func() time.Time // time.Now outside tests

	Issuer string // LGSP_ISSUER, no slash at its end; the audience of /api/v1
	Portal string // LGSP_PORTAL_URL, where people sign in and consent

	HMACs  keyring.Ring // key codes and refresh tokens (lgsp oauth hmac v1)
	Seals  keyring.Ring // seal the signing keys (lgsp seal v1)
	Nonces keyring.Ring // key DPoP nonces (lgsp dpop nonce v1)

	// Client is an application by its id, disabled or not; NotFound otherwise.
	// VerifySecret is nil when the secret proves the application and is used
	// from there, else Unauthorized. Address is where a request comes from.
	Client       func(ctx context.Context, id uuid.UUID) (auth.Application, error)
	VerifySecret func(ctx context.Context, clientID, secret string, from netip.Addr) error
	Address      func(r *http.Request) netip.Addr
	// ClientKeys are the public keys set for an application, by kid. Fetch
	// reaches public addresses only, for the jwks_uri of others.
	ClientKeys func(ctx context.Context, application uuid.UUID) (map[string]crypto.PublicKey, error)
	Fetch      *http.Client
	// ClientCAs vouch for the certificates of clients; nil when none do.
	ClientCAs func() *x509.CertPool
	// ClientURL is the public origin where clients show certificates, "" when
	// there is none.
	ClientURL string

	// SessionPerson is the person of the browser's session, Unauthorized
	// without one. WhoByProof (of what was proved for it, an acr) and
	// WhoByApplication are the principals a token names, WhoByPerson is somebody
	// to look at; or a problem when they may not act any more. Persons and
	// EmailProved are for userinfo.
	SessionPerson    func(r *http.Request) (SignedIn, error)
	WhoByPerson      func(ctx context.Context, person uuid.UUID) (auth.Principal, error)
	WhoByProof       func(ctx context.Context, person uuid.UUID, level string) (auth.Principal, error)
	WhoByApplication func(ctx context.Context, application uuid.UUID) (auth.Principal, error)
	Persons          func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]auth.Person, error)
	EmailProved      func(ctx context.Context, person uuid.UUID) (bool, error)
	// MayActThrough asks the policy whether a person may act through the
	// applications of an agency; it returns a Forbidden problem that names the rule.
	MayActThrough func(ctx context.Context, who auth.Principal, agency uuid.UUID) error

	// Audience is nil when the application may have a token for the API
	// version that audience names; a Forbidden or NotFound problem otherwise.
	// Audiences lists those it may have. Serves is nil when the application is
	// the service behind an audience and may introspect tokens for it; a nil
	// Serves lets a client introspect only its own.
	Audience  func(ctx context.Context, client uuid.UUID, audience string) error
	Audiences func(ctx context.Context, client uuid.UUID) ([]string, error)
	Serves    func(ctx context.Context, client uuid.UUID, audience string) error

	// EndBrowser signs the browser out. Explain shows a person an error that no
	// application can be told of; nil leaves it JSON.
	EndBrowser func(w http.ResponseWriter, r *http.Request) error
	Explain    func(w http.ResponseWriter, r *http.Request, err error)

	// How applications register themselves, and manage what they registered.
	Register         func(ctx context.Context, token string, r auth.Registering) (auth.Registered, error)
	Registration     func(ctx context.Context, application uuid.UUID, token string) (auth.Registered, error)
	EditRegistration func(ctx context.Context, application uuid.UUID, token string, r auth.Registering) (auth.Registered, error)
	EndRegistration  func(ctx context.Context, application uuid.UUID, token string) error

	// NoteShown is told which keys requests held, once they are answered; nil:
	// nobody asks for honey keys.
	NoteShown func(ctx context.Context, keys []auth.Key, where string, from netip.Addr)

	// Record writes an act to the ledger inside the transaction that does it.
	Record auth.RecordFunc

	// Revocations remembers between two notices what is revoked, read with
	// Younger: the moments that tokens of applications must be younger than. Both
	// nil: each token is looked up.
	Younger     func(context.Context) (map[uuid.UUID]time.Time, error)
	Revocations *recall.Memory[struct{}, Revocations]

	fosite   *fosite.Fosite
	store    *store
	register *register
	strategy *strategy
	verifier *Verifier
	keys     atomic.Pointer[keySet]
	remote   remoteKeys
}

// Prepare checks the settings and puts fosite together, every field of it, so
// that nothing is filled in by the first requests (F17). Until MakeKeys or
// TrustKeys, no token is believed.
func (s *Server) Prepare() error {
	var wrong []error
	for _, ring := range []struct {
		of   string
		keys keyring.Ring
	}{{"the OAuth HMAC", s.HMACs}, {"the seal", s.Seals}, {"DPoP nonces", s.Nonces}} { // fosite uses the first 32 bytes and says nothing (F19)
		if err := ring.keys.Check(); err != nil {
			wrong = append(wrong, fmt.Errorf("the key of %s: %w", ring.of, err))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	s.keys.Store(&keySet{})
	s.store = &store{server: s}
	s.register = &register{server: s}
	s.strategy = newStrategy(s)
	s.fosite = s.newProvider()
	s.verifier = &Verifier{
		Issuer: s.Issuer, Keys: s.Keys, Now: s.Now, Revoked: func(string) bool { return false }, // see Server.notRevoked
		Nonces: s.Nonces, Spend: s.spendProof,
	}
	return nil
}

// Run reads the keys again every minute, so that a key made on another node
// is known before it signs, makes one when it is time, and deletes what has
// expired. It ends with ctx.
func (s *Server) Run(ctx context.Context) error {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.ReloadKeys(ctx)
		if err == nil { // else it is not known how old they are
			err = s.rotateInTime(ctx)
		}
		if err := errors.Join(err, s.sweep(ctx)); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "oauth upkeep", "err", err)
		}
	}
}

// Routes registers the protocol's addresses.
func (s *Server) Routes(router *mux.Router) {
	router = router.NewRoute().Subrouter()
	router.Use(inTime(requestLife), s.watch)
	router.HandleFunc("/oauth2/authorize", s.authorize).Methods(http.MethodGet, http.MethodPost)
	router.HandleFunc("/oauth2/logout", s.logout).Methods(http.MethodGet, http.MethodPost)
	router.HandleFunc("/oauth2/introspect", s.introspect).Methods(http.MethodPost)
	for path, open := range map[string]struct {
		methods []string
		serve   http.HandlerFunc
	}{
		"/oauth2/token":                           {[]string{http.MethodPost}, s.token},
		"/oauth2/par":                             {[]string{http.MethodPost}, s.par},
		"/oauth2/device_authorization":            {[]string{http.MethodPost}, s.deviceAuthorization},
		"/oauth2/register":                        {[]string{http.MethodPost}, s.registerClient},
		"/oauth2/register/{id}":                   {[]string{http.MethodGet, http.MethodPut, http.MethodDelete}, s.manageClient},
		"/oauth2/revoke":                          {[]string{http.MethodPost}, s.revoke},
		"/oauth2/userinfo":                        {[]string{http.MethodGet, http.MethodPost}, s.userinfo},
		"/oauth2/jwks":                            {[]string{http.MethodGet, http.MethodHead}, s.jwks},
		"/.well-known/openid-configuration":       {[]string{http.MethodGet, http.MethodHead}, s.discovery},
		"/.well-known/oauth-authorization-server": {[]string{http.MethodGet, http.MethodHead}, s.discovery},
	} {
		router.HandleFunc(path, fromBrowsers(open.serve)).Methods(append(open.methods, http.MethodOptions)...)
	}
}

// fromBrowsers lets scripts of any origin call: these addresses take their
// credentials in the request itself, never from a cookie (Fetch standard, CORS protocol).
func fromBrowsers(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")
		if r.Method != http.MethodOptions {
			serve(w, r)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
		w.Header().Set("Access-Control-Max-Age", "3600")
		w.WriteHeader(http.StatusNoContent)
	}
}

// Nonce is what the next DPoP proof sent to the platform is to carry.
func (s *Server) Nonce() string { return s.verifier.Nonce() }

// Keys are the public keys that access tokens may be signed with, by kid: those
// of ES256, and never one for ID tokens alone. The map is not to be changed.
func (s *Server) Keys() map[string]*ecdsa.PublicKey { return s.keys.Load().es256 }
