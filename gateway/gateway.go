// Package gateway answers what becomes of one call: it finds the operation,
// the caller and the agreement, decides, counts, forwards, lets through what
// was agreed, and leaves the evidence.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/semaphore"

	"lgsp/auth"
	"lgsp/gateway/cache"
	"lgsp/gateway/journal"
	"lgsp/gateway/queue"
	"lgsp/gateway/quota"
	"lgsp/gateway/route"
	"lgsp/internal/http1"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
	"lgsp/internal/telemetry"
)

// Node serves calls from an immutable snapshot; no call waits for the database.
// It answers 503 until Run has loaded the first one, from the database or, when
// that is away, from disk.
type Node struct {
	DB  *pgxpool.Pool
	Now func() time.Time // time.Now outside tests

	// Name is what the node is called among the others, and Release what it runs;
	// "": it tells nobody how it stands.
	Name, Release string

	GatewayURL     string         // public origin, no slash at the end: audience of tokens, name in Via
	ClientURL      string         // public origin where clients show certificates, "" when there is none
	PortalURL      string         // public origin: documentation links, CORS
	Issuer         string         // of our tokens
	DataDir        string         // the journal lives in DataDir/journal, the last snapshot in DataDir/snapshot
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	Peppers     keyring.Ring // of API keys
	ClientSeals keyring.Ring // of ClientKeys
	SubjectKey  []byte       // 32 bytes; keys the hashes of subjects and addresses

	// Dial reaches upstreams: egress.Upstream.DialContext. Approved says of which
	// connections are kept, by what Refresh loaded; nil: of all.
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Approved func(hostPort string) bool

	// Credentials, Disabled, Revoked and NotBefore are what auth knows of API
	// keys, of applications that may not call, of tokens (by jti) that are over
	// before their time, and of applications all of whose tokens are that were
	// made before a moment. Refresh, when set, loads what Verify needs; all five
	// run again whenever auth says that something changed, and each minute.
	Credentials func(ctx context.Context) ([]auth.GatewayCredential, error)
	// CredentialsOf are those of these applications: asked for when auth says
	// that only theirs changed.
	CredentialsOf func(ctx context.Context, applications []uuid.UUID) ([]auth.GatewayCredential, error)

	// SigningKeys are the public keys of these applications, nil: of all, that
	// calls are signed with; nil: none are.
	SigningKeys func(ctx context.Context, applications []uuid.UUID) ([]auth.SigningKey, error)

	Disabled  func(ctx context.Context) ([]uuid.UUID, error)
	Revoked   func(ctx context.Context) ([]string, error)
	NotBefore func(ctx context.Context) (map[uuid.UUID]time.Time, error)
	Refresh   func(ctx context.Context) error

	// Beside gives what Refresh loaded, to be kept on disk with the snapshot, and
	// Restore puts that in force again when a node starts by it; both nil: nothing is.
	// KeptKey, 32 bytes, is what such a file is believed by.
	Beside  func() ([]byte, error)
	Restore func(beside []byte) error
	KeptKey []byte

	// Verify gives what a presented token says, or an Unauthorized problem. It
	// checks signature, issuer, times, that the token is for audience and who
	// presents it, and asks nobody. Nonce is what the next DPoP proof carries.
	Verify func(ctx context.Context, p auth.Presented, audience string) (Token, error)
	Nonce  func() string

	// Introspect gives what another issuer says of its token, or an Unauthorized
	// or Unavailable problem; nil: no version takes any (Traffic.ForeignIssuer).
	Introspect func(ctx context.Context, issuer, token string) (Token, error)

	// Touch, when set, is told each minute when, from where and how often keys were used.
	Touch func(ctx context.Context, uses []auth.Use) error

	// Ship takes exchanges to the ledger for good, one shipment after the other;
	// the same one may come again.
	Ship    func(ctx context.Context, s Shipment) error
	Metrics *Metrics // NewMetrics()

	Shared *quota.Redis // counts the rates of all nodes together; nil: each counts by itself

	MaxAnswer int64         // bytes of an answer that is held to the document, 0: 10 MiB
	Evidence  int64         // bytes of undelivered journal, 0: 1 GiB
	CacheSize int64         // bytes of stored answers, 0: none are stored
	MaxStale  time.Duration // how long a silent feed is trusted, 0: 10 min
	Patience  time.Duration // for the upstream's first byte, 0: 30 s
	Longest   time.Duration // for its whole answer, 0: 10 min

	state
}

