package auth

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

const insertTestGrant = `
insert into auth.oauth_grant (id, client_id, person_id, scopes, audience, nonce, auth_time, created_at, expires_at)
values ($1, $2, $3, '{}', 'a', '', $4, $4, $4::timestamptz + interval '1 day')`

// grant lets the shop's application act for its owner.
func (s shop) grant(t *testing.T) {
	t.Helper()
	_, err := s.DB.Exec(t.Context(), insertTestGrant, uuid.New(), s.app.ID, s.who.Person, s.now)
	ok(t, "grant", err)
}

func TestRevokeEverything(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	other, _, err := s.CreateApplication(ctx, s.who, NewApplication{Name: "Other"})
	ok(t, "another", err)
	s.grant(t)
	_, err = s.SetKeys(ctx, s.who, s.app.ID, []json.RawMessage{json.RawMessage(
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)})
	ok(t, "set a public key", err)

	got, err := s.RevokeEverything(ctx, s.who, s.app.ID, uuid.Nil)
	wanted := Ended{Credentials: 2, Keys: 1, Grants: 1, TokensNotBefore: monday.Add(4 * time.Second)}
	if err != nil || got != wanted {
		t.Errorf("got %+v, %v, want %+v", got, err, wanted)
	}
	s.told(t, "application.revoke-everything", s.key.Secret, s.secret.Secret)
	if s.live(t, s.key.Secret) {
		t.Error("the key is taken")
	}
	err = s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office)
	want(t, "the secret", err, problem.Unauthorized, "client-refused")
	moments, err := s.TokensNotBefore(ctx)
	if err != nil || len(moments) != 1 || !moments[s.app.ID].Equal(wanted.TokensNotBefore) {
		t.Errorf("moments: got %v, %v, want that of the one application", moments, err)
	}
	if again, err := s.RevokeEverything(ctx, operator, s.app.ID, uuid.Nil); err != nil || again.Credentials+again.Grants+again.Keys != 0 {
		t.Errorf("again, by the operator: got %+v, %v, want nothing left", again, err)
	}
	if _, err := s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey}); err != nil {
		t.Errorf("a new key afterwards: %v", err)
	}
	if app, err := s.Application(ctx, other.ID); err != nil || app.TokensNotBefore != nil {
		t.Errorf("another application: got %v, %v", app.TokensNotBefore, err)
	}
	s.desk.now = monday.Add(25 * time.Hour)
	if moments, err := s.TokensNotBefore(ctx); err != nil || len(moments) != 0 {
		t.Errorf("a day later: got %v, %v, want none to keep", moments, err)
	}
}

func TestRevokeEverythingOfOneCredential(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	s.grant(t)
	got, err := s.RevokeEverything(ctx, s.who, s.app.ID, s.secret.ID)
	if err != nil || got.Credentials != 1 || got.Grants != 1 {
		t.Errorf("got %+v, %v, want one credential and one grant", got, err)
	}
	if !s.live(t, s.key.Secret) {
		t.Error("the other credential ended too")
	}
}

func TestRevokeEverythingRefuses(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	stranger := s.person(t, "stranger@x.vn")
	other, issued, err := s.CreateApplication(ctx, s.who, NewApplication{Name: "Other"})
	ok(t, "another", err)
	for _, tt := range []struct {
		name            string
		who             Principal
		app, credential uuid.UUID
		code            string
	}{
		{"a stranger", stranger, s.app.ID, uuid.Nil, "application-unknown"},
		{"no application", s.who, uuid.New(), uuid.Nil, "application-unknown"},
		{"another application's credential", s.who, s.app.ID, issued[0].ID, "credential-unknown"},
		{"no credential", s.who, other.ID, uuid.New(), "credential-unknown"},
	} {
		_, err := s.RevokeEverything(ctx, tt.who, tt.app, tt.credential)
		want(t, tt.name, err, problem.NotFound, tt.code)
	}
	if !s.live(t, s.key.Secret) || !s.live(t, issued[0].Secret) {
		t.Error("a refusal ended a key")
	}
}

func TestTransferApplication(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	agency := s.agency(t, "so-a", "H48.01")
	_, err := s.TransferApplication(ctx, s.who, s.app.ID, agency.ID)
	want(t, "one who does not speak for it", err, problem.Forbidden, "not-of-agency")
	publisher := s.person(t, "publisher@x.vn", Membership{agency.ID, RolePublisher})
	_, err = s.TransferApplication(ctx, publisher, s.app.ID, agency.ID)
	want(t, "one who does not own it", err, problem.NotFound, "application-unknown")
	ok(t, "make the owner a publisher", s.AddMembership(ctx, operator, s.who.Person, Membership{agency.ID, RolePublisher}))
	who, err := s.WhoByPerson(ctx, s.who.Person)
	ok(t, "who", err)
	_, err = s.TransferApplication(ctx, Principal{Application: s.app.ID}, s.app.ID, agency.ID)
	want(t, "an application", err, problem.Unauthorized, "sign-in-first")
	_, err = s.TransferApplication(ctx, who, s.app.ID, uuid.Nil)
	want(t, "to nobody", err, problem.Forbidden, "not-of-agency")

	app, err := s.TransferApplication(ctx, who, s.app.ID, agency.ID)
	if err != nil || app.OwnerPerson != nil || app.OwnerAgency == nil || *app.OwnerAgency != agency.ID {
		t.Fatalf("got %+v, %v, want the agency as the owner", app, err)
	}
	s.told(t, "application.transfer")
	if _, err := s.Credentials(ctx, publisher, app.ID); err != nil {
		t.Errorf("another publisher of the agency: %v", err)
	}
	if !s.live(t, s.key.Secret) {
		t.Error("the key ended with the transfer")
	}
	_, err = s.TransferApplication(ctx, who, s.app.ID, agency.ID)
	want(t, "again", err, problem.Conflict, "application-of-agency")
}
