package auth

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
)

// day is a day of November 2026; monday is the 23rd.
func day(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

// renaming is the change that gives an agency another slug and code.
func renaming(a Agency, slug, code string) AgencyChange {
	return AgencyChange{Slug: slug, Code: code, NameVI: a.NameVI, NameEN: a.NameEN, Parent: a.Parent}
}

func TestRenamedAgencyIsFoundByWhatItWas(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, err := d.CreateAgency(ctx, operator, Agency{Slug: "so-cu", Code: "H1", NameVI: "Sở Đo đạc", NameEN: "Dept", ValidFrom: day(1)})
	ok(t, "create", err)
	var told []string
	d.AgencyRenamed = func(_ context.Context, _ pgx.Tx, before, after Agency) error {
		told = append(told, before.Slug+" "+after.Slug)
		return nil
	}
	change := renaming(a, "so-moi", "H2")
	change.Since, change.Source = day(20), "Quyết định 1"
	after, err := d.ChangeAgency(ctx, operator, a.ID, change)
	ok(t, "rename", err)
	if after.Slug != "so-moi" || after.Code != "H2" || !after.SlugFrom.Equal(day(20)) || !reflect.DeepEqual(told, []string{"so-cu so-moi"}) {
		t.Errorf("renamed: got %+v, told %v", after, told)
	}
	last := d.acts[len(d.acts)-1]
	if last.Verb != "agency.change" || last.Detail["slug_before"] != "so-cu" || last.Detail["code"] != "H2" || last.Detail["name_vi"] != nil {
		t.Errorf("the ledger holds %+v", last)
	}
	for _, slug := range []string{"so-moi", "so-cu"} {
		if got, err := d.AgencyBySlug(ctx, slug); err != nil || got.ID != a.ID {
			t.Errorf("%s: got %v, %v", slug, got, err)
		}
	}
	for _, code := range []string{"H1", "H2"} {
		if got, err := d.AgencyByCode(ctx, code); err != nil || got.ID != a.ID {
			t.Errorf("%s: got %v, %v", code, got, err)
		}
	}
	_, err = d.AgencyByCode(ctx, "H3")
	want(t, "no such code", err, problem.NotFound, "agency-unknown")
	until := day(19)
	wanted := []Alias{{"code", "H1", day(1), &until, "Quyết định 1"}, {"slug", "so-cu", day(1), &until, "Quyết định 1"}}
	if got, err := d.Aliases(ctx, a.ID); err != nil || !reflect.DeepEqual(got, wanted) {
		t.Errorf("aliases: got %+v, %v, want %+v", got, err, wanted)
	}

	back, err := d.ChangeAgency(ctx, operator, a.ID, renaming(after, "so-cu", "H2"))
	ok(t, "back to what it was", err)
	aliases, err := d.Aliases(ctx, a.ID)
	if err != nil || len(aliases) != 2 || aliases[1].Value != "so-moi" || !aliases[1].ValidFrom.Equal(day(20)) {
		t.Errorf("after it came back: got %+v, %v", aliases, err)
	}
	_, err = d.ChangeAgency(ctx, operator, a.ID, renaming(back, "so-ba", "H2"))
	ok(t, "twice on a day", err)
	if aliases, err := d.Aliases(ctx, a.ID); err != nil || len(aliases) != 3 {
		t.Errorf("after three slugs: got %+v, %v", aliases, err)
	}
}

func TestChangeAgencyRefuses(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, other := d.agency(t, "so-a", "H1"), d.agency(t, "so-b", "H2")
	below, err := d.CreateAgency(ctx, operator, Agency{Slug: "phong", Code: "H3", NameVI: "Phòng", NameEN: "Division", Parent: &a.ID, ValidFrom: monday})
	ok(t, "create below", err)
	_, err = d.ChangeAgency(ctx, operator, other.ID, renaming(other, "so-c", "H4"))
	ok(t, "rename the other", err)
	steward := d.person(t, "steward@x.vn", Membership{a.ID, RoleSteward})
	nobody := uuid.New()
	for _, tt := range []struct {
		name   string
		change func(c *AgencyChange)
		kind   problem.Kind
		field  string
		code   string
	}{
		{"slug taken", func(c *AgencyChange) { c.Slug = "so-c" }, problem.Conflict, "slug", "agency-taken"},
		{"slug of another before", func(c *AgencyChange) { c.Slug = "so-b" }, problem.Conflict, "slug", "agency-taken"},
		{"code of another before", func(c *AgencyChange) { c.Code = "H2" }, problem.Conflict, "code", "agency-taken"},
		{"slug with marks", func(c *AgencyChange) { c.Slug = "sở" }, problem.Invalid, "slug", "slug-form"},
		{"no name", func(c *AgencyChange) { c.NameVI = "  " }, problem.Invalid, "name_vi", "name-missing"},
		{"a name of 201 characters", func(c *AgencyChange) { c.NameVI = strings.Repeat("ă", 201) }, problem.Invalid, "name_vi", "text-long"},
		{"a name that turns what follows", func(c *AgencyChange) { c.NameEN = "Dept\u202e" }, problem.Invalid, "name_en", "text-unreadable"},
		{"a contact that is no address", func(c *AgencyChange) { c.Contact.Email = "x" }, problem.Invalid, "focal_email", "email-form"},
		{"its own parent", func(c *AgencyChange) { c.Parent = &a.ID }, problem.Invalid, "parent", "agency-ring"},
		{"below what is below it", func(c *AgencyChange) { c.Parent = &below.ID }, problem.Invalid, "parent", "agency-ring"},
		{"unknown parent", func(c *AgencyChange) { c.Parent = &nobody }, problem.Invalid, "parent", "agency-unknown"},
		{"from a day to come", func(c *AgencyChange) { c.Slug, c.Since = "so-moi", day(24) }, problem.Invalid, "since", "since-future"},
	} {
		change := renaming(a, "so-a", "H1")
		tt.change(&change)
		_, err := d.ChangeAgency(ctx, operator, a.ID, change)
		if got := fields(err); !problem.Is(err, tt.kind) || got[tt.field] != tt.code {
			t.Errorf("%s: got %v %v, want %d %s: %s", tt.name, err, got, tt.kind, tt.field, tt.code)
		}
	}
	_, err = d.ChangeAgency(ctx, steward, a.ID, renaming(a, "so-a", "H9"))
	want(t, "by its steward", err, problem.Forbidden, "forbidden")
	_, err = d.ChangeAgency(ctx, operator, nobody, renaming(a, "so-a", "H9"))
	want(t, "an unknown agency", err, problem.NotFound, "agency-unknown")
	if got, err := d.Aliases(ctx, a.ID); err != nil || len(got) != 0 {
		t.Errorf("refusals left aliases: %v, %v", got, err)
	}
}

func TestContactOfAnAgency(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, other := d.agency(t, "so-a", "H1"), d.agency(t, "so-b", "H2")
	steward := d.person(t, "steward@x.vn", Membership{a.ID, RoleSteward})
	got, err := d.SetContact(ctx, steward, a.ID, Contact{" Phòng  Công nghệ ", "cntt@so-a.gov.vn", "0255 000 000"})
	if err != nil || got.FocalName != "Phòng Công nghệ" || got.FocalEmail != "cntt@so-a.gov.vn" {
		t.Errorf("set: got %+v, %v", got, err)
	}
	d.told(t, "agency.contact", "cntt@so-a.gov.vn", "Phòng Công nghệ")
	_, err = d.SetContact(ctx, steward, other.ID, Contact{})
	want(t, "of another agency", err, problem.Forbidden, "forbidden")
	if _, err := d.SetContact(ctx, steward, a.ID, Contact{Email: "không"}); fields(err)["focal_email"] != "email-form" {
		t.Errorf("what is no address: got %v", err)
	}
}

func TestFindAgencies(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	over := day(1)
	for _, a := range []Agency{
		{Slug: "so-khcn", Code: "H48.11", NameVI: "Sở Khoa học và Công nghệ", NameEN: "Science", ValidFrom: day(1)},
		{Slug: "so-noi-vu", Code: "H48.5", NameVI: "Sở Nội vụ", NameEN: "Home Affairs", ValidFrom: day(1)},
		{Slug: "so-tttt", Code: "H48.12", NameVI: "Sở Thông tin và Truyền thông", NameEN: "Information", ValidFrom: over.AddDate(-1, 0, 0), ValidTo: &over},
	} {
		var aliases []Alias
		if a.Slug == "so-noi-vu" {
			aliases = []Alias{{Kind: "slug", Value: "ban-to-chuc", ValidFrom: day(1)}, {Kind: "code", Value: "K7", ValidFrom: day(1)}}
		}
		_, err := d.CreateAgency(ctx, operator, a, aliases...)
		ok(t, "create "+a.Slug, err)
	}
	for _, tt := range []struct {
		name   string
		filter AgencyFilter
		want   string
		next   string
	}{
		{"all", AgencyFilter{}, "so-khcn so-noi-vu so-tttt", ""},
		{"live", AgencyFilter{State: AgencyLive}, "so-khcn so-noi-vu", ""},
		{"ended", AgencyFilter{State: AgencyEnded}, "so-tttt", ""},
		{"without marks", AgencyFilter{Query: "noi VU"}, "so-noi-vu", ""},
		{"words in any order", AgencyFilter{Query: "nghệ khoa"}, "so-khcn", ""},
		{"in English", AgencyFilter{Query: "home"}, "so-noi-vu", ""},
		{"a code", AgencyFilter{Query: "h48.1"}, "so-khcn so-tttt", ""},
		{"a former slug", AgencyFilter{Query: "ban-to"}, "so-noi-vu", ""},
		{"a former code", AgencyFilter{Query: "k7"}, "so-noi-vu", ""},
		{"nothing", AgencyFilter{Query: "%"}, "", ""},
		{"a page", AgencyFilter{Page: Page{Limit: 1}}, "so-khcn", "so-khcn"},
		{"the next", AgencyFilter{Query: "so", Page: Page{Limit: 1, After: "so-khcn"}}, "so-noi-vu", "so-noi-vu"},
	} {
		list, next, err := d.FindAgencies(ctx, tt.filter)
		var slugs []string
		for _, a := range list {
			slugs = append(slugs, a.Slug)
		}
		if got := strings.Join(slugs, " "); err != nil || got != tt.want || next != tt.next {
			t.Errorf("%s: got %q, %q, %v, want %q, %q", tt.name, got, next, err, tt.want, tt.next)
		}
	}
	_, _, err := d.FindAgencies(ctx, AgencyFilter{State: "dead"})
	want(t, "a state that is none", err, problem.Invalid, "parameter-invalid")
}
