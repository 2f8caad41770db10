package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/gateway"
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

// TestClientKeyThroughTheAPI: it is set, told by its certificate, counted where
// the secret that seals it is, and ended.
func TestClientKeyThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const path = "/versions/{published version}/client-key"
	pair, err := json.Marshal(shownPair(t))
	w.must(err)
	status, _, set := w.call("publisher", "PUT", path, string(pair), "")
	if status != 200 || !strings.Contains(set, `"subject":"CN=self"`) || strings.Contains(set, "PRIVATE") {
		t.Fatalf("set: got %d %s", status, set)
	}
	if status, _, got := w.call("publisher", "GET", path, "", ""); status != 200 || got != set {
		t.Errorf("read: got %d %s", status, got)
	}
	for _, body := range []string{`{}`, `{"certificate":"","key":""}`} {
		if status, _, got := w.call("publisher", "PUT", path, body, ""); status != 400 || !strings.Contains(got, "client-certificate-invalid") {
			t.Errorf("nothing: got %d %s", status, got)
		}
	}
	command := &secretCommand{platform: w.platform}
	if stored, err := command.stored(t.Context()); err != nil || stored[1][gateway.SealedClientKeys] != 1 || !strings.Contains(command.needs(1, stored[1]), "1 upstream client key") {
		t.Errorf("counted: %v, %v", stored, err)
	}
	for _, kind := range storedKinds() {
		if kind != auth.SealedKeys && lostWith[kind] == "" {
			t.Errorf("nobody is told what is lost with %s", kind)
		}
	}
	if status, _, body := w.call("publisher", "DELETE", path, "", ""); status != 204 {
		t.Errorf("end: got %d %s", status, body)
	}
	if status, _, got := w.call("publisher", "GET", path, "", ""); status != 200 || !strings.Contains(got, `"certificate":""`) {
		t.Errorf("ended: got %d %s", status, got)
	}
}
