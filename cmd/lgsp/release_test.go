package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCanaryFromFormToRecord: a canary at an approved address of the agency's is
// in force at the gateway, and the record tells which calls went there.
func TestCanaryFromFormToRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	const path = "/versions/{published version}/traffic"
	canary := func(address string) string {
		return `{"canary":{"upstreams":[{"url":"` + address + `"}],"header":"X-Ban-Thu","value":"co"}}`
	}
	for _, address := range []string{"http://10.255.0.1", "http://127.0.0.1:" + strings.Repeat("1", 4), "http://169.254.169.254"} {
		if status, _, body := w.call("publisher", "PUT", path, canary(address), ""); status != 400 || !strings.Contains(body, `"field":"canary/upstreams/0/url"`) {
			t.Errorf("%s: got %d %s", address, status, body)
		}
	}
	if status, _, body := w.call("publisher", "PUT", path, canary("http://"+w.id["upstream"]+"/moi"), ""); status != 200 {
		t.Fatalf("set: got %d %s", status, body)
	}
	call := func(headers ...string) int {
		return w.thief("GET", w.config.GatewayURL+"/so-a/dich-vu-public/v1/danh-muc", nil, headers...).Status
	}
	w.until("recorded", func() bool {
		if got := call("X-Ban-Thu", "co"); got != 200 {
			return false // not served yet
		}
		_, _, body := w.call("auditor", "GET", "/exchanges", "", "")
		return strings.Contains(body, `"canary":true`)
	})
}

// TestSignCallScript: the script in the developers' guide signs calls that the
// gateway takes, with a key registered as the guide says.
func TestSignCallScript(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/developers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(guide), "```sh\n#!/bin/sh\n# sign-call.sh")
	script, _, ends := strings.Cut("#!/bin/sh\n# sign-call.sh"+rest, "```")
	if !begins || !ends {
		t.Fatal("the guide has no script")
	}
	dir := t.TempDir()
	key, file := filepath.Join(dir, "key.pem"), filepath.Join(dir, "sign-call.sh")
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		return string(out)
	}
	run("openssl", "genpkey", "-algorithm", "ed25519", "-out", key)
	w := newWorld(t)
	w.serve()
	body, err := json.Marshal(map[string]string{"pem": run("openssl", "pkey", "-in", key, "-pubout")})
	if err != nil {
		t.Fatal(err)
	}
	status, _, set := w.call("developer", "PUT", "/applications/{application}/keys", string(body), "")
	var keys struct {
		Items []struct{ KID string }
	}
	if err := json.Unmarshal([]byte(set), &keys); err != nil || status != 200 || len(keys.Items) != 1 {
		t.Fatalf("register: got %d %s", status, set)
	}
	if status, _, body := w.call("publisher", "PUT", "/versions/{published version}/traffic", `{"signatures":true}`, ""); status != 200 {
		t.Fatalf("take signatures: got %d %s", status, body)
	}
	url := w.config.GatewayURL + "/so-a/dich-vu-public/v1/danh-muc"
	w.until("in force", func() bool {
		return w.thief("GET", url, nil, "Signature", "x").Status == 401
	})
	sign := func(kid string, body ...string) string {
		return run("sh", append([]string{file, key, w.id["application"] + "/" + kid, "GET", url + "?trang=1"}, body...)...)
	}
	for _, body := range [][]string{nil, {`{"tên": "a"}`}} {
		if got := sign(keys.Items[0].KID, body...); !strings.Contains(got, "Không Ai") {
			t.Errorf("signed, with body %s: got %s", body, got)
		}
	}
	if got := sign("another"); !strings.Contains(got, `"signature-wrong"`) {
		t.Errorf("with another kid: got %s", got)
	}
	w.until("recorded", func() bool {
		_, _, body := w.call("auditor", "GET", "/exchanges", "", "")
		return strings.Contains(body, `"credential":"signature"`)
	})
}
