package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	rounds      = 5
	connections = 64 // wrk's
	loadTime    = 2 * time.Second
	fixedRate   = 500 // calls a second, for the latencies
	fixedTime   = 2 * time.Second
)

// row is one way to the same answer.
type row struct {
	name   string
	url    string
	header http.Header
	form   string                                // of a POST; "": a GET
	tokens string                                // file of bearer tokens, one for each call
	renew  func(context.Context) (string, error) // of the bearer token, each round
}

// callFigures are a row's figures, one a round.
type callFigures struct {
	Name       string    `json:"name"`
	PerSecond  []float64 `json:"per_second"`  // at 64 connections
	LgspCPU    []float64 `json:"lgsp_cpu"`    // µs a call, simulated system included
	DBCPU      []float64 `json:"db_cpu"`      // µs a call, until the ledger holds it
	NginxCPU   []float64 `json:"nginx_cpu"`   // µs a call
	ServersCPU []float64 `json:"servers_cpu"` // all three
	P50        []float64 `json:"p50_ms"`      // at 500 calls/s, from when the call was due
	P99        []float64 `json:"p99_ms"`
	Settle     []float64 `json:"settle_ms"` // from the load's end until the ledger holds every call
}

// measureCalls sets the rows up and measures them round by round: A B C, A B C.
func measureCalls(ctx context.Context, p *platform, dir string) (list []*callFigures, err error) {
	say("publishing what is called")
	rows, err := callRows(ctx, p)
	if err != nil {
		return nil, err
	}
	n, at, err := startNginx(ctx, dir, rows[0].url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	rows[1].url = at + path
	for _, r := range rows {
		list = append(list, &callFigures{Name: r.name})
	}
	for round := range rounds {
		for i, r := range rows {
			say("round %d of %d: %s", round+1, rounds, r.name)
			if r.renew != nil {
				token, err := r.renew(ctx)
				if err != nil {
					return nil, err
				}
				r.header = http.Header{"Authorization": {"Bearer " + token}}
			}
			if err := list[i].measure(ctx, r, p, n); err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	return list, nil
}

// callRows publishes what the rows call. The second is nginx, whose address is
// not known yet.
func callRows(ctx context.Context, p *platform) ([]row, error) {
	if err := addPlan(ctx, p); err != nil {
		return nil, err
	}
	simulator, err := simulated(ctx, p)
	if err != nil {
		return nil, err
	}
	open := &service{slug: "do-mo", access: "open", schema: "{}"}
	whole := &service{slug: "do-tron", access: "restricted", schema: "{}", fields: []string{}}
	some := &service{slug: "do-phan", access: "restricted", schema: cropsSchema, fields: []string{"/tongSo", "/duLieu/*/maCay", "/duLieu/*/ten"}}
	for _, s := range []*service{open, whole, some} {
		if err := s.publish(ctx, p, simulator); err != nil {
			return nil, err
		}
	}
	key := http.Header{"X-Api-Key": {p.info.Application.APIKey}}
	return []row{
		{name: "direct: the simulated system", url: simulator + path},
		{name: "nginx, plain proxy"},
		{name: "lgsp, open operation", url: open.prefix(p) + path},
		{name: "lgsp, API key, whole answer", url: whole.prefix(p) + path, header: key},
		{name: "lgsp, JWT, whole answer", url: whole.prefix(p) + path, renew: func(ctx context.Context) (string, error) { return whole.token(ctx, p) }},
		{name: "lgsp, API key, 3 agreed fields", url: some.prefix(p) + path, header: key},
	}, nil
}

// measure adds one round of a row: load, wait until every call is in the
// ledger, then the fixed rate, then wait again.
func (f *callFigures) measure(ctx context.Context, r row, p *platform, n *process) error {
	if err := answers(ctx, r); err != nil {
		return err
	}
	if _, err := p.settle(ctx); err != nil {
		return err
	}
	lgsp, db, nginx := ownCPU(p.pid()), treeCPU(p.postgres), treeCPU(n.pid())
	load, err := wrk(ctx, r)
	if err != nil {
		return err
	}
	settled, err := p.settle(ctx)
	if err != nil {
		return err
	}
	each := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(load.calls) }
	a, b, c := each(ownCPU(p.pid())-lgsp), each(treeCPU(p.postgres)-db), each(treeCPU(n.pid())-nginx)
	latencies, err := atFixedRate(ctx, r)
	if err != nil {
		return err
	}
	f.PerSecond = append(f.PerSecond, load.perSecond)
	f.LgspCPU, f.DBCPU, f.NginxCPU, f.ServersCPU = append(f.LgspCPU, a), append(f.DBCPU, b), append(f.NginxCPU, c), append(f.ServersCPU, a+b+c)
	f.P50, f.P99 = append(f.P50, percentile(latencies, 50)), append(f.P99, percentile(latencies, 99))
	f.Settle = append(f.Settle, milliseconds(settled))
	return nil
}

// settle waits until the ledger has numbered every call that the gateway
// answered, so that no row pays for another's evidence.
func (p *platform) settle(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	for {
		answered, err := p.answeredCalls(ctx)
		if err != nil {
			return 0, err
		}
		// entries are counted by their numbers, which have no gaps
		var size, acts int64
		if err := p.db.QueryRow(ctx, `select coalesce(max(seq) + 1, 0), (select count(*) from ledger.entry where kind = 'act') from ledger.entry`).Scan(&size, &acts); err != nil {
			return 0, fmt.Errorf("ask the ledger: %w", err)
		}
		if size-acts >= answered {
			return time.Since(began), nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the ledger holds %d of %d calls: %w", size-acts, answered, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// answeredCalls is how many calls the gateway counted since it started, of
// which each leaves one entry.
func (p *platform) answeredCalls(ctx context.Context) (int64, error) { return callsOf(ctx, p.ops) }

// callsOf is how many calls the node with this operator's door answered.
func callsOf(ctx context.Context, ops string) (int64, error) {
	text, err := get(ctx, ops+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	var sum int64
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "lgsp_gateway_calls_total{") {
			var value float64
			if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &value); err != nil {
				return 0, fmt.Errorf("read %q: %w", line, err)
			}
			sum += int64(value)
		}
	}
	return sum, nil
}

// answers checks that a row's call is answered as it should be, and lets a new
// credential or service reach the gateway first.
func answers(ctx context.Context, r row) error {
	for try := 0; ; try++ {
		text, err := get(ctx, r.url, r.header)
		if err == nil && strings.Contains(text, `"maCay":"keo"`) {
			return nil
		}
		if try == 40 || ctx.Err() != nil {
			return fmt.Errorf("unexpected answer %s: %w", text, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// startNginx starts a plain proxy before the upstream at target.
func startNginx(ctx context.Context, dir, target string) (*process, string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, "", err
	}
	host := strings.TrimSuffix(strings.TrimPrefix(target, "http://"), path)
	dir = filepath.Join(dir, "nginx")
	config := fmt.Sprintf(`daemon off; worker_processes %d; pid nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  upstream simulator { server %s; keepalive 128; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:%d reuseport;
    location / { proxy_pass http://simulator; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`, runtime.NumCPU(), host, ports[0])
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, "", fmt.Errorf("make nginx's directory: %w", err)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, "", fmt.Errorf("write nginx's configuration: %w", err)
	}
	n, err := startProcess(os.Environ(), "nginx", "-p", dir, "-c", file, "-e", "stderr")
	if err != nil {
		return nil, "", err
	}
	at := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	if err := answers(ctx, row{url: at + path}); err != nil {
		return nil, "", errors.Join(err, n.stop())
	}
	return n, at, nil
}
