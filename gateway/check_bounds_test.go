package gateway

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lgsp/internal/http1"
)

// TestCheckedBodiesOnTheirWay: a body that is held to the document is read whole
// before the upstream sees any of it; every other one is sent on as it comes.
func TestCheckedBodiesOnTheirWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.patience = 5 * time.Second
	w.allowed()
	node, server := w.start(t.TempDir())
	begun := make(chan struct{}, 1)
	w.streams(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 1))
		begun <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "{}")
	})
	for _, tt := range []struct {
		set         Check
		contentType string
		held        bool
	}{
		{Check{}, "application/json", false},
		{Check{Answers: CheckSample}, "application/json", false},
		{Check{Requests: CheckEnforce}, "application/xml", false},
		{Check{Requests: CheckReport}, "application/json", true},
		{Check{Requests: CheckEnforce}, "application/json", true},
	} {
		w.checks(tt.set)
		w.until("in force at the other node", func() bool { return node.current.Load().byVersion[w.route.Version].Traffic.Check == tt.set })
		from, to := io.Pipe()
		r, _ := http.NewRequest("POST", server.URL+w.route.Prefix()+"/ho-so", from)
		r.Header = http.Header{"X-Api-Key": {w.key}, "Content-Type": {tt.contentType}}
		done := make(chan string, 1)
		go func() {
			res, err := server.Client().Do(r)
			if err != nil {
				done <- err.Error()
				return
			}
			_ = res.Body.Close()
			done <- res.Status
		}()
		_, _ = io.WriteString(to, `{"maHoSo":"H1"`+strings.Repeat(" ", 2*heldRequest))
		select {
		case <-begun:
			if tt.held {
				t.Errorf("%+v, %s: the upstream saw some of it", tt.set, tt.contentType)
			}
		case <-time.After(map[bool]time.Duration{true: 100 * time.Millisecond, false: 5 * time.Second}[tt.held]):
			if !tt.held {
				t.Errorf("%+v, %s: the upstream saw nothing", tt.set, tt.contentType)
			}
		}
		_, _ = io.WriteString(to, "}")
		_ = to.Close()
		if got := <-done; got != "200 OK" {
			t.Errorf("%+v, %s: got %s", tt.set, tt.contentType, got)
		}
		select {
		case <-begun:
		default: // seen before
		}
	}
}

// TestLargeJSONTakesTurns: what large bodies are read into takes many times
// their size, so they are read one after the other; small ones wait for none.
func TestLargeJSONTakesTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.allowed()
	w.checks(Check{Requests: CheckReport, Answers: CheckEnforce})
	large := `{"maHoSo":"` + strings.Repeat("x", smallChecked) + `"}`
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		if r.Method == "GET" {
			_, _ = fmt.Fprintf(rw, `{"tong":1,"items":[],"x":%q}`, strings.Repeat("x", smallChecked))
			return
		}
		_, _ = io.WriteString(rw, "{}")
	})
	if err := w.node.reading.Acquire(t.Context(), readAtOnce); err != nil {
		t.Fatal(err)
	}
	done := make(chan reply, 2)
	go func() {
		done <- w.send(w.server, "POST", "/ho-so", large, "X-API-Key", w.key, "Content-Type", "application/json")
	}()
	go func() { done <- w.send(w.server, "GET", "/ho-so", "", "X-API-Key", w.key) }()
	if got := w.send(w.server, "POST", "/ho-so", `{"maHoSo":"H1"}`, "X-API-Key", w.key, "Content-Type", "application/json"); got.status != 200 {
		t.Errorf("a small body: got %d %s", got.status, got.body)
	}
	select {
	case got := <-done:
		t.Fatalf("a large body did not wait: got %d", got.status)
	case <-time.After(100 * time.Millisecond):
	}
	w.node.reading.Release(readAtOnce)
	for range 2 {
		if got := <-done; got.status != 200 {
			t.Errorf("after its turn came: got %d %s", got.status, got.body)
		}
	}
	if !w.node.reading.TryAcquire(readAtOnce) {
		t.Error("a turn was not given back")
	}
}

// TestChecksAreKept: a node that starts with the database away holds calls to
// the document as it did.
func TestChecksAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.checks(Check{Requests: CheckEnforce})
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(w.node.DataDir, keptFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, keptFile), text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, server := w.startAway(dir, func(*Node) {})
	for target, want := range map[string]int{"/danh-muc/1": 200, "/danh-muc/x": 400} {
		if got := w.send(server, "GET", target, ""); got.status != want {
			t.Errorf("%s: got %d %s, want %d", target, got.status, got.body, want)
		}
	}
}

// TestReplacedAnswerKeepsItsFields: an answer that is read whole gives its
// connection back before it leaves; its fields stay its own.
func TestReplacedAnswerKeepsItsFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(func(rw http.ResponseWriter, r *http.Request) { rw.Header().Set("X-Page", r.URL.Query().Get("trang")) })
	try, _ := w.node.current.Load().byVersion[w.route.Version].pool.Pick()
	ask := func(page string) *response {
		res, err := w.node.transports.do(t.Context(), try.Target(), &http1.Request{Method: "GET", Host: "he-thong", Target: "/?trang=" + page}, HTTP1)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := ask("1")
	if err := (&call{node: w.node}).replace(first, nil); err != nil {
		t.Fatal(err)
	}
	defer ask("2").body.Close()
	if got := first.fields.Get("X-Page"); got != "1" {
		t.Errorf("the first answer is of page %q once the second came", got)
	}
}
