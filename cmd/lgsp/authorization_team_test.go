package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"lgsp/auth"
)

// teamAttempts are the calls of /api/v1 about who works on an application.
func (w *world) teamAttempts() []attempt {
	list := []attempt{
		{"POST /team-invitations/accept", "no link", "/team-invitations/accept", `{"token":"x"}`},
		{"POST /team-invitations/decline", "no link", "/team-invitations/decline", `{"token":"x"}`},
	}
	for _, name := range []string{"application", "agency's application"} {
		at := "/applications/{" + name + "}/team"
		list = append(list, attempt{"GET /applications/{id}/team", name, at, ""},
			attempt{"POST /applications/{id}/team/invitations", name, at + "/invitations", `{"email":"moi@world.example","role":"developer"}`},
			attempt{"POST /applications/{id}/team/invitations/{invitation}/send", name + ", none open", at + "/invitations/{so-a}/send", ""},
			attempt{"DELETE /applications/{id}/team/invitations/{invitation}", name + ", none open", at + "/invitations/{so-a}", ""},
			attempt{"PUT /applications/{id}/team/{person}", name, at + "/{person developer}", `{"role":"owner"}`},
			attempt{"DELETE /applications/{id}/team/{person}", name, at + "/{person developer}", ""})
	}
	return list
}

// teamPages are the same for the pages.
func (w *world) teamPages() []attempt {
	list := []attempt{
		{"GET /team-invitation", "no link", "/team-invitation?token=x", ""},
		{"POST /team-invitation", "no link", "/team-invitation", "token=x"},
	}
	for _, name := range []string{"application", "agency's application"} {
		const template = "/developer/applications/{id}/team"
		at := "/developer/applications/{" + name + "}/team"
		list = append(list, attempt{"GET " + template, name, at, ""},
			attempt{"POST " + template, name, at, "email=moi@world.example&role=developer"},
			attempt{"POST " + template + "/invitations/{invitation}/{step:send|withdraw}", name + ", none open", at + "/invitations/{so-a}/send", ""},
			attempt{"POST " + template + "/{person}/role", name, at + "/{person developer}/role", "role=owner"},
			attempt{"POST " + template + "/{person}/remove", name, at + "/{person developer}/remove", ""})
	}
	return list
}

// teamRoles are those who stand around an application: who owns it first,
// another owner, a developer of its team, who was in the team once, a stranger.
var teamRoles = []string{"developer", "co-owner", "team-developer", "former", "citizen"}

// gather has people join the team of the developer's application by letter, and
// one of them leave.
func (w *world) gather() {
	ctx, id := w.t.Context(), w.uuid("application")
	for role, as := range map[string]string{"co-owner": auth.TeamOwner, "team-developer": auth.TeamDeveloper, "former": auth.TeamOwner} {
		person, err := w.auth.CreatePerson(ctx, auth.Platform("test"), auth.NewPerson{Email: role + "@world.example", Name: "Người " + role})
		w.must(err)
		_, err = w.auth.InviteToTeam(ctx, w.people["developer"], id, auth.NewTeamInvitation{Role: as, Email: person.Email})
		w.must(err)
		_, err = w.auth.JoinTeam(ctx, w.letterToken(auth.LetterTeam), "", "")
		w.must(err)
		w.people[role], err = w.auth.WhoByProof(ctx, person.ID, auth.AAL2)
		w.must(err)
		_, w.token[role], err = w.auth.CreateToken(ctx, w.people[role], "test", time.Hour)
		w.must(err)
		begun, err := w.auth.BeginSession(ctx, person.ID, auth.ByPassword, auth.ByCode, auth.ByTwo)
		w.must(err)
		w.session[role] = begun.Session.Secret
	}
	w.must(w.auth.LeaveTeam(ctx, w.people["former"], id, w.people["former"].Person))
}

// letterToken is the token of the next letter of a kind.
func (w *world) letterToken(kind string) string {
	w.t.Helper()
	for {
		l, err := w.auth.NextLetter(w.t.Context())
		w.must(err)
		if l == nil {
			w.t.Fatalf("no letter of kind %s", kind)
		}
		w.must(w.auth.LetterSent(w.t.Context(), l.ID))
		if l.Kind == kind {
			return l.Token
		}
	}
}

// ofApplication are the objects that belong to the developer's application.
var ofApplication = regexp.MustCompile(`\{(application|api_key|webhook|webhook message|honey key|(asked|agreed|questioned|suspended) agreement)\}`)

// ofDevelopers are the changes that a developer of the team makes.
var ofDevelopers = []string{
	"POST /applications/{id}/credentials", "POST /credentials/{id}/rotate", "PUT /credentials/{id}", "DELETE /credentials/{id}",
	"PUT /applications/{id}/keys", "POST /developer/applications/{id}/keys", "POST /developer/applications/{id}/credentials",
	"POST /developer/applications/{id}/credentials/{credential}", "POST /developer/applications/{id}/credentials/{credential}/rotate",
	"POST /developer/applications/{id}/credentials/{credential}/revoke", "POST /apis/{agency}/{api}/{version}/token",
}

// TestAuthorizationInATeam calls every route about an application, what it
// holds and its agreements, as those who stand around it. Who was in the team is
// answered as a stranger is, another owner does what the first does, and a
// developer changes nothing but keys.
func TestAuthorizationInATeam(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.gather()
	w.serve()
	again := w.again()
	api := mux.NewRouter()
	again.api.Routes(api)
	for _, side := range []struct {
		attempts []attempt
		handler  http.Handler
		try      func(http.Handler, string, attempt) (int, string)
	}{{w.attempts(), undone(t, again, api), w.try}, {w.pageAttempts(), undone(t, again, again.portal.Routes()), w.look}} {
		for _, a := range side.attempts {
			if !ofApplication.MatchString(a.path + a.body) {
				continue
			}
			answers := map[string]int{}
			for _, role := range teamRoles {
				status, body := side.try(side.handler, role, a)
				if status >= 500 {
					t.Errorf("%s as %s: got %d: %s", a.route, role, status, body)
				}
				answers[role] = status
			}
			name := a.route + " (" + a.what + ")"
			if answers["former"] != answers["citizen"] {
				t.Errorf("%s: who was in the team is answered %d, a stranger %d", name, answers["former"], answers["citizen"])
			}
			if answers["developer"] < 400 && answers["co-owner"] >= 400 {
				t.Errorf("%s: the first owner is answered %d, another %d", name, answers["developer"], answers["co-owner"])
			}
			changes := !strings.HasPrefix(a.route, "GET ") && answers["team-developer"] < 400 && answers["citizen"] >= 400
			if changes != slices.Contains(ofDevelopers, a.route) {
				t.Errorf("%s: a developer of the team is answered %d, a stranger %d", name, answers["team-developer"], answers["citizen"])
			}
		}
	}
}
