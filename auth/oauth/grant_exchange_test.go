package oauth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"lgsp/auth"
	"lgsp/internal/certtest"
	"lgsp/internal/problem"
)

// newOffice is a world where both confidential applications are of one agency,
// the person at the browser is its publisher and has shown two factors, and
// w.other may exchange tokens. The policy is that of the platform.
func newOffice(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	agency, err := w.auth.CreateAgency(t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-noi-vu", Code: "H48.11", NameVI: "Sở Nội vụ", NameEN: "Home Affairs", ValidFrom: w.Now()})
	w.must(err)
	w.owner.Memberships = []auth.Membership{{Agency: agency.ID, Role: auth.RoleSteward}}
	for _, app := range []*auth.Application{&w.app, &w.other} {
		*app, err = w.auth.TransferApplication(t.Context(), w.owner, app.ID, agency.ID)
		w.must(err)
	}
	w.allowGrants(w.other, auth.GrantExchange)
	w.agree(w.other, landAPI)
	w.must(w.auth.AddMembership(t.Context(), auth.Platform("test"), w.person.ID, auth.Membership{Agency: agency.ID, Role: auth.RolePublisher}))
	w.signedIn.Methods = []string{auth.ByPassword, auth.ByTwo}
	w.server.MayActThrough = func(_ context.Context, who auth.Principal, agency uuid.UUID) error {
		if who.Has(auth.RolePublisher, agency) {
			return nil
		}
		return problem.Errorf(problem.Forbidden, "person.act-through needs one of the rules publisher:person.act-through")
	}
	return w
}

// exchange is the form that exchanges a token; more overrides it, by "" it leaves out.
func exchange(token string, more ...string) url.Values {
	form := url.Values{"grant_type": {auth.GrantExchange}, "subject_token": {token}, "subject_token_type": {typeAccessToken}}
	for i := 0; i < len(more); i += 2 {
		if form.Set(more[i], more[i+1]); more[i+1] == "" {
			form.Del(more[i])
		}
	}
	return form
}

func (w *world) exchange(token string, more ...string) answer {
	w.t.Helper()
	return w.post("/oauth2/token", &w.other, exchange(token, more...))
}

// An official who is signed in at one application of the agency calls a
// service through another.
func TestExchange(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	from := w.grant(scopeOpenID, scopeEmail)
	w.pass(time.Minute)
	got := w.exchange(from.AccessToken, "scope", scopeEmail, "requested_token_type", typeAccessToken)
	got.want(t, 200, "")
	for name, want := range map[string]any{"issued_token_type": typeAccessToken, "token_type": "Bearer", "expires_in": 240.0, "scope": scopeEmail,
		"refresh_token": nil, "id_token": nil} {
		if got.body[name] != want {
			t.Errorf("%s: got %v, want %v", name, got.body[name], want)
		}
	}
	token := text(got, "access_token")
	access, err := w.server.verifier.Verify(t.Context(), bearer(token), landAPI)
	w.must(err)
	subject := payload(t, from.AccessToken)
	if access.Subject != w.person.ID.String() || access.Client != w.other.ID.String() || access.Actor != w.other.ID.String() ||
		access.Level != auth.AAL2 || access.AuthTime.Unix() != int64(subject["auth_time"].(float64)) || access.Expires.Unix() != int64(subject["exp"].(float64)) {
		t.Errorf("got %+v of %v", access, subject)
	}
	told := w.post("/oauth2/introspect", &w.other, url.Values{"token": {token}})
	if act, _ := told.body["act"].(map[string]any); told.body["active"] != true || len(act) != 1 || act["sub"] != w.other.ID.String() {
		t.Errorf("introspection: got %v", told.body)
	}
	last := w.acts[len(w.acts)-1]
	if last.Verb != "token.exchange" || last.About != w.other.ID || last.Who.Person != w.person.ID || last.Agency != *w.other.OwnerAgency ||
		last.Detail["audience"] != landAPI || last.Detail["from"] != w.app.ID.String() || len(last.Detail) != 3 {
		t.Errorf("recorded: %+v", last)
	}
	if n := w.count("issued_token where person_id is not null and client_id = '" + w.other.ID.String() + "'"); n != 1 {
		t.Errorf("%d tokens of the exchange are in the record, want 1", n)
	}
	w.exchange(token).want(t, 400, "invalid_request") // it is no subject itself
}

// The platform's own API: from the issuer to the issuer, with the scope.
func TestExchangeForThePlatform(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.agree(w.app, landAPI)
	manage, plain := w.grant(ScopeManage, scopeEmail).AccessToken, w.grant(scopeEmail).AccessToken
	pkce := oauth2.GenerateVerifier()
	conf := w.config(ScopeManage)
	back := w.allow(conf.AuthCodeURL("a state of the client", oauth2.S256ChallengeOption(pkce), oauth2.SetAuthURLParam("audience", landAPI)))
	land, err := conf.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(pkce))
	w.must(err)
	got := w.exchange(manage, "scope", ScopeManage)
	got.want(t, 200, "")
	who, err := w.server.WhoByAccessToken(t.Context(), bearer(text(got, "access_token")))
	w.must(err)
	if who.Person != w.person.ID || len(who.Memberships) != 1 {
		t.Errorf("who: got %+v", who)
	}
	w.exchange(land.AccessToken).want(t, 200, "") // from one version to another
	for name, tt := range map[string]struct {
		got  answer
		want string
	}{
		"a scope the subject lacks":       {w.exchange(plain, "scope", ScopeManage), "invalid_scope"},
		"manage at a version":             {w.exchange(manage, "scope", ScopeManage, "audience", landAPI), "invalid_scope"},
		"the issuer, from a version":      {w.exchange(land.AccessToken, "audience", w.http.URL), "invalid_target"},
		"manage, from a version":          {w.exchange(land.AccessToken, "scope", ScopeManage), "invalid_target"},
		"openid":                          {w.exchange(w.grant(scopeOpenID).AccessToken, "scope", scopeOpenID), "invalid_scope"},
		"offline_access":                  {w.exchange(w.grant(scopeOffline).AccessToken, "scope", scopeOffline), "invalid_scope"},
		"a version without agreement":     {w.exchange(manage, "resource", meritAPI), "invalid_target"},
		"a version the other's agreed on": {w.exchange(manage, "audience", landAPI+"/x"), "invalid_target"},
	} {
		if tt.got.status != 400 || tt.got.error() != tt.want {
			t.Errorf("%s: got %d %v, want %s", name, tt.got.status, tt.got.body, tt.want)
		}
	}
}

