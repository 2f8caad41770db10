package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/devdb"
	"lgsp/internal/pgtest"
	"lgsp/migrations"
)

// ownDatabase is a server of its own that a test may stop and start.
type ownDatabase struct {
	t   *testing.T
	dir string
	*devdb.Server
}

func newOwnDatabase(t *testing.T) *ownDatabase {
	t.Helper()
	dir, err := pgtest.Dir()
	if err != nil {
		t.Fatal(err)
	}
	d := &ownDatabase{t: t, dir: dir}
	d.start()
	t.Cleanup(func() { d.Stop(); _ = os.RemoveAll(dir) })
	if _, err := migrations.Up(t.Context(), d.URL); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *ownDatabase) start(settings ...string) {
	d.t.Helper()
	var err error
	if d.Server, err = devdb.Start(d.t.Context(), devdb.Config{Dir: d.dir, Settings: append(slices.Clone(pgtest.FastSettings), settings...)}); err != nil {
		d.t.Fatal(err)
	}
}

// asked is one request and what it is answered while all is well.
type asked struct {
	method, path, token, cookie, body string
	want                              int
}

// send gives the status, the headers and the body of an answer.
func (w *world) sendAsked(a asked) (int, http.Header, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), a.method, w.config.PortalURL+a.path, strings.NewReader(a.body))
	w.must(err)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
		r.Header.Set("Content-Type", "application/json")
	}
	if a.cookie != "" {
		r.AddCookie(&http.Cookie{Name: "lgsp_session", Value: a.cookie})
	}
	answer, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	return answer.StatusCode, answer.Header, string(text)
}

// With the database away, pages and /api/v1 say so: 503, in both languages, to
// be asked again; what needs none goes on, and all is well when it is back.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	db := newOwnDatabase(t)
	w := newWorldOn(t, db.URL+"&pool_max_conns=6", func(*world, *config) {})
	w.serve()
	developer, session := w.token["developer"], w.session["developer"]
	all := []asked{
		{"GET", "/", "", "", "", 200},
		{"GET", "/en/", "", "", "", 200},
		{"GET", "/search?q=x", "", "", "", 200},
		{"GET", "/account", "", session, "", 200},
		{"GET", "/en/account/security", "", session, "", 200},
		{"POST", "/sign-in", "", "", "email=developer@world.example&password=khong-phai", 401},
		{"POST", "/en/sign-up", "", "", "email=moi@world.example&name=M&terms=yes", 202},
		{"POST", "/account/name", "", session, "full_name=M&locale=vi", 303},
		{"POST", "/sign-in/passkey/ask", "", "", "", 404}, // no passkeys at an address
		{"GET", "/api/v1/me", developer, "", "", 200},
		{"GET", "/api/v1/apis", "", "", "", 200},
		{"POST", "/api/v1/tokens", developer, "", `{"name":"x","hours":1}`, 201},
		{"POST", "/api/v1/sign-up", "", "", `{"email":"nua@world.example","name":"N"}`, 202},
		{"GET", "/account/export", "", session, "", 200},
		{"GET", "/ledger/proof/00000000-0000-7000-8000-000000000000", "", "", "", 404},
	}
	all[slices.IndexFunc(all, func(a asked) bool { return a.path == "/api/v1/sign-up" })].token = developer // for its Content-Type
	well := func(when string) {
		t.Helper()
		for _, a := range all {
			if status, _, body := w.sendAsked(a); status != a.want {
				t.Errorf("%s: %s %s: got %d, want %d:\n%s", when, a.method, a.path, status, a.want, body)
			}
		}
	}
	well("before")

	away := func(when string) {
		t.Helper()
		for _, a := range all {
			if a.want == 404 && a.path == "/sign-in/passkey/ask" {
				continue // it does not come as far as the database
			}
			status, header, body := w.sendAsked(a)
			if status != 503 || header.Get("Retry-After") != "5" || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s %s: got %d %v", when, a.method, a.path, status, header)
			}
			switch {
			case strings.HasPrefix(a.path, "/api/") || strings.HasPrefix(a.path, "/ledger/"):
				var said struct{ Code, Title string }
				if err := json.Unmarshal([]byte(body), &said); err != nil || said.Code != "temporarily-unavailable" {
					t.Errorf("%s: %s %s: got %s", when, a.method, a.path, body)
				}
			case strings.HasPrefix(a.path, "/en/"):
				if !strings.Contains(body, "The platform cannot answer just now") {
					t.Errorf("%s: %s:\n%s", when, a.path, body)
				}
			default:
				if !strings.Contains(body, "Nền tảng tạm thời chưa trả lời được") || strings.Contains(body, `href="/sign-up"`) {
					t.Errorf("%s: %s:\n%s", when, a.path, body)
				}
			}
			if strings.Contains(body, "postgres") || strings.Contains(body, "connect") {
				t.Errorf("%s: %s tells of the inside:\n%s", when, a.path, body)
			}
		}
		if status, header, body := w.sendAsked(asked{method: "GET", path: "/status", cookie: session}); status != 200 || header.Get("Cache-Control") != "no-store" ||
			!strings.Contains(body, "Không trả lời. Hãy thử lại") || strings.Contains(body, `href="/sign-in"`) {
			t.Errorf("%s: /status: got %d:\n%s", when, status, body)
		}
		for _, path := range []string{"/terms", "/en/sign-in", "/oauth2/jwks", "/api/v1/openapi.json"} {
			if status, _, _ := w.sendAsked(asked{method: "GET", path: path}); status != 200 {
				t.Errorf("%s: %s needs no database: got %d", when, path, status)
			}
		}
	}
	db.Stop()
	away("stopped")

	db.start("max_connections=10") // others take what there is: 53300
	var held []*pgx.Conn
	full := 0
	w.until("no connection is left", func() bool {
		if conn, err := pgx.Connect(t.Context(), db.URL); err == nil {
			held = append(held, conn)
		}
		w.platform.db.Pool.Reset() // what the platform has it gives back, for others to take
		for _, a := range all[:3] {
			status, _, body := w.sendAsked(a)
			if status != a.want && status != 503 {
				t.Errorf("no connection left: %s: got %d:\n%s", a.path, status, body)
			}
			if status == 503 {
				full++
			}
		}
		return full >= 10
	})
	for _, conn := range held {
		_ = conn.Close(context.WithoutCancel(t.Context()))
	}
	w.until("it answers again", func() bool {
		status, _, _ := w.sendAsked(all[0])
		return status == 200
	})

	for range 20 { // 57P01: what is asked just then is told so, and the next finds a new connection
		_, err := db.terminate()
		w.must(err)
		for _, a := range all[:3] {
			if status, _, body := w.sendAsked(a); status != a.want && status != 503 {
				t.Errorf("terminated: %s: got %d:\n%s", a.path, status, body)
			}
		}
	}

	var taken []interface{ Release() }
	for range 10 { // the pool has no connection to give, nor will have one that a job gives back
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		conn, err := w.platform.db.Pool.Acquire(ctx)
		cancel()
		if err == nil {
			taken = append(taken, conn)
		}
	}
	begun := time.Now()
	if status, _, _ := w.sendAsked(asked{method: "GET", path: "/search?q=x"}); status != 503 || time.Since(begun) < 8*time.Second {
		t.Errorf("a page that got no connection: got %d after %s", status, time.Since(begun))
	}
	for _, conn := range taken {
		conn.Release()
	}
	well("afterwards")
}

// terminate ends the connections of everybody else, as an administrator would.
func (d *ownDatabase) terminate() (int, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, d.URL)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var n int
	err = conn.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`).Scan(&n)
	return n, err
}
