package auth

import (
	"context"
	"encoding/base32"
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

// TestCodesOfRFC6238 are the rows of RFC 6238 appendix B for SHA-1, the last
// six digits of each.
func TestCodesOfRFC6238(t *testing.T) {
	t.Parallel()
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := totpCode(secret, at/30); got != want {
			t.Errorf("at %d: got %s, want %s", at, got, want)
		}
		for late, ok := range map[int64]bool{-60: false, -30: true, 0: true, 30: true, 60: false} {
			if _, got := matchCode(secret, want[:3]+" "+want[3:], time.Unix(at/30*30+late, 0), 0); got != ok {
				t.Errorf("the code of %d, %d s later: got %t, want %t", at, late, got, ok)
			}
		}
		if _, got := matchCode(secret, want, time.Unix(at, 0), at/30); got {
			t.Errorf("the code of %d was taken again", at)
		}
	}
}

// withApp signs somebody up with a password and an authenticator app, and
// gives the session, the app's secret and the recovery codes.
func (d *desk) withApp(t *testing.T, email string, memberships ...Membership) (Session, []byte, []string) {
	t.Helper()
	ctx := t.Context()
	p, err := d.CreatePerson(ctx, operator, NewPerson{Email: email, Name: "Lan", Password: goodPassword})
	ok(t, "create", err)
	for _, m := range memberships {
		ok(t, "join", d.AddMembership(ctx, operator, p.ID, m))
	}
	begun, err := d.SignIn(ctx, email, goodPassword)
	ok(t, "sign in", err)
	if begun.Session == nil {
		t.Fatal("a second step before there is a second factor")
	}
	ok(t, "start app", d.StartApp(ctx, begun.Session.Secret))
	text, err := d.StartedApp(ctx, begun.Session.Secret)
	ok(t, "secret", err)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	ok(t, "read secret", err)
	_, err = d.ConfirmApp(ctx, begun.Session.Secret, "000000")
	want(t, "a wrong code", err, problem.Unauthorized, "code-wrong")
	e, err := d.ConfirmApp(ctx, begun.Session.Secret, d.code(secret))
	ok(t, "confirm app", err)
	if len(e.Codes) != recoveryCodes || e.Session.Secret == begun.Session.Secret {
		t.Fatalf("got %d codes, and the same session: %t", len(e.Codes), e.Session.Secret == begun.Session.Secret)
	}
	_, err = d.WhoBySession(ctx, begun.Session.Secret)
	want(t, "the secret from before", err, problem.Unauthorized, "session-over")
	d.told(t, "factor.add", text, e.Codes[0])
	return e.Session, secret, e.Codes
}

func (d *desk) code(secret []byte) string { return totpCode(secret, d.now.Unix()/30) }

func TestSecondStep(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	_, secret, codes := d.withApp(t, "lan@x.vn")
	begin := func() Pending {
		t.Helper()
		begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
		ok(t, "sign in", err)
		if begun.Session != nil || begun.Pending == nil {
			t.Fatalf("got %+v, want a second step", begun)
		}
		return *begun.Pending
	}
	p := begin()
	_, err := d.WhoBySession(ctx, p.Secret)
	want(t, "a pending secret as a session", err, problem.Unauthorized, "session-over")
	_, err = d.FinishSession(ctx, p.Secret, Shown{Code: d.code(secret)})
	want(t, "the code that confirmed the app", err, problem.Unauthorized, "code-wrong")
	_, err = d.FinishSession(ctx, p.Secret, Shown{Password: goodPassword})
	want(t, "the password once more", err, problem.Unauthorized, "code-wrong")
	d.now = d.now.Add(30 * time.Second)
	s, err := d.FinishSession(ctx, p.Secret, Shown{Code: d.code(secret)})
	ok(t, "the next code", err)
	proof, err := d.SessionProof(ctx, s.Secret)
	if err != nil || !reflect.DeepEqual(proof.Methods, []string{"pwd", "otp", "mfa"}) || proof.Level() != AAL2 {
		t.Errorf("proof: got %+v, %v", proof, err)
	}
	_, err = d.FinishSession(ctx, p.Secret, Shown{Recovery: codes[0]})
	want(t, "the pending secret again", err, problem.Unauthorized, "second-step-over")

	p = begin()
	typed := strings.ToUpper(strings.ReplaceAll(codes[1], "-", " "))
	_, err = d.FinishSession(ctx, p.Secret, Shown{Recovery: typed})
	ok(t, "a recovery code, as it may be typed", err)
	p = begin()
	_, err = d.FinishSession(ctx, p.Secret, Shown{Recovery: codes[1]})
	want(t, "the recovery code again", err, problem.Unauthorized, "code-wrong")
	d.told(t, "recovery.use", codes[1])
	d.now = d.now.Add(pendingLast)
	_, err = d.FinishSession(ctx, p.Secret, Shown{Recovery: codes[2]})
	want(t, "after 5 minutes", err, problem.Unauthorized, "second-step-over")

	p = begin()
	link, err := d.CreateLink(ctx, operator, p.Person, time.Hour)
	ok(t, "link", err)
	_, err = d.SetPassword(ctx, link, goodPassword+"!")
	ok(t, "another password", err)
	_, err = d.FinishSession(ctx, p.Secret, Shown{Recovery: codes[2]})
	want(t, "begun with the password from before", err, problem.Unauthorized, "second-step-over")
}

