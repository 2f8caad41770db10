package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/internal/devdb"
	"lgsp/internal/pg"
	"lgsp/migrations"
)

// The sizes that one node is to hold.
const (
	scaleRoutes       = 10_000
	scaleApplications = 100_000
	scaleAgreements   = 1_000_000
)

// scaleFigures are what a node with everything costs.
type scaleFigures struct {
	LoadMS     float64   `json:"load_ms"`     // from exec to ready
	PeakMiB    float64   `json:"peak_mib"`    // most that was resident until then
	Resident   float64   `json:"resident"`    // a minute later, MiB
	Again      float64   `json:"again_ms"`    // from exec to ready, with the database away
	DeltaMS    []float64 `json:"delta_ms"`    // what a change takes the node to load
	InForceMS  []float64 `json:"in_force_ms"` // from its commit until a call is answered by it
	QuietP99   []float64 `json:"quiet_p99"`   // at 1,000 calls/s
	ChangesP99 []float64 `json:"changes_p99"` // the same, while 100 agreements a second change
	Failed     int       `json:"failed"`      // calls
	Changes    int       `json:"changes"`     // that were made meanwhile
}

// scaled is a node on a database of its own.
type scaled struct {
	*dataPlane
	db       *pgxpool.Pool
	url      string
	versions []gateway.Route
	apps     []uuid.UUID
	mine     gateway.Grant // of the caller, on the first version
	some     []gateway.Grant
}

