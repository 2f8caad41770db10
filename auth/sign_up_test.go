package auth

import (
	"context"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// letter is the next letter, sent.
func (d *desk) letter(t *testing.T) Letter {
	t.Helper()
	l, err := d.NextLetter(t.Context())
	if err != nil || l == nil {
		t.Fatalf("no letter: %v, %v", l, err)
	}
	ok(t, "sent", d.LetterSent(t.Context(), l.ID))
	return *l
}

// silent fails when a letter is due.
func (d *desk) silent(t *testing.T, what string) {
	t.Helper()
	if l, err := d.NextLetter(t.Context()); l != nil || err != nil {
		t.Errorf("%s: got %+v, %v, want no letter", what, l, err)
	}
}

func TestSignUpByLetter(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	ok(t, "ask", d.AskSignUp(ctx, NewPerson{Email: " Lan@X.vn", Name: " Trần  Lan ", Locale: "en"}))
	_, err := d.PersonByEmail(ctx, operator, uuid.Nil, "lan@x.vn")
	want(t, "before the proof", err, problem.NotFound, "person-unknown")
	l := d.letter(t)
	if wantLetter := (Letter{ID: l.ID, Kind: LetterSignUp, Email: "lan@x.vn", Name: "Trần Lan", Locale: "en", Token: l.Token}); !reflect.DeepEqual(l, wantLetter) || len(l.Token) != 43 {
		t.Errorf("got %+v, want %+v", l, wantLetter)
	}
	d.silent(t, "a second time")
	var kept string
	ok(t, "read", d.DB.QueryRow(ctx, "select string_agg(l::text || n::text, ' ') from auth.account_letter l, auth.newcomer n").Scan(&kept))
	if strings.Contains(kept, l.Token) {
		t.Errorf("the token is kept: %s", kept)
	}
	n, err := d.Newcomer(ctx, l.Token)
	if err != nil || n != (Newcomer{"lan@x.vn", "Trần Lan", "en"}) {
		t.Errorf("got %+v, %v", n, err)
	}
	_, err = d.SignUp(ctx, l.Token, "matkhau123")
	if got := fields(err); !reflect.DeepEqual(got, map[string]string{"password": "password-common"}) {
		t.Errorf("a common password: got %v", err)
	}
	p, err := d.SignUp(ctx, l.Token, goodPassword)
	if err != nil || p.Email != "lan@x.vn" || p.Name != "Trần Lan" || p.Locale != "en" {
		t.Errorf("got %+v, %v", p, err)
	}
	d.told(t, "person.signup", "lan@x.vn", goodPassword, l.Token)
	_, err = d.SignIn(ctx, "lan@x.vn", goodPassword)
	ok(t, "sign in", err)
	for name, token := range map[string]string{"again": l.Token, "a guess": "x", "nothing": ""} {
		_, err = d.SignUp(ctx, token, goodPassword)
		want(t, name, err, problem.NotFound, "sign-up-link-unknown")
	}
}

// What a request leaves is the same for an address with an account as for one
// without; only the letter differs.
func TestKnownAddressIsToldByLetterOnly(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	d.person(t, "lan@x.vn")
	gone := d.person(t, "gone@x.vn")
	ok(t, "disable", d.DisablePerson(ctx, operator, gone.Person))
	for _, email := range []string{"lan@x.vn", "gone@x.vn", "nobody@x.vn"} {
		ok(t, "sign up", d.AskSignUp(ctx, NewPerson{Email: email, Name: "Kẻ lạ"}))
		if l := d.letter(t); l.Known != (email != "nobody@x.vn") || (l.Token == "") != l.Known || l.Known && l.Name == "Kẻ lạ" {
			t.Errorf("%s: got %+v", email, l)
		}
		ok(t, "reset", d.AskReset(ctx, email, "vi"))
		if email != "lan@x.vn" {
			d.silent(t, email)
		} else if l := d.letter(t); l.Token == "" || l.Name != "Trần Thị B" {
			t.Errorf("%s: got %+v", email, l)
		}
	}
	want(t, "no address", d.AskReset(ctx, "x", "vi"), problem.Invalid, "fields-wrong")
}

func TestLettersAreBounded(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	for n := range 5 {
		ok(t, "ask", d.AskSignUp(ctx, NewPerson{Email: "a@x.vn", Name: "A"}))
		d.now = d.now.Add(time.Second)
		if l, err := d.NextLetter(ctx); err != nil || (l != nil) != (n < maxAnHour) {
			t.Errorf("letter %d in an hour: got %v, %v", n+1, l, err)
		} else if l != nil {
			ok(t, "sent", d.LetterSent(ctx, l.ID))
		}
	}
	ok(t, "another address", d.AskSignUp(ctx, NewPerson{Email: "b@x.vn", Name: "B"}))
	d.letter(t)
	d.now = d.now.Add(letterMemory + time.Second)
	ok(t, "an hour later", d.AskSignUp(ctx, NewPerson{Email: "a@x.vn", Name: "A"}))
	d.letter(t)

	_, err := d.DB.Exec(ctx, `insert into auth.account_letter (id, kind, email, name, locale, asked_at, due_at)
		select gen_random_uuid(), 'reset', 'c@x.vn', '', 'vi', $1, $1 from generate_series(1, $2)`, d.now, maxWaiting)
	ok(t, "fill", err)
	want(t, "when too many wait", d.AskReset(ctx, "d@x.vn", "vi"), problem.TooMany, "letters-busy")
}

// A letter that cannot be sent is tried again, with a link of its own each
// time, and given up after two hours.
func TestLetterIsTriedAgain(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	ok(t, "ask", d.AskSignUp(ctx, NewPerson{Email: "a@x.vn", Name: "A"}))
	tokens := map[string]bool{}
	for end := d.now.Add(24 * time.Hour); d.now.Before(end); d.now = d.now.Add(3 * time.Minute) {
		l, err := d.NextLetter(ctx)
		ok(t, "next", err)
		if l != nil {
			tokens[l.Token] = true
		}
	}
	if len(tokens) != maxTries {
		t.Errorf("tried %d times, want %d", len(tokens), maxTries)
	}
}

func TestLinkOfANewcomerIsTakenOnce(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t, pgtest.New(t)), t.Context()
	var links []string
	for range 2 {
		ok(t, "ask", d.AskSignUp(ctx, NewPerson{Email: "a@x.vn", Name: "A"}))
		links = append(links, d.letter(t).Token)
	}
	d.Record = func(context.Context, pgx.Tx, Act) error { return nil } // raced below
	var won atomic.Int32
	var all sync.WaitGroup
	for n := range 6 {
		all.Go(func() {
			if _, err := d.SignUp(ctx, links[n%2], goodPassword); err == nil {
				won.Add(1)
			} else if code := problem.Code(err); code != "email-taken" && code != "sign-up-link-unknown" {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("made %d accounts, want 1", won.Load())
	}
	d.now = d.now.Add(signUpLasts)
	_, err := d.Newcomer(ctx, links[0])
	want(t, "a day later", err, problem.NotFound, "sign-up-link-unknown")
}

func TestResetEndsEverything(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
	ok(t, "create token", err)
	ok(t, "ask", d.AskReset(ctx, "a@x.vn", "vi"))
	_, err = d.SetPassword(ctx, d.letter(t).Token, goodPassword)
	ok(t, "set", err)
	if l := d.letter(t); l.Kind != LetterPasswordChanged || l.Email != "a@x.vn" || l.Token != "" {
		t.Errorf("got %+v, want a note without a link", l)
	}
	_, err = d.WhoBySession(ctx, s.Secret)
	want(t, "session", err, problem.Unauthorized, "session-over")
	_, err = d.WhoByToken(ctx, token)
	want(t, "token", err, problem.Unauthorized, "token-refused")

	ok(t, "ask", d.AskReset(ctx, "a@x.vn", "vi"))
	late := d.letter(t).Token
	d.now = d.now.Add(resetLasts)
	_, err = d.SetPassword(ctx, late, goodPassword)
	want(t, "an hour later", err, problem.NotFound, "link-unknown")
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	p, err := d.CreatePerson(ctx, operator, NewPerson{Email: "a@x.vn", Name: "A", Password: goodPassword})
	ok(t, "create", err)
	who := Principal{Person: p.ID}
	const other = "núi Ấn sông Trà"
	want(t, "nobody", d.ChangePassword(ctx, Principal{}, goodPassword, other), problem.Unauthorized, "sign-in-first")
	want(t, "without the present one", d.ChangePassword(ctx, who, other, other), problem.Unauthorized, "password-wrong")
	want(t, "a short one", d.ChangePassword(ctx, who, goodPassword, "1234"), problem.Invalid, "fields-wrong")
	ok(t, "change", d.ChangePassword(ctx, who, goodPassword, other))
	d.told(t, "person.password", goodPassword, other)
	_, err = d.SignIn(ctx, "a@x.vn", other)
	ok(t, "sign in", err)
	if l := d.letter(t); l.Kind != LetterPasswordChanged {
		t.Errorf("got %+v", l)
	}
}

func TestChangeEmail(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	d.person(t, "taken@x.vn")
	want(t, "nobody", d.AskEmail(ctx, Principal{}, "b@x.vn"), problem.Unauthorized, "sign-in-first")
	want(t, "no address", d.AskEmail(ctx, who, "b"), problem.Invalid, "fields-wrong")
	if got := fields(d.AskEmail(ctx, who, "A@x.vn")); got["email"] != "email-same" {
		t.Errorf("the same: got %v", got)
	}
	ok(t, "one with an account", d.AskEmail(ctx, who, "taken@x.vn"))
	if l := d.letter(t); !l.Known || l.Token != "" {
		t.Errorf("got %+v, want a note that there is an account", l)
	}
	ok(t, "ask", d.AskEmail(ctx, who, "b@x.vn"))
	there := d.letter(t)
	if there.Email != "b@x.vn" || there.Token == "" {
		t.Fatalf("got %+v", there)
	}
	change, err := d.EmailChange(ctx, there.Token)
	if err != nil || change.Email != "b@x.vn" || change.Person.Email != "a@x.vn" || change.Undo {
		t.Errorf("got %+v, %v", change, err)
	}
	_, err = d.ChangeEmail(ctx, there.Token)
	ok(t, "change", err)
	d.told(t, "person.email", "a@x.vn", "b@x.vn")
	_, err = d.ChangeEmail(ctx, there.Token)
	want(t, "again", err, problem.NotFound, "email-link-unknown")

	back := d.letter(t)
	if back.Kind != LetterEmailChanged || back.Email != "a@x.vn" || back.Token == "" {
		t.Fatalf("got %+v, want the way back", back)
	}
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	change, err = d.ChangeEmail(ctx, back.Token)
	if err != nil || !change.Undo {
		t.Errorf("undo: got %+v, %v", change, err)
	}
	_, err = d.WhoBySession(ctx, s.Secret)
	want(t, "the session of who changed it", err, problem.Unauthorized, "session-over")
	if p, err := d.Auth.person(ctx, who); err != nil || p.Email != "a@x.vn" {
		t.Errorf("got %+v, %v", p, err)
	}
	if has, err := d.HasPassword(ctx, who.Person); has || err != nil {
		t.Errorf("the password that somebody else knew is left: %v, %v", has, err)
	}

	ok(t, "ask", d.AskEmail(ctx, who, "c@x.vn"))
	late := d.letter(t)
	d.person(t, "c@x.vn")
	_, err = d.ChangeEmail(ctx, late.Token)
	want(t, "to an address that has got an account", err, problem.Conflict, "email-taken")
	d.now = d.now.Add(emailLasts)
	_, err = d.EmailChange(ctx, late.Token)
	want(t, "a day later", err, problem.NotFound, "email-link-unknown")
}

// The way back ends what somebody else may have added meanwhile, to come in by.
func TestTheWayBackEndsNewFactors(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	var err error
	d.Passkeys, err = NewPasskeys("https://portal.test")
	ok(t, "set up", err)
	who := d.person(t, "a@x.vn")
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	add := func(name string) *device {
		t.Helper()
		key := newDevice(t)
		asked, err := d.AskNewPasskey(ctx, s.Secret)
		ok(t, "ask", err)
		e, err := d.AddPasskey(ctx, s.Secret, name, key.register(asked))
		ok(t, "add", err)
		s = e.Session
		return key
	}
	add("of the owner")
	d.now = d.now.Add(4 * 24 * time.Hour)
	s, err = d.StartSession(ctx, who.Person, ByPassword, ByTwo)
	ok(t, "sign in", err)
	theirs := add("of somebody else")
	ok(t, "an app of somebody else", d.StartApp(ctx, s.Secret))
	secret, err := d.startedApp(ctx, d.DB, who.Person)
	ok(t, "its secret", err)
	_, err = d.ConfirmApp(ctx, s.Secret, d.code(secret))
	ok(t, "confirm", err)
	ok(t, "ask", d.AskEmail(ctx, who, "b@x.vn"))
	_, err = d.ChangeEmail(ctx, d.letter(t).Token)
	ok(t, "change", err)
	_, err = d.ChangeEmail(ctx, d.letter(t).Token)
	ok(t, "back", err)
	f, err := d.Factors(ctx, who.Person)
	if err != nil || f.App != nil || f.Codes != 0 || len(f.Passkeys) != 1 || f.Passkeys[0].Name != "of the owner" {
		t.Errorf("left: %+v, %v", f, err)
	}
	question, err := d.AskPasskey(ctx)
	ok(t, "ask", err)
	_, err = d.SignInByPasskey(ctx, theirs.sign(question))
	want(t, "somebody else's passkey", err, problem.Unauthorized, "passkey-refused")
}

// A link that lies in the mailbox left behind opens the account no more.
func TestANewAddressEndsLinksToTheOldOne(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	ok(t, "ask", d.AskReset(ctx, "a@x.vn", "vi"))
	old := d.letter(t).Token
	ok(t, "ask", d.AskEmail(ctx, who, "b@x.vn"))
	_, err := d.ChangeEmail(ctx, d.letter(t).Token)
	ok(t, "change", err)
	_, err = d.SetPassword(ctx, old, goodPassword)
	want(t, "the link at the old address", err, problem.NotFound, "link-unknown")
}

// Somebody who asks without pause bounds the letters to an address; they do
// not keep every letter from it.
func TestAskingWithoutPauseKeepsNoLetterForEver(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	d.person(t, "a@x.vn")
	sent := 0
	for range 3 * 60 { // three hours, once a minute
		ok(t, "ask", d.AskReset(ctx, "a@x.vn", "vi"))
		if l, err := d.NextLetter(ctx); err != nil {
			t.Fatal(err)
		} else if l != nil {
			sent++
			ok(t, "sent", d.LetterSent(ctx, l.ID))
		}
		d.now = d.now.Add(time.Minute)
	}
	if sent < 3*maxAnHour-1 || sent > 3*maxAnHour {
		t.Errorf("%d letters in three hours", sent)
	}
}