func TestWrongCodesAreBraked(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	s, secret, codes := d.withApp(t, "lan@x.vn")
	for range maxCodeTry {
		_, err := d.Prove(ctx, s.Secret, Shown{Password: goodPassword, Code: "12345"})
		want(t, "a wrong code", err, problem.Unauthorized, "code-wrong")
	}
	d.now = d.now.Add(30 * time.Second)
	_, err := d.Prove(ctx, s.Secret, Shown{Password: goodPassword, Code: d.code(secret)})
	want(t, "the right one after ten wrong ones", err, problem.TooMany, "too-many-codes")
	_, err = d.Prove(ctx, s.Secret, Shown{Password: goodPassword, Recovery: codes[0]})
	ok(t, "a recovery code meanwhile", err)
	d.now = d.now.Add(codeTryOver)
	begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
	ok(t, "sign in", err)
	_, err = d.FinishSession(ctx, begun.Pending.Secret, Shown{Code: d.code(secret)})
	ok(t, "the right one ten minutes later", err)
}

// Ten wrong codes after a right password are told to the person, once a day,
// however slowly they come and from wherever.
func TestWrongCodesAreTold(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	_, secret, codes := d.withApp(t, "lan@x.vn")
	d.letters = nil
	try := func(shown Shown) error {
		t.Helper()
		begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
		ok(t, "sign in", err)
		_, err = d.FinishSession(ctx, begun.Pending.Secret, shown)
		return err
	}
	wrong := func(n int, after time.Duration) {
		t.Helper()
		for i := range n {
			d.now = d.now.Add(after)
			shown := Shown{Code: "12345"}
			if i%2 == 1 {
				shown = Shown{Recovery: "aaaa-aaaa-aaaa-aaaa"}
			}
			want(t, "a wrong code", try(shown), problem.Unauthorized, "code-wrong")
		}
	}
	told := func(what string, n int) {
		t.Helper()
		got := 0
		for _, letter := range d.letters {
			if letter.What == "codes-wrong" {
				got++
			}
		}
		if got != n {
			t.Errorf("%s: told %d times, want %d", what, got, n)
		}
	}
	wrong(9, 8*time.Minute)
	told("nine in an hour", 0)
	d.now = d.now.Add(time.Minute)
	ok(t, "the right one", try(Shown{Code: d.code(secret)}))
	wrong(9, time.Minute)
	told("nine more, after a right one", 0)
	wrong(1, 0)
	told("the tenth", 1)
	d.told(t, "factor.guess", codes[0])
	wrong(5, 4*time.Minute)
	told("the same day", 1)
	d.now = d.now.Add(codesToldEvery)
	wrong(1, 0)
	told("the next day", 2)

	d.now = d.now.Add(2 * codesToldEvery)
	ok(t, "a recovery code", try(Shown{Recovery: codes[1]}))
	for range maxCodeTry / 2 { // half of ten, twice, with a right one between
		want(t, "wrong", try(Shown{Code: "1"}), problem.Unauthorized, "code-wrong")
	}
	ok(t, "a recovery code", try(Shown{Recovery: codes[2]}))
	for range maxCodeTry / 2 {
		want(t, "wrong", try(Shown{Code: "1"}), problem.Unauthorized, "code-wrong")
	}
	told("five and five", 2)
	want(t, "the brake", try(Shown{Code: d.code(secret)}), problem.TooMany, "too-many-codes")
	told("the brake", 3)
	want(t, "the brake again", try(Shown{Code: d.code(secret)}), problem.TooMany, "too-many-codes")
	told("the brake again", 3)
}

