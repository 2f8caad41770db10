package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// tokenFigures are of one way to a token, or to what is known of one.
type tokenFigures struct {
	Name      string    `json:"name"`
	PerSecond []float64 `json:"per_second"` // at 64 connections
	OwnCPU    []float64 `json:"own_cpu"`    // µs a request, of the server
	DBCPU     []float64 `json:"db_cpu"`     // µs a request, of PostgreSQL
	P50       []float64 `json:"p50_ms"`     // at 500 requests/s
	P99       []float64 `json:"p99_ms"`
}

// tokenRow is a row and the process that answers it.
type tokenRow struct {
	row
	pid int
}

// measureTokens sets up a bare server, oidc-provider and the platform's own
// rows, and measures them round by round.
func measureTokens(ctx context.Context, p *platform) (list []*tokenFigures, err error) {
	service := &service{slug: "do-ma", access: "restricted", schema: "{}", fields: []string{}}
	if err := prepareService(ctx, p, service); err != nil {
		return nil, err
	}
	rows, stop, err := tokenRows(ctx, p, service)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		list = append(list, &tokenFigures{Name: r.name})
	}
	for round := range rounds {
		for i, r := range rows {
			say("round %d of %d: %s", round+1, rounds, r.name)
			if err := list[i].measure(ctx, r, p); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	return list, nil
}

func prepareService(ctx context.Context, p *platform, s *service) error {
	if err := addPlan(ctx, p); err != nil {
		return err
	}
	simulator, err := simulated(ctx, p)
	if err != nil {
		return err
	}
	return s.publish(ctx, p, simulator)
}

// tokenRows are the rows, and what ends the processes they started.
func tokenRows(ctx context.Context, p *platform, s *service) (rows []tokenRow, stop func() error, err error) {
	var started []*process
	stop = func() error {
		var faults []error
		for _, one := range started {
			faults = append(faults, one.cmd.Process.Kill()) // neither keeps anything
			<-one.ended
		}
		return errors.Join(faults...)
	}
	app := p.info.Application
	form := url.Values{"grant_type": {"client_credentials"}, "resource": {s.prefix(p)}}.Encode()
	header := http.Header{"Authorization": {basic(app.ClientID, app.ClientSecret)}, "Content-Type": {"application/x-www-form-urlencoded"}}

	bare, bareAt, err := startBare(app.ClientSecret)
	if err != nil {
		return nil, stop, err
	}
	started = append(started, bare)
	npm, npmAt, err := startProvider(app.ClientID, app.ClientSecret, s.prefix(p))
	if err != nil {
		return nil, stop, err
	}
	started = append(started, npm)
	token, err := s.token(ctx, p)
	if err != nil {
		return nil, stop, err
	}
	known := url.Values{"token": {token}}.Encode()
	return []tokenRow{
		{row{name: "bare net/http: form, HMAC, ES256", url: bareAt + "/token", header: header, form: form}, bare.pid()},
		{row{name: "oidc-provider (npm), client_credentials", url: npmAt + "/token", header: header, form: form}, npm.pid()},
		{row{name: "lgsp, client_credentials", url: p.portal + "/oauth2/token", header: header, form: form}, p.pid()},
		{row{name: "bare net/http: form, HMAC", url: bareAt + "/introspect", header: header, form: known}, bare.pid()},
		{row{name: "lgsp, introspection of a remembered token", url: p.portal + "/oauth2/introspect", header: header, form: known}, p.pid()},
	}, stop, nil
}

func basic(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}

// startProvider starts the peer written in JavaScript.
func startProvider(id, secret, resource string) (*process, string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, "", err
	}
	settings, err := json.Marshal(map[string]any{"port": ports[0], "client_id": id, "client_secret": secret, "resource": resource})
	if err != nil {
		return nil, "", fmt.Errorf("encode: %w", err)
	}
	p, err := startProcess(os.Environ(), "node", "test/bench/oidc_provider.mjs", string(settings))
	return p, fmt.Sprintf("http://127.0.0.1:%d", ports[0]), err
}

// measure adds one round of a row: the load, then the fixed rate.
func (f *tokenFigures) measure(ctx context.Context, r tokenRow, p *platform) error {
	if err := tokenAnswers(ctx, r.row); err != nil {
		return err
	}
	own, db := ownCPU(r.pid), treeCPU(p.postgres)
	load, err := wrk(ctx, r.row)
	if err != nil {
		return err
	}
	each := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(load.calls) }
	f.OwnCPU, f.DBCPU = append(f.OwnCPU, each(ownCPU(r.pid)-own)), append(f.DBCPU, each(treeCPU(p.postgres)-db))
	f.PerSecond = append(f.PerSecond, load.perSecond)
	latencies, err := atFixedRate(ctx, r.row)
	if err != nil {
		return err
	}
	f.P50, f.P99 = append(f.P50, percentile(latencies, 50)), append(f.P99, percentile(latencies, 99))
	return nil
}

// tokenAnswers waits until a row answers as it should.
func tokenAnswers(ctx context.Context, r row) error {
	for try := 0; ; try++ {
		text, err := send(ctx, http.DefaultClient, r)
		if err == nil && (strings.Contains(text, `"access_token":"ey`) || strings.Contains(text, `"active":true`)) {
			return nil
		}
		if try == 60 || ctx.Err() != nil {
			return fmt.Errorf("unexpected answer %q: %w", text, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tokens writes the table of what the authorization server costs beside its
// peers: the signing rows against the signing bare row, the last against the
// other.
func (r report) tokens(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Tokens\n\n")
	table(b, "row", fmt.Sprintf("requests/s, %d connections", connections), "CPU µs/request, the server", "PostgreSQL", "server's CPU, × bare",
		"requests per CPU-s, × oidc-provider", fmt.Sprintf("p50 ms at %d/s", fixedRate), "p99 ms")
	bare, npm := r.Tokens[0], r.Tokens[1]
	for i, f := range r.Tokens {
		if i == 3 {
			bare, npm = f, nil
		}
		beside := "–"
		if npm != nil {
			beside = fmt.Sprintf("%.2f", median(npm.OwnCPU)/median(f.OwnCPU))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %.0f | %.2f | %s | %s | %s |\n", f.Name, spread(f.PerSecond, "%.0f"), spread(f.OwnCPU, "%.0f"),
			median(f.DBCPU), median(f.OwnCPU)/median(bare.OwnCPU), beside, spread(f.P50, "%.2f"), spread(f.P99, "%.2f"))
	}
	b.WriteString(tokenNotes)
}

const tokenNotes = `
Each token of lgsp is a new one, for an API version that the agreement is looked up for, and its record is committed before it leaves
(many records to a commit). The bare row is net/http with a form, an HMAC and one ES256 signature: it keeps no record and knows one
client. oidc-provider runs in one Node process with its in-memory adapter, ES256 JWT, one client: no record either.
`
