package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/portal/notice"
	"lgsp/portal/report"
)

// API is the management API, /api/v1: everything the pages do, for programs.
// It takes the platform's own tokens only; a browser's session never counts.
//
//	@title						LGSP management API
//	@version					1
//	@description				Publish APIs and datasets, agree on terms, see what was called. Errors are problem+json (RFC 9457).
//	@BasePath					/api/v1
//	@securityDefinitions.apikey	bearer
//	@in							header
//	@name						Authorization
//	@description				Bearer and a personal access token (lgsp_pat_…) or an access token for the issuer.
type API struct {
	Auth       *auth.Auth
	OAuth      *oauth.Server
	Policy     *policy.Enforcer
	Catalog    *catalog.Catalog
	Agreements *agreement.Agreements
	Ledger     *ledger.Ledger
	Drifts     *gateway.Drifts
	Reports    *report.Reports
	Nodes      *gateway.Nodes
	Origin     string // public, without a slash at the end
	ClientURL  string // the same where clients show certificates, "" when they do nowhere
	Gateway    string // public origin of the gateway, without a slash at the end

	// WhoByAccessToken is who an access token for the issuer stands for, and
	// Nonce what the next DPoP proof is to carry.
	WhoByAccessToken func(ctx context.Context, p auth.Presented) (auth.Principal, error)
	Nonce            func() string

	// Address is where a request comes from; nil: nobody asks for honey keys.
	Address func(r *http.Request) netip.Addr

	// Room is what operators ask of this process.
	Room OperatorRoom

	// Remaining is what is left of the quotas of an agreement now.
	Remaining func(ctx context.Context, g agreement.Agreement) (Quota, error)

	// ClientCertificate is what the gateway shows the systems behind a version.
	ClientCertificate func(ctx context.Context, version uuid.UUID) (gateway.ClientCertificate, error)

	// Notices are what people are told, and Words what one says to its reader.
	Notices *notice.Notices
	Words   func(to auth.Person, n notice.Notice) (NoticeText, error)

	// ExplainCall says whether the gateway would let a call through, and why.
	ExplainCall func(ctx context.Context, call ImaginedCall) (CallExplanation, error)

	// Health is how the gateway of this process stands.
	Health func() gateway.Health

	// AgreementEffect and VersionEffect say who would lose or gain what by what is about to be done.
	AgreementEffect func(ctx context.Context, who auth.Principal, id uuid.UUID, act AgreementAct) (Effect, error)
	VersionEffect   func(ctx context.Context, who auth.Principal, version uuid.UUID, change VersionChange) (Effect, error)
}

// apiBodyLimit is what a JSON body may measure, in bytes. A document of 10 MB
// that is imported as a JSON string may double by its escapes.
const apiBodyLimit = 24 << 20

// Routes adds /api/v1 to r.
func (a *API) Routes(r *mux.Router) {
	r.PathPrefix("/api/v1/").Handler(allowAnyOrigin(a.giveNonce(a.watch(a.router()))))
}

func (a *API) router() *mux.Router {
	own := routes{Router: mux.NewRouter(), once: a.once}
	own.NotFoundHandler = problem.HandlerFunc(noSuchAddress)
	own.MethodNotAllowedHandler = problem.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		return noSuchMethod(own.Router, r)
	})
	own.get("/openapi.json", a.openapi)
	a.peopleRoutes(own)
	a.agencyRoutes(own)
	a.operatorRoutes(own)
	a.invitationRoutes(own)
	a.registrationRoutes(own)
	a.applicationRoutes(own)
	a.teamRoutes(own)
	a.credentialRoutes(own)
	a.meRoutes(own)
	a.noticeRoutes(own)
	a.leakRoutes(own)
	a.honeyRoutes(own)
	a.webhookRoutes(own)
	a.foreignRoutes(own)
	a.apiRoutes(own)
	a.lifeRoutes(own)
	a.alikeRoutes(own)
	a.availabilityRoutes(own)
	a.lossRoutes(own)
	a.revisionRoutes(own)
	a.promotionRoutes(own)
	a.lintRoutes(own)
	a.agreementRoutes(own)
	a.calendarRoutes(own)
	a.legalBasisRoutes(own)
	a.waitingRoutes(own)
	a.monthReportRoutes(own)
	a.datasetRoutes(own)
	a.searchRoutes(own)
	a.personalRoutes(own)
	a.anonymityRoutes(own)
	a.discussionRoutes(own)
	a.ratingRoutes(own)
	a.dataRequestRoutes(own)
	a.followRoutes(own)
	a.usageRoutes(own)
	a.reuseRoutes(own)
	a.harvestRoutes(own)
	a.fieldRoutes(own)
	a.datasetCareRoutes(own)
	a.ledgerRoutes(own)
	return own.Router
}

// routes are the addresses of /api/v1. They stand in a router of their own
// with their whole paths: a subrouter of mux 1.8.1 answers 404 where 405 is due.
type routes struct {
	*mux.Router
	once func(problem.HandlerFunc) problem.HandlerFunc
}

func (r routes) on(method, path string, h problem.HandlerFunc) {
	r.Handle("/api/v1"+path, told(h)).Methods(method)
}

// told says of a database that is away that it is.
func told(h problem.HandlerFunc) problem.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error { return pg.WhenAway(h(w, r)) }
}