// Of fifty who send the same code, or the same recovery code, at once, one wins.
func TestFactorsAreTakenOnce(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t, pgtest.New(t)), t.Context()
	_, secret, codes := d.withApp(t, "lan@x.vn")
	d.Record = func(context.Context, pgx.Tx, Act) error { return nil } // raced below
	d.Notify = func(context.Context, pgx.Tx, FactorNotice) error { return nil }
	d.now = d.now.Add(30 * time.Second)
	for what, shown := range map[string]Shown{"code": {Code: d.code(secret)}, "recovery code": {Recovery: codes[0]}} {
		begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
		ok(t, "sign in", err)
		var won, took atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := d.second(ctx, begun.Pending.Person, shown); err == nil {
					took.Add(1)
				}
				if _, err := d.FinishSession(ctx, begun.Pending.Secret, shown); err == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if took.Load()+won.Load() != 1 {
			t.Errorf("%s: taken %d times and %d sessions, want one of all", what, took.Load(), won.Load())
		}
	}
}

// An official's roles wait for two factors, whatever stands for the person.
func TestOfficialsNeedTwoFactors(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "mine", "H1")
	role := Membership{agency.ID, RolePublisher}
	s, _, _ := d.withApp(t, "lan@x.vn", role)
	who, err := d.WhoBySession(ctx, s.Secret)
	if err != nil || who.Level != AAL2 || who.Needs != "" || !who.Has(RolePublisher, agency.ID) {
		t.Errorf("with two factors: got %+v, %v", who, err)
	}
	one, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start", err)
	low, err := d.WhoBySession(ctx, one.Secret)
	if err != nil || low.Level != AAL1 || low.Needs != AAL2 || len(low.Memberships) != 0 {
		t.Errorf("with one: got %+v, %v", low, err)
	}
	if by, err := d.WhoByProof(ctx, who.Person, AAL1); err != nil || by.Needs != AAL2 {
		t.Errorf("by a token of one factor: got %+v, %v", by, err)
	}
	_, _, err = d.CreateToken(ctx, low, "x", time.Hour)
	want(t, "a token that would outlive the proof", err, problem.Forbidden, "second-factor-first")
	_, _, err = d.CreateApplication(ctx, low, NewApplication{Name: "x"})
	want(t, "an application", err, problem.Forbidden, "second-factor-first")
	_, _, err = d.CreateRegistrationToken(ctx, low, NewRegistrationToken{Name: "x", GrantTypes: []string{GrantCode}})
	want(t, "a registration token", err, problem.Forbidden, "second-factor-first")
	_, err = d.LimitCredential(ctx, low, uuid.New(), Limits{})
	want(t, "the limits of a key", err, problem.Forbidden, "second-factor-first")
	_, text, err := d.CreateToken(ctx, who, "x", time.Hour)
	ok(t, "a token at AAL2", err)
	if by, err := d.WhoByToken(ctx, text); err != nil || !by.Has(RolePublisher, agency.ID) {
		t.Errorf("by it: got %+v, %v", by, err)
	}
	later := d.person(t, "citizen@x.vn")
	later.Level = AAL1
	_, text, err = d.CreateToken(ctx, later, "x", time.Hour)
	ok(t, "a citizen's token", err)
	ok(t, "join", d.AddMembership(ctx, operator, later.Person, role))
	if by, err := d.WhoByToken(ctx, text); err != nil || by.Needs != AAL2 {
		t.Errorf("a token from before the role: got %+v, %v", by, err)
	}
	show, err := d.CreatePerson(ctx, operator, NewPerson{Email: "demo@x.vn", Name: "Demo", Demo: true})
	ok(t, "create", err)
	ok(t, "join", d.AddMembership(ctx, operator, show.ID, role))
	if by, err := d.WhoByProof(ctx, show.ID, AAL1); err != nil || !by.Has(RolePublisher, agency.ID) {
		t.Errorf("the demonstration's: got %+v, %v", by, err)
	}
}

