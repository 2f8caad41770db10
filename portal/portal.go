// Package portal answers what people see and do: the pages in two languages,
// and the management API /api/v1. A handler decodes, calls one room, encodes.
package portal

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/auth/outside"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/keyring"
	"lgsp/internal/mail"
	"lgsp/ledger"
	"lgsp/portal/notice"
	"lgsp/portal/report"
	"lgsp/web"
)

// Portal serves the pages and the management API.
type Portal struct {
	Auth       *auth.Auth
	OAuth      *oauth.Server
	Catalog    *catalog.Catalog
	Agreements *agreement.Agreements
	Ledger     *ledger.Ledger
	Drifts     *gateway.Drifts
	Nodes      *gateway.Nodes
	Policy     *policy.Enforcer
	Pages      *web.Pages
	Notices    *notice.Notices
	Mailer     mail.Mailer
	Reports    *report.Reports
	Now        func() time.Time // time.Now outside tests

	Origin   string       // public origin of the portal, LGSP_PORTAL_URL, without a slash at the end
	Gateway  string       // public origin of the gateway, LGSP_GATEWAY_URL, the same
	Province string       // as "Quảng Ngãi"
	Cookies  keyring.Ring // sign the one-sentence cookie between a form and the next page

	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []netip.Prefix

	// Outside is the OpenID provider that people may also sign in with; nil: none.
	Outside *outside.Provider

	// DemoAccounts lists who can sign in to the demonstration; nil outside it.
	DemoAccounts func(ctx context.Context) ([]DemoAccount, error)

	// Remaining and ExplainCall are the gateway's answers, as in API.
	Remaining   func(ctx context.Context, g agreement.Agreement) (Quota, error)
	ExplainCall func(ctx context.Context, call ImaginedCall) (CallExplanation, error)

	// AgreementEffect and VersionEffect are as in API; nil: no effect is shown.
	AgreementEffect func(ctx context.Context, who auth.Principal, id uuid.UUID, act AgreementAct) (Effect, error)
	VersionEffect   func(ctx context.Context, who auth.Principal, version uuid.UUID, change VersionChange) (Effect, error)

	// ClientCertificate is as in API.
	ClientCertificate func(ctx context.Context, version uuid.UUID) (gateway.ClientCertificate, error)

	// Health is how the gateway of this process stands.
	Health func() gateway.Health

	// Room is what the operator's pages need of this process.
	Room OperatorRoom

	// Protocols are the handlers of other rooms, by what their paths begin
	// with: "/oauth2/", "/.well-known/", "/ledger/".
	Protocols map[string]http.Handler

	// Programs answers what programs ask of the pages' addresses, and leaves the
	// rest to the pages; nil: they answer everything.
	Programs func(pages http.Handler) http.Handler

	// SitemapSize is how many URLs a file of the sitemap holds; 0: as many as it may.
	SitemapSize int

	attempts   attempts    // sign-ins that failed and sign-ups, by network
	remembered homeMemory  // of the home page
	sizes      exportSizes // of the files that rows leave as
}

// DemoAccount is an account of the demonstration, password included.
type DemoAccount struct{ Role, Email, Password string }

// Routes is everything the portal answers: /static/, the protocols, and the
// pages in Vietnamese at / and in English at /en/.
func (p *Portal) Routes() http.Handler {
	root := mux.NewRouter().SkipClean(true)
	root.PathPrefix("/static/").Handler(p.Pages.Static()).Methods(http.MethodGet, http.MethodHead)
	pages := p.pages()
	root.Path(apiCatalogPath).Handler(speaks("vi", pages))
	for prefix, handler := range p.Protocols {
		root.PathPrefix(prefix).Handler(handler)
	}
	root.Handle("/en", http.RedirectHandler("/en/", http.StatusMovedPermanently))
	root.PathPrefix("/en/").Handler(http.StripPrefix("/en", speaks("en", pages)))
	vietnamese := speaks("vi", pages)
	if p.Programs != nil {
		vietnamese = p.Programs(vietnamese)
	}
	root.PathPrefix("/").Handler(vietnamese)
	return p.trace(p.headers(p.readable(p.slowNewcomers(p.slowSignUps(p.compressed(root))))))
}

// pages serves the pages, in the language that speaks says.
func (p *Portal) pages() http.Handler {
	r := p.PageRoutes()
	r.NotFoundHandler = p.page(p.notFound)
	r.MethodNotAllowedHandler = p.page(p.methodNotAllowed)
	// A form that another site sends is refused by what the browser says of
	// where it comes from (Sec-Fetch-Site, Origin).
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(p.page(p.crossOrigin))
	return p.recovered(protection.Handler(r))
}

// PageRoutes are the addresses of the pages, the same in both languages. A
// room's pages are added by a method of their own.
func (p *Portal) PageRoutes() *mux.Router {
	r := mux.NewRouter()
	p.readingRoutes(r)
	p.accountRoutes(r)
	p.sessionRoutes(r)
	p.securityRoutes(r)
	p.ownRoutes(r)
	p.datasetRoutes(r)
	p.guideRoutes(r)
	p.searchRoutes(r)
	p.discussionRoutes(r)
	p.ratingRoutes(r)
	p.dataRequestRoutes(r)
	p.followRoutes(r)
	p.unsubscribeRoutes(r)
	p.inboxRoutes(r)
	p.usageRoutes(r)
	p.reuseRoutes(r)
	p.agencyRoutes(r)
	p.operatorRoutes(r)
	p.operatorRoomRoutes(r)
	p.nodeRoutes(r)
	p.promiseRoutes(r)
	p.operatorAgencyRoutes(r)
	p.peopleRoutes(r)
	p.teamRoutes(r)
	p.calendarRoutes(r)
	p.legalBasisRoutes(r)
	p.onTimeRoutes(r)
	p.monthReportRoutes(r)
	p.auditRoutes(r)
	p.developerRoutes(r)
	p.honeyRoutes(r)
	p.webhookRoutes(r)
	p.foreignRoutes(r)
	p.deviceRoutes(r)
	return r
}

// secure reports whether the portal is reached over https.
func (p *Portal) secure() bool { return strings.HasPrefix(p.Origin, "https://") }
