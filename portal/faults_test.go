package portal

import (
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

// All that is wrong with a form is named at once, and what was typed is kept,
// but for passwords.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	o := newProvider(t)
	p := outsidePortal(t, o)
	b := member(t, p, "b@example.vn")
	b.post(t, "/forgot-password", url.Values{"email": {"b@example.vn"}})
	token := tokenOf(t, linkIn(t, p, "b@example.vn"))
	newcomer, stranger, offered := newBrowser(p), newBrowser(p), newBrowser(p)
	stranger.post(t, "/sign-up", url.Values{"name": {"Lê C"}, "email": {"c@example.vn"}, "terms": {"yes"}})
	signUp := tokenOf(t, linkIn(t, p, "c@example.vn"))
	o.claims = map[string]any{"email": "moi@example.vn"}
	offered.back(t, offered.leave(t, o, "/sign-in/outside"))
	for _, tt := range []struct {
		name string
		who  *browser
		path string
		form url.Values
		want []string // the fields that are named, in this order
		kept []string
	}{
		{"sign up", newcomer, "/sign-up", url.Values{"name": {" "}, "email": {"ai@đâu"}}, []string{"email", "name", "terms"}, []string{`value="ai@đâu"`}},
		{"sign up, only the box", newcomer, "/sign-up", url.Values{"name": {"Lê C"}, "email": {"c@example.vn"}}, []string{"terms"}, []string{`value="Lê C"`, `value="c@example.vn"`}},
		{"sign up, only the address", newcomer, "/sign-up", url.Values{"name": {"Lê C"}, "email": {"c"}, "terms": {"yes"}}, []string{"email"}, []string{`value="yes" checked`}},
		{"the first password", newcomer, "/sign-up/confirm", url.Values{"token": {signUp}, "password": {"12345"}}, []string{"password"}, nil},
		{"through the outside provider", offered, "/sign-in/outside/new", url.Values{"name": {""}}, []string{"name", "terms"}, nil},
		{"a new password", newcomer, "/set-password", url.Values{"token": {token}, "password": {"12345"}, "repeated": {"54321"}}, []string{"password", "repeated"}, nil},
		{"another password", b, "/account/password", url.Values{"present": {"khác hẳn"}, "password": {"12345"}, "repeated": {"54321"}}, []string{"present", "password", "repeated"}, nil},
		{"another password, the present one right", b, "/account/password", url.Values{"present": {goodPassword}, "password": {"12345"}, "repeated": {"54321"}}, []string{"password", "repeated"}, nil},
		{"name and language", b, "/account/name", url.Values{"full_name": {""}, "locale": {"fr"}}, []string{"full_name", "locale"}, nil},
		{"a personal token", b, "/account/tokens", url.Values{"name": {""}, "lasts": {"0"}}, []string{"name", "lasts"}, nil},
		{"an application", b, "/developer/applications/new", url.Values{"name": {""}, "kind": {"x"}, "redirect_uris": {"ftp://a.test/ http://b.test/"}},
			[]string{"name", "kind", "redirect_uris"}, []string{"ftp://a.test/ http://b.test/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer, body := tt.who.post(t, tt.path, tt.form)
			if answer.StatusCode != 400 {
				t.Errorf("got %d, want 400", answer.StatusCode)
			}
			got := []string{}
			for _, named := range regexp.MustCompile(`<li><a href="#f-([a-z_]+)">`).FindAllStringSubmatch(body, -1) {
				got = append(got, named[1])
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("named: got %v, want %v", got, tt.want)
			}
			for _, want := range tt.kept {
				if !strings.Contains(body, want) {
					t.Errorf("lacks %s", want)
				}
			}
			for _, secret := range []string{"12345", "54321", "khác hẳn", goodPassword} {
				if strings.Contains(body, secret) {
					t.Errorf("a password is given back: %s", secret)
				}
			}
			if t.Failed() {
				t.Log(body)
			}
		})
	}
	if err := p.SendLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	if letters, err := p.Mailer.Files(100); err != nil || len(letters) != 2 { // of the one sign-up and the forgotten password
		t.Errorf("a form that was wrong had a letter written: %d letters, %v", len(letters), err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	one := problem.Errorf(problem.Invalid, "one").Coded("consent-required").Wrong("a", "a", "a")
	two := problem.Errorf(problem.Unauthorized, "two").Coded("password-wrong").Wrong("b", "b", "b")
	busy, broken := problem.Errorf(problem.TooMany, "busy"), errors.New("broken")
	for _, tt := range []struct {
		name string
		errs []error
		want error
	}{
		{"nothing", []error{nil, nil}, nil},
		{"one", []error{nil, one}, one},
		{"no matter of a field", []error{one, busy}, busy},
		{"our own fault", []error{one, broken, two}, broken},
	} {
		if got := faults(tt.errs...); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	both := problem.Of(faults(one, two))
	if both.Kind != problem.Invalid || both.Code != "fields-wrong" || len(both.Fields) != 2 {
		t.Errorf("two: got %+v", both)
	}
}
