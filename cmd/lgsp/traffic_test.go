package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// call makes a call to /api/v1 as a role, and gives the answer's status, ETag and body.
func (w *world) call(role, method, path, body, ifMatch string) (int, string, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.config.PortalURL+"/api/v1"+w.fill(path), strings.NewReader(body))
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+w.token[role])
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if ifMatch != "" {
		r.Header.Set("If-Match", ifMatch)
	}
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	return answer.StatusCode, answer.Header.Get("ETag"), strings.TrimSpace(string(text))
}

// TestTrafficInForce: what is set through /api/v1 holds at the gateway within a
// second, and no longer once it is taken away.
func TestTrafficInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const path = "/versions/{published version}/traffic"
	policy := func() string {
		answer := w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/danh-muc", nil)
		return answer.Header.Get("RateLimit-Policy")
	}
	w.until("served", func() bool { return policy() != "" })
	within := func(what string, holds func() bool) {
		t.Helper()
		begun := time.Now()
		w.until(what, holds)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%s after %s, want within a second", what, took)
		}
	}
	if status, _, body := w.call("steward", "PUT", path, `{}`, ""); status != 403 {
		t.Errorf("a steward: got %d %s", status, body)
	}
	status, tag, body := w.call("publisher", "PUT", path, `{"limits":[{"per":"address","calls":3,"window":"12h"}]}`, "")
	if status != 200 || body != `{"limits":[{"per":"address","calls":3,"window":"12h"}]}` {
		t.Fatalf("set: got %d %s", status, body)
	}
	within("the limit is told", func() bool { return strings.Contains(policy(), `"address-12h";q=3;w=43200`) })
	w.until("the limit refuses", func() bool {
		return w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/danh-muc", nil).Status == 429
	})
	if status, now, body := w.call("publisher", "GET", path, "", ""); status != 200 || now != tag {
		t.Errorf("read: got %d %s %s, want the ETag %s", status, now, body, tag)
	}
	if status, _, _ := w.call("publisher", "PUT", path, `{}`, `"another"`); status != 412 {
		t.Errorf("over another version: got %d", status)
	}
	if status, _, _ := w.call("publisher", "PUT", path, `{}`, tag); status != 200 {
		t.Errorf("over the version seen: got %d", status)
	}
	within("the limit is gone", func() bool { return !strings.Contains(policy(), "address-12h") })
}
