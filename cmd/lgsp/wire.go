package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/auth/outside"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/catalog/dcat"
	"lgsp/gateway"
	"lgsp/gateway/quota"
	"lgsp/internal/egress"
	"lgsp/internal/jobs"
	"lgsp/internal/mail"
	"lgsp/ledger"
	"lgsp/portal"
	"lgsp/web"
)

// provinceName is whose platform this is.
const provinceName = "Quảng Ngãi"

// platform is every room, wired. This file and wire_map.go are the only code
// that knows them all.
type platform struct {
	config     config
	db         *database
	secrets    *secrets
	policy     *policy.Enforcer
	auth       *auth.Auth
	oauth      *oauth.Server
	catalog    *catalog.Catalog
	agreements *agreement.Agreements
	ledger     *ledger.Ledger
	node       *gateway.Node
	drifts     *gateway.Drifts
	nodes      *gateway.Nodes
	api        *portal.API
	portal     *portal.Portal
	jobs       *jobs.Jobs
	clients    *clients
	upstreams  *upstreams
	foreign    *foreignIssuers
	files      catalog.FileStore
	metrics    *prometheus.Registry
	stopping   atomic.Bool   // no new calls are to be sent here
	foreseeing chan struct{} // acts that are done as if, one each
}

// wire makes the rooms and fills in what each needs of the others. What is new
// is made by the version of the secret that lgsp serve has begun to use.
func wire(ctx context.Context, c config, db *database) (*platform, error) {
	p, err := assemble(c, db)
	if err != nil {
		return nil, err
	}
	return p, p.prepare(ctx, p.followSecret)
}

// wireToServe is wire for lgsp serve, which begins to use the newest version.
func wireToServe(ctx context.Context, c config, db *database) (*platform, error) {
	p, err := assemble(c, db)
	if err != nil {
		return nil, err
	}
	if err := p.checkEngine(ctx); err != nil {
		return nil, err
	}
	if err := p.checkBucket(ctx); err != nil {
		return nil, err
	}
	p.catalog.Beside = p.besideEngine()
	return p, p.prepare(ctx, p.beginSecret)
}

// prepare is what assembled rooms need of the database before they work.
func (p *platform) prepare(ctx context.Context, useSecret func(context.Context) error) error {
	if err := useSecret(ctx); err != nil {
		return err
	}
	if err := p.oauth.MakeKeys(ctx); err != nil {
		return fmt.Errorf("prepare the authorization server: %w", err)
	}
	return nil
}

// assemble is wire without the database, which may be away.
func assemble(c config, db *database) (*platform, error) {
	root, err := readSecrets(c.SecretFile)
	if err != nil {
		return nil, err
	}
	enforcer, err := policy.New()
	if err != nil {
		return nil, err
	}
	p := &platform{
		config: c, db: db, secrets: root, policy: enforcer,
		auth: &auth.Auth{}, oauth: &oauth.Server{}, catalog: &catalog.Catalog{}, agreements: &agreement.Agreements{},
		ledger: &ledger.Ledger{}, node: &gateway.Node{}, drifts: &gateway.Drifts{}, nodes: &gateway.Nodes{}, api: &portal.API{}, portal: &portal.Portal{},
		upstreams: &upstreams{}, foreign: &foreignIssuers{},
		metrics: prometheus.NewRegistry(), foreseeing: make(chan struct{}, 4),
	}
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if c.files.isSecured() {
		p.metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lgsp_tls_certificate_expires_seconds", Help: "When the certificate in use expires, of several the first, in Unix seconds; 0: one is missing.",
		}, c.files.expires))
	}
	if err := p.wireFiles(); err != nil {
		return nil, err
	}
	p.upstreams.read = p.catalog.ApprovedUpstreams
	p.foreign.wire(p.auth, egress.Fetch{Allow: c.EgressAllow}.Client(5*time.Second))
	p.upstreams.wire([]string{c.PortalAddr, c.GatewayAddr, c.MTLSAddr, c.OpsAddr})
	p.wireLedger()
	if err := p.wireAuth(); err != nil {
		return nil, err
	}
	p.wireCatalog()
	p.wireAgreements()
	if err := p.wireNode(); err != nil {
		return nil, err
	}
	p.wireNodes()
	if err := p.wirePortal(); err != nil {
		return nil, err
	}
	if err := p.oauth.Prepare(); err != nil {
		return nil, fmt.Errorf("prepare the authorization server: %w", err)
	}
	if err := p.wireJobs(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *platform) wireLedger() {
	*p.ledger = ledger.Ledger{
		DB: p.db.Pool, Now: time.Now,
		Dir:        filepath.Join(p.config.DataDir, "ledger"),
		Origin:     hostOf(p.config.PortalURL) + "/ledger",
		Seed:       [32]byte(p.secrets.first("lgsp ledger sign v1")),
		May:        p.policy.May,
		WorksOn:    p.auth.WorksOn,
		Names:      p.names,
		Unpack:     unpack,
		RequestRef: func(id string) string { return gateway.RequestRef(p.secrets.first("lgsp subject v1"), id) },
	}
}

