package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/internal/devdb"
)

// dataPlane is one gateway node and its peers before one upstream.
type dataPlane struct {
	*peers
	platform  *platform
	signer    *signer
	key       string // API key
	app       uuid.UUID
	versions  map[string]gateway.Route
	withCaddy bool
	before    int64 // exchanges that the ledger held when the node began
}

// idleRoutes are versions that nobody calls, so that a node has a hundred.
const idleRoutes = 97

const benchIssuer = "http://issuer.bench"

// gatewayRow is one way through a proxy.
type gatewayRow struct {
	name    string
	process string // that is measured beside the upstream
	also    string // and one more, "": none
	url     string
	header  http.Header
	fresh   *gateway.Route // each call brings a token of its own
}

// gatewayFigures are a row's, one a round. CPU is in µs a call.
type gatewayFigures struct {
	Name      string    `json:"name"`
	PerSecond []float64 `json:"per_second"`
	Proxy     []float64 `json:"proxy_cpu"`    // the row's own process, or two
	Upstream  []float64 `json:"upstream_cpu"` // the system behind
	Servers   []float64 `json:"servers_cpu"`  // both
	Evidence  []float64 `json:"evidence_cpu"` // PostgreSQL and the sequencer, until the ledger holds every call
	P50       []float64 `json:"p50_ms"`       // at 1,000 calls/s, from when a call was due
	P99       []float64 `json:"p99_ms"`
	Resident  float64   `json:"resident_mib"`
}

// newDataPlane publishes what is called, and starts everything.
func newDataPlane(ctx context.Context, p *platform, dir string) (d *dataPlane, err error) {
	names := []string{"upstream", "direct", "nginx", "nginx-auth", "authsvc", "haproxy", "haproxy-jwt", "caddy", "reverseproxy", "plain", "node", "ops", "nginx-tls", "caddy-tls", "node-tls", "ops-tls"}
	ports, err := freePorts(len(names))
	if err != nil {
		return nil, err
	}
	d = &dataPlane{platform: p, app: uuid.Must(uuid.NewV7()), versions: map[string]gateway.Route{},
		peers: &peers{dir: dir, processes: map[string]*process{}, ports: map[string]int{}}}
	for i, name := range names {
		d.ports[name] = ports[i]
	}
	if d.signer, err = newSigner(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.stop())
		}
	}()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if err := d.start(ctx, "upstream", self, upstreamProgram, d.at("upstream")); err != nil {
		return nil, err
	}
	if d.cert, d.certKey, err = d.certificate(); err != nil {
		return nil, err
	}
	if err := d.expose(ctx); err != nil {
		return nil, err
	}
	if err := p.db.QueryRow(ctx, `select count(*) from ledger.entry where kind = 'exchange'`).Scan(&d.before); err != nil {
		return nil, fmt.Errorf("ask the ledger: %w", err)
	}
	if err := d.startNode(ctx, self); err != nil {
		return nil, err
	}
	return d, d.startPeers(ctx, self)
}

func (d *dataPlane) startPeers(ctx context.Context, self string) error {
	pem, err := d.write("key.pem", d.signer.pem)
	if err != nil {
		return err
	}
	audience := d.audience("restricted")
	for _, start := range []func() error{
		func() error {
			return d.start(ctx, "reverseproxy", self, reverseProgram, d.at("reverseproxy"), d.at("upstream"))
		},
		func() error { return d.start(ctx, "plain", self, plainProgram, d.at("plain"), d.at("upstream")) },
		func() error {
			return d.start(ctx, "authsvc", self, authProgram, d.at("authsvc"), benchIssuer, d.signer.pem)
		},
		func() error { return d.nginx(ctx, "nginx", "") },
		func() error { return d.nginx(ctx, "nginx-auth", audience) },
		func() error { return d.haproxy(ctx, "haproxy", "", "", "") },
		func() error { return d.haproxy(ctx, "haproxy-jwt", benchIssuer, audience, pem) },
		func() error { d.withCaddy, err = d.caddy(ctx, "caddy"); return err },
		func() error { return d.nginx(ctx, "nginx"+tlsSuffix, "") },
		func() error { _, err := d.caddy(ctx, "caddy"+tlsSuffix); return err },
	} {
		if err := start(); err != nil {
			return err
		}
	}
	return nil
}

