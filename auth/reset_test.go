package auth

import (
	"context"
	"encoding/base32"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// account is a person whose ways in are added at different times.
type account struct {
	*desk
	t   *testing.T
	who Principal
}

func newAccount(t *testing.T, d *desk, memberships ...Membership) *account {
	t.Helper()
	var err error
	d.Passkeys, err = NewPasskeys("https://portal.test")
	ok(t, "set up", err)
	p, err := d.CreatePerson(t.Context(), operator, NewPerson{Email: "lan@x.vn", Name: "Trần Thị Lan", Password: goodPassword})
	ok(t, "create", err)
	for _, m := range memberships {
		ok(t, "join", d.AddMembership(t.Context(), operator, p.ID, m))
	}
	who, err := d.WhoByPerson(t.Context(), p.ID)
	ok(t, "who", err)
	return &account{d, t, who}
}

// session is one at AAL2, proved just now, whatever the person owes.
func (a *account) session() string {
	a.t.Helper()
	s, err := a.StartSession(a.t.Context(), a.who.Person, ByPassword, ByTwo)
	ok(a.t, "start", err)
	ok(a.t, "know", a.KnowBrowser(a.t.Context(), s.Secret, firefoxAgent, "192.0.2.7"))
	return s.Secret
}

func (a *account) passkey(name string) *device {
	a.t.Helper()
	key, session := newDevice(a.t), a.session()
	asked, err := a.AskNewPasskey(a.t.Context(), session)
	ok(a.t, "ask", err)
	_, err = a.AddPasskey(a.t.Context(), session, name, key.register(asked))
	ok(a.t, "add", err)
	return key
}

// app adds an authenticator app and gives its secret and the recovery codes
// that come with a first factor.
func (a *account) app() ([]byte, []string) {
	a.t.Helper()
	session := a.session()
	ok(a.t, "start app", a.StartApp(a.t.Context(), session))
	text, err := a.StartedApp(a.t.Context(), session)
	ok(a.t, "secret", err)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	ok(a.t, "read secret", err)
	e, err := a.ConfirmApp(a.t.Context(), session, a.code(secret))
	ok(a.t, "confirm", err)
	return secret, e.Codes
}

func (a *account) identity(subject string) {
	a.t.Helper()
	ok(a.t, "link", a.Link(a.t.Context(), a.who, a.session(), Outsider{Issuer: "https://idp.test", Subject: subject, Email: subject + "@idp.test", Agent: firefoxAgent, Address: "192.0.2.8"}))
}

// byLetter is the token of a letter that resets the password.
func (a *account) byLetter() string {
	a.t.Helper()
	ok(a.t, "ask", a.AskReset(a.t.Context(), "lan@x.vn", "vi"))
	return a.letter(a.t).Token
}

// left are the kinds and names of the ways in.
func (a *account) left() []string {
	a.t.Helper()
	ways, err := a.waysIn(a.t.Context(), a.DB, a.who.Person)
	ok(a.t, "ways", err)
	return named(ways)
}

func named(ways []Way) []string {
	names := []string{}
	for _, way := range ways {
		names = append(names, way.Kind+" "+way.Name)
	}
	return names
}

const nextPassword = "núi Ấn sông Trà"

// A new password by letter ends every way in of the last thirty days that the
// person does not keep, and the letter afterwards names them.
func TestResetDropsWhatIsYoung(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		old  func(a *account) // forty days ago
		new  func(a *account) // yesterday
		keep []string         // kinds
		left []string
		gone []string
	}{
		{"nothing there", nil, nil, nil, []string{}, []string{}},
		{"all old", func(a *account) { a.passkey("máy cũ"); a.identity("s") }, nil, nil,
			[]string{"codes ", "passkey máy cũ", "identity s@idp.test"}, []string{}},
		{"a passkey of somebody else", nil, func(a *account) { a.passkey("lạ") }, nil, []string{}, []string{"codes ", "passkey lạ"}},
		{"the same beside an old app", func(a *account) { a.app() }, func(a *account) { a.passkey("lạ") }, nil,
			[]string{"app ", "codes "}, []string{"passkey lạ"}},
		{"an app of somebody else beside an old passkey", func(a *account) { a.passkey("của mình") }, func(a *account) { a.app() }, nil,
			[]string{"codes ", "passkey của mình"}, []string{"app "}},
		{"codes made anew", func(a *account) { a.app() }, func(a *account) {
			_, err := a.RenewCodes(a.t.Context(), a.session())
			ok(a.t, "renew", err)
		}, nil, []string{"app "}, []string{"codes "}},
		{"an identity", func(a *account) { a.identity("cũ") }, func(a *account) { a.identity("lạ") }, nil,
			[]string{"identity cũ@idp.test"}, []string{"identity lạ@idp.test"}},
		{"kept", nil, func(a *account) { a.app(); a.passkey("mới mua"); a.identity("s") }, []string{KindPasskey, KindIdentity, KindCodes},
			[]string{"codes ", "passkey mới mua", "identity s@idp.test"}, []string{"app "}},
		{"an identity that the account was made with", func(a *account) {
			_, err := a.DB.Exec(a.t.Context(), `update auth.person set created_at = $2 where id = $1`, a.who.Person, monday.Add(39*24*time.Hour-time.Second))
			ok(a.t, "age", err)
		}, func(a *account) { a.identity("s") }, nil, []string{"identity s@idp.test"}, []string{}},
		{"codes without a factor are none", nil, func(a *account) { a.app() }, []string{KindCodes}, []string{}, []string{"app "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, ctx := txDesk(t), t.Context()
			a := newAccount(t, d)
			for _, add := range []func(a *account){tt.old, tt.new} {
				if add != nil {
					add(a)
				}
				d.now = d.now.Add(39 * 24 * time.Hour)
			}
			d.now = d.now.Add(-38 * 24 * time.Hour)
			token := a.byLetter()
			view, err := d.Reset(ctx, token)
			ok(t, "look", err)
			keep := []string{}
			for _, way := range view.Ways {
				if slices.Contains(tt.keep, way.Kind) {
					keep = append(keep, way.Key)
				}
				if want := way.Kind == KindCodes; way.AddedAt.IsZero() || (way.Browser() == "") != want || (way.AddedAddress == "") != want {
					t.Errorf("where and when it was added: %+v", way)
				}
			}
			before := a.left()
			if _, err := d.SetPassword(ctx, token, "short"); !problem.Is(err, problem.Invalid) || !reflect.DeepEqual(a.left(), before) {
				t.Errorf("a password that is refused dropped something: %v", a.left())
			}
			_, err = d.SetPassword(ctx, token, nextPassword, keep...)
			ok(t, "reset", err)
			if got := a.left(); !reflect.DeepEqual(inOrder(got), inOrder(tt.left)) {
				t.Errorf("left: got %v, want %v", got, tt.left)
			}
			letter := d.letter(t)
			if letter.Kind != LetterPasswordChanged || !reflect.DeepEqual(inOrder(named(letter.About.Dropped)), inOrder(tt.gone)) || letter.About.Vouch {
				t.Errorf("the letter: got %+v, want %v", letter, tt.gone)
			}
			removed := 0
			for _, act := range d.acts {
				if act.Verb == "factor.remove" || act.Verb == "identity.unlink" {
					removed++
				}
			}
			if removed != len(tt.gone) {
				t.Errorf("the ledger has %d removals, want %d", removed, len(tt.gone))
			}
		})
	}
}