func (p *platform) wireAuth() error {
	passkeys, err := auth.NewPasskeys(p.config.PortalURL)
	if err != nil {
		return err
	}
	p.clients = newClients(p)
	*p.auth = auth.Auth{
		DB: p.db.Pool, Now: time.Now,
		Peppers:   p.secrets.ring("lgsp pepper v1"),
		Passwords: auth.NewPasswords(max(1, runtime.NumCPU()/2), 64), // the other half is for tokens and pages
		Seals:     p.secrets.ring("lgsp factor seal v1"), Passkeys: passkeys, Notify: p.portal.NotifyFactor,
		May:     p.policy.May,
		Secrets: &p.clients.secrets, Honey: &p.clients.honey,
		Record: p.record,

		GrantOfRefresh: p.oauth.GrantOfRefresh, Forget: forgetPerson, ApplicationGoes: p.agreements.EndOf,
		AgencyRenamed: p.agencyRenamed, AgencyEnds: p.agencyEnds,
		OwnerChanges: ownerChanges, TellTeam: p.portal.NotifyTeam,
	}
	*p.oauth = oauth.Server{
		DB: p.db.Pool, Now: time.Now,
		Issuer: p.config.Issuer, Portal: p.config.PortalURL,
		HMACs: p.secrets.ring("lgsp oauth hmac v1"), Seals: p.secrets.ring("lgsp seal v1"), Nonces: p.secrets.ring("lgsp dpop nonce v1"),
		Client: p.clients.application, VerifySecret: p.auth.VerifySecret, ClientKeys: p.clients.publicKeys,
		Fetch:     egress.Fetch{Allow: p.config.EgressAllow}.Client(2 * time.Second),
		ClientCAs: p.config.files.clientCAs, ClientURL: p.config.MTLSURL,
		SessionPerson: p.sessionPerson,
		WhoByPerson:   p.auth.WhoByPerson, WhoByProof: p.auth.WhoByProof, WhoByApplication: p.auth.WhoByApplication, Persons: p.auth.Persons, EmailProved: p.auth.EmailProved,
		MayActThrough: func(ctx context.Context, who auth.Principal, agency uuid.UUID) error {
			return p.policy.May(ctx, who, "person.act-through", agency)
		},
		Register: p.auth.Register, Registration: p.auth.Registration,
		EditRegistration: p.auth.EditRegistration, EndRegistration: p.auth.EndRegistration,
		Audience: p.clients.mayHaveToken, Audiences: p.clients.openTo, Serves: p.serves,
		NoteShown:  p.auth.NoteShown,
		EndBrowser: p.portal.EndBrowser, Explain: p.portal.Explain,
		Record: p.record, Address: p.portal.Address,
		Younger: p.auth.TokensNotBefore, Revocations: &p.clients.revocations,
	}
	return nil
}

