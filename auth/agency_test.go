package auth

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestAgencyIsFoundByOldSlug(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	parent := d.agency(t, "ubnd-tinh", "H48")
	ended := time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC)
	agency := Agency{Slug: "so-khcn", Code: "H48.11", Synthetic: true, NameVI: "Sở Khoa học và Công nghệ", NameEN: "Department of Science and Technology",
		Parent: &parent.ID, ValidFrom: ended.AddDate(0, 0, 1), NoteVI: "chưa xác nhận", NoteEN: "unconfirmed after 2025", FocalName: "Nguyễn Văn A"}
	old := Alias{Kind: "slug", Value: "so-tttt", ValidFrom: ended.AddDate(-10, 0, 0), ValidTo: &ended}
	made, err := d.CreateAgency(ctx, operator, agency, old, Alias{Kind: "code", Value: "000.00.11.H48", ValidFrom: ended})
	ok(t, "create", err)
	d.told(t, "agency.create")
	agency.ID = made.ID
	for _, slug := range []string{"so-khcn", "so-tttt"} {
		got, err := d.AgencyBySlug(ctx, slug)
		if err != nil || !reflect.DeepEqual(got, agency) {
			t.Errorf("%s: got %+v, %v, want %+v", slug, got, err, agency)
		}
	}
	_, err = d.AgencyBySlug(ctx, "000.00.11.H48")
	want(t, "an old code is no slug", err, problem.NotFound, "agency-unknown")
	aliases, err := d.Aliases(ctx, agency.ID)
	if err != nil || len(aliases) != 2 || !reflect.DeepEqual(aliases[0], old) {
		t.Errorf("aliases: got %+v, %v, want %+v first of 2", aliases, err, old)
	}

	taken := d.agency(t, "so-tttt", "H48.99")
	if got, err := d.AgencyBySlug(ctx, "so-tttt"); err != nil || got.ID != taken.ID {
		t.Errorf("who has the slug now comes first: got %v, %v, want %v", got, err, taken)
	}
}

func TestCreateAgencyRefuses(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	d.agency(t, "so-y-te", "H48.7")
	_, err := d.CreateAgency(ctx, operator, Agency{Slug: "so-cu", Code: "H48.8", NameVI: "a", NameEN: "a", ValidFrom: monday},
		Alias{Kind: "slug", Value: "so-xua", ValidFrom: monday})
	ok(t, "create with an alias", err)
	nobody, before := uuid.New(), monday.AddDate(0, 0, -1)
	good := Agency{Slug: "so-moi", Code: "H48.9", NameVI: "Sở", NameEN: "Dept", ValidFrom: monday}
	for _, tt := range []struct {
		name   string
		change func(a *Agency)
		alias  []Alias
		kind   problem.Kind
		field  string
		code   string
	}{
		{"slug taken", func(a *Agency) { a.Slug = "so-y-te" }, nil, problem.Conflict, "slug", "agency-taken"},
		{"code taken", func(a *Agency) { a.Code = "H48.7" }, nil, problem.Conflict, "code", "agency-taken"},
		{"alias taken", func(*Agency) {}, []Alias{{Kind: "slug", Value: "so-xua", ValidFrom: monday}}, problem.Conflict, "aliases", "agency-taken"},
		{"slug with marks", func(a *Agency) { a.Slug = "sở" }, nil, problem.Invalid, "slug", "slug-form"},
		{"slug with a slash", func(a *Agency) { a.Slug = "a/b" }, nil, problem.Invalid, "slug", "slug-form"},
		{"code in small letters", func(a *Agency) { a.Code = "h48" }, nil, problem.Invalid, "code", "agency-code-form"},
		{"no Vietnamese name", func(a *Agency) { a.NameVI = "" }, nil, problem.Invalid, "name_vi", "name-missing"},
		{"no English name", func(a *Agency) { a.NameEN = "" }, nil, problem.Invalid, "name_en", "name-missing"},
		{"ends before it begins", func(a *Agency) { a.ValidTo = &before }, nil, problem.Invalid, "valid_to", "dates-order"},
		{"unknown parent", func(a *Agency) { a.Parent = &nobody }, nil, problem.Invalid, "parent", "agency-unknown"},
	} {
		agency := good
		tt.change(&agency)
		_, err := d.CreateAgency(ctx, operator, agency, tt.alias...)
		if got := fields(err); !problem.Is(err, tt.kind) || got[tt.field] != tt.code {
			t.Errorf("%s: got %v %v, want %d %s: %s", tt.name, err, got, tt.kind, tt.field, tt.code)
		}
	}
	_, err = d.CreateAgency(ctx, Principal{}, good)
	want(t, "by a citizen", err, problem.Forbidden, "forbidden")
	_, err = d.CreateAgency(ctx, operator, good)
	ok(t, "every refusal left nothing behind", err)
}

func TestListAgencies(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	a, b, c := d.agency(t, "a", "H1"), d.agency(t, "b", "H2"), d.agency(t, "c", "H3")
	first, next, err := d.ListAgencies(ctx, Page{Limit: 2})
	if err != nil || len(first) != 2 || first[0].ID != a.ID || first[1].ID != b.ID || next != "b" {
		t.Errorf("first page: got %v, %q, %v", first, next, err)
	}
	second, next, err := d.ListAgencies(ctx, Page{Limit: 2, After: next})
	if err != nil || len(second) != 1 || second[0].ID != c.ID || next != "" {
		t.Errorf("second page: got %v, %q, %v", second, next, err)
	}
	byID, err := d.Agencies(ctx, []uuid.UUID{c.ID, uuid.New()})
	if err != nil || len(byID) != 1 || byID[c.ID].Slug != "c" {
		t.Errorf("by id: got %v, %v", byID, err)
	}
	for limit, want := range map[int]int{-1: 1, 0: 20, 1: 1, 100: 100, 1000: 100} {
		if got := (Page{Limit: limit}).size(); got != want {
			t.Errorf("limit %d: got %d, want %d", limit, got, want)
		}
	}
}