func inOrder(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// A way in that somebody added who knew the password lets them in no more.
func TestResetShutsOutWhoKnewThePassword(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a := newAccount(t, d)
	theirs := a.passkey("lạ")
	who, err := d.WhoBySession(ctx, a.session())
	ok(t, "who", err)
	_, pat, err := d.CreateToken(ctx, who, "lạ", time.Hour)
	ok(t, "token", err)
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Lạ"})
	ok(t, "application", err)
	_, err = d.DB.Exec(ctx, `insert into auth.oauth_allowed (person_id, client_id, audience, scopes, allowed_at) values ($1, $2, 'x', '{lgsp.manage}', $3)`, a.who.Person, app.ID, d.now)
	ok(t, "allow", err)
	_, err = d.DB.Exec(ctx, `insert into auth.oauth_grant (id, client_id, person_id, scopes, audience, nonce, auth_time, created_at, expires_at, methods)
		values (gen_random_uuid(), $1, $2, '{lgsp.manage,offline_access}', 'x', '', $3, $3, $4, '{pwd}')`, app.ID, a.who.Person, d.now, d.now.Add(time.Hour))
	ok(t, "grant", err)
	started := a.session()
	ok(t, "an app, not confirmed", d.StartApp(ctx, started))
	token := a.byLetter()
	view, err := d.Reset(ctx, token)
	if err != nil || len(view.Tokens) != 1 || len(view.Granted) != 1 || view.Granted[0].Name != "Lạ" || view.Vouch || view.Vouched {
		t.Errorf("what ends: %+v, %v", view, err)
	}
	_, err = d.SetPassword(ctx, token, nextPassword)
	ok(t, "reset", err)

	asked, err := d.AskPasskey(ctx)
	ok(t, "ask", err)
	_, err = d.SignInByPasskey(ctx, theirs.sign(asked))
	want(t, "their passkey", err, problem.Unauthorized, "passkey-refused")
	_, err = d.WhoByToken(ctx, pat)
	want(t, "their token", err, problem.Unauthorized, "token-refused")
	var n int
	ok(t, "count", d.DB.QueryRow(ctx, `select (select count(*) from auth.oauth_allowed where person_id = $1) +
		(select count(*) from auth.oauth_grant where person_id = $1 and revoked_at is null) + (select count(*) from auth.totp where person_id = $1)`, a.who.Person).Scan(&n))
	if n != 0 {
		t.Errorf("%d of what they allowed, were granted or began is left", n)
	}
	begun, err := d.SignIn(ctx, "lan@x.vn", nextPassword)
	if err != nil || begun.Session == nil {
		t.Fatalf("the owner: got %+v, %v", begun, err)
	}
	ok(t, "the owner adds an app", d.StartApp(ctx, begun.Session.Secret))
	if _, err := d.Reset(ctx, token); !problem.Is(err, problem.NotFound) {
		t.Errorf("the link, used: %v", err)
	}
}

// A mailbox alone gets nobody past the second factor of an official, old or new.
func TestALetterGetsNobodyPastAnOfficialsSecondFactor(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-a", "H48.11")
	a := newAccount(t, d, Membership{agency.ID, RolePublisher})
	secret, codes := a.app()

	reset := func(token, password string, keep ...string) {
		t.Helper()
		_, err := d.SetPassword(ctx, token, password, keep...)
		ok(t, "reset", err)
	}
	owes := func(what, password string) string {
		t.Helper()
		begun, err := d.SignIn(ctx, "lan@x.vn", password)
		if err != nil || begun.Pending == nil {
			t.Fatalf("%s: got %+v, %v, want a second step", what, begun, err)
		}
		return begun.Pending.Secret
	}
	token := a.byLetter()
	view, err := d.Reset(ctx, token)
	if err != nil || !view.Vouch {
		t.Errorf("the page does not say what it costs: %+v, %v", view, err)
	}
	reset(token, nextPassword, "app", "codes")
	owes("kept", nextPassword)
	d.letter(t)

	reset(a.byLetter(), nextPassword) // by somebody who has the mailbox
	if letter := d.letter(t); !letter.About.Vouch || len(letter.About.Dropped) != 2 {
		t.Errorf("the letter: %+v", letter)
	}
	begun, err := d.SignIn(ctx, "lan@x.vn", nextPassword)
	if err != nil || begun.Session == nil {
		t.Fatalf("sign in: got %+v, %v", begun, err)
	}
	s := begun.Session.Secret
	if who, err := d.WhoBySession(ctx, s); err != nil || who.Needs != AAL2 || len(who.Memberships) != 0 {
		t.Errorf("a mailbox opens a role: %+v, %v", who, err)
	}
	refused := func(what string) {
		t.Helper()
		want(t, what+": an app", d.StartApp(ctx, s), problem.Forbidden, "vouch-needed")
		_, err := d.ConfirmApp(ctx, s, "000000")
		want(t, what+": its code", err, problem.Forbidden, "vouch-needed")
		_, err = d.AskNewPasskey(ctx, s)
		want(t, what+": a passkey", err, problem.Forbidden, "vouch-needed")
		_, err = d.AddPasskey(ctx, s, "lạ", Answer{})
		want(t, what+": its answer", err, problem.Forbidden, "vouch-needed")
		_, err = d.RenewCodes(ctx, s)
		want(t, what+": codes", err, problem.NotFound, "app-unknown")
	}
	refused("by one letter")
	reset(a.byLetter(), goodPassword)
	d.letter(t)
	begun, err = d.SignIn(ctx, "lan@x.vn", goodPassword)
	ok(t, "sign in", err)
	s = begun.Session.Secret
	refused("by another")
	_, err = d.Prove(ctx, s, Shown{Password: goodPassword, Code: d.code(secret)})
	ok(t, "prove", err)

	link, err := d.CreateLink(ctx, operator, a.who.Person, time.Hour)
	ok(t, "an operator vouches", err)
	if view, err := d.Reset(ctx, link); err != nil || !view.Vouched || view.Vouch {
		t.Errorf("the operator's link: %+v, %v", view, err)
	}
	reset(link, nextPassword)
	d.letter(t)
	d.now = d.now.Add(30 * time.Second)
	a.app()
	d.now = d.now.Add(settledAfter + time.Second)
	reset(a.byLetter(), goodPassword)
	if letter := d.letter(t); letter.About.Vouch || len(letter.About.Dropped) != 0 {
		t.Errorf("settled: %+v", letter)
	}
	pending := owes("settled", goodPassword)
	_, err = d.FinishSession(ctx, pending, Shown{Recovery: codes[0]})
	want(t, "a code from before", err, problem.Unauthorized, "code-wrong")
}

// The way back of a changed address drops factors too, and so asks the same;
// an operator who drops them has vouched.
func TestWhoNeedsVouching(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		official bool
		demo     bool
		factor   bool
		drop     func(a *account)
		want     bool
	}{
		{"the way back, an official", true, false, true, wayBack, true},
		{"the way back, a citizen", false, false, true, wayBack, false},
		{"the way back, without a factor", true, false, false, wayBack, false},
		{"a letter, the demonstration's official", true, true, true, func(a *account) {
			_, err := a.SetPassword(a.t.Context(), a.byLetter(), nextPassword)
			ok(a.t, "reset", err)
		}, false},
		{"a letter, before the first factor", true, false, false, func(a *account) {
			_, err := a.SetPassword(a.t.Context(), a.byLetter(), nextPassword)
			ok(a.t, "reset", err)
		}, false},
		{"the way back, and then rescued", true, false, true, func(a *account) {
			wayBack(a)
			ok(a.t, "rescue", a.DropFactors(a.t.Context(), operator, a.who.Person))
		}, false},
		{"the way back, and then without the role", true, false, true, func(a *account) {
			wayBack(a)
			for _, m := range a.who.Memberships {
				ok(a.t, "leave", a.RemoveMembership(a.t.Context(), operator, a.who.Person, m))
			}
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, ctx := txDesk(t), t.Context()
			memberships := []Membership{}
			if tt.official {
				memberships = append(memberships, Membership{d.agency(t, "so-a", "H48.11").ID, RolePublisher})
			}
			a := newAccount(t, d, memberships...)
			if tt.demo {
				_, err := d.DB.Exec(ctx, `update auth.person set demo = true where id = $1`, a.who.Person)
				ok(t, "demo", err)
			}
			if tt.factor {
				a.app()
			}
			tt.drop(a)
			if got, err := d.NeedsVouching(ctx, a.who.Person); err != nil || got != tt.want {
				t.Errorf("got %t, %v, want %t", got, err, tt.want)
			}
		})
	}
}