func (p *platform) wireCatalog() {
	*p.catalog = catalog.Catalog{
		DB: p.db.Pool, Now: time.Now,
		May: p.policy.May, Record: p.record,
		Agencies: p.catalogAgencies, AgencyBySlug: p.catalogAgency, Names: p.names,
		Expose: expose, Withdraw: withdraw, ExposeSandbox: exposeSandbox, ConcealSandbox: gateway.CloseSandbox, CallersOf: p.callersOf, CheckTraffic: checkTraffic, TrafficAddresses: trafficAddresses, KeepClientKey: p.clientKeys().Keep, Unchecked: unchecked,
		Turn:      p.foresee,
		Fetch:     egress.Fetch{Allow: p.config.EgressAllow}.Client(30 * time.Second),
		Places:    p.config.Places,
		AskIntake: p.askIntake, WhoLater: p.auth.WhoByProof,
		Files: p.files, TellOfLinks: p.tellOfLinks, RequestDue: p.config.RequestDue,
		Terms: catalog.Terms{Decide: p.config.DecideWithin, Review: p.config.ReviewEvery, Renew: p.config.RenewEvery},
	}
}

func (p *platform) wireAgreements() {
	*p.agreements = agreement.Agreements{
		DB: p.db.Pool, Now: time.Now,
		May: p.policy.May, Record: p.record,
		Offer: p.offer, Applicant: p.applicant,
		OwnsApplication: p.auth.OwnsApplication, WorksOn: p.auth.WorksOn, OwnApplications: p.ownApplications,
		EscalateAfter: int(p.config.EscalateAfter / (24 * time.Hour)),
		NameOf:        auth.NameIn, Holders: p.auth.Holders,
		Grant: grant, Notify: p.portal.Notify, Remind: p.portal.Notify,
	}
}

// clientKeys are what the gateway shows upstreams.
func (p *platform) clientKeys() *gateway.ClientKeys {
	return &gateway.ClientKeys{DB: p.db.Pool, Now: time.Now, Seals: p.secrets.ring("lgsp upstream key seal v1")}
}

func (p *platform) wireNode() error {
	verifier := &oauth.Verifier{
		Issuer: p.config.Issuer, Keys: p.oauth.Keys, Now: time.Now, Revoked: p.node.IsRevoked,
		Nonces: p.oauth.Nonces, Spend: (&oauth.Spent{Now: time.Now}).Take,
	}
	*p.drifts = gateway.Drifts{DB: p.db.Pool, Now: time.Now, Agency: p.agencyOfVersion, May: p.policy.May, Record: p.record}
	calls := gateway.NewMetrics()
	p.metrics.MustRegister(calls)
	*p.node = gateway.Node{
		DB: p.db.Pool, Now: time.Now, Name: p.nodeName(), Release: release(),
		GatewayURL: p.config.GatewayURL, ClientURL: p.config.MTLSURL, PortalURL: p.config.PortalURL, Issuer: p.config.Issuer,
		DataDir: p.config.DataDir, TrustedProxies: p.config.TrustedProxies,
		Peppers: p.auth.Peppers, ClientSeals: p.clientKeys().Seals, SubjectKey: p.secrets.first("lgsp subject v1"),
		Dial: p.upstreams.DialContext, Approved: p.upstreams.stands,
		Credentials: p.auth.GatewayCredentials, CredentialsOf: p.auth.GatewayCredentialsOf, SigningKeys: p.auth.SigningKeys, Disabled: p.auth.DisabledApplications, Revoked: p.revoked, NotBefore: p.auth.TokensNotBefore,
		Refresh: p.refresh, Beside: p.beside, Restore: p.restore, KeptKey: p.secrets.first("lgsp snapshot v1"), Verify: tokenOf(verifier), Introspect: p.foreign.token, Nonce: verifier.Nonce, Touch: p.auth.TouchCredentials,
		Ship:    p.ship,
		Metrics: calls, MaxStale: p.config.MaxStale, CacheSize: p.config.CacheSize << 20,
	}
	if p.config.RedisURL == "" {
		return nil
	}
	var err error
	p.node.Shared, err = quota.NewRedis(p.config.RedisURL, time.Now)
	return err
}

