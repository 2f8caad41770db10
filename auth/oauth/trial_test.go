package oauth

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// A token to try calls with is the application's, for a quarter of an hour, and
// the ledger says who took it.
func TestTryToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	trial, err := w.server.TryToken(t.Context(), w.owner, w.app, landAPI)
	w.must(err)
	if got, want := trial.Expires, w.Now().Add(15*time.Minute); !got.Equal(want) {
		t.Errorf("expires: got %s, want %s", got, want)
	}
	verifier := w.server.verifier
	token, err := verifier.Verify(t.Context(), bearer(trial.Token), landAPI)
	w.must(err)
	if token.Client != w.app.ID.String() || token.Subject != token.Client || len(token.Scopes) > 0 {
		t.Errorf("the token says %+v", token)
	}
	i := slices.IndexFunc(w.acts, func(a auth.Act) bool { return a.Verb == "token.try" })
	if i < 0 || w.acts[i].Who.Person != w.owner.Person || w.acts[i].About != w.app.ID {
		t.Errorf("the ledger lacks the act: %+v", w.acts)
	}
	if w.count("issued_token") != 1 {
		t.Errorf("%d tokens on record, want 1: what leaks is ended by its record", w.count("issued_token"))
	}
	w.now.Add(int64(16 * time.Minute / time.Second))
	if _, err := verifier.Verify(t.Context(), bearer(trial.Token), landAPI); problem.Code(err) != "token-expired" {
		t.Errorf("after 16 minutes: got %v", err)
	}

	ended := w.Now()
	for _, tt := range []struct {
		name     string
		change   func(*auth.Application)
		audience string
		kind     problem.Kind
		code     string
	}{
		{"no agreement", func(*auth.Application) {}, meritAPI, problem.Forbidden, "trial-agreement"},
		{"the platform's own API is no version", func(*auth.Application) {}, w.server.Issuer, problem.Forbidden, "trial-agreement"},
		{"disabled", func(a *auth.Application) { a.DisabledAt = &ended }, landAPI, problem.Conflict, "application-disabled"},
		{"public", func(a *auth.Application) { a.Kind = auth.Public }, landAPI, problem.Conflict, "application-public"},
		{"bound to a DPoP key", func(a *auth.Application) { a.DPoPBound = true }, landAPI, problem.Conflict, "trial-bound"},
		{"bound to a certificate", func(a *auth.Application) { a.CertBound = true }, landAPI, problem.Conflict, "trial-bound"},
		{"FAPI 2.0", func(a *auth.Application) { a.Profile = auth.FAPI2 }, landAPI, problem.Conflict, "trial-bound"},
		{"only for its users", func(a *auth.Application) { a.GrantTypes = []string{auth.GrantCode} }, landAPI, problem.Conflict, "trial-bound"},
	} {
		app := w.app
		tt.change(&app)
		if _, err := w.server.TryToken(t.Context(), w.owner, app, tt.audience); problem.Code(err) != tt.code || !problem.Is(err, tt.kind) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
	}
	w.server.Record = func(context.Context, pgx.Tx, auth.Act) error { return errors.New("the ledger is away") }
	if _, err := w.server.TryToken(t.Context(), w.owner, w.app, landAPI); err == nil || w.count("issued_token") != 1 {
		t.Errorf("without the ledger: got %v and %d tokens on record, want an error and 1", err, w.count("issued_token"))
	}
}
