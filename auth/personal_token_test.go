package auth

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

func TestPersonalToken(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "mine", "H1")
	who := d.person(t, "a@x.vn", Membership{agency.ID, RolePublisher})
	who.Level = AAL2
	token, text, err := d.CreateToken(ctx, who, " nightly  job ", 24*time.Hour)
	ok(t, "create", err)
	d.told(t, "token.create", text)
	if token.Name != "nightly job" || !token.ExpiresAt.Equal(monday.Add(24*time.Hour)) {
		t.Errorf("got %+v", token)
	}
	got, err := d.WhoByToken(ctx, text)
	if err != nil || !reflect.DeepEqual(got, who) {
		t.Errorf("who: got %+v, %v, want %+v", got, err, who)
	}
	list, err := d.Tokens(ctx, who)
	if err != nil || len(list) != 1 || list[0].LastUsedAt == nil || !list[0].LastUsedAt.Equal(monday) {
		t.Errorf("list after use: got %+v, %v", list, err)
	}

	_, err = d.WhoByToken(ctx, NewKey(KindToken).Secret())
	want(t, "unknown", err, problem.Unauthorized, "token-refused")
	_, err = d.WhoByToken(ctx, text[:len(text)-1])
	want(t, "cut short", err, problem.Unauthorized, "key-malformed")
	d.Peppers = keyring.Of([]byte("another pepper"))
	_, err = d.WhoByToken(ctx, text)
	want(t, "under another pepper", err, problem.Unauthorized, "token-refused")
	d.Peppers = newDesk(t, d.DB).Peppers
	d.now = monday.Add(24 * time.Hour)
	_, err = d.WhoByToken(ctx, text)
	want(t, "expired", err, problem.Unauthorized, "token-refused")
	d.now = monday

	other := d.person(t, "b@x.vn")
	want(t, "revoke somebody else's", d.RevokeToken(ctx, other, token.ID), problem.NotFound, "token-unknown")
	ok(t, "revoke", d.RevokeToken(ctx, who, token.ID))
	d.told(t, "token.revoke")
	_, err = d.WhoByToken(ctx, text)
	want(t, "revoked", err, problem.Unauthorized, "token-refused")
}

func TestCreateTokenRefuses(t *testing.T) {
	t.Parallel()
	d := txDesk(t)
	who := d.person(t, "a@x.vn")
	for _, tt := range []struct {
		name  string
		who   Principal
		token string
		lasts time.Duration
		kind  problem.Kind
		code  string
	}{
		{"a citizen", Principal{}, "a", time.Hour, problem.Unauthorized, "sign-in-first"},
		{"an application", Principal{Application: uuid.New()}, "a", time.Hour, problem.Unauthorized, "sign-in-first"},
		{"no name", who, "", time.Hour, problem.Invalid, "fields-wrong"},
		{"no time", who, "a", 0, problem.Invalid, "fields-wrong"},
		{"more than a year", who, "a", 366 * 24 * time.Hour, problem.Invalid, "fields-wrong"},
	} {
		_, _, err := d.CreateToken(t.Context(), tt.who, tt.token, tt.lasts)
		want(t, tt.name, err, tt.kind, tt.code)
	}
}