func TestExchangeRefusals(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	_, err := w.db.Exec(t.Context(), "update auth.application set grant_types = grant_types || $2 where id = $1", w.native.ID, []string{auth.GrantExchange})
	w.must(err)
	machine := w.post("/oauth2/token", &w.other, url.Values{"grant_type": {"client_credentials"}})
	person := w.grant(scopeOpenID, scopeOffline)
	token := person.AccessToken
	tail := 40 // somewhere inside the signature
	for name, tt := range map[string]struct {
		form url.Values
		want string
		says string
	}{
		"an actor":                    {exchange(token, "actor_token", token), "invalid_request", "actor_token is not taken"},
		"an actor's type":             {exchange(token, "actor_token_type", typeAccessToken), "invalid_request", "actor_token is not taken"},
		"no subject":                  {exchange(""), "invalid_request", "subject_token is missing"},
		"no type":                     {exchange(token, "subject_token_type", ""), "invalid_request", "subject_token_type is"},
		"the type of an ID token":     {exchange(token, "subject_token_type", "urn:ietf:params:oauth:token-type:id_token"), "invalid_request", "subject_token_type is"},
		"a refresh token asked for":   {exchange(token, "requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"), "invalid_request", "requested_token_type is"},
		"a refresh token":             {exchange(person.RefreshToken), "invalid_request", "it is a refresh token"},
		"an ID token":                 {exchange(person.Extra("id_token").(string)), "invalid_request", "its typ is not at+jwt"},
		"an API key":                  {exchange(auth.NewKey(auth.KindKey).Secret()), "invalid_request", "no JWT of three parts"},
		"an application's own token":  {exchange(text(machine, "access_token")), "invalid_request", "names no person"},
		"a forged one":                {exchange(token[:len(token)-tail] + flip(token[len(token)-tail:])), "invalid_request", "signature does not hold"},
		"a scope that does not exist": {exchange(token, "scope", "all"), "invalid_scope", "may ask for"},
		"two subjects":                {url.Values{"grant_type": {auth.GrantExchange}, "subject_token": {token, token}}, "invalid_request", "more than once"},
	} {
		got := w.post("/oauth2/token", &w.other, tt.form)
		if said, _ := got.body["error_description"].(string); got.status != 400 || got.error() != tt.want || !strings.Contains(said, tt.says) || strings.Contains(said, token) {
			t.Errorf("%s: got %d %v, want %s, %q", name, got.status, got.body, tt.want, tt.says)
		}
	}
	w.post("/oauth2/token", &w.app, exchange(token)).want(t, 400, "unauthorized_client") // it has not the grant
	w.post("/oauth2/token", nil, exchange(token)).want(t, 401, "invalid_client")
	w.post("/oauth2/token", nil, exchange(token, "client_id", w.native.ID.String())).want(t, 400, "unauthorized_client")
	if n := w.count("oauth_access where grant_id in (select id from auth.oauth_grant)"); n != 1 {
		t.Errorf("%d tokens are kept, want the subject alone", n)
	}
	w.exchange(token).want(t, 200, "")
}

