package main

import (
	"net/http"
	"testing"
)

// TestSessionCookieIsNoCredential: a browser's session opens pages, and neither
// /api/v1 nor the gateway, so that no other site can use it there.
func TestSessionCookieIsNoCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	for _, tt := range []struct {
		name, url string
		status    int
	}{
		{"a page", w.config.PortalURL + "/developer", http.StatusOK}, // the session does hold
		{"the management API", w.config.PortalURL + "/api/v1/me", http.StatusUnauthorized},
		{"a restricted operation", w.config.GatewayURL + "/so-a/dich-vu-public/v1/thua-dat/9", http.StatusUnauthorized},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.url, nil)
		w.must(err)
		r.AddCookie(&http.Cookie{Name: "lgsp_session", Value: w.session["developer"]})
		answer, err := http.DefaultTransport.RoundTrip(r)
		w.must(err)
		_ = answer.Body.Close() // only the status counts
		if answer.StatusCode != tt.status {
			t.Errorf("%s: got %d, want %d", tt.name, answer.StatusCode, tt.status)
		}
	}
}