func (r routes) get(path string, h problem.HandlerFunc)    { r.on(http.MethodGet, path, h) }
func (r routes) put(path string, h problem.HandlerFunc)    { r.on(http.MethodPut, path, h) }
func (r routes) remove(path string, h problem.HandlerFunc) { r.on(http.MethodDelete, path, h) }

// post takes an Idempotency-Key; on(http.MethodPost, …) does not.
func (r routes) post(path string, h problem.HandlerFunc) { r.on(http.MethodPost, path, r.once(h)) }

// allowAnyOrigin lets scripts of any page read: no cookie counts here, so a
// page can do no more than its visitor's own token allows.
func allowAnyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "ETag, Location, WWW-Authenticate, DPoP-Nonce")
		next.ServeHTTP(w, r)
	})
}

// giveNonce answers who uses DPoP with the nonce for the next proof (RFC 9449 §9).
func (a *API) giveNonce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("DPoP") != "" {
			w.Header().Set("DPoP-Nonce", a.Nonce())
		}
		next.ServeHTTP(w, r)
	})
}

func noSuchAddress(_ http.ResponseWriter, r *http.Request) error {
	return problem.Errorf(problem.NotFound, "no address %s; all are listed at /api/v1/openapi.json", r.URL.Path).Coded("no-such-address")
}

var methods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func noSuchMethod(router *mux.Router, r *http.Request) error {
	var allow []string
	for _, method := range methods {
		try := r.Clone(r.Context())
		try.Method = method
		var match mux.RouteMatch
		if router.Match(try, &match) && match.MatchErr == nil {
			allow = append(allow, method)
		}
	}
	list := strings.Join(allow, ", ")
	return problem.Errorf(problem.MethodNotAllowed, "%s is not taken here, only %s", r.Method, list).
		Coded("no-such-method", "allow", list).Sends("Allow", list)
}

// Who is who, for the protocols of other rooms.
func (a *API) Who(r *http.Request) (auth.Principal, error) { return a.who(r) }

// who is the caller: the zero Principal without a token. A token that does
// not hold is refused, never taken for nobody's; and so is an official's that
// was got with one factor, rather than show it an empty desk (RFC 9470).
func (a *API) who(r *http.Request) (auth.Principal, error) {
	p, err := auth.PresentedBy(r, auth.OriginOf(r, a.Origin, a.ClientURL)+r.URL.EscapedPath())
	if err != nil || p.Scheme == "" {
		return auth.Principal{}, err
	}
	var who auth.Principal
	switch {
	case p.Is(auth.BearerScheme) && strings.HasPrefix(p.Token, "lgsp_pat_"):
		who, err = a.Auth.WhoByToken(r.Context(), p.Token)
	case p.Is(auth.BearerScheme) || p.Is(auth.DPoPScheme):
		who, err = a.WhoByAccessToken(r.Context(), p)
	default:
		err = problem.Errorf(problem.Unauthorized, "the scheme of Authorization is neither Bearer nor DPoP")
	}
	if problem.Is(err, problem.Unauthorized) {
		return auth.Principal{}, tokenInvalid(p, err)
	}
	if err == nil && who.Needs != "" {
		e := problem.Errorf(problem.Unauthorized, "an official's roles ask for a sign-in with two factors; sign in again with acr_values=%s", who.Needs).
			Coded(auth.CodeProofWeak, "acr", who.Needs)
		p.Challenge(e, "")
		return auth.Principal{}, e
	}
	return who, err
}

// tokenInvalid says why a token was refused: not which tokens there are, but
// what a DPoP proof or a connection lacks, which the caller can mend.
func tokenInvalid(p auth.Presented, err error) error {
	e := problem.Of(err)
	if !strings.HasPrefix(e.Code, "dpop-") && e.Code != "token-certificate" {
		e = problem.Errorf(problem.Unauthorized, "the token is wrong, expired or revoked").Coded("token-invalid").Because(err)
	}
	p.Challenge(e, "")
	return e
}

// someone is who, refused when nobody is.
func (a *API) someone(r *http.Request) (auth.Principal, error) {
	who, err := a.who(r)
	if err == nil && !who.SignedIn() {
		e := problem.Errorf(problem.Unauthorized, "send a token in the header Authorization, as Bearer or DPoP").Coded("token-required")
		auth.Presented{}.Challenge(e, "")
		err = e
	}
	return who, err
}

// pathID is the UUID in the path under name.
func pathID(r *http.Request, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(mux.Vars(r)[name])
	if err != nil {
		return uuid.Nil, problem.Errorf(problem.Invalid, "%s is not a UUID", name).Coded("id-invalid", "id", mux.Vars(r)[name])
	}
	return id, nil
}

// answer encodes v with an ETag, so that a reader may ask again cheaply and a
// writer may say which version it saw.
func answer(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tag := etag(body)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return write(w, http.StatusOK, body)
}

func etag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

func write(w http.ResponseWriter, status int, body []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(bytes.TrimRight(body, "\n"), '\n')) // the caller may have gone
	return nil
}

// ifMatch holds a writer that named a version (RFC 9110 §13.1.1) to it:
// current is the object as it would be answered now.
func ifMatch(r *http.Request, current any) error {
	want := r.Header.Get("If-Match")
	if want == "" || want == "*" {
		return nil
	}
	body, err := json.Marshal(current)
	if err != nil {
		return err
	}
	if !strings.Contains(want, etag(body)) {
		return problem.Errorf(problem.PreconditionFailed, "changed by someone else meanwhile").Coded("if-match")
	}
	return nil
}

// items is one page of a list.
type items[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"` // give it as after for the next page; "" at the end
}
