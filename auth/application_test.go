package auth

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestCreateApplication(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "dev@x.vn")
	app, issued, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa", Description: " thử \n", RedirectURIs: []string{"https://x.vn/cb"}})
	ok(t, "create", err)
	wanted := Application{ID: app.ID, OwnerPerson: &who.Person, Name: "Một cửa", Description: "thử", Kind: Confidential,
		RedirectURIs: []string{"https://x.vn/cb"}, CreatedAt: monday,
		Protocol: Protocol{GrantTypes: []string{GrantCode, GrantRefresh, GrantClient}, LogoutURIs: []string{}, IDTokenAlgorithm: ES256}}
	if !reflect.DeepEqual(app, wanted) {
		t.Errorf("got %+v, want %+v", app, wanted)
	}
	if len(issued) != 2 || issued[0].Kind != APIKey || issued[1].Kind != ClientSecret ||
		!strings.HasPrefix(issued[0].Secret, "lgsp_key_") || !strings.HasPrefix(issued[1].Secret, "lgsp_secret_") {
		t.Fatalf("issued %+v, want a key and a secret", issued)
	}
	if got := issued[0].ExpiresAt; !got.Equal(monday.AddDate(1, 0, 0)) {
		t.Errorf("the key lasts until %s, want a year", got)
	}
	d.told(t, "application.create", issued[0].Secret, issued[1].Secret)
	d.told(t, "credential.add")
	ok(t, "VerifySecret", d.VerifySecret(ctx, app.ID.String(), issued[1].Secret, office))

	public, none, err := d.CreateApplication(ctx, who, NewApplication{Name: "Trên điện thoại", Kind: Public, RedirectURIs: []string{"vn.gov.app:/cb"}})
	if err != nil || len(none) != 0 {
		t.Errorf("a public one: got %v, %v, want no credential", none, err)
	}
	_, err = d.AddCredential(ctx, who, public.ID, NewCredential{Kind: APIKey})
	want(t, "a key for a public one", err, problem.Conflict, "application-public")
}

func TestCreateApplicationRefuses(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "mine", "H1")
	who := d.person(t, "dev@x.vn")
	many := make([]string, 11)
	for i := range many {
		many[i] = "https://x.vn/cb"
	}
	for _, tt := range []struct {
		name  string
		n     NewApplication
		field string
		code  string
	}{
		{"no name", NewApplication{}, "name", "name-missing"},
		{"long text", NewApplication{Name: "a", Description: strings.Repeat("ă", 2001)}, "description", "text-long"},
		{"broken text", NewApplication{Name: "a", Description: "\x00"}, "description", "text-unreadable"},
		{"unknown kind", NewApplication{Name: "a", Kind: "secret"}, "kind", "kind-unknown"},
		{"eleven addresses", NewApplication{Name: "a", RedirectURIs: many}, "redirect_uris", "redirect-many"},
		{"http elsewhere", NewApplication{Name: "a", RedirectURIs: []string{"http://x.vn/cb"}}, "redirect_uris", "redirect-form"},
	} {
		_, _, err := d.CreateApplication(ctx, who, tt.n)
		if got := fields(err); !problem.Is(err, problem.Invalid) || got[tt.field] != tt.code {
			t.Errorf("%s: got %v %v, want %s: %s", tt.name, err, got, tt.field, tt.code)
		}
	}
	_, _, err := d.CreateApplication(ctx, Principal{}, NewApplication{Name: "a"})
	want(t, "a citizen", err, problem.Unauthorized, "sign-in-first")
	_, _, err = d.CreateApplication(ctx, who, NewApplication{Name: "a", Agency: agency.ID})
	want(t, "for an agency one is not of", err, problem.Forbidden, "not-of-agency")
}

func TestRedirectAllowed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		uri          string
		confidential bool
		public       bool
	}{
		{"https://x.vn/cb?a=b", true, true},
		{"https://x.vn", true, true},
		{"http://127.0.0.1:1234/cb", true, true},
		{"http://[::1]/cb", true, true},
		{"http://localhost:3000/", true, true},
		{"vn.gov.quangngai:/cb", false, true},
		{"http://x.vn/cb", false, false},
		{"http://127.0.0.1.x.vn/cb", false, false},
		{"https://x.vn/cb#a", false, false},
		{"https://x.vn/cb#", false, false},
		{"https://user@x.vn/cb", false, false},
		{"http://user@127.0.0.1:1/cb", false, false},
		{"https:///cb", false, false},
		{"https:x.vn", false, false},
		{"//x.vn/cb", false, false},
		{"/cb", false, false},
		{"", false, false},
		{"javascript:alert(1)", false, false},
		{"data:text/html,a", false, false},
		{"myapp:/cb", false, false},
		{"vn.gov.app:", false, false},
		{"https://x.vn/\n", false, false},
		{"https://sở.vn/", false, false},
		{"https://x.vn/" + strings.Repeat("a", 2000), false, false},
	} {
		if got := redirectAllowed(tt.uri, Confidential); got != tt.confidential {
			t.Errorf("%q for a confidential one: got %v", tt.uri, got)
		}
		if got := redirectAllowed(tt.uri, Public); got != tt.public {
			t.Errorf("%q for a public one: got %v", tt.uri, got)
		}
	}
}

func FuzzRedirectAllowed(f *testing.F) {
	f.Add("https://x.vn/cb")
	f.Add("vn.gov.app:/cb")
	f.Fuzz(func(t *testing.T, uri string) {
		if redirectAllowed(uri, Public) && (strings.Contains(uri, "#") || len(uri) > 2000 || strings.HasPrefix(strings.ToLower(uri), "javascript:")) {
			t.Errorf("%q is allowed", uri)
		}
	})
}

