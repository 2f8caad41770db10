package oauth

import (
	"net/http"
	"reflect"
	"testing"

	"lgsp/auth"
)

// TestAuthorizeStepsUp: two factors that acr_values ask for are asked of the
// person, or refused by name where they may not be asked (RFC 9470 §5).
func TestAuthorizeStepsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.grant(scopeOpenID)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/.well-known/openid-configuration", nil)
	w.must(err)
	if levels := w.send(r).body["acr_values_supported"]; !reflect.DeepEqual(levels, []any{"aal1", "aal2"}) {
		t.Errorf("levels told: got %v", levels)
	}
	two := []string{auth.ByPassword, auth.ByCode, auth.ByTwo}
	for _, tt := range []struct {
		name    string
		methods []string
		pairs   []string
		page    string // asked for, or:
		failure string // told to the client; both "": a code
	}{
		{"one factor is enough for who asks nothing", two[:1], nil, "", ""},
		{"two are asked for", two[:1], []string{"acr_values", "aal2"}, "/sign-in/confirm", ""},
		{"two may not be asked for", two[:1], []string{"acr_values", "aal2", "prompt", "none"}, "", "unmet_authentication_requirements"},
		{"two are there", two, []string{"acr_values", "aal2", "prompt", "none"}, "", ""},
		{"one is as welcome", two[:1], []string{"acr_values", "aal2 aal1"}, "", ""},
		{"words of others are passed over", two[:1], []string{"acr_values", "urn:x:gold"}, "", ""},
	} {
		w.mu.Lock()
		w.signedIn = &SignedIn{Who: w.who(), Proof: auth.Proof{Session: w.session, At: w.Now(), Methods: tt.methods}}
		w.mu.Unlock()
		back := w.browse(w.ask(w.config(scopeOpenID), tt.pairs...))
		if tt.page != "" && back.Path != tt.page || back.Query().Get("error") != tt.failure || tt.page == "" && tt.failure == "" && !back.Query().Has("code") {
			t.Errorf("%s: got %s", tt.name, back)
		}
	}
}