// flip changes the first letter of a part of base64.
func flip(text string) string {
	if text[0] == 'A' {
		return "B" + text[1:]
	}
	return "A" + text[1:]
}

// Between sign-in and exchange, everything may change.
func TestAnExchangeAsksAgain(t *testing.T) {
	t.Parallel()
	sql := func(text string) func(*world) {
		return func(w *world) {
			_, err := w.db.Exec(w.t.Context(), text, w.app.ID, w.other.ID, w.person.ID)
			w.must(err)
		}
	}
	const both = "with these as (select $1::uuid, $2::uuid, $3::uuid) "
	for name, tt := range map[string]struct {
		change func(w *world)
		want   string
		says   string
	}{
		"the subject expired":               {func(w *world) { w.pass(accessLife) }, "invalid_request", "expired"},
		"the family was revoked":            {sql(both + "update auth.oauth_grant set revoked_at = now()"), "invalid_request", "expired or was revoked"},
		"the person is locked out":          {func(w *world) { w.must(w.auth.DisablePerson(w.t.Context(), auth.Platform("test"), w.person.ID)) }, "invalid_request", "revoked"},
		"the person left the agency":        {sql(both + "delete from auth.membership"), "invalid_request", "publisher:person.act-through"},
		"the caller's agreement ended":      {func(w *world) { w.agree(w.other) }, "invalid_target", "no agreement"},
		"the caller is no agency's":         {sql(both + "update auth.application set owner_agency = null, owner_person = $3 where id = $2"), "unauthorized_client", "of an agency"},
		"the subject's client is another's": {sql(both + "update auth.application set owner_agency = null, owner_person = $3 where id = $1"), "invalid_request", "not of the same agency"},
		"the subject's client is disabled":  {sql(both + "update auth.application set disabled_at = now() where id = $1"), "invalid_request", "is disabled"},
		"the subject is of another agency":  {moveElsewhere, "invalid_request", "not of the same agency"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newOffice(t)
			token := w.grant(scopeOpenID).AccessToken
			tt.change(w)
			got := w.exchange(token)
			if said, _ := got.body["error_description"].(string); got.status != 400 || got.error() != tt.want || !strings.Contains(said, tt.says) {
				t.Errorf("got %d %v, want %s, %q", got.status, got.body, tt.want, tt.says)
			}
			if n := w.count("oauth_access"); n != 1 {
				t.Errorf("%d tokens were minted", n-1)
			}
		})
	}
}

