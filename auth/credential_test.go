package auth

import (
	"context"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// shop is a desk with one application, its key and its secret.
type shop struct {
	*desk
	who    Principal
	app    Application
	key    Issued
	secret Issued
}

func newShop(t *testing.T, d *desk) shop {
	t.Helper()
	who := d.person(t, "dev@x.vn")
	app, issued, err := d.CreateApplication(t.Context(), who, NewApplication{Name: "App"})
	ok(t, "create application", err)
	return shop{d, who, app, issued[0], issued[1]}
}

// live reports whether a gateway takes the key.
func (s shop) live(t *testing.T, key string) bool {
	t.Helper()
	k, err := ParseKey(key)
	ok(t, "parse", err)
	all, err := s.GatewayCredentials(t.Context())
	ok(t, "gateway credentials", err)
	for _, c := range all {
		if c.Lookup == k.Lookup {
			return k.Matches(s.Peppers, c.PepperVersion, c.Hash) && !c.Disabled && c.Expires.After(s.now)
		}
	}
	return false
}

func TestRotateKeepsTheOldOneForTheOverlap(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	fresh, err := s.RotateCredential(ctx, s.who, s.key.ID, DefaultOverlap)
	ok(t, "rotate", err)
	if fresh.Kind != APIKey || fresh.Secret == s.key.Secret {
		t.Errorf("got %+v, want another key", fresh)
	}
	s.told(t, "credential.rotate", s.key.Secret, fresh.Secret)
	s.desk.now = monday.Add(24*time.Hour - time.Second)
	if !s.live(t, s.key.Secret) || !s.live(t, fresh.Secret) {
		t.Error("within the overlap one of the two is refused")
	}
	_, err = s.RotateCredential(ctx, s.who, fresh.ID, DefaultOverlap)
	want(t, "a third", err, problem.Conflict, "credentials-full")
	s.desk.now = monday.Add(24 * time.Hour)
	if s.live(t, s.key.Secret) || !s.live(t, fresh.Secret) {
		t.Error("after the overlap: want the new one alone")
	}
	_, err = s.RotateCredential(ctx, s.who, s.key.ID, 0)
	want(t, "one that has ended", err, problem.Conflict, "credential-ended")
	last, err := s.RotateCredential(ctx, s.who, fresh.ID, 0)
	if err != nil || s.live(t, fresh.Secret) || !s.live(t, last.Secret) {
		t.Errorf("without overlap: got %v, want the new one alone", err)
	}

	list, err := s.Credentials(ctx, s.who, s.app.ID)
	if err != nil || len(list) != 4 || list[0].ID != last.ID || *list[0].CreatedBy != s.who.Person {
		t.Errorf("list: got %+v, %v, want 4 with the last first", list, err)
	}
}

func TestCredentialRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	stranger := s.person(t, "stranger@x.vn")
	app := Principal{Application: s.app.ID}
	do := func(_ Issued, err error) error { return err }
	for _, tt := range []struct {
		name string
		err  error
		kind problem.Kind
		code string
	}{
		{"add by a stranger", do(s.AddCredential(ctx, stranger, s.app.ID, NewCredential{Kind: APIKey})), problem.NotFound, "application-unknown"},
		{"add by an application", do(s.AddCredential(ctx, app, s.app.ID, NewCredential{Kind: APIKey})), problem.Unauthorized, "sign-in-first"},
		{"add another kind", do(s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: "password"})), problem.Invalid, "fields-wrong"},
		{"add to nothing", do(s.AddCredential(ctx, s.who, uuid.New(), NewCredential{Kind: APIKey})), problem.NotFound, "application-unknown"},
		{"rotate by a stranger", do(s.RotateCredential(ctx, stranger, s.key.ID, 0)), problem.NotFound, "credential-unknown"},
		{"rotate by an application", do(s.RotateCredential(ctx, app, s.key.ID, 0)), problem.Unauthorized, "sign-in-first"},
		{"rotate nothing", do(s.RotateCredential(ctx, s.who, uuid.New(), 0)), problem.NotFound, "credential-unknown"},
		{"91 days of overlap", do(s.RotateCredential(ctx, s.who, s.key.ID, 91*24*time.Hour)), problem.Invalid, "fields-wrong"},
		{"an overlap before now", do(s.RotateCredential(ctx, s.who, s.key.ID, -1)), problem.Invalid, "fields-wrong"},
		{"revoke by a stranger", s.RevokeCredential(ctx, stranger, s.key.ID), problem.NotFound, "credential-unknown"},
		{"revoke nothing", s.RevokeCredential(ctx, s.who, uuid.New()), problem.NotFound, "credential-unknown"},
	} {
		want(t, tt.name, tt.err, tt.kind, tt.code)
	}
	_, err := s.Credentials(ctx, stranger, s.app.ID)
	want(t, "list by a stranger", err, problem.NotFound, "application-unknown")
	if !s.live(t, s.key.Secret) {
		t.Error("a refusal ended the key")
	}
	_, err = s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey})
	ok(t, "a second", err)
	_, err = s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey})
	want(t, "a third", err, problem.Conflict, "credentials-full")
}