func measureScale(ctx context.Context, p *platform, dir string) (f *scaleFigures, err error) {
	s := &scaled{dataPlane: &dataPlane{platform: p, app: uuid.Must(uuid.NewV7()), peers: &peers{dir: filepath.Join(dir, "scale"), processes: map[string]*process{}, ports: map[string]int{}}}}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	s.ports = map[string]int{"upstream": ports[0], "node": ports[1], "ops": ports[2]}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	if s.signer, err = newSigner(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	say("scale: %d routes, %d applications, %d agreements", scaleRoutes, scaleApplications, scaleAgreements)
	if err := s.fill(ctx); err != nil {
		return nil, err
	}
	defer s.db.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if err := s.start(ctx, "upstream", self, upstreamProgram, s.at("upstream")); err != nil {
		return nil, err
	}
	f = &scaleFigures{}
	if err := s.load(ctx, self, f); err != nil {
		return nil, err
	}
	return f, s.change(ctx, f)
}

// fill makes the database and what it holds.
func (s *scaled) fill(ctx context.Context) error {
	url, err := devdb.URL(s.platform.data)
	if err != nil {
		return err
	}
	if _, err := s.platform.db.Exec(ctx, `create database scale`); err != nil {
		return fmt.Errorf("make a database: %w", err)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	s.url = strings.Replace(url, "/"+config.Database+"?", "/scale?", 1)
	if s.url == url {
		s.url = strings.Replace(url, "dbname="+config.Database, "dbname=scale", 1)
	}
	if _, err := migrations.Up(ctx, s.url); err != nil {
		return err
	}
	if s.db, err = pg.Open(ctx, s.url); err != nil {
		return err
	}
	for range scaleApplications {
		s.apps = append(s.apps, uuid.Must(uuid.NewV7()))
	}
	if err := s.fillRoutes(ctx); err != nil {
		return err
	}
	return s.fillGrants(ctx)
}

var scalePlan = gateway.Plan{Slug: "bench", RatePerMinute: 600_000_000, QuotaPerDay: 2_000_000_000}

func (s *scaled) fillRoutes(ctx context.Context) error {
	rows := make([][]any, scaleRoutes)
	for i := range rows {
		r := gateway.Route{Version: uuid.Must(uuid.NewV7()), Agency: uuid.Must(uuid.NewV7()), API: uuid.Must(uuid.NewV7()),
			AgencySlug: fmt.Sprintf("co-quan-%d", i%100), APISlug: fmt.Sprintf("dich-vu-%d", i), Number: "v1", TitleVI: "Đo", TitleEN: "Bench",
			Upstream: "http://" + s.at("upstream"), Plan: scalePlan}
		for _, path := range []string{"/cay-trong", "/cay-trong/{ma}", "/ho-so", "/ho-so/{ma}", "/ho-so/{ma}/tep/{so}"} {
			r.Operations = append(r.Operations, gateway.Operation{ID: strings.Trim(strings.NewReplacer("/", "-", "{", "", "}", "").Replace(path), "-"), Method: "GET", Path: path, Access: gateway.Restricted})
		}
		s.versions = append(s.versions, r)
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		rows[i] = []any{r.Version, r.Prefix(), text}
	}
	_, err := s.db.CopyFrom(ctx, pgx.Identifier{"gateway", "route"}, []string{"version_id", "prefix", "document"}, pgx.CopyFromRows(rows))
	return err
}

// fillGrants gives each application ten agreements, of eight different terms a
// version.
func (s *scaled) fillGrants(ctx context.Context) error {
	columns := []string{"agreement_id", "revision", "application_id", "version_id", "purpose", "state", "starts", "ends", "rate_per_minute", "quota_per_day", "operations"}
	starts, ends := time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	operations := make([][]byte, 8)
	for i := range operations {
		fields := []string{"/maCay"}
		for k := range i {
			fields = append(fields, fmt.Sprintf("/truong%d", k))
		}
		text, err := json.Marshal([]gateway.GrantedOperation{{Operation: "cay-trong", Fields: []string{""}}, {Operation: "cay-trong-ma", Fields: fields}, {Operation: "ho-so", Fields: fields}})
		if err != nil {
			return err
		}
		operations[i] = text
	}
	s.mine = gateway.Grant{Agreement: uuid.Must(uuid.NewV7()), Revision: 1, Application: s.app, Version: s.versions[0].Version, Purpose: "do", State: "active", Starts: starts, Ends: ends, Plan: scalePlan}
	if err := json.Unmarshal(operations[0], &s.mine.Operations); err != nil {
		return err
	}
	if err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error { return gateway.PutGrant(ctx, tx, s.mine) }); err != nil {
		return err
	}
	_, err := s.db.CopyFrom(ctx, pgx.Identifier{"gateway", "grant"}, columns, pgx.CopyFromSlice(scaleAgreements, func(i int) ([]any, error) {
		app, version, id := s.apps[i%scaleApplications], s.versions[rand.IntN(scaleRoutes)].Version, uuid.Must(uuid.NewV7())
		if i%1000 == 0 {
			g := s.mine
			g.Agreement, g.Application, g.Version = id, app, version
			s.some = append(s.some, g)
		}
		return []any{id, 1, app, version, "muc-dich", "active", starts, ends, 600, 100_000, operations[i%8]}, nil
	}))
	return err
}

// load starts the node, twice, and looks what it holds.
func (s *scaled) load(ctx context.Context, self string, f *scaleFigures) error {
	key := auth.NewKey(auth.KindKey)
	s.key = key.Secret()
	n := nodeSettings{Database: s.url, DataDir: filepath.Join(s.dir, "node"), Address: s.at("node"), Ops: s.at("ops"), Issuer: benchIssuer, Key: s.signer.pem,
		Pepper: []byte("a pepper of thirty-two bytes ...."), Strangers: scaleApplications}
	n.Credentials = []auth.GatewayCredential{{Lookup: key.Lookup, Hash: key.Hash(n.Pepper), PepperVersion: 1, Application: s.app, Expires: time.Now().Add(time.Hour)}}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	file, err := s.write("node.json", string(text))
	if err != nil {
		return err
	}
	say("scale: loading")
	began := time.Now()
	if err := s.startReady(ctx, self, file); err != nil {
		return err
	}
	f.LoadMS = milliseconds(time.Since(began))
	f.PeakMiB = peakMiB(s.processes["node"].pid())
	time.Sleep(20 * time.Second)
	f.Resident = residentMiB(s.processes["node"].pid())
	return nil
}

// startReady starts the node and waits until it is ready.
func (s *scaled) startReady(ctx context.Context, self, file string) error {
	started, err := startProcess(os.Environ(), self, nodeProgram, file)
	if err != nil {
		return err
	}
	s.processes["node"] = started
	for {
		if r, err := http.Get("http://" + s.at("ops") + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-started.ended:
			return fmt.Errorf("the node ended: %w\n%s", started.err, started.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// change measures changes by themselves, and calls while many come.
func (s *scaled) change(ctx context.Context, f *scaleFigures) error {
	call := row{url: "http://" + s.at("node") + s.versions[0].Prefix() + "/cay-trong", header: http.Header{"X-API-Key": {s.key}}}
	say("scale: changes")
	for i := range 40 {
		state := []string{"suspended", "active"}[i%2]
		took, err := s.inForce(ctx, call, state)
		if err != nil {
			return err
		}
		f.InForceMS = append(f.InForceMS, milliseconds(took))
	}
	for range 5 {
		took, err := atRate(ctx, call, 1000, 2*time.Second)
		if err != nil {
			return err
		}
		f.QuietP99 = append(f.QuietP99, percentile(took, 99))
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- s.keepChanging(ctx, stop, f) }()
		took, err = atRate(ctx, call, 1000, 2*time.Second)
		close(stop)
		if err := errors.Join(err, <-done); err != nil {
			f.Failed++
			return err
		}
		f.ChangesP99 = append(f.ChangesP99, percentile(took, 99))
	}
	loads, err := loadsOf(ctx, "http://"+s.at("ops"))
	f.DeltaMS = loads
	return err
}

// inForce changes the caller's agreement and says how long it took until a
// call was answered by it.
func (s *scaled) inForce(ctx context.Context, call row, state string) (time.Duration, error) {
	s.mine.Revision++
	s.mine.State = state
	if err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error { return gateway.PutGrant(ctx, tx, s.mine) }); err != nil {
		return 0, err
	}
	for began := time.Now(); ; {
		text, err := get(ctx, call.url, call.header)
		if err != nil {
			return 0, err
		}
		if refused := strings.Contains(text, "agreement-suspended"); refused == (state == "suspended") {
			return time.Since(began), nil
		}
		if time.Since(began) > 5*time.Second {
			return 0, fmt.Errorf("%s is not in force after 5 s: %s", state, text)
		}
	}
}

// keepChanging changes 100 agreements a second, one a transaction.
func (s *scaled) keepChanging(ctx context.Context, stop chan struct{}, f *scaleFigures) error {
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-stop:
			tick.Stop()
			return nil
		case <-tick.C:
		}
		g := &s.some[f.Changes%len(s.some)]
		g.Revision++
		f.Changes++
		if err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error { return gateway.PutGrant(ctx, tx, *g) }); err != nil {
			return err
		}
	}
}

