package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// links are the targets of an answer's links by what they are.
func links(h http.Header) map[string]string {
	found := map[string]string{}
	for _, line := range h.Values("Link") {
		target, rest, _ := strings.Cut(strings.TrimPrefix(line, "<"), ">")
		_, rel, _ := strings.Cut(rest, `rel="`)
		rel, _, _ = strings.Cut(rel, `"`)
		found[rel] = target
	}
	return found
}

// TestLifeOfAVersion: callers hear of the end on every answer, and are told
// where to go on once it has come, by the node's own clock and with the feed
// silent; a version that was ended for good is answered so on every node, and
// by one that starts from its disk.
func TestLifeOfAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got := w.do("GET", "/danh-muc/1"); got.status != 200 || got.header.Get("Deprecation")+got.header.Get("Sunset") != "" {
		t.Fatalf("before: %d %v", got.status, got.header)
	}
	since, sunset := w.now().Truncate(time.Second), w.now().Add(time.Hour).Truncate(time.Second)
	w.route.Deprecated, w.route.Sunset, w.route.Successor = &since, &sunset, "/so-noi-vu/ho-so/v2"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("announced", func() bool { return w.do("GET", "/danh-muc/1").header.Get("Sunset") != "" })
	page := portalURL + "/apis" + w.route.Prefix()
	got := w.do("GET", "/danh-muc/1")
	to := links(got.header)
	if got.status != 200 || got.header.Get("Deprecation") != "@"+itoa(since.Unix()) || got.header.Get("Sunset") != sunset.UTC().Format(http.TimeFormat) ||
		to["deprecation"] != page || to["sunset"] != page || to["successor-version"] != w.node.GatewayURL+"/so-noi-vu/ho-so/v2" {
		t.Errorf("announced: %d %v", got.status, got.header)
	}
	w.route.Docs = "https://so-noi-vu.test/chuyen-v2"
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("the agency's page", func() bool { return links(w.do("GET", "/danh-muc/1").header)["deprecation"] == w.route.Docs })

	reached := len(w.reached)
	w.clock.Add(int64(time.Hour + time.Second))
	for _, tt := range []struct{ name, method, target string }{
		{"open", "GET", "/danh-muc/1"}, {"without a credential", "GET", "/ho-so"}, {"post", "POST", "/ho-so"},
	} {
		got := w.do(tt.method, tt.target)
		var body struct{ Successor, Documentation, Sunset string }
		if err := json.Unmarshal([]byte(got.body), &body); err != nil || got.status != 410 || got.code != "version-succeeded" ||
			body.Successor != w.node.GatewayURL+"/so-noi-vu/ho-so/v2" || body.Documentation != w.route.Docs || body.Sunset != sunset.UTC().Format(time.RFC3339) ||
			links(got.header)["successor-version"] != body.Successor {
			t.Errorf("%s after the sunset: %d %s %v, %v", tt.name, got.status, got.body, got.header, err)
		}
	}
	if got := w.do("GET", "/khong-co"); got.status != 404 {
		t.Errorf("what was never there: %d", got.status)
	}
	if len(w.reached) != reached {
		t.Error("the upstream was reached after the sunset")
	}

	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: w.route.Version, At: w.now().Add(time.Hour)}) // a clock that is ahead of the node's
	})
	w.until("withdrawn", func() bool { return w.do("GET", "/danh-muc/1").code == "version-ended" })
	if got := w.do("GET", "/ho-so", "X-API-Key", w.key); got.status != 410 || len(w.node.current.Load().routes) != 0 {
		t.Errorf("withdrawn: %d %s", got.status, got.body)
	}
	_, other := w.start(t.TempDir())
	if got := w.send(other, "GET", "/danh-muc/1", ""); got.status != 410 || got.code != "version-ended" {
		t.Errorf("a node that starts after it: %d %s", got.status, got.body)
	}
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	n := &Node{DataDir: w.node.DataDir, Now: w.now, ClientSeals: w.seals}
	if err := n.restore(); err != nil {
		t.Fatal(err)
	}
	if v, _ := n.current.Load().match(w.route.Prefix() + "/danh-muc/1"); v == nil || !v.over {
		t.Error("the snapshot on disk has forgotten the end")
	}
	w.route.Sunset, w.route.Deprecated = nil, nil
	w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
	w.until("exposed again", func() bool { return w.do("GET", "/danh-muc/1").status == 200 })
	if len(w.node.current.Load().ended) != 0 {
		t.Error("a version that is served has ended too")
	}
}