func TestRevokeCredential(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	ok(t, "revoke", s.RevokeCredential(ctx, s.who, s.key.ID))
	ok(t, "revoke twice", s.RevokeCredential(ctx, s.who, s.key.ID))
	s.told(t, "credential.revoke", s.key.Secret)
	if s.live(t, s.key.Secret) {
		t.Error("the revoked key is taken")
	}
	ok(t, "revoke by the operator", s.RevokeCredential(ctx, operator, s.secret.ID))
	err := s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office)
	want(t, "the revoked secret", err, problem.Unauthorized, "client-refused")
}

func TestVerifySecretRefuses(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	other, _, err := s.CreateApplication(ctx, s.who, NewApplication{Name: "Other"})
	ok(t, "another application", err)
	id := s.app.ID.String()
	for _, tt := range []struct{ name, client, secret string }{
		{"an unknown secret", id, NewKey(KindSecret).Secret()},
		{"garbage", id, "x"},
		{"nothing", "", ""},
		{"the API key in its place", id, s.key.Secret},
		{"another application's id", other.ID.String(), s.secret.Secret},
		{"the id written otherwise", "{" + id + "}", s.secret.Secret},
		{"no id", "app", s.secret.Secret},
	} {
		err := s.VerifySecret(ctx, tt.client, tt.secret, office)
		want(t, tt.name, err, problem.Unauthorized, "client-refused")
	}
	s.desk.now = s.secret.ExpiresAt
	err = s.VerifySecret(ctx, id, s.secret.Secret, office)
	want(t, "expired", err, problem.Unauthorized, "client-refused")
}

func TestGatewayCredentials(t *testing.T) {
	t.Parallel()
	s := newShop(t, txDesk(t))
	got, err := s.GatewayCredentials(t.Context())
	key, _ := ParseKey(s.key.Secret)
	wanted := []GatewayCredential{{Lookup: key.Lookup, Hash: key.Hash(s.Peppers.Key()), PepperVersion: 1, Application: s.app.ID, Name: "App",
		Expires: s.key.ExpiresAt, Networks: []netip.Prefix{}, Versions: []uuid.UUID{}, Scopes: []string{}}}
	if err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %+v, %v, want the API key alone: %+v", got, err, wanted)
	}
}

func TestGatewaysAreToldOfEachChange(t *testing.T) {
	t.Parallel()
	pool, ctx := pgtest.New(t), t.Context()
	s := newShop(t, newDesk(t, pool))
	conn, err := pool.Acquire(ctx)
	ok(t, "acquire", err)
	t.Cleanup(conn.Release)
	_, err = conn.Exec(ctx, "listen gateway")
	ok(t, "listen", err)
	fresh := Issued{}
	keys, all := "credential "+s.app.ID.String(), "credential"
	for _, tt := range []struct {
		name string
		want string // payload
		do   func() error
	}{
		{"rotate", keys, func() error { fresh, err = s.RotateCredential(ctx, s.who, s.key.ID, DefaultOverlap); return err }},
		{"revoke", keys, func() error { return s.RevokeCredential(ctx, s.who, fresh.ID) }},
		{"limit", keys, func() error { _, err := s.LimitCredential(ctx, s.who, s.secret.ID, Limits{Name: "x"}); return err }},
		{"add", keys, func() error { _, err := s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey}); return err }},
		{"disable application", all, func() error { return s.DisableApplication(ctx, s.who, s.app.ID) }},
		{"disable person", all, func() error { return s.DisablePerson(ctx, operator, s.who.Person) }},
	} {
		ok(t, tt.name, tt.do())
		wait, stop := context.WithTimeout(ctx, 30*time.Second)
		notice, err := conn.Conn().WaitForNotification(wait)
		stop()
		if err != nil || notice.Payload != tt.want {
			t.Fatalf("%s: got %v, %v, want %s", tt.name, notice, err, tt.want)
		}
	}
}

func TestTwoOfAKindEvenInARace(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, newDesk(t, pgtest.New(t))), t.Context()
	s.Record = func(context.Context, pgx.Tx, Act) error { return nil }
	var added atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey}); err == nil {
				added.Add(1)
			}
		})
	}
	all.Wait()
	if added.Load() != 1 {
		t.Errorf("added %d to the one there was, want 1", added.Load())
	}
}

func TestWhatIsNotRecordedIsNotDone(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	full := problem.Errorf(problem.Unavailable, "the ledger is full")
	s.Record = func(context.Context, pgx.Tx, Act) error { return full }
	want(t, "revoke", s.RevokeCredential(ctx, s.who, s.key.ID), problem.Unavailable, "unavailable")
	_, err := s.CreatePerson(ctx, operator, NewPerson{Email: "new@x.vn", Name: "New", Password: goodPassword})
	want(t, "create a person", err, problem.Unavailable, "unavailable")
	if !s.live(t, s.key.Secret) {
		t.Error("the key was revoked though the ledger refused")
	}
	_, err = s.PersonByEmail(ctx, operator, uuid.Nil, "new@x.vn")
	want(t, "the person", err, problem.NotFound, "person-unknown")
}