// state is what a running node keeps.
type state struct {
	current  atomic.Pointer[snapshot] // nil until the first full load; what follows is set before it
	fresh    atomic.Int64             // when the feed last answered, Unix nanoseconds
	journal  *journal.Journal
	flush    func(*os.File) error // of the journal; nil outside tests
	doubtful bool                 // whether the next shipment's records were shipped before; of ship
	packed   []byte               // the last shipment's body, of ship
	transports
	via       string        // our name in Via
	matcher   *auth.Matcher // of Peppers
	addresses addressHashes
	limiter   quota.Limiter
	totals    sync.RWMutex // held while what is counted here and what all nodes stored become one
	used      auth.Uses    // of keys, since Touch was told
	drift     drift
	samples   chan sample         // answers that are to be looked at
	reading   *semaphore.Weighted // bytes of large JSON that is held to documents
	stored    *cache.Store        // nil: nothing is stored
	flights   cache.Flights[fetched]
	editions  atomic.Uint64 // of versions, the last one given
	copies    chan struct{} // of calls, to mirrors: one each on its way
	nonces    nonces        // of signed calls
}

// Token is what a verified access token says.
type Token struct {
	ID          string // jti
	Application uuid.UUID
	Person      uuid.UUID // whom the application acts for; uuid.Nil: itself
	Issued      time.Time
	Level       string // auth.AAL1 or AAL2: what the person signed in with; "" without one
}

// call is one call on its way through the pipeline. It is made of what an
// earlier one leaves (calls), so nothing of it outlives ServeHTTP.
type call struct {
	node       *Node
	snapshot   *snapshot
	now        time.Time
	address    netip.Addr // the caller's
	path       string     // canonical
	rest       string     // of path, behind the version's prefix
	query      url.Values
	rawQuery   string
	body       []byte
	stream     *streamedBody // in place of body, when it is sent on as it comes
	soapValues []string      // where the subject stands in a SOAP message
	version    *version
	former     string // the version's former address, when it was called there
	operation  *operation
	caller     caller
	grant      *grant       // nil: an open operation
	taken      []quota.Take // what the call is counted against
	answer     answer
	exchange   Exchange
	ticket     *journal.Ticket // of the intent
	place      *queue.Queue    // that the call has a place of; nil: none
	webSocket  bool            // the call asks to become one, and may
	broken     bool            // the answer broke off
	group      group           // of the upstream's addresses; read by isCanary
	imagined   bool            // nobody makes it, and nothing is said of its body; see Explain
	room
}

// room is where a call's lists are put, to be used again.
type room struct {
	text       []byte
	document   []byte       // the upstream's answer, until it is cut
	agreed     []byte       // what is agreed of it, until it is sent
	out        http1.Fields // to the upstream
	merged     http1.Fields // to the caller
	request    http1.Request
	takeRoom   [4 + MaxLimits]quota.Take
	answerRoom [4 + MaxLimits]quota.Answer
}

var calls = sync.Pool{New: func() any { return new(call) }}

func (n *Node) newCall(w http.ResponseWriter, r *http.Request) *call {
	c := calls.Get().(*call)
	text, out, merged, own := c.text[:0], c.out[:0], c.merged[:0], c.answer.own[:0]
	document, agreed := c.document[:0], c.agreed[:0]
	*c = call{node: n, snapshot: n.current.Load(), now: n.Now()}
	c.text, c.out, c.merged, c.answer.own = text, out, merged, own
	c.document, c.agreed = document, agreed
	c.exchange.Trace = telemetry.TraceOf(r)
	c.answer.start(w, r, c.exchange.Trace)
	return c
}

// ServeHTTP answers one call and leaves its record.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := n.newCall(w, r)
	if c.snapshot == nil {
		c.refuse(r, problem.Errorf(problem.Unavailable, "the gateway is starting; try again in a few seconds").
			Coded("gateway-starting").Sends("Retry-After", "2"))
		return
	}
	if c.wellKnown(r) {
		return
	}
	c.begin(r)
	defer func() {
		fault := recover()
		if fault != nil && fault != http.ErrAbortHandler {
			slog.ErrorContext(r.Context(), "call panicked", "fault", fault, "trace_id", c.exchange.Trace)
			c.refuse(r, problem.Errorf(problem.Internal, "something went wrong on our side"))
		}
		c.broken = c.broken || fault != nil
		c.finish(r)
		if c.broken && c.answer.status != 0 {
			_ = c.answer.FlushError() // the part before the break; nobody may be there
		}
		if fault == http.ErrAbortHandler || c.broken || c.answer.status == 0 {
			panic(http.ErrAbortHandler) // the server closes the connection, and makes no 200 of nothing
		}
		calls.Put(c)
	}()
	if err := c.run(r); err != nil {
		c.refuse(r, err)
	}
}

