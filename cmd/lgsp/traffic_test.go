package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
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

// TestChecksFromDocumentToDesk: what the document says is held to at the
// gateway within a second, and what an answer has otherwise stands on the
// publisher's desk when the node has ended.
func TestChecksFromDocumentToDesk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.serve()
	document := strings.Replace(worldSpec, "{ ma: { type: string }", "{ ma: { type: integer, pattern: '(?=1)' }", 1)
	document = strings.Replace(document, "      operationId: danhMuc\n", "      operationId: danhMuc\n      parameters: [ { name: trang, in: query, schema: { type: integer } } ]\n", 1)
	publisher := w.people["publisher"]
	made, err := w.catalog.CreateVersion(t.Context(), publisher, w.uuid("public api"), "v3", []byte(document))
	w.must(err)
	w.id["checked version"] = made.ID.String()
	if !slices.ContainsFunc(made.Findings, func(f catalog.Finding) bool { return f.Code == "spec-unchecked-pattern" && f.Args["what"] == "(?=1)" }) {
		t.Errorf("found %+v, not what cannot be checked", made.Findings)
	}
	_, err = w.catalog.MarkOperations(t.Context(), publisher, made.ID, worldMarks)
	w.must(err)
	_, err = w.catalog.SetUpstream(t.Context(), publisher, made.ID, "http://"+w.id["upstream"])
	w.must(err)
	_, err = w.catalog.SetPlan(t.Context(), publisher, made.ID, "standard-approval")
	w.must(err)
	_, err = w.catalog.PublishVersion(t.Context(), publisher, made.ID)
	w.must(err)
	list := func(query string) told {
		return w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-public/v3/danh-muc"+query, nil)
	}
	w.until("served", func() bool { return list("?trang=x").Status == 200 })
	if status, _, body := w.call("publisher", "PUT", "/versions/{checked version}/traffic", `{"check":{"requests":"enforce","answers":"sample","sample_percent":100}}`, ""); status != 200 {
		t.Fatalf("set: got %d %s", status, body)
	}
	begun := time.Now()
	w.until("refused", func() bool { return list("?trang=x").Status == 400 })
	if took := time.Since(begun); took > time.Second {
		t.Errorf("in force after %s, want within a second", took)
	}
	if got := list("?trang=x"); !strings.Contains(got.Body, `"errors":[{"code":"check-type"`) || !strings.Contains(got.Body, `"field":"query/trang"`) {
		t.Errorf("refused with %s", got.Body)
	}
	if got := list("?trang=2"); got.Status != 200 || !strings.Contains(got.Body, "Không Ai") {
		t.Errorf("as described: got %+v", got)
	}
	time.Sleep(200 * time.Millisecond) // the answer is looked at when it has left
	stop()
	drift, err := w.drifts.List(t.Context(), publisher, made.ID)
	if err != nil || len(drift) != 1 || drift[0].Operation != "danh-muc" || drift[0].Place != "body/ma" || drift[0].Code != "type" || drift[0].Direction != "answer" {
		t.Errorf("found %+v, %v", drift, err)
	}
}

// TestTooLargeToCheckIsNotPublished: of a version whose calls are to be held to
// its document, none is served that could not be.
func TestTooLargeToCheckIsNotPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	publisher := w.people["publisher"]
	made, err := w.catalog.CreateVersion(t.Context(), publisher, w.uuid("public api"), "v4", []byte(worldSpec))
	w.must(err)
	_, err = w.catalog.SetTraffic(t.Context(), publisher, made.ID, []byte(`{"check":{"requests":"enforce"}}`))
	w.must(err)
	var wide strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&wide, "truong%d: { type: string }, ", i)
	}
	made, err = w.catalog.ReplaceSpec(t.Context(), publisher, made.ID, catalog.Save{Text: []byte(strings.Replace(worldSpec, "properties: { ", "properties: { "+wide.String(), 1))})
	w.must(err)
	if !slices.ContainsFunc(made.Findings, func(f catalog.Finding) bool { return f.Code == "spec-unchecked-size" && f.Severity == "warning" }) {
		t.Errorf("found %+v", made.Findings)
	}
	_, err = w.catalog.MarkOperations(t.Context(), publisher, made.ID, worldMarks)
	w.must(err)
	_, err = w.catalog.SetUpstream(t.Context(), publisher, made.ID, "http://"+w.id["upstream"])
	w.must(err)
	_, err = w.catalog.SetPlan(t.Context(), publisher, made.ID, "standard-approval")
	w.must(err)
	if _, err := w.catalog.PublishVersion(t.Context(), publisher, made.ID); problem.Code(err) != "check-too-large" {
		t.Errorf("published: %v", err)
	}
	_, err = w.catalog.SetTraffic(t.Context(), publisher, made.ID, []byte(`{}`))
	w.must(err)
	_, err = w.catalog.PublishVersion(t.Context(), publisher, made.ID)
	w.must(err)
}