func TestApplicationsBelongToTheirOwners(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency, other := d.agency(t, "mine", "H1"), d.agency(t, "other", "H2")
	publisher := d.person(t, "publisher@x.vn", Membership{agency.ID, RolePublisher})
	steward := d.person(t, "steward@x.vn", Membership{agency.ID, RoleSteward})
	stranger := d.person(t, "stranger@x.vn", Membership{other.ID, RoleSteward})
	auditor := d.person(t, "auditor@x.vn", Membership{uuid.Nil, RoleAuditor})
	own, _, err := d.CreateApplication(ctx, publisher, NewApplication{Name: "own"})
	ok(t, "own", err)
	shared, _, err := d.CreateApplication(ctx, publisher, NewApplication{Name: "shared", Agency: agency.ID})
	ok(t, "shared", err)

	for _, tt := range []struct {
		name string
		who  Principal
		app  uuid.UUID
		owns bool
	}{
		{"own", publisher, own.ID, true},
		{"a colleague's own", steward, own.ID, false},
		{"the agency's, publisher", publisher, shared.ID, true},
		{"the agency's, steward", steward, shared.ID, true},
		{"the agency's, another's steward", stranger, shared.ID, false},
		{"the agency's, auditor", auditor, shared.ID, false},
		{"a citizen", Principal{}, own.ID, false},
		{"the application itself", Principal{Application: own.ID}, own.ID, false},
		{"none", publisher, uuid.New(), false},
	} {
		err := d.OwnsApplication(ctx, tt.who, tt.app)
		if tt.owns {
			ok(t, tt.name, err)
		} else {
			want(t, tt.name, err, problem.NotFound, "application-unknown")
		}
	}

	first, next, err := d.Applications(ctx, publisher, Page{Limit: 1})
	if err != nil || len(first) != 1 || first[0].Name != "shared" || next == "" {
		t.Errorf("first page: got %v, %q, %v", first, next, err)
	}
	second, next, err := d.Applications(ctx, publisher, Page{Limit: 1, After: next})
	if err != nil || len(second) != 1 || second[0].Name != "own" || next != "" {
		t.Errorf("second page: got %v, %q, %v", second, next, err)
	}
	_, _, err = d.Applications(ctx, publisher, Page{After: "x"})
	want(t, "a cursor that is none", err, problem.Invalid, "cursor-wrong")
	if none, _, err := d.Applications(ctx, Principal{}, Page{}); err != nil || len(none) != 0 {
		t.Errorf("a citizen's: got %v, %v", none, err)
	}
	if byID, err := d.ApplicationsByID(ctx, []uuid.UUID{own.ID}); err != nil || len(byID) != 1 || byID[own.ID].Name != "own" {
		t.Errorf("by id: got %v, %v", byID, err)
	}
}

func TestEditAndDisableApplication(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who, stranger := d.person(t, "a@x.vn"), d.person(t, "b@x.vn")
	app, issued, err := d.CreateApplication(ctx, who, NewApplication{Name: "before"})
	ok(t, "create", err)

	_, err = d.EditApplication(ctx, stranger, app.ID, NewApplication{Name: "mine now"})
	want(t, "edit by a stranger", err, problem.NotFound, "application-unknown")
	_, err = d.EditApplication(ctx, who, app.ID, NewApplication{})
	want(t, "edit to nothing", err, problem.Invalid, "fields-wrong")
	got, err := d.EditApplication(ctx, who, app.ID, NewApplication{Name: "after", Kind: Public})
	if err != nil || got.Name != "after" || got.Kind != Confidential {
		t.Errorf("edit: got %+v, %v, want the name alone changed", got, err)
	}
	d.told(t, "application.edit")

	want(t, "disable by a stranger", d.DisableApplication(ctx, stranger, app.ID), problem.NotFound, "application-unknown")
	ok(t, "disable by the operator", d.DisableApplication(ctx, operator, app.ID))
	ok(t, "disable twice", d.DisableApplication(ctx, who, app.ID))
	d.told(t, "application.disable")
	err = d.VerifySecret(ctx, app.ID.String(), issued[1].Secret, office)
	want(t, "its secret", err, problem.Unauthorized, "client-refused")
	_, err = d.WhoByApplication(ctx, app.ID)
	want(t, "itself", err, problem.Unauthorized, "application-disabled")
	_, err = d.AddCredential(ctx, who, app.ID, NewCredential{Kind: APIKey})
	want(t, "a new key", err, problem.Conflict, "application-disabled")
}

func TestWhoByApplicationNeverDecides(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "mine", "H1")
	who := d.person(t, "a@x.vn", Membership{agency.ID, RolePublisher}, Membership{agency.ID, RoleSteward},
		Membership{uuid.Nil, RoleOperator}, Membership{uuid.Nil, RoleAuditor})
	own, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "own"})
	ok(t, "own", err)
	shared, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "shared", Agency: agency.ID})
	ok(t, "shared", err)
	for _, wanted := range []Principal{
		{Application: own.ID, Name: "own", Memberships: []Membership{{uuid.Nil, RoleAuditor}, {agency.ID, RolePublisher}}},
		{Application: shared.ID, Name: "shared", Memberships: []Membership{{agency.ID, RolePublisher}}},
	} {
		got, err := d.WhoByApplication(ctx, wanted.Application)
		if err != nil || !reflect.DeepEqual(got, wanted) {
			t.Errorf("got %+v, %v, want %+v", got, err, wanted)
		}
	}
	_, err = d.WhoByApplication(ctx, uuid.New())
	want(t, "unknown", err, problem.Unauthorized, "application-disabled")
}
