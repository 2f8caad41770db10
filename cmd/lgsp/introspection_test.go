package main

import (
	"testing"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// Who may ask about a token for a service: the serving agency's own
// applications, and nobody else's (RFC 7662 §2.1, §4).
func TestWhoServesAnAudience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	v, err := w.catalog.VersionByID(ctx, auth.Principal{}, w.uuid("published version"))
	w.must(err)
	audience := w.config.GatewayURL + v.Prefix()
	other, _, err := w.auth.CreateApplication(ctx, w.people["other"], auth.NewApplication{Agency: w.uuid("so-b"), Name: "Của sở khác"})
	w.must(err)
	if err := w.serves(ctx, w.uuid("agency's application"), audience); err != nil {
		t.Errorf("the agency's own: %v", err)
	}
	for name, err := range map[string]error{
		"a developer's application": w.serves(ctx, w.uuid("application"), audience),
		"another agency's":          w.serves(ctx, other.ID, audience),
		"of another gateway":        w.serves(ctx, w.uuid("agency's application"), "https://elsewhere.example"+v.Prefix()),
		"of no version":             w.serves(ctx, w.uuid("agency's application"), w.config.GatewayURL+"/so-a/khong-co/v9"),
		"of less than a version":    w.serves(ctx, w.uuid("agency's application"), w.config.GatewayURL+"/so-a"),
		"of the platform's own API": w.serves(ctx, w.uuid("agency's application"), w.config.Issuer),
	} {
		if !problem.Is(err, problem.Forbidden) {
			t.Errorf("%s: got %v, want Forbidden", name, err)
		}
	}
}
