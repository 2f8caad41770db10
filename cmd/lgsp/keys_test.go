package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
)

// A signing key that leaked is revoked by another process, and a gateway that
// remembers a token of it refuses that within a second.
func TestRevokeSigningKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	token := w.tokenFor(w.config.GatewayURL + "/so-a/dich-vu-public/v1")
	call := func() int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.config.GatewayURL+"/so-a/dich-vu-public/v1/thua-dat/9", nil)
		w.must(err)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("LGSP-Purpose", "dich-vu")
		answer, err := http.DefaultTransport.RoundTrip(r)
		w.must(err)
		_ = answer.Body.Close() // only the status counts
		return answer.StatusCode
	}
	w.until("the token opens", func() bool { return call() == http.StatusOK })
	keys, err := w.oauth.SigningKeys(t.Context())
	w.must(err)

	lgsp := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		w.must(run(t.Context(), program{Args: append([]string{"keys"}, args...), Stdout: &out, Stderr: &out, Environ: []string{
			"LGSP_DATA_DIR=" + t.TempDir(), "LGSP_DATABASE_URL=" + w.db.URL, "LGSP_SECRET_FILE=" + w.config.SecretFile,
			"LGSP_ISSUER=" + w.config.Issuer, "LGSP_PORTAL_URL=" + w.config.PortalURL, "LGSP_GATEWAY_URL=" + w.config.GatewayURL,
		}}))
		return out.String()
	}
	kid := map[string]string{}
	for _, key := range keys {
		kid[key.Algorithm] = key.ID
	}
	list := strings.Split(lgsp("list"), "\n")
	if len(list) != 4 || len(kid) != 2 { // a head, a key of each algorithm
		t.Fatalf("list: got %q", list)
	}
	for algorithm, id := range kid {
		if !slices.ContainsFunc(list, func(line string) bool { return strings.HasPrefix(line, id+"  "+algorithm+" ") }) {
			t.Errorf("list: no line of %s, %s, in %q", id, algorithm, list)
		}
	}
	if out := lgsp("rotate"); !strings.Contains(out, "sign in two minutes") {
		t.Errorf("rotate: got %s", out)
	}
	if got := call(); got != http.StatusOK {
		t.Errorf("a token of the key before: got %d", got)
	}
	lgsp("revoke", kid[auth.RS256])
	if got := call(); got != http.StatusOK {
		t.Errorf("when the key of ID tokens alone is revoked: got %d", got)
	}
	lgsp("revoke", kid[auth.ES256])
	since := time.Now()
	w.until("the token is refused", func() bool { return call() == http.StatusUnauthorized })
	if took := time.Since(since); took > time.Second {
		t.Errorf("it opened for another %s", took)
	}
	token = w.tokenFor(w.config.GatewayURL + "/so-a/dich-vu-public/v1")
	w.until("a token of the next key opens", func() bool { return call() == http.StatusOK })
}

// tokenFor is a token of the developer's application for an API version.
func (w *world) tokenFor(audience string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.config.Issuer+"/oauth2/token",
		strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "resource": {audience}}.Encode()))
	w.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(w.id["application"], w.secret)
	answer, err := http.DefaultTransport.RoundTrip(r)
	w.must(err)
	defer answer.Body.Close()
	var said struct {
		Token string `json:"access_token"`
	}
	w.must(json.NewDecoder(answer.Body).Decode(&said))
	return said.Token
}