// run takes the call through the stages in order. Every refusal is a return.
func (c *call) run(r *http.Request) error {
	err := c.find(r)
	c.cors(r)
	if err != nil {
		return err
	}
	if c.preflight(r) {
		return nil
	}
	if err := c.identify(r); err != nil {
		return err
	}
	if err := c.decide(r); err != nil {
		return err
	}
	if err := c.count(r); err != nil {
		return err
	}
	if err := c.check(r); err != nil {
		c.giveBack(r)
		return err
	}
	if err := c.intend(); err != nil {
		c.giveBack(r)
		return err
	}
	c.respond(r)
	return nil
}

// find computes the canonical path and finds the version and operation it is for.
func (c *call) find(r *http.Request) error {
	path, err := route.Canonical(rawPath(r.RequestURI))
	if err != nil {
		return problem.Errorf(problem.Invalid, "%s", err).Coded("path-not-canonical", "reason", err.Error())
	}
	c.rawQuery = r.URL.RawQuery
	if c.rawQuery != "" {
		if c.query, err = url.ParseQuery(c.rawQuery); err != nil {
			return problem.Errorf(problem.Invalid, "the query cannot be read in one way only").Coded("query-malformed")
		}
	}
	if via := r.Header["Via"]; len(via) > 0 && strings.Contains(strings.ToLower(strings.Join(via, ",")), c.node.via) {
		return problem.Errorf(http.StatusLoopDetected, "the call came through this gateway before").Coded("call-loop")
	}
	c.path = path
	c.version, c.rest = c.snapshot.match(path)
	if c.version == nil {
		return problem.Errorf(problem.NotFound, "nothing is served at this address").Coded("no-such-operation")
	}
	c.exchange.Agency, c.exchange.API, c.exchange.Version = c.version.Agency, c.version.API, c.version.Version
	c.exchange.Sandbox = c.version.sandbox != nil
	method := r.Method
	if method == http.MethodOptions {
		method = r.Header.Get("Access-Control-Request-Method")
	}
	operation, allow, ok := c.version.tree.Match(method, c.rest)
	if allow == "" && c.asksSOAP(r) {
		if operation, err = c.findSOAP(r); err != nil {
			return err
		}
		allow, ok = operation.Method, true
	}
	if allow == "" {
		c.version = nil // no more is said than of an address that is not there
		return problem.Errorf(problem.NotFound, "nothing is served at this address").Coded("no-such-operation")
	}
	c.answer.allow = allow
	if c.exchange.Sandbox {
		c.answer.own.Set("Lgsp-Environment", "sandbox")
	}
	if r.Method == http.MethodOptions {
		c.operation = operation
		return nil
	}
	if !ok {
		return problem.Errorf(problem.MethodNotAllowed, "the address takes %s, not %s", allow, r.Method).
			Coded("method-not-offered", "allow", allow, "method", r.Method).Sends("Allow", allow)
	}
	c.operation = operation
	c.exchange.Operation, c.exchange.Access, c.exchange.Template = operation.ID, operation.Access, operation.template
	if operation.SOAP != nil {
		c.rest = "" // the service has one address
	}
	return c.life()
}

// rawPath is the path of a request target as the caller wrote it, in origin
// form or absolute form (RFC 9112 §3.2).
func rawPath(target string) string {
	for _, scheme := range []string{"http://", "https://"} {
		if rest, ok := strings.CutPrefix(target, scheme); ok {
			i := strings.IndexAny(rest, "/?")
			if i < 0 {
				return "/"
			}
			target = rest[i:]
		}
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

// stale reports whether the feed has been silent for too long.
func (n *Node) stale(now time.Time) bool {
	return now.Sub(time.Unix(0, n.fresh.Load())) > or(n.MaxStale, 10*time.Minute)
}

// Ready is nil once the node serves calls.
func (n *Node) Ready() error {
	if n.current.Load() == nil {
		return errors.New("the gateway has no configuration yet")
	}
	return nil
}

// IsRevoked reports whether the token of that jti is over before its time.
func (n *Node) IsRevoked(jti string) bool {
	s := n.current.Load()
	return s != nil && s.revoked[jti]
}

// docs is the page of a version's API on the portal.
func (n *Node) docs(v *version) string {
	if v == nil {
		return n.PortalURL + "/apis"
	}
	return n.PortalURL + "/apis/" + v.AgencySlug + "/" + v.APISlug + "/" + v.Number
}

// audience is the resource a token for the version names (RFC 8707).
func (n *Node) audience(v *version) string { return n.GatewayURL + v.prefix }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