// What one proves oneself with changes only by who proved it just now.
func TestFactorsNeedAFreshProof(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	s, secret, codes := d.withApp(t, "lan@x.vn")
	stolen, err := d.StartSession(ctx, s.Person, ByPassword)
	ok(t, "start", err)
	want(t, "with the password alone", d.RemoveApp(ctx, stolen.Secret), problem.Forbidden, "proof-old")
	d.now = d.now.Add(proofFresh + time.Second)
	for name, session := range map[string]string{"one factor": stolen.Secret, "two": s.Secret} {
		for _, tt := range []struct {
			name  string
			shown Shown
			code  string
		}{
			{"nothing", Shown{}, "password-wrong"},
			{"the password alone", Shown{Password: goodPassword}, "code-wrong"},
			{"a code alone", Shown{Code: d.code(secret)}, "password-wrong"},
			{"a recovery code alone", Shown{Recovery: codes[0]}, "password-wrong"},
			{"a wrong password with a code", Shown{Password: "not this one", Code: d.code(secret)}, "password-wrong"},
			{"the password with a wrong code", Shown{Password: goodPassword, Code: "000000"}, "code-wrong"},
		} {
			_, err := d.Prove(ctx, session, tt.shown)
			want(t, tt.name+", at "+name, err, problem.Unauthorized, tt.code)
		}
		want(t, "and then, at "+name, d.RemoveApp(ctx, session), problem.Forbidden, "proof-old")
	}
	_, err = d.RenewCodes(ctx, s.Secret)
	want(t, "codes", err, problem.Forbidden, "proof-old")
	s, err = d.Prove(ctx, s.Secret, Shown{Password: goodPassword, Code: d.code(secret)})
	ok(t, "both", err)
	codes, err = d.RenewCodes(ctx, s.Secret)
	if err != nil || len(codes) != recoveryCodes {
		t.Errorf("codes: got %d, %v", len(codes), err)
	}
	want(t, "a second app", d.StartApp(ctx, s.Secret), problem.Conflict, "app-taken")
	stolen, err = d.Prove(ctx, stolen.Secret, Shown{Password: goodPassword, Recovery: codes[0]})
	ok(t, "raise the other session", err)
	ok(t, "remove", d.RemoveApp(ctx, s.Secret))
	d.told(t, "factor.remove")
	factors, err := d.Factors(ctx, s.Person)
	if err != nil || factors.Any() || factors.Codes != 0 {
		t.Errorf("left: got %+v, %v", factors, err)
	}
	if len(d.letters) != 3 || d.letters[0].What != "factor-added" || d.letters[1].What != "recovery-used" || d.letters[2].What != "factor-removed" {
		t.Errorf("letters: got %+v", d.letters)
	}
	if begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword); err != nil || begun.Session == nil {
		t.Errorf("sign in without a factor: got %+v, %v", begun, err)
	}
}

// With the last factor goes what it had proved: of sessions, of what was
// allowed to applications, and of personal tokens.
func TestTheLastFactorTakesItsLevelAlong(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "mine", "H1")
	s, _, _ := d.withApp(t, "lan@x.vn", Membership{agency.ID, RolePublisher})
	who, err := d.WhoBySession(ctx, s.Secret)
	ok(t, "who", err)
	_, token, err := d.CreateToken(ctx, who, "x", time.Hour)
	ok(t, "token", err)
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "App"})
	ok(t, "application", err)
	_, err = d.DB.Exec(ctx, `insert into auth.oauth_grant (id, client_id, person_id, scopes, audience, nonce, auth_time, created_at, expires_at, methods)
		values (gen_random_uuid(), $1, $2, '{}', 'x', '', $3, $3, $4, '{pwd,otp,mfa}')`, app.ID, who.Person, d.now, d.now.Add(time.Hour))
	ok(t, "grant", err)
	ok(t, "remove", d.RemoveApp(ctx, s.Secret))
	if by, err := d.WhoBySession(ctx, s.Secret); err != nil || by.Needs != AAL2 || len(by.Memberships) > 0 {
		t.Errorf("by the session: %+v, %v", by, err)
	}
	if by, err := d.WhoByToken(ctx, token); err != nil || by.Needs != AAL2 {
		t.Errorf("by the token: %+v, %v", by, err)
	}
	var methods []string
	ok(t, "read", d.DB.QueryRow(ctx, `select methods from auth.oauth_grant where person_id = $1`, who.Person).Scan(&methods))
	if LevelOf(methods) != AAL1 {
		t.Errorf("the grant is left at %v", methods)
	}
}

// Who has lost phone and codes is let in again by the operator, with nothing
// of what stood on the lost factors.
func TestDropFactors(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	session, _, codes := d.withApp(t, "lan@x.vn")
	who, err := d.WhoBySession(ctx, session.Secret)
	ok(t, "who", err)
	want(t, "by herself", d.DropFactors(ctx, Principal{Person: who.Person}, who.Person), problem.Forbidden, "forbidden")
	ok(t, "drop", d.DropFactors(ctx, operator, who.Person))
	d.told(t, "factor.remove")
	if _, err := d.WhoBySession(ctx, session.Secret); err == nil {
		t.Error("the session goes on")
	}
	left, err := d.Factors(ctx, who.Person)
	ok(t, "factors", err)
	if left.Any() || left.Codes != 0 || len(codes) == 0 {
		t.Errorf("left: %+v of %d codes", left, len(codes))
	}
	begun, err := d.SignIn(ctx, "lan@x.vn", goodPassword)
	ok(t, "sign in", err)
	if begun.Session == nil {
		t.Error("a second step is still asked for")
	}
}