// wayBack has the address changed and changed back.
func wayBack(a *account) {
	ctx := a.t.Context()
	ok(a.t, "ask", a.AskEmail(ctx, a.who, "other@x.vn"))
	_, err := a.ChangeEmail(ctx, a.letter(a.t).Token)
	ok(a.t, "change", err)
	_, err = a.ChangeEmail(ctx, a.letter(a.t).Token)
	ok(a.t, "back", err)
}

// Who adds a way in while the password is set anew finds the session gone.
func TestAWayInAddedDuringTheReset(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t, pgtest.New(t)), t.Context()
	d.Notify = func(context.Context, pgx.Tx, FactorNotice) error { return nil } // raced below
	a := newAccount(t, d)
	d.now = d.now.Add(time.Hour)
	key, session := newDevice(t), a.session()
	asked, err := d.AskNewPasskey(ctx, session)
	ok(t, "ask", err)
	token := a.byLetter()
	adds := map[string]func() error{
		"identity": func() error {
			return d.Link(ctx, a.who, session, Outsider{Issuer: "https://idp.test", Subject: "lạ"})
		},
		"passkey": func() error {
			_, err := d.AddPasskey(ctx, session, "lạ", key.register(asked))
			return err
		},
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	came := map[string]error{}
	d.Record = func(_ context.Context, _ pgx.Tx, act Act) error {
		if act.Verb != "person.password" {
			return nil
		}
		for name, add := range adds { // before the reset commits
			all.Go(func() {
				err := add()
				mu.Lock()
				defer mu.Unlock()
				came[name] = err
			})
		}
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			var waiting int
			err := d.DB.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waiting)
			mu.Lock()
			settled := waiting + len(came)
			mu.Unlock()
			if err != nil || settled == len(adds) {
				return err
			}
		}
		return nil
	}
	_, err = d.SetPassword(ctx, token, nextPassword)
	ok(t, "reset", err)
	all.Wait()
	for name := range adds {
		want(t, name, came[name], problem.Unauthorized, "session-over")
	}
	if left := a.left(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