func (d *dataPlane) audience(name string) string {
	return "http://" + d.at("node") + d.versions[name].Prefix()
}

// expose puts the rows' versions and agreements into the gateway's tables, as
// the rooms do.
func (d *dataPlane) expose(ctx context.Context) error {
	plan := gateway.Plan{Slug: "bench", RatePerMinute: 600_000_000, QuotaPerDay: 2_000_000_000}
	return pgx.BeginFunc(ctx, d.platform.db, func(tx pgx.Tx) error {
		for i := range idleRoutes {
			if err := gateway.Expose(ctx, tx, gateway.Route{Version: uuid.Must(uuid.NewV7()), Agency: uuid.Must(uuid.NewV7()), API: uuid.Must(uuid.NewV7()),
				AgencySlug: "nam-im", APISlug: fmt.Sprintf("dich-vu-%d", i), Number: "v1", TitleVI: "Nằm im", TitleEN: "Idle", Upstream: "http://" + d.at("upstream"), Plan: plan,
				Operations: []gateway.Operation{{ID: "list", Method: "GET", Path: "/cay-trong", Access: gateway.Open}}}); err != nil {
				return err
			}
		}
		for name, access := range map[string]string{"open": gateway.Open, "restricted": gateway.Restricted, "some": gateway.Restricted} {
			r := gateway.Route{Version: uuid.Must(uuid.NewV7()), Agency: uuid.Must(uuid.NewV7()), API: uuid.Must(uuid.NewV7()),
				AgencySlug: "do-toc-do", APISlug: name, Number: "v1", TitleVI: "Đo", TitleEN: "Bench", Upstream: "http://" + d.at("upstream"), Plan: plan,
				Operations: []gateway.Operation{
					{ID: "list", Method: "GET", Path: "/cay-trong", Access: access},
					{ID: "one", Method: "GET", Path: "/cay-trong/{ma}", Access: access},
					{ID: "large", Method: "GET", Path: "/n/{size}", Access: access},
					{ID: "rows", Method: "GET", Path: rowsPath, Access: access},
				}}
			d.versions[name] = r
			if err := gateway.Expose(ctx, tx, r); err != nil {
				return err
			}
			fields, ofRows := []string{""}, []string{""}
			if name == "some" {
				fields, ofRows = []string{"/maCay"}, fieldsOfRows
			}
			if err := gateway.PutGrant(ctx, tx, gateway.Grant{Agreement: uuid.Must(uuid.NewV7()), Revision: 1, Application: d.app, Version: r.Version, Purpose: "do",
				State: "active", Starts: time.Now().Add(-time.Hour), Ends: time.Now().Add(time.Hour), Plan: plan,
				Operations: []gateway.GrantedOperation{{Operation: "list", Fields: fields}, {Operation: "one", Fields: fields}, {Operation: "large", Fields: fields}, {Operation: "rows", Fields: ofRows}}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// startNode starts the node, and the one that speaks TLS.
func (d *dataPlane) startNode(ctx context.Context, self string) error {
	key := auth.NewKey(auth.KindKey)
	d.key = key.Secret()
	url, err := devdb.URL(d.platform.data)
	if err != nil {
		return err
	}
	s := nodeSettings{Database: url, Issuer: benchIssuer, Key: d.signer.pem, Pepper: []byte("a pepper of thirty-two bytes ....")}
	s.Credentials = []auth.GatewayCredential{{Lookup: key.Lookup, Hash: key.Hash(s.Pepper), PepperVersion: 1, Application: d.app, Expires: time.Now().Add(time.Hour)}}
	for name, ops := range map[string]string{"node": "ops", "node" + tlsSuffix: "ops" + tlsSuffix} {
		s.DataDir, s.Address, s.Ops = filepath.Join(d.dir, name), d.at(name), d.at(ops)
		s.Cert, s.CertKey = "", ""
		if name != "node" {
			s.Cert, s.CertKey = d.cert, d.certKey
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		file, err := d.write(name+".json", string(text))
		if err != nil {
			return err
		}
		if err := d.startAt(ctx, name, "http://"+s.Ops+"/readyz", self, nodeProgram, file); err != nil {
			return err
		}
	}
	return nil
}

func (d *dataPlane) rows() ([]gatewayRow, error) {
	token, err := d.signer.token(d.audience("restricted"), d.app.String())
	if err != nil {
		return nil, err
	}
	restricted := d.versions["restricted"]
	bearer, key := http.Header{"Authorization": {"Bearer " + token}}, http.Header{"X-API-Key": {d.key}}
	on := func(process, version string) string {
		return "http://" + d.at(process) + d.versions[version].Prefix() + "/cay-trong"
	}
	rows := []gatewayRow{
		{name: "direct", url: on("upstream", "open")},
		{name: "nginx, plain", process: "nginx", url: on("nginx", "open")},
		{name: "haproxy, plain", process: "haproxy", url: on("haproxy", "open")},
		{name: "httputil.ReverseProxy", process: "reverseproxy", url: on("reverseproxy", "open")},
		{name: "lgsp's engine, plain", process: "plain", url: on("plain", "open")},
		{name: "nginx, auth_request", process: "nginx-auth", also: "authsvc", url: on("nginx-auth", "restricted"), header: bearer},
		{name: "haproxy, JWT", process: "haproxy-jwt", url: on("haproxy-jwt", "restricted"), header: bearer},
		{name: "lgsp, open operation", process: "node", url: on("node", "open")},
		{name: "lgsp, API key", process: "node", url: on("node", "restricted"), header: key},
		{name: "lgsp, token remembered", process: "node", url: on("node", "restricted"), header: bearer},
		{name: "lgsp, every token new", process: "node", url: on("node", "restricted"), fresh: &restricted},
		{name: "lgsp, API key, 1 agreed field of 2", process: "node", url: on("node", "some"), header: key},
		{name: wholeRows, process: "node", url: "http://" + d.at("node") + restricted.Prefix() + rowsPath, header: key},
		{name: agreedRows, process: "node", url: "http://" + d.at("node") + d.versions["some"].Prefix() + rowsPath, header: key},
	}
	if d.withCaddy {
		rows = append(rows, gatewayRow{name: "Caddy, plain", process: "caddy", url: on("caddy", "open")})
	}
	return slices.DeleteFunc(rows, func(r gatewayRow) bool { return !rowWanted(r.name) }), nil
}

// rowWanted reports whether a row is to be measured: any, unless some are named
// (go run ./test/bench gateway 'row=API key'). The table compares with those of
// its rows that were.
func rowWanted(name string) bool {
	named := false
	for _, arg := range os.Args[1:] {
		if part, ok := strings.CutPrefix(arg, "row="); ok {
			if strings.Contains(name, part) {
				return true
			}
			named = true
		}
	}
	return !named
}

// measureGateway measures the rows round by round, A B C, A B C, into the report.
func measureGateway(ctx context.Context, p *platform, dir string, to *report) (err error) {
	say("gateway: starting a node and its peers")
	d, err := newDataPlane(ctx, p, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	rows, err := d.rows()
	if err != nil {
		return err
	}
	for _, r := range rows {
		to.Gateway = append(to.Gateway, &gatewayFigures{Name: r.name})
	}
	for round := range rounds {
		for i, r := range rows {
			say("round %d of %d: %s", round+1, rounds, r.name)
			if err := d.measure(ctx, r, to.Gateway[i]); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	if to.More, err = d.measureMore(ctx); err != nil {
		return err
	}
	to.Slow, err = d.measureSlowNeighbour(ctx)
	return err
}

func (d *dataPlane) cpu(name string) time.Duration {
	if name == "" || d.processes[name] == nil {
		return 0
	}
	return treeCPU(d.processes[name].pid())
}

func (d *dataPlane) measure(ctx context.Context, r gatewayRow, f *gatewayFigures) error {
	call := row{name: r.name, url: r.url, header: r.header}
	if r.fresh != nil {
		file, err := d.signer.tokens(d.dir, "http://"+d.at("node")+r.fresh.Prefix(), d.app.String(), freshTokens)
		if err != nil {
			return err
		}
		call.tokens = file
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	proxy, behind := d.cpu(r.process)+d.cpu(r.also), d.cpu("upstream")
	evidence := treeCPU(d.platform.postgres) + ownCPU(d.platform.pid())
	load, err := wrk(ctx, call)
	if err != nil {
		return err
	}
	proxied, upstream := d.cpu(r.process)+d.cpu(r.also)-proxy, d.cpu("upstream")-behind
	if err := d.settled(ctx); err != nil {
		return err
	}
	each := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(load.calls) }
	if r.process == "node" { // delivering is its work too
		proxied = d.cpu(r.process) - proxy
		f.Evidence = append(f.Evidence, each(treeCPU(d.platform.postgres)+ownCPU(d.platform.pid())-evidence))
	}
	f.PerSecond = append(f.PerSecond, load.perSecond)
	f.Proxy, f.Upstream, f.Servers = append(f.Proxy, each(proxied)), append(f.Upstream, each(upstream)), append(f.Servers, each(proxied+upstream))
	if r.process != "" {
		f.Resident = residentMiB(d.processes[r.process].pid())
	}
	if r.fresh != nil {
		return nil // its latencies would be those of the generator
	}
	took, err := atRate(ctx, call, 1000, fixedTime)
	f.P50, f.P99 = append(f.P50, percentile(took, 50)), append(f.P99, percentile(took, 99))
	return err
}

// settled waits until the ledger holds every call that the node answered.
func (d *dataPlane) settled(ctx context.Context) error {
	var answered int64
	for _, ops := range []string{"ops", "ops" + tlsSuffix} {
		n, err := callsOf(ctx, "http://"+d.at(ops))
		if err != nil {
			return err
		}
		answered += n
	}
	for {
		var numbered int64
		if err := d.platform.db.QueryRow(ctx, `select count(*) from ledger.entry where kind = 'exchange' and seq is not null`).Scan(&numbered); err != nil {
			return fmt.Errorf("ask the ledger: %w", err)
		}
		if numbered-d.before >= answered {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the ledger holds %d of %d calls: %w", numbered, answered, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// find99 is nginx's p99.
func find99(list []*gatewayFigures) float64 {
	for _, f := range list {
		if f.Name == "nginx, plain" {
			return median(f.P99)
		}
	}
	return 0
}

// gatewayTable writes the rows, each beside nginx as a plain proxy.
func gatewayTable(b *strings.Builder, list []*gatewayFigures) {
	b.WriteString("\n## Gateway\n\n")
	table(b, "row", fmt.Sprintf("calls/s, %d connections", connections), "CPU µs/call, proxy", "upstream", "both", "calls per CPU-s, × nginx", "× ReverseProxy", "× our plain",
		"evidence, CPU µs/call", "p50 ms at 1000/s", "p99 ms", "p99, × nginx", "MiB")
	find := func(name string) float64 {
		for _, f := range list {
			if f.Name == name {
				return median(f.Servers)
			}
		}
		return 0
	}
	nginx, floor, plain := find("nginx, plain"), find("httputil.ReverseProxy"), find("lgsp's engine, plain")
	for _, f := range list {
		both := median(f.Servers)
		fmt.Fprintf(b, "| %s | %s | %s | %.0f | %s | %.2f | %.2f | %.2f | %s | %s | %s | %.2f | %.0f |\n", f.Name, spread(f.PerSecond, "%.0f"), spread(f.Proxy, "%.0f"), median(f.Upstream),
			spread(f.Servers, "%.0f"), nginx/both, floor/both, plain/both, spread(f.Evidence, "%.0f"), spread(f.P50, "%.2f"), spread(f.P99, "%.2f"), median(f.P99)/find99(list), f.Resident)
	}
	fieldsTable(b, list)
}
