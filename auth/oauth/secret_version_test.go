package oauth

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/keyring"
)

// turn gives the server, as at a new start, the keys of these versions, of
// which the last makes what is new. Version 1 is that of newServer.
func (w *world) turn(versions ...int) error {
	ring := func(first string) keyring.Ring {
		keys := map[int][]byte{}
		for _, v := range versions {
			keys[v] = []byte(strings.Repeat(first, 32))
			if v > 1 {
				keys[v] = []byte(strings.Repeat(string(rune('0'+v)), 32))
			}
		}
		return keyring.New(keys, func() int { return versions[len(versions)-1] })
	}
	w.server.HMACs, w.server.Seals, w.server.Nonces = ring("h"), ring("s"), ring("n")
	return errors.Join(w.server.Prepare(), w.server.MakeKeys(w.t.Context()))
}

// TestTokensOutliveTheirSecret: what was given under version 1 is good while
// both are there; what comes of it, and what is sealed anew, is good without 1.
func TestTokensOutliveTheirSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	used, unused := w.grant(scopeOpenID, scopeOffline), w.grant(scopeOffline)
	code, verifier := w.code(scopeOffline)
	waiting, typed := w.device()
	nonce, kid := w.server.Nonce(), w.server.keys.Load().sign[auth.ES256].kid

	w.must(w.turn(1, 2))
	if _, good := w.server.verifier.nonceEnds(nonce, w.Now()); !good {
		t.Error("a nonce of before is not good")
	}
	fresh, err := w.config(scopeOffline).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	w.must(err)
	if _, err := w.server.Device(ctx, typed); err != nil {
		t.Errorf("a device that waits: %v", err)
	}
	w.must(w.server.DecideDevice(ctx, *w.signedIn, typed, "allow"))
	w.poll(waiting).want(t, 200, "")
	refreshed := w.refresh(used.RefreshToken, nil)
	refreshed.want(t, 200, "")
	if grant, err := w.server.GrantOfRefresh(ctx, unused.RefreshToken); err != nil || grant == uuid.Nil {
		t.Errorf("the grant of a token of before: %v, %v", grant, err)
	}
	var versions []int
	w.must(w.db.QueryRow(ctx, `select array_agg(hmac_version order by hmac_version) from auth.oauth_refresh where used_at is null`).Scan(&versions))
	if want := []int{1, 2, 2}; !slices.Equal(versions, want) {
		t.Errorf("refresh tokens are of versions %v, want %v", versions, want)
	}
	if w.server.keys.Load().sign[auth.ES256].kid != kid {
		t.Error("another key signs")
	}
	w.must(w.server.Reseal(ctx))
	var old int
	w.must(w.db.QueryRow(ctx, `select count(*) from auth.token_key where seal_version <> 2`).Scan(&old))
	if old != 0 {
		t.Errorf("%d signing keys are sealed by the old secret", old)
	}

	w.must(w.turn(2))
	if w.server.keys.Load().sign[auth.ES256].kid != kid {
		t.Error("another key signs without version 1")
	}
	if _, good := w.server.verifier.nonceEnds(nonce, w.Now()); good {
		t.Error("a nonce of version 1 is good without it")
	}
	w.refresh(refreshed.body["refresh_token"].(string), nil).want(t, 200, "")
	w.refresh(fresh.RefreshToken, nil).want(t, 200, "")
	w.refresh(unused.RefreshToken, nil).want(t, 400, "invalid_grant")
}

// TestASealWithoutItsSecret: a server that lacks the version says which.
func TestASealWithoutItsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.turn(2); err == nil || !strings.Contains(err.Error(), "version 1 of the secret") {
		t.Errorf("prepare: got %v, want the version named", err)
	}
	if err := w.server.Reseal(t.Context()); err == nil || !strings.Contains(err.Error(), "version 1 of the secret") {
		t.Errorf("reseal: got %v, want the version named", err)
	}
	w.must(w.turn(1, 2))
	kids, err := w.server.RotateKeys(t.Context(), w.owner)
	w.must(err)
	var versions []int
	w.must(w.db.QueryRow(t.Context(), `select array_agg(seal_version) from auth.token_key where id = any($1)`, kids).Scan(&versions))
	if !slices.Equal(versions, []int{2, 2}) {
		t.Errorf("the next keys are sealed by versions %v", versions)
	}
}
