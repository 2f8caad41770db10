package auth

import (
	"context"
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

func TestSignIn(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	p, err := d.CreatePerson(ctx, operator, NewPerson{Email: "lan@x.vn", Name: "Lan", Password: goodPassword})
	ok(t, "sign up", err)
	begun, err := d.SignIn(ctx, " LAN@x.vn", goodPassword)
	ok(t, "sign in", err)
	again, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
	ok(t, "sign in again", err)
	first, second := *begun.Session, *again.Session
	if first.Secret == second.Secret || len(first.Secret) != 43 || !first.Expires.Equal(monday.Add(7*24*time.Hour)) {
		t.Errorf("got %+v and %+v, want two ids of 32 bytes for 7 days", first, second)
	}
	who, err := d.WhoBySession(ctx, first.Secret)
	if wantWho := (Principal{Person: p.ID, Name: "Lan", Memberships: []Membership{}, Level: AAL1}); err != nil || !reflect.DeepEqual(who, wantWho) {
		t.Errorf("got %+v, %v, want %+v", who, err, wantWho)
	}

	if proof, err := d.SessionProof(ctx, first.Secret); err != nil || !proof.At.Equal(monday) || proof.Level() != AAL1 {
		t.Errorf("signed in at: got %s, %v, want %s", proof, err, monday)
	}
	_, err = d.SessionProof(ctx, "unknown")
	want(t, "when an unknown session began", err, problem.Unauthorized, "session-over")

	_, wrong := d.SignIn(ctx, "lan@x.vn", "something else")
	_, unknown := d.SignIn(ctx, "nobody@x.vn", "something else")
	want(t, "wrong password", wrong, problem.Unauthorized, "sign-in-refused")
	if !reflect.DeepEqual(problem.Of(wrong), problem.Of(unknown)) {
		t.Errorf("a wrong password says %v, an unknown address %v", wrong, unknown)
	}

	// Both wait for the same hash: with no place left, both are sent away.
	d.Passwords = NewPasswords(0, 0)
	_, err = d.SignIn(ctx, "lan@x.vn", "something else")
	want(t, "known address when busy", err, problem.TooMany, "sign-in-busy")
	_, err = d.SignIn(ctx, "nobody@x.vn", "something else")
	want(t, "unknown address when busy", err, problem.TooMany, "sign-in-busy")
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(d *desk, s Session)
		over bool
	}{
		{"not within 12 h", func(d *desk, s Session) { d.now = monday.Add(12*time.Hour - time.Second) }, false},
		{"after 12 idle hours", func(d *desk, s Session) { d.now = monday.Add(12 * time.Hour) }, true},
		{"not when seen every 11 h for 6 days", func(d *desk, s Session) { use(t, d, s, 13) }, false},
		{"after 7 days, however often seen", func(d *desk, s Session) { use(t, d, s, 15); d.now = monday.Add(7 * 24 * time.Hour) }, true},
		{"when signed out", func(d *desk, s Session) { ok(t, "sign out", d.SignOut(t.Context(), s.Secret)) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := txDesk(t)
			s, err := d.StartSession(t.Context(), d.person(t, "a@x.vn").Person, ByPassword)
			ok(t, "start", err)
			tt.end(d, s)
			_, err = d.WhoBySession(t.Context(), s.Secret)
			if tt.over {
				want(t, "who", err, problem.Unauthorized, "session-over")
			} else {
				ok(t, "who", err)
			}
		})
	}
}

func use(t *testing.T, d *desk, s Session, times int) {
	for range times {
		d.now = d.now.Add(11 * time.Hour)
		_, err := d.WhoBySession(t.Context(), s.Secret)
		ok(t, "use session", err)
	}
}

func TestOldSessionsAreSweptOut(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	_, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "first", err)
	d.now = monday.Add(8 * 24 * time.Hour)
	_, err = d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "second", err)
	var n int
	ok(t, "count", d.DB.QueryRow(ctx, "select count(*) from auth.session").Scan(&n))
	if n != 1 {
		t.Errorf("sessions kept: got %d, want 1", n)
	}
}

func TestLinkSetsPassword(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	_, err := d.CreateLink(ctx, who, who.Person, time.Hour)
	want(t, "for oneself", err, problem.Forbidden, "forbidden")
	_, err = d.CreateLink(ctx, operator, uuid.New(), time.Hour)
	want(t, "for nobody", err, problem.NotFound, "person-unknown")
	_, err = d.CreateLink(ctx, operator, who.Person, 8*24*time.Hour)
	want(t, "for 8 days", err, problem.Invalid, "lasts-range")

	late, err := d.CreateLink(ctx, operator, who.Person, time.Hour)
	ok(t, "create", err)
	d.now = monday.Add(time.Hour)
	_, err = d.LinkPerson(ctx, late)
	want(t, "too late", err, problem.NotFound, "link-unknown")

	token, err := d.CreateLink(ctx, operator, who.Person, time.Hour)
	ok(t, "create", err)
	second, err := d.CreateLink(ctx, operator, who.Person, time.Hour)
	ok(t, "create a second", err)
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	p, err := d.LinkPerson(ctx, token)
	if err != nil || p.Email != "a@x.vn" {
		t.Errorf("whom it is for: got %v, %v", p, err)
	}
	_, err = d.SetPassword(ctx, token, "short")
	want(t, "a bad password", err, problem.Invalid, "fields-wrong")
	_, err = d.SetPassword(ctx, token, goodPassword)
	ok(t, "set", err)
	d.told(t, "person.password", goodPassword, token)
	_, err = d.SetPassword(ctx, token, goodPassword)
	want(t, "again", err, problem.NotFound, "link-unknown")
	_, err = d.SetPassword(ctx, second, goodPassword)
	want(t, "another link from before", err, problem.NotFound, "link-unknown")
	_, err = d.SignIn(ctx, "a@x.vn", goodPassword)
	ok(t, "sign in", err)
	_, err = d.WhoBySession(ctx, s.Secret)
	want(t, "the session from before", err, problem.Unauthorized, "session-over")
}

func TestLinkIsTakenOnce(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t, pgtest.New(t)), t.Context()
	who := d.person(t, "a@x.vn")
	token, err := d.CreateLink(ctx, operator, who.Person, time.Hour)
	ok(t, "create", err)
	d.Record = func(context.Context, pgx.Tx, Act) error { return nil } // raced below
	var won atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := d.SetPassword(ctx, token, goodPassword); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("the link was taken %d times, want once", won.Load())
	}
}
