package main

import (
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