func (p *platform) wirePortal() error {
	pages, err := web.New()
	if err != nil {
		return err
	}
	*p.api = portal.API{
		Auth: p.auth, OAuth: p.oauth, Policy: p.policy, Catalog: p.catalog, Agreements: p.agreements, Ledger: p.ledger, Drifts: p.drifts, Nodes: p.nodes, Health: p.node.Health,
		Origin: p.config.PortalURL, ClientURL: p.config.MTLSURL, Gateway: p.config.GatewayURL,
		WhoByAccessToken: p.oauth.WhoByAccessToken, Nonce: p.oauth.Nonce, Remaining: p.remaining, ExplainCall: p.explainCall, AgreementEffect: p.agreementEffect, VersionEffect: p.versionEffect,
		Address: p.portal.Address, ClientCertificate: p.clientKeys().Of, Room: p.operatorRoom(), Notices: p.notices(), Words: p.portal.NoticeWords,
		Reports: p.reports(),
	}
	*p.portal = portal.Portal{
		Auth: p.auth, OAuth: p.oauth, Policy: p.policy, Catalog: p.catalog, Agreements: p.agreements, Ledger: p.ledger, Drifts: p.drifts, Nodes: p.nodes, Pages: pages, Now: time.Now,
		Health: p.node.Health, ClientCertificate: p.clientKeys().Of, Room: p.operatorRoom(),
		Notices: p.notices(), Reports: p.reports(),
		Mailer: mail.Mailer{URL: p.config.SMTPURL, Dir: filepath.Join(p.config.DataDir, "mail"), From: senderOf(p.config.PortalURL), Now: time.Now},
		Origin: p.config.PortalURL, Gateway: p.config.GatewayURL, Province: provinceName,
		Cookies: p.secrets.ring("lgsp cookie v1"), Proxies: p.config.TrustedProxies,
		Remaining: p.remaining, ExplainCall: p.explainCall, AgreementEffect: p.agreementEffect, VersionEffect: p.versionEffect,
		Programs: p.dcat().Before,
	}
	p.portal.Protocols = p.protocols()
	p.portal.Outside = p.outside()
	return nil
}

// dcat writes the catalogue out for other programs.
func (p *platform) dcat() *dcat.Site {
	return &dcat.Site{Catalog: p.catalog, Origin: p.config.PortalURL, Gateway: p.config.GatewayURL, Province: provinceName}
}

// outside is the OpenID provider that people may also sign in with; nil: none is set up.
func (p *platform) outside() *outside.Provider {
	if p.config.OIDCIssuer == "" {
		return nil
	}
	return &outside.Provider{
		Issuer: p.config.OIDCIssuer, ClientID: p.config.OIDCClientID, ClientSecret: p.config.OIDCSecret,
		NameVI: p.config.OIDCNameVI, NameEN: p.config.OIDCNameEN, Redirect: p.config.PortalURL + "/sign-in/outside/callback",
		Client: egress.Fetch{Allow: p.config.EgressAllow}.Client(10 * time.Second), Now: time.Now,
	}
}

// protocols are the machine's addresses beside the pages, by what they begin with.
func (p *platform) protocols() map[string]http.Handler {
	router := mux.NewRouter()
	p.oauth.Routes(router)
	p.ledger.Routes(router)
	p.api.Routes(router)
	p.ckan().Routes(router)
	p.assistants().Routes(router)
	return map[string]http.Handler{"/oauth2/": router, "/.well-known/": router, "/ledger/": router, "/api/v1/": router,
		"/api/3": router, "/api/action/": router, "/api/2/": router, "/datastore/": router, "/mcp": router}
}

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return origin // checked with the settings
	}
	return u.Host
}

// senderOf is the address that letters of the portal come from.
func senderOf(origin string) string {
	host := hostOf(origin)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if !strings.Contains(host, ".") {
		host += ".example" // localhost is no domain of a mail address
	}
	return "lgsp@" + host
}

// ownApplications lists every application that who owns.
func (p *platform) ownApplications(ctx context.Context, who auth.Principal) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	page := auth.Page{Limit: 100}
	for {
		list, next, err := p.auth.Applications(ctx, who, page)
		if err != nil {
			return nil, err
		}
		for _, application := range list {
			ids = append(ids, application.ID)
		}
		if next == "" {
			return ids, nil
		}
		page.After = next
	}
}