// loadsOf are the mean and nothing else of what the node told of its loads, in ms.
func loadsOf(ctx context.Context, ops string) ([]float64, error) {
	text, err := get(ctx, ops+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	var sum, count float64
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "lgsp_gateway_config_load_seconds_sum "); ok {
			_, _ = fmt.Sscan(rest, &sum) // a number, by the format
		}
		if rest, ok := strings.CutPrefix(line, "lgsp_gateway_config_load_seconds_count "); ok {
			_, _ = fmt.Sscan(rest, &count)
		}
	}
	return []float64{sum / max(count, 1) * 1000}, nil
}

func scaleTable(b *strings.Builder, f *scaleFigures) {
	fmt.Fprintf(b, "\n## One node with %d routes, %d applications, %d agreements\n\n", scaleRoutes, scaleApplications, scaleAgreements)
	table(b, "what", "figure")
	fmt.Fprintf(b, "| from exec to ready | %.1f s |\n| resident at most until then, and 20 s later | %.0f MiB, %.0f MiB |\n", f.LoadMS/1000, f.PeakMiB, f.Resident)
	fmt.Fprintf(b, "| a change, what the node takes to load it (mean) | %.1f ms |\n| a change, from commit until a call is answered by it | %s ms |\n", median(f.DeltaMS), spread(f.InForceMS, "%.0f"))
	fmt.Fprintf(b, "| p99 at 1,000 calls/s, quiet | %s ms |\n| the same while 100 agreements change a second (%d changes, %d failed calls) | %s ms, × %.2f |\n",
		spread(f.QuietP99, "%.2f"), f.Changes, f.Failed, spread(f.ChangesP99, "%.2f"), median(f.ChangesP99)/median(f.QuietP99))
}
