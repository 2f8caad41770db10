package auth

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestCreatePersonTidies(t *testing.T) {
	t.Parallel()
	d := txDesk(t)
	got, err := d.CreatePerson(t.Context(), operator, NewPerson{Email: " Lan.Tran@Example.VN ", Name: "  Trần   Thị Lan ", Password: goodPassword})
	ok(t, "create", err)
	wantPerson := Person{ID: got.ID, Email: "lan.tran@example.vn", Name: "Trần Thị Lan", Locale: "vi", CreatedAt: monday}
	if !reflect.DeepEqual(got, wantPerson) {
		t.Errorf("got %+v, want %+v", got, wantPerson)
	}
	d.told(t, "person.create", "lan.tran", goodPassword)

	_, err = d.CreatePerson(t.Context(), operator, NewPerson{Email: "LAN.TRAN@example.vn", Name: "Lan", Password: goodPassword})
	want(t, "the same address again", err, problem.Conflict, "email-taken")
	if len(d.acts) != 1 {
		t.Errorf("a refused account was recorded: %v", d.verbs())
	}
}

func TestNewPersonRefuses(t *testing.T) {
	t.Parallel()
	d := txDesk(t)
	for _, tt := range []struct {
		name string
		n    NewPerson
		want map[string]string
	}{
		{"nothing", NewPerson{}, map[string]string{"email": "email-form", "name": "name-missing"}},
		{"no domain", NewPerson{Email: "lan", Name: "Lan", Password: goodPassword}, map[string]string{"email": "email-form"}},
		{"a name in the address", NewPerson{Email: "Lan <lan@x.vn>", Name: "Lan", Password: goodPassword}, map[string]string{"email": "email-form"}},
		{"a letter that looks like another", NewPerson{Email: "lаn@x.vn", Name: "Lan", Password: goodPassword}, map[string]string{"email": "email-form"}},
		{"two lines", NewPerson{Email: "a@x.vn\nBcc: b@x.vn", Name: "Lan", Password: goodPassword}, map[string]string{"email": "email-form"}},
		{"a long name", NewPerson{Email: "lan@x.vn", Name: strings.Repeat("ă", 121), Password: goodPassword}, map[string]string{"name": "name-long"}},
		{"a broken name", NewPerson{Email: "lan@x.vn", Name: "Lan\x00", Password: goodPassword}, map[string]string{"name": "text-unreadable"}},
		{"another language", NewPerson{Email: "lan@x.vn", Name: "Lan", Password: goodPassword, Locale: "fr"}, map[string]string{"locale": "locale-unknown"}},
	} {
		_, err := d.CreatePerson(t.Context(), operator, tt.n)
		want(t, tt.name, err, problem.Invalid, "fields-wrong")
		if got := fields(err); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
		tt.n.Password = ""
		if err := d.AskSignUp(t.Context(), tt.n); !reflect.DeepEqual(fields(err), tt.want) {
			t.Errorf("signing up, %s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestCreatePerson(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	_, err := d.CreatePerson(ctx, Principal{}, NewPerson{Email: "a@x.vn", Name: "A"})
	want(t, "by a citizen", err, problem.Forbidden, "forbidden")
	if has, err := d.HasDemo(ctx); has || err != nil {
		t.Errorf("demo accounts before there are: got %v, %v", has, err)
	}
	p, err := d.CreatePerson(ctx, operator, NewPerson{Email: "a@x.vn", Name: "A", Demo: true, Locale: "en"})
	ok(t, "by the operator", err)
	if has, err := d.HasDemo(ctx); !has || err != nil {
		t.Errorf("demo accounts: got %v, %v, want true", has, err)
	}
	_, err = d.SignIn(ctx, "a@x.vn", "")
	want(t, "without a password", err, problem.Unauthorized, "sign-in-refused")
	byID, err := d.Persons(ctx, []uuid.UUID{p.ID, uuid.New()})
	if err != nil || !reflect.DeepEqual(byID, map[uuid.UUID]Person{p.ID: p}) {
		t.Errorf("by id: got %v, %v, want only %v", byID, err, p)
	}
	found, err := d.PersonByEmail(ctx, operator, uuid.Nil, " A@X.vn")
	if err != nil || found != p {
		t.Errorf("by address: got %v, %v, want %v", found, err, p)
	}
	_, err = d.PersonByEmail(ctx, operator, uuid.Nil, "b@x.vn")
	want(t, "an unknown address", err, problem.NotFound, "person-unknown")
	_, err = d.PersonByEmail(ctx, Principal{Person: p.ID}, uuid.Nil, "a@x.vn")
	want(t, "by address, for anyone", err, problem.Forbidden, "forbidden")
}

func TestDisablePersonLocksOut(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "a@x.vn")
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start session", err)
	_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
	ok(t, "create token", err)
	app, issued, err := d.CreateApplication(ctx, who, NewApplication{Name: "App"})
	ok(t, "create application", err)
	link, err := d.CreateLink(ctx, operator, who.Person, time.Hour)
	ok(t, "create link", err)

	want(t, "by the person", d.DisablePerson(ctx, who, who.Person), problem.Forbidden, "forbidden")
	want(t, "nobody", d.DisablePerson(ctx, operator, uuid.New()), problem.NotFound, "person-unknown")
	ok(t, "disable", d.DisablePerson(ctx, operator, who.Person))
	ok(t, "disable twice", d.DisablePerson(ctx, operator, who.Person))
	d.told(t, "person.disable")

	_, err = d.WhoBySession(ctx, s.Secret)
	want(t, "session", err, problem.Unauthorized, "session-over")
	_, err = d.WhoByToken(ctx, token)
	want(t, "token", err, problem.Unauthorized, "token-refused")
	_, err = d.WhoByPerson(ctx, who.Person)
	want(t, "person", err, problem.Unauthorized, "person-unknown")
	_, err = d.WhoByApplication(ctx, app.ID)
	want(t, "application", err, problem.Unauthorized, "application-disabled")
	err = d.VerifySecret(ctx, app.ID.String(), issued[1].Secret, office)
	want(t, "client secret", err, problem.Unauthorized, "client-refused")
	if client, err := d.Client(ctx, app.ID); err != nil || client.DisabledAt == nil {
		t.Errorf("the application, to the authorization server: got %+v, %v, want disabled", client, err)
	}
	_, err = d.SetPassword(ctx, link, goodPassword)
	want(t, "link", err, problem.NotFound, "link-unknown")
	_, err = d.StartSession(ctx, who.Person, ByPassword)
	want(t, "new session", err, problem.NotFound, "person-unknown")
	keys, err := d.GatewayCredentials(ctx)
	if err != nil || len(keys) != 1 || !keys[0].Disabled {
		t.Errorf("API key: got %v, %v, want disabled", keys, err)
	}
	if ids, err := d.DisabledApplications(ctx); err != nil || !reflect.DeepEqual(ids, []uuid.UUID{app.ID}) {
		t.Errorf("disabled applications: got %v, %v, want %v", ids, err, app.ID)
	}
}

func TestNamesReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"Lan\u202eabc": "text-unreadable", "Lan\u2066abc": "text-unreadable", "Lan\x01": "text-unreadable",
		"Lan\u200b": "text-unreadable", "\u200b": "text-unreadable", "La\u00adn": "text-unreadable", "Trần Thị Lan": ""} {
		wrong := fieldsWrong()
		checkName(wrong, "name", name)
		if got := fields(asError(wrong))["name"]; got != code {
			t.Errorf("%q: got %q, want %q", name, got, code)
		}
	}
}