func moveElsewhere(w *world) {
	other, err := w.auth.CreateAgency(w.t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-tu-phap", Code: "H48.12", NameVI: "Sở Tư pháp", NameEN: "Justice", ValidFrom: w.Now()})
	w.must(err)
	_, err = w.db.Exec(w.t.Context(), "update auth.application set owner_agency = $2 where id = $1", w.app.ID, other.ID)
	w.must(err)
}

// An official who has shown one factor has no role yet, and hears what to do.
func TestAnExchangeNeedsTwoFactors(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.signedIn.Methods = []string{auth.ByPassword}
	got := w.exchange(w.grant(scopeOpenID).AccessToken)
	if said, _ := got.body["error_description"].(string); got.error() != "invalid_request" || !strings.Contains(said, "acr_values="+auth.AAL2) {
		t.Errorf("got %v", got.body)
	}
}

func TestABoundTokenIsExchangedByItsHolder(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	holder, thief := newPair(t, jose.ES256), newPair(t, jose.ES256)
	code, verifier := w.code(scopeOpenID)
	bound := text(w.sendDPoP("/oauth2/token", &w.app, redeem(code, verifier), holder, nil), "access_token")
	w.exchange(bound).want(t, 400, "invalid_request")
	w.sendDPoP("/oauth2/token", &w.other, exchange(bound), thief, nil).want(t, 400, "invalid_request")
	w.boundTo(w.sendDPoP("/oauth2/token", &w.other, exchange(bound), holder, nil), &holder)
	loose := w.grant(scopeOpenID).AccessToken
	w.boundTo(w.sendDPoP("/oauth2/token", &w.other, exchange(loose), thief, nil), &thief) // an unbound one takes the caller's key
	w.boundTo(w.exchange(loose), nil)
}

func TestACertifiedTokenIsExchangedByItsHolder(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	ca := certtest.NewCA(t, w.Now())
	w.door(ca)
	own, stolen := ca.Client(w.Now(), ourName), ca.Client(w.Now(), ourName)
	w.edit(auth.Protocol{CertBound: true})
	code, verifier := w.code(scopeOpenID)
	bound := text(w.with(&own, "/oauth2/token", redeem(code, verifier), "Authorization", "Basic "+basic(w.app.ID.String(), w.secret)), "access_token")
	secret := "Basic " + basic(w.other.ID.String(), w.otherSecret)
	w.exchange(bound).want(t, 400, "invalid_request")
	w.with(&stolen, "/oauth2/token", exchange(bound), "Authorization", secret).want(t, 400, "invalid_request")
	got := w.with(&own, "/oauth2/token", exchange(bound), "Authorization", secret)
	got.want(t, 200, "")
	if cnf, _ := payload(t, text(got, "access_token"))["cnf"].(map[string]any); cnf["x5t#S256"] != x5t(own) {
		t.Errorf("cnf: got %v", cnf)
	}
}

func TestFAPIExchangesBoundOnly(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.agree(w.app, landAPI)
	token := w.grant(scopeOpenID).AccessToken
	client, holder := newPair(t, jose.ES256), newPair(t, jose.ES256)
	w.setKeys(w.app, client.jwk(t, ""))
	w.edit(auth.Protocol{Profile: auth.FAPI2, AuthMethod: auth.PrivateKeyJWT, GrantTypes: []string{auth.GrantCode, auth.GrantExchange}})
	w.asFAPI("/oauth2/token", client, exchange(token)).want(t, 400, "invalid_request")
	w.boundTo(w.sendDPoP("/oauth2/token", nil, w.proven(client, exchange(token)), holder, nil), &holder)
}

// What is exchanged dies with its family, whoever of 50 at once a revocation
// overtakes.
func TestRevocationReachesWhatWasExchanged(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	person := w.grant(scopeOpenID, scopeOffline)
	first := text(w.exchange(person.AccessToken), "access_token")
	won := make(chan int)
	go func() {
		won <- w.takers(50, "invalid_request", func() answer { return w.exchange(person.AccessToken) })
	}()
	w.pollUntil(func() bool { return w.count("oauth_access") > 5 })
	w.post("/oauth2/revoke", &w.app, url.Values{"token": {person.RefreshToken}}).want(t, 200, "")
	n := <-won
	w.familyIsDead()
	if minted := w.count("oauth_access"); minted != n+2 {
		t.Errorf("%d tokens are kept of %d answers and two", minted, n)
	}
	if _, err := w.server.live(t.Context(), first); problem.Code(err) != "token-revoked" {
		t.Errorf("the first: got %v", err)
	}
}

func (w *world) pollUntil(done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("it never came")
		}
	}
}

func TestFiftyExchangesAtOnce(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	token := w.grant(scopeOpenID).AccessToken
	var mu sync.Mutex
	var all []string
	won := w.takers(50, "", func() answer {
		got := w.exchange(token)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, text(got, "access_token"))
		return got
	})
	slices.Sort(all)
	if n := len(slices.Compact(all)); won != 50 || n != 50 || w.count("issued_token") != 51 {
		t.Errorf("%d of 50 were answered, with %d tokens, %d in the record", won, n, w.count("issued_token"))
	}
}

// A token revoked alone, after it was looked at, gives nothing.
func TestASubjectRevokedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	token := w.grant(scopeOpenID).AccessToken
	w.disturb(func(sql string) error {
		if sql != lockSubjectSQL {
			return nil
		}
		_, err := w.db.Exec(t.Context(), revokeAccessSQL, payload(t, token)["jti"], w.Now().Add(accessLife))
		return err
	})
	w.exchange(token).want(t, 400, "invalid_request")
}

func TestAFailedRecordMintsNothing(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	token := w.grant(scopeOpenID).AccessToken
	w.disturb(func(sql string) error {
		if sql == keepIssuedSQL {
			return errors.New("forced")
		}
		return nil
	})
	if got := w.exchange(token); got.status != 500 || w.count("oauth_access") != 1 {
		t.Errorf("got %d %v, %d tokens kept", got.status, got.body, w.count("oauth_access"))
	}
}

// A revocation that comes while a token is minted waits for it, and finds it.
func TestARevocationWaitsForAnExchange(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	person := w.grant(scopeOpenID, scopeOffline)
	revoked := make(chan answer, 1)
	w.disturb(func(sql string) error {
		if sql != keepIssuedSQL {
			return nil
		}
		go func() { revoked <- w.post("/oauth2/revoke", &w.app, url.Values{"token": {person.RefreshToken}}) }()
		select {
		case early := <-revoked:
			revoked <- early
		case <-time.After(100 * time.Millisecond):
		}
		return nil
	})
	token := text(w.exchange(person.AccessToken), "access_token")
	got := <-revoked
	got.want(t, 200, "")
	if _, err := w.server.live(t.Context(), token); problem.Code(err) != "token-revoked" {
		t.Errorf("the token outlived its family: %v", err)
	}
}
