package auth

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

const (
	firefoxAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iPhoneAgent  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func TestOpenSessions(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who, stranger := d.person(t, "a@x.vn"), d.person(t, "b@x.vn")
	start := func(p Principal, agent, address string) Session {
		s, err := d.StartSession(ctx, p.Person, ByPassword)
		ok(t, "start", err)
		ok(t, "know", d.KnowBrowser(ctx, s.Secret, agent, address))
		return s
	}
	start(who, "idle for 12 hours by the end", "192.0.2.9")
	d.now = monday.Add(13 * time.Hour)
	phone := start(who, iPhoneAgent, "2001:db8::7")
	d.now = d.now.Add(time.Hour)
	desktop := start(who, firefoxAgent, "192.0.2.1")
	start(stranger, firefoxAgent, "192.0.2.2")
	d.now = d.now.Add(time.Hour)
	if _, err := d.WhoBySession(ctx, phone.Secret); err != nil { // seen last, so it stands first
		t.Fatal(err)
	}
	proof, err := d.SessionProof(ctx, phone.Secret)
	ok(t, "proof", err)
	other, err := d.SessionProof(ctx, desktop.Secret)
	ok(t, "proof", err)
	got, err := d.OpenSessions(ctx, who)
	ok(t, "list", err)
	wantList := []OpenSession{
		{proof.Session, "Safari", "iPhone", "2001:db8::7", monday.Add(13 * time.Hour), monday.Add(15 * time.Hour)},
		{other.Session, "Firefox", "Linux", "192.0.2.1", monday.Add(14 * time.Hour), monday.Add(14 * time.Hour)},
	}
	if !reflect.DeepEqual(got, wantList) {
		t.Errorf("got %+v, want %+v", got, wantList)
	}

	want(t, "another's", d.EndSession(ctx, stranger, proof.Session), problem.NotFound, "session-unknown")
	want(t, "unknown", d.EndSession(ctx, who, uuid.New()), problem.NotFound, "session-unknown")
	ok(t, "end", d.EndSession(ctx, who, other.Session))
	d.told(t, "session.end", desktop.Secret)
	_, err = d.WhoBySession(ctx, desktop.Secret)
	want(t, "the ended one", err, problem.Unauthorized, "session-over")
	_, err = d.WhoBySession(ctx, phone.Secret)
	ok(t, "the one kept", err)
}

func TestEndOtherSessions(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who, stranger := d.person(t, "a@x.vn"), d.person(t, "b@x.vn")
	var mine []Session
	for range 3 {
		s, err := d.StartSession(ctx, who.Person, ByPassword)
		ok(t, "start", err)
		mine = append(mine, s)
	}
	theirs, err := d.StartSession(ctx, stranger.Person, ByPassword)
	ok(t, "start", err)
	proof, err := d.SessionProof(ctx, mine[1].Secret)
	ok(t, "proof", err)
	ok(t, "end others", d.EndOtherSessions(ctx, who, proof.Session))
	for i, s := range append(mine, theirs) {
		_, err := d.WhoBySession(ctx, s.Secret)
		if lives := i == 1 || i == 3; (err == nil) != lives {
			t.Errorf("session %d: %v, lives should be %t", i, err, lives)
		}
	}
	ok(t, "end all", d.EndOtherSessions(ctx, who, uuid.Nil))
	_, err = d.WhoBySession(ctx, mine[1].Secret)
	want(t, "the last", err, problem.Unauthorized, "session-over")
	want(t, "an application", d.EndOtherSessions(ctx, Principal{Application: uuid.New()}, uuid.Nil), problem.Unauthorized, "sign-in-first")
}

// A password that is set anew, or a person locked out, leaves nothing that the
// former proof opened.
func TestEndPersonEndsTokens(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(d *desk, who Principal) error{
		"a password by link": func(d *desk, who Principal) error {
			link, err := d.CreateLink(t.Context(), operator, who.Person, time.Hour)
			if err != nil {
				return err
			}
			_, err = d.SetPassword(t.Context(), link, goodPassword)
			return err
		},
		"locked out": func(d *desk, who Principal) error { return d.DisablePerson(t.Context(), operator, who.Person) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ctx := txDesk(t), t.Context()
			who := d.person(t, "a@x.vn")
			session, err := d.StartSession(ctx, who.Person, ByPassword)
			ok(t, "start", err)
			_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
			ok(t, "token", err)
			ok(t, name, end(d, who))
			_, err = d.WhoBySession(ctx, session.Secret)
			want(t, "session", err, problem.Unauthorized, "session-over")
			_, err = d.WhoByToken(ctx, token)
			want(t, "personal token", err, problem.Unauthorized, "token-refused")
			if left, err := d.Tokens(ctx, who); err != nil || len(left) != 0 {
				t.Errorf("tokens left: %v, %v", left, err)
			}
		})
	}
}

