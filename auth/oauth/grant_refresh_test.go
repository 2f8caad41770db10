package oauth

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"lgsp/auth"
)

func text(a answer, name string) string {
	said, _ := a.body[name].(string)
	return said
}

// oneIsLeft checks that the family lives, with this refresh token and this
// access token and no other but the first, which came of the code.
func (w *world) oneIsLeft(a answer) {
	w.t.Helper()
	if got := w.count("oauth_grant where revoked_at is null"); got != 1 {
		w.t.Errorf("%d families live, want 1", got)
	}
	if got := w.count("oauth_refresh where used_at is null"); got != 1 {
		w.t.Errorf("%d refresh tokens live, want 1", got)
	}
	if got := w.count("oauth_access a where not exists (select from auth.revoked_token r where r.jti = a.jti)"); got != 2 {
		w.t.Errorf("%d access tokens live, want 2", got)
	}
	if a.status != 200 {
		w.t.Fatalf("got %d %v", a.status, a.body)
	}
	signature := w.server.strategy.RefreshTokenSignature(w.t.Context(), text(a, "refresh_token"))
	if got := w.count("oauth_refresh where used_at is null and signature = '" + signature + "'"); got != 1 {
		w.t.Error("the refresh token that lives is another")
	}
	if _, err := w.server.live(w.t.Context(), text(a, "access_token")); err != nil {
		w.t.Errorf("the access token: %v", err)
	}
}

func TestALostAnswerMayBeAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]func(w *world, lost string, first answer){
		"within ten seconds": func(w *world, lost string, first answer) {
			w.pass(9 * time.Second)
			second := w.refresh(lost, nil)
			w.oneIsLeft(second)
			if _, err := w.server.live(t.Context(), text(first, "access_token")); err == nil {
				t.Error("the access token of the lost answer lives")
			}
			w.oneIsLeft(w.refresh(lost, nil)) // lost again: the same ten seconds
			w.pass(time.Second)
			w.refresh(lost, nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
		},
		"and goes on": func(w *world, lost string, _ answer) {
			second := w.refresh(lost, nil)
			w.refresh(text(second, "refresh_token"), nil).want(t, 200, "")
		},
		"narrowed": func(w *world, lost string, _ answer) {
			second := w.refresh(lost, url.Values{"scope": {scopeEmail}})
			if got := text(second, "scope"); got != scopeEmail {
				t.Errorf("scope: got %q", got)
			}
			third := w.refresh(text(second, "refresh_token"), nil)
			if got := text(third, "scope"); got != "email offline_access" {
				t.Errorf("scope of the next: got %q, want all that was granted", got)
			}
		},
		"not after ten": func(w *world, lost string, _ answer) {
			w.pass(10 * time.Second)
			w.refresh(lost, nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
		},
		"not when it had come": func(w *world, lost string, first answer) {
			w.refresh(text(first, "refresh_token"), nil).want(t, 200, "")
			w.refresh(lost, nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
		},
		"and what was taken back is reuse": func(w *world, lost string, first answer) {
			second := w.refresh(lost, nil)
			second.want(t, 200, "")
			w.refresh(text(first, "refresh_token"), nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
			w.refresh(text(second, "refresh_token"), nil).want(t, 400, "invalid_grant")
		},
		"by the same client alone": func(w *world, lost string, first answer) {
			w.post("/oauth2/token", &w.other, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {lost}}).want(t, 400, "invalid_grant")
			w.oneIsLeft(first)
		},
		"a grandparent is too old": func(w *world, lost string, first answer) {
			w.refresh(text(w.refresh(text(first, "refresh_token"), nil), "refresh_token"), nil).want(t, 200, "")
			w.refresh(lost, nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
		},
		"switched on between": func(w *world, lost string, first answer) {
			w.edit(auth.Protocol{})
			w.refresh(text(first, "refresh_token"), nil).want(t, 200, "")
			w.edit(auth.Protocol{RefreshGrace: true})
			w.refresh(lost, nil).want(t, 400, "invalid_grant")
			w.familyIsDead()
		},
		"the gateways hear": func(w *world, lost string, first answer) {
			w.refresh(lost, nil).want(t, 200, "")
			tokens, err := w.server.RevokedTokens(t.Context())
			w.must(err)
			if len(tokens) != 1 || tokens[0].JTI != payload(t, text(first, "access_token"))["jti"] {
				t.Errorf("revoked: got %v", tokens)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.edit(auth.Protocol{RefreshGrace: true})
			token := w.grant(scopeEmail, scopeOffline)
			first := w.refresh(token.RefreshToken, nil)
			w.oneIsLeft(first)
			tt(w, token.RefreshToken, first)
		})
	}
}

// Fifty present one token: each takes back what the one before it was given.
func TestFiftyWithGraceLeaveOnePair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.edit(auth.Protocol{RefreshGrace: true})
	token := w.grant(scopeOffline)
	var mu sync.Mutex
	bySignature := map[string]answer{}
	won := w.takers(50, "", func() answer {
		a := w.refresh(token.RefreshToken, nil)
		mu.Lock()
		defer mu.Unlock()
		bySignature[w.server.strategy.RefreshTokenSignature(t.Context(), text(a, "refresh_token"))] = a
		return a
	})
	if won != 50 {
		t.Errorf("%d of 50 were answered", won)
	}
	var live string
	w.must(w.db.QueryRow(t.Context(), `select signature from auth.oauth_refresh where used_at is null`).Scan(&live))
	w.oneIsLeft(bySignature[live])
	w.refresh(text(bySignature[live], "refresh_token"), nil).want(t, 200, "")
}

// One uses the successor while others ask for the lost answer: whoever comes
// first, two live tokens never come of it.
func TestGraceAgainstTheSuccessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.edit(auth.Protocol{RefreshGrace: true})
	for range 5 {
		token := w.grant(scopeOffline)
		next := text(w.refresh(token.RefreshToken, nil), "refresh_token")
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if i%2 == 0 {
					w.refresh(token.RefreshToken, nil)
				} else {
					w.refresh(next, nil)
				}
			})
		}
		wg.Wait()
		if got := w.count("oauth_refresh r join auth.oauth_grant g on g.id = r.grant_id where r.used_at is null and g.revoked_at is null"); got != 0 {
			t.Errorf("%d refresh tokens live although one was used by two", got)
		}
	}
}
