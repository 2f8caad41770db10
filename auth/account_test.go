package auth

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestExportHoldsAllAndNoSecret(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-a", "H48.11")
	who := d.person(t, "a@x.vn", Membership{Agency: agency.ID, Role: RolePublisher})
	_, own, err := d.CreateApplication(ctx, who, NewApplication{Name: "Riêng"})
	ok(t, "own", err)
	_, _, err = d.CreateApplication(ctx, who, NewApplication{Name: "Của sở", Agency: agency.ID})
	ok(t, "the agency's", err)
	_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
	ok(t, "token", err)
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "session", err)
	ok(t, "link", d.Link(ctx, who, s.Secret, Outsider{Issuer: "https://idp.test", Subject: "s"}))
	got, err := d.ExportPerson(ctx, who)
	ok(t, "export", err)
	if got.Person.Email != "a@x.vn" || len(got.Memberships) != 1 || len(got.Identities) != 1 || len(got.Sessions) != 1 || len(got.Tokens) != 1 ||
		len(got.Applications) != 1 || got.Applications[0].Name != "Riêng" || len(got.Applications[0].Credentials) != 2 {
		t.Errorf("got %+v", got)
	}
	text, err := json.Marshal(got)
	ok(t, "encode", err)
	for _, secret := range []string{own[0].Secret, own[1].Secret, token, s.Secret} {
		if strings.Contains(string(text), secret) {
			t.Errorf("it holds a secret: %s", text)
		}
	}
	_, err = d.ExportPerson(ctx, Principal{})
	want(t, "nobody", err, problem.Unauthorized, "sign-in-first")
}

func TestDeletePerson(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-a", "H48.11")
	who := d.person(t, "a@x.vn", Membership{Agency: agency.ID, Role: RolePublisher}, Membership{Role: RoleOperator})
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Riêng của Lan"})
	ok(t, "own", err)
	shared, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Của sở", Agency: agency.ID})
	ok(t, "the agency's", err)
	_, token, err := d.CreateToken(ctx, who, "script", time.Hour)
	ok(t, "token", err)
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "session", err)
	ok(t, "link", d.Link(ctx, who, s.Secret, Outsider{Issuer: "https://idp.test", Subject: "s"}))

	err = d.DeletePerson(ctx, who, "b@x.vn")
	if got := fields(err); !reflect.DeepEqual(got, map[string]string{"email": "email-not-yours"}) {
		t.Errorf("another address: got %v", err)
	}
	want(t, "the last operator", d.DeletePerson(ctx, who, "a@x.vn"), problem.Conflict, "last-operator")
	d.person(t, "next@x.vn", Membership{Role: RoleOperator})
	ok(t, "delete", d.DeletePerson(ctx, who, " A@x.vn "))
	d.told(t, "person.delete", "a@x.vn")
	if want := []uuid.UUID{who.Person, app.ID}; !reflect.DeepEqual(d.forgotten, want) {
		t.Errorf("other rooms were to forget %v, want the person and their own application %v", d.forgotten, want)
	}

	var kept string
	ok(t, "read", d.DB.QueryRow(ctx, `select row_to_json(p)::text from auth.person p where id = $1`, who.Person).Scan(&kept))
	if strings.Contains(kept, "a@x.vn") || strings.Contains(kept, "Trần") {
		t.Errorf("kept: %s", kept)
	}
	_, err = d.WhoByToken(ctx, token)
	want(t, "token", err, problem.Unauthorized, "token-refused")
	_, err = d.WhoByApplication(ctx, app.ID)
	want(t, "own application", err, problem.Unauthorized, "application-disabled")
	if a, err := d.Application(ctx, app.ID); err != nil || strings.Contains(a.Name, "Lan") {
		t.Errorf("own application: got %+v, %v", a, err)
	}
	if a, err := d.Application(ctx, shared.ID); err != nil || a.DisabledAt != nil || a.Name != "Của sở" {
		t.Errorf("the agency's: got %+v, %v", a, err)
	}
	if person, err := d.PersonOf(ctx, Outsider{Issuer: "https://idp.test", Subject: "s"}); err != nil || person != uuid.Nil {
		t.Errorf("identity: got %v, %v", person, err)
	}
	want(t, "again", d.DeletePerson(ctx, who, "a@x.vn"), problem.Unauthorized, "sign-in-first")
	d.person(t, "a@x.vn") // the address is free
}