func TestAgentWords(t *testing.T) {
	t.Parallel()
	const chrome = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
	for agent, want := range map[string][2]string{
		firefoxAgent: {"Firefox", "Linux"},
		iPhoneAgent:  {"Safari", "iPhone"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36":                                        {"Chrome", "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + chrome + "Safari/537.36 Edg/142.0.0.0":                          {"Edge", "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 coc_coc_browser/140.0.1 Chrome/134.0 Safari/537": {"Cốc Cốc", "Windows"},
		"Mozilla/5.0 (Linux; Android 15; SM-S928B) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile Safari":  {"Samsung Internet", "Android"},
		"Mozilla/5.0 (Linux; Android 14) " + chrome + "Mobile Safari/537.36 Zalo android/24":                           {"Zalo", "Android"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15":            {"Safari", "macOS"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + chrome + "Safari/537.36":                                         {"Chrome", "ChromeOS"},
		"something else": {"", ""},
		"":               {"", ""},
	} {
		if browser, system := agentWords(agent); browser != want[0] || system != want[1] {
			t.Errorf("%s: got %q on %q, want %v", agent, browser, system, want)
		}
	}
}

func FuzzKnowBrowser(f *testing.F) {
	f.Add(firefoxAgent)
	f.Add("\xff\x00" + strings.Repeat("ợ", 200))
	f.Fuzz(func(t *testing.T, agent string) {
		kept := cleanAgent(agent)
		if len(kept) > maxAgent || strings.ContainsRune(kept, 0) || strings.ToValidUTF8(kept, "?") != kept {
			t.Errorf("%q is not fit to be kept", kept)
		}
		agentWords(kept)
	})
}

// A browser that signs in once more goes on under the same public id, which
// applications know; when another person does, the former session ends.
func TestSucceedSession(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who, other := d.person(t, "a@x.vn"), d.person(t, "b@x.vn")
	begin := func(p Principal) Session {
		s, err := d.StartSession(ctx, p.Person, ByPassword)
		ok(t, "start", err)
		return s
	}
	former := begin(who)
	before, err := d.SessionProof(ctx, former.Secret)
	ok(t, "proof", err)
	d.now = monday.Add(time.Hour)
	next := begin(who)
	ok(t, "know", d.KnowBrowser(ctx, next.Secret, firefoxAgent, "192.0.2.1"))
	ok(t, "succeed", d.SucceedSession(ctx, former.Secret, next.Secret))
	after, err := d.SessionProof(ctx, next.Secret)
	if err != nil || after.Session != before.Session || !after.At.Equal(d.now) {
		t.Errorf("got %+v, %v, want session %s, proved now", after, err, before.Session)
	}
	_, err = d.WhoBySession(ctx, former.Secret)
	want(t, "the former secret", err, problem.Unauthorized, "session-over")
	list, err := d.OpenSessions(ctx, who)
	if err != nil || len(list) != 1 || list[0].Browser != "Firefox" || !list[0].CreatedAt.Equal(d.now) {
		t.Errorf("got %+v, %v, want the one in Firefox, since now", list, err)
	}
	ok(t, "the same once more", d.SucceedSession(ctx, former.Secret, next.Secret))

	theirs := begin(other)
	ok(t, "succeed another's", d.SucceedSession(ctx, next.Secret, theirs.Secret))
	_, err = d.WhoBySession(ctx, next.Secret)
	want(t, "who was there before", err, problem.Unauthorized, "session-over")
	_, err = d.WhoBySession(ctx, theirs.Secret)
	ok(t, "who is there now", err)
}
