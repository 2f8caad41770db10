package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/demo"
	"lgsp/internal/devdb"
	"lgsp/internal/pg"
)

// platform is bin/lgsp with the demo province, on free ports and a data
// directory of its own, and a connection to its private database.
type platform struct {
	*process
	environ              []string
	data                 string
	portal, gateway, ops string // origins
	info                 demo.Info
	db                   *pgxpool.Pool
	postgres             int // pid
}

func newPlatform(dir string) (*platform, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	p := &platform{data: filepath.Join(dir, "data")}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LGSP_") {
			p.environ = append(p.environ, pair)
		}
	}
	p.environ = append(p.environ, "LGSP_DATA_DIR="+p.data)
	for i, door := range []struct {
		name   string
		origin *string
	}{{"PORTAL", &p.portal}, {"GATEWAY", &p.gateway}, {"OPS", &p.ops}} {
		p.environ = append(p.environ, fmt.Sprintf("LGSP_%s_ADDR=127.0.0.1:%d", door.name, ports[i]))
		*door.origin = fmt.Sprintf("http://localhost:%d", ports[i])
	}
	return p, nil
}

// start starts the platform, and returns how long it took from exec to ready.
func (p *platform) start(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	var err error
	if p.process, err = startProcess(p.environ, "bin/lgsp", "serve", "--demo"); err != nil {
		return 0, err
	}
	for {
		if answer, err := http.Get(p.ops + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-p.ended:
			return 0, fmt.Errorf("lgsp ended: %w\n%s", p.err, p.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// starts are how long the platform took to be ready, in milliseconds, and what
// it then held in memory.
type starts struct {
	FirstMS float64   `json:"first_ms"` // demo province loaded, database made
	AgainMS []float64 `json:"again_ms"` // with the data of before
	RSSMiB  float64   `json:"rss_mib"`  // lgsp alone, 2 s after the last start
	LoadMiB float64   `json:"load_mib"` // and after all calls
}

// starts measures them, and leaves the platform running.
func (p *platform) starts(ctx context.Context) (starts, error) {
	first, err := p.start(ctx)
	if err != nil {
		return starts{}, err
	}
	s := starts{FirstMS: milliseconds(first)}
	for range 5 {
		if err := p.process.stop(); err != nil {
			return s, err
		}
		again, err := p.start(ctx)
		if err != nil {
			return s, err
		}
		s.AgainMS = append(s.AgainMS, milliseconds(again))
	}
	time.Sleep(2 * time.Second)
	s.RSSMiB = residentMiB(p.pid())
	return s, p.attach(ctx)
}

// attach reads what the running demo tells and connects to its database.
func (p *platform) attach(ctx context.Context) error {
	var err error
	if p.info, err = demo.ReadInfo(p.data); err != nil {
		return err
	}
	url, err := devdb.URL(p.data)
	if err != nil {
		return err
	}
	if p.db, err = pg.Open(ctx, url); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(p.data, "postgres/data/postmaster.pid"))
	if err != nil {
		return fmt.Errorf("find PostgreSQL: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if p.postgres, err = strconv.Atoi(first); err != nil {
		return fmt.Errorf("find PostgreSQL: %w", err)
	}
	return nil
}

func (p *platform) stop() error {
	if p.db != nil {
		p.db.Close()
	}
	if p.process == nil {
		return nil
	}
	return p.process.stop()
}

// api calls /api/v1 as a role of the demo, where is "GET /agencies", and
// decodes the answer into out.
func (p *platform) api(ctx context.Context, role, where string, body, out any) error {
	method, address, _ := strings.Cut(where, " ")
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, p.portal+"/api/v1"+address, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, account := range p.info.Accounts {
		if account.Role == role {
			r.Header.Set("Authorization", "Bearer "+account.Token)
		}
	}
	return answered(r, out)
}

func answered(r *http.Request, out any) error {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", r.Method, r.URL, answer.Status, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.URL, err)
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
