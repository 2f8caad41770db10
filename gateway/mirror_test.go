package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// withMirror puts a mirror of all calls in force.
func (w *world) withMirror(s *second) {
	w.t.Helper()
	w.route.Traffic.Mirror = Mirror{URL: s.URL + "/ban-sao", Percent: 100}
	w.exposed(func(v *version) bool { return v.mirror != nil })
}

// TestMirrored says which calls are copied, and what of them.
func TestMirrored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	var seen []string
	s := newSecond(t, func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, fmt.Sprintf("%s %s %d", r.Method, r.URL.RequestURI(), len(body)))
		mu.Unlock()
		if r.Header.Get("LGSP-Mirror") != "1" || r.Header.Get("Lgsp-Agency") != "so-noi-vu" || r.Header.Get("X-Api-Key") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("the mirror got %v", r.Header)
		}
		rw.WriteHeader(500)
	})
	w.route.Operations = append(w.route.Operations, Operation{ID: "xoa", Method: "DELETE", Path: "/danh-muc/{ma}", Access: Open})
	w.withMirror(s)
	key, token := []string{"X-API-Key", w.key, "LGSP-Mirror", "1"}, []string{"Authorization", "Bearer " + w.token("1")}
	for _, tt := range []struct {
		method, target, body string
		headers              []string
		copied               string
	}{
		{"GET", "/danh-muc/1?a=%20b", "", nil, "GET /ban-sao/danh-muc/1?a=%20b 0"},
		{"HEAD", "/danh-muc/2", "", nil, "HEAD /ban-sao/danh-muc/2 0"},
		{"GET", "/ho-so", "", key, "GET /ban-sao/ho-so 0"},
		{"GET", "/danh-muc/3", "abc", key, "GET /ban-sao/danh-muc/3 3"},
		{"GET", "/danh-muc/4", strings.Repeat("a", maxCopied+1), key, ""},
		{"DELETE", "/danh-muc/5", "", nil, ""},
		{"GET", "/nguoi/0123", "", token, ""},
		{"POST", "/tra-cuu", `{"nguoi":{"so":"0123"}}`, token, ""},
		{"GET", "/ho-so", "", nil, ""}, // refused
	} {
		before := w.reachedCount()
		got := w.send(w.server, tt.method, tt.target, tt.body, tt.headers...)
		if got.status != 200 && got.status != 401 {
			t.Errorf("%s %s: got %d %s", tt.method, tt.target, got.status, got.code)
		}
		if w.reachedCount() > before {
			if r, _ := w.last(); r.Header.Get("LGSP-Mirror") != "" {
				t.Errorf("%s %s: the system got the mark of a copy", tt.method, tt.target)
			}
		}
		if tt.copied != "" {
			w.until("copied: "+tt.copied, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(seen) > 0 && seen[len(seen)-1] == tt.copied
			})
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 4 {
		t.Errorf("copied: %q", seen)
	}
	if text := figures(t, w.node); !strings.Contains(text, `lgsp_gateway_mirror_copies_total{result="5xx"} 4`) || !strings.Contains(text, `{result="too-large"} 1`) || !strings.Contains(text, "lgsp_gateway_mirror_seconds 4") {
		t.Errorf("figures:\n%s", text)
	}
}

// TestMirrorHangs: nobody waits for a mirror; what it does not take in time is
// dropped, and it gets few copies at once.
func TestMirrorHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	s := newSecond(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	w.patience = 8 * time.Second
	w.withMirror(s)
	node, server := w.start(t.TempDir())
	const calls = copiesAtOnce + copiesWaiting + 20
	for i := range calls {
		begun := time.Now()
		if got := w.send(server, "GET", "/danh-muc/1", ""); got.status != 200 || time.Since(begun) > 7*time.Second {
			t.Fatalf("call %d: got %d %s after %s", i, got.status, got.code, time.Since(begun))
		}
		if i == copiesAtOnce-1 {
			w.until("all that may are on their way", func() bool { return s.calls.Load() == copiesAtOnce })
		}
	}
	if s.calls.Load() != copiesAtOnce {
		t.Errorf("%d copies at once", s.calls.Load())
	}
	if text := figures(t, node); !strings.Contains(text, `lgsp_gateway_mirror_copies_total{result="dropped"} 20`) {
		t.Errorf("figures:\n%s", text)
	}
}

// TestMirrorIsAway: calls go on, and after three copies the mirror is left
// alone for a time; a version that is exposed anew knows that.
func TestMirrorIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, breaksOff)
	w.withMirror(s)
	for i := range 6 {
		if got := w.do("GET", "/danh-muc/1"); got.status != 200 {
			t.Fatalf("got %d %s", got.status, got.code)
		}
		w.until("it was tried", func() bool { return s.calls.Load() >= int32(min(i+1, 3)) && len(w.node.copies) == 0 })
		if i == 3 {
			w.route.TitleVI = "Tên khác"
			w.exposed(func(v *version) bool { return v.TitleVI == "Tên khác" })
		}
	}
	if got := s.calls.Load(); got != 3 {
		t.Errorf("it got %d copies", got)
	}
	w.until("counted", func() bool {
		text := figures(t, w.node)
		return strings.Contains(text, `{result="failed"} 3`) && strings.Contains(text, `{result="dropped"} 3`)
	})
	if w.node.Health().Failing != nil {
		t.Error("a service counts as failing whose mirror fails")
	}
}

// TestMirrorShare: so many percent of the calls are copied.
func TestMirrorShare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newSecond(t, answers(200, `{}`))
	w.route.Traffic.Mirror = Mirror{URL: s.URL, Percent: 30}
	w.exposed(func(v *version) bool { return v.mirror != nil })
	const calls = 400
	for range calls {
		w.do("GET", "/danh-muc/1")
	}
	if got := s.calls.Load(); got < calls/6 || got > calls/2 {
		t.Errorf("%d of %d were copied, want 30 percent", got, calls)
	}
}
