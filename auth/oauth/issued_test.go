package oauth

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Every token leaves a record of who, for whom, where; none leaves without.
func TestEveryTokenIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	type row struct {
		client        uuid.UUID
		person, grant *uuid.UUID
		audience      string
		scopes        []string
	}
	read := func(token string) row {
		t.Helper()
		var r row
		w.must(w.db.QueryRow(t.Context(), `select client_id, person_id, grant_id, audience, scopes from auth.issued_token where jti = $1`,
			payload(t, token)["jti"]).Scan(&r.client, &r.person, &r.grant, &r.audience, &r.scopes))
		return r
	}
	own, err := w.clientCredentials(url.Values{"audience": {landAPI}}).Token(t.Context())
	w.must(err)
	if got := read(own.AccessToken); got.client != w.app.ID || got.person != nil || got.grant != nil || got.audience != landAPI || len(got.scopes) != 0 {
		t.Errorf("an application's own token: got %+v", got)
	}
	granted := w.grant(scopeOpenID, scopeOffline)
	if got := read(granted.AccessToken); got.client != w.app.ID || got.person == nil || *got.person != w.person.ID || got.grant == nil || got.audience != w.http.URL || len(got.scopes) != 2 {
		t.Errorf("a granted token: got %+v", got)
	}

	// Many at once share transactions, and each has its record.
	before, jtis := w.count("issued_token"), sync.Map{}
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			a := w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "audience": {landAPI}})
			text, _ := a.body["access_token"].(string)
			if a.status != http.StatusOK {
				t.Errorf("got %d %v", a.status, a.body)
				return
			}
			jtis.Store(payload(t, text)["jti"], true)
		})
	}
	group.Wait()
	if got := w.count("issued_token") - before; got != 100 {
		t.Errorf("100 tokens left %d records", got)
	}
	jtis.Range(func(jti, _ any) bool {
		var known bool
		w.must(w.db.QueryRow(t.Context(), `select exists (select from auth.issued_token where jti = $1)`, jti).Scan(&known))
		if !known {
			t.Errorf("token %s left no record", jti)
		}
		return true
	})

	// A record that cannot be kept: no token.
	if _, err := w.db.Exec(t.Context(), `alter table auth.issued_token add constraint none check (audience <> 'https://gateway.test/so-tnmt/thua-dat/v1') not valid`); err != nil {
		t.Fatal(err)
	}
	refused := w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "audience": {landAPI}})
	if refused.status < 500 || refused.body["access_token"] != nil {
		t.Errorf("without a record: got %d %v, want no token", refused.status, refused.body)
	}
}

func TestRecordsOfTokensAreKeptFourHundredDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	issue := func() {
		w.post("/oauth2/token", &w.app, url.Values{"grant_type": {"client_credentials"}, "audience": {landAPI}}).want(t, 200, "")
	}
	issue()
	w.pass(200 * 24 * time.Hour)
	issue()
	w.pass(issuedKept - 200*24*time.Hour)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("issued_token"); got != 2 {
		t.Errorf("on the last day: %d records", got)
	}
	w.pass(time.Second)
	w.must(w.server.sweep(t.Context()))
	if got := w.count("issued_token"); got != 1 {
		t.Errorf("a second later: %d records", got)
	}
}
