package agreement

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/pgtest"
)

// bindable lets the list's commune be bound, as a parameter and in its rows.
func (w world) bindable() {
	w.offer.Boundable = map[string]Bounds{
		"danhSach": {
			Parameters: []ParameterBound{{In: "query", Name: "maXa", TitleVI: "Mã xã", TitleEN: "Commune"}, {In: "query", Name: "nam"}},
			Rows: []RowBound{{Field: "/items/*/maXa", Type: "string", TitleVI: "Mã xã", TitleEN: "Commune"},
				{Field: "/items/*/nam", Type: "integer"}, {Field: "/items/*/con", Type: "boolean"}},
		},
	}
}

func communes(values ...string) []Bounds {
	return []Bounds{{Operation: "danhSach", Parameters: []ParameterBound{{In: "query", Name: "maXa", Values: values}}}}
}

// TestBounds: what is bound is asked for, approved, said in words, kept in the
// ledger, and told to the gateway.
func TestBounds(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.bindable()
	r := w.asked()
	r.Bounds = []Bounds{{Operation: "danhSach", Dossier: true, Parameters: []ParameterBound{{In: "query", Name: "maXa", TitleVI: "Của người hỏi", Values: []string{"25204", "25201", "25204"}, Prefixes: []string{"48-"}}}}}
	g := w.request(t, r)
	asked := []Bounds{{Operation: "danhSach", Dossier: true, Parameters: []ParameterBound{{In: "query", Name: "maXa", TitleVI: "Mã xã", TitleEN: "Commune", Values: []string{"25201", "25204"}, Prefixes: []string{"48-"}}}}}
	if !reflect.DeepEqual(g.Bounds, asked) {
		t.Errorf("asked: got %+v", g.Bounds)
	}
	summary, err := w.Summary(ctx, g, "vi")
	if err != nil || summary.Operations[0].Bounds == nil || summary.Operations[0].Bounds.Parameters[0].Words() != "25201, 25204, 48-*" {
		t.Errorf("summary: got %+v, %v", summary.Operations, err)
	}
	set := []Bounds{{Operation: "danhSach", Purpose: true, Parameters: []ParameterBound{{In: "query", Name: "maXa", Values: []string{"25201", "48-2"}}, {In: "query", Name: "nam", Values: []string{"2026"}}},
		Rows: []RowBound{{Field: "/items/*/maXa", Values: []string{"25201"}}}}}
	got, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Conditions: &Conditions{Bounds: set}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Bounds{{Operation: "danhSach", Dossier: true, Purpose: true,
		Parameters: []ParameterBound{{In: "query", Name: "maXa", TitleVI: "Mã xã", TitleEN: "Commune", Values: []string{"25201", "48-2"}}, {In: "query", Name: "nam", Values: []string{"2026"}}},
		Rows:       []RowBound{{Field: "/items/*/maXa", Type: "string", TitleVI: "Mã xã", TitleEN: "Commune", Values: []string{"25201"}}}}}
	if granted := (*w.grants)[0]; !reflect.DeepEqual(got.Bounds, want) || !reflect.DeepEqual(granted.Bounds, want) {
		t.Errorf("approved: got %+v, granted %+v", got.Bounds, granted.Bounds)
	}
	if detail := (*w.acts)[len(*w.acts)-1].Detail; !reflect.DeepEqual(detail["bounds"], want) {
		t.Errorf("ledger: got %v", detail["bounds"])
	}
	review, err := w.Review(ctx, w.developer, g.ID, "vi")
	differ := []Difference{{"parameter", "Danh sách", "Mã xã: 25201, 25204, 48-*", "Mã xã: 25201, 48-2"}, {"parameter", "Danh sách", "", "nam: 2026"},
		{"rows", "Danh sách", "", "Mã xã: 25201"}, {"purpose-said", "Danh sách", "", "mỗi lời gọi nêu mục đích"}}
	if err != nil || !reflect.DeepEqual(review.AgainstAsked, differ) {
		t.Errorf("differences: got %+v, %v", review.AgainstAsked, err)
	}
	*w.clock = now.AddDate(0, 11, 0)
	renewed, err := w.Renew(ctx, w.developer, g.ID, Renewal{Ends: "2028-11-22"})
	if err != nil || !reflect.DeepEqual(renewed.Bounds, want) {
		t.Errorf("renewed: got %+v, %v", renewed.Bounds, err)
	}
}

// TestBoundsOfTwoPersons: the second of two approves the bounds that the first set.
func TestBoundsOfTwoPersons(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.bindable()
	if _, err := w.SetRules(ctx, w.steward, w.agency, Rules{TwoPersons: true, ConfirmMonths: 12}); err != nil {
		t.Fatal(err)
	}
	r := w.asked()
	r.Operations = append(r.Operations, Wanted{Operation: "chiTiet", Fields: []string{"/hoTen"}})
	g := w.request(t, r)
	first := Conditions{Bounds: communes("25201")}
	g, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Revision: g.Revision, Conditions: &first})
	if err != nil || g.State != Requested || len(g.Bounds) != 0 {
		t.Fatalf("got %+v, %v", g, err)
	}
	second := w.steward
	second.Person = w.other.Person
	g, err = w.ApproveWith(ctx, second, g.ID, Approval{Revision: g.Revision, Conditions: &Conditions{Bounds: communes("25201")}})
	if err != nil || g.State != Active || len((*w.grants)[0].Bounds) != 1 {
		t.Errorf("got %s %+v, %v", g.State, g.Bounds, err)
	}
}

func TestBoundsThatCannotBe(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	w.bindable()
	many := make([]string, maxValues+1)
	for i := range many {
		many[i] = strings.Repeat("x", i%90+1) + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	rows := func(field string, values ...string) []Bounds {
		return []Bounds{{Operation: "danhSach", Rows: []RowBound{{Field: field, Values: values}}}}
	}
	for _, tt := range []struct {
		name, code string
		bounds     []Bounds
	}{
		{"another operation", "bound-operation", []Bounds{{Operation: "tep", Dossier: true}}},
		{"an operation twice", "bound-operation", append(communes("1"), communes("2")...)},
		{"another parameter", "bound-parameter", []Bounds{{Operation: "danhSach", Parameters: []ParameterBound{{In: "query", Name: "x", Values: []string{"1"}}}}}},
		{"in another place", "bound-parameter", []Bounds{{Operation: "danhSach", Parameters: []ParameterBound{{In: "path", Name: "maXa", Values: []string{"1"}}}}}},
		{"a parameter twice", "bound-parameter", []Bounds{{Operation: "danhSach", Parameters: append(communes("1")[0].Parameters, communes("2")[0].Parameters...)}}},
		{"no value", "bound-values", communes()},
		{"an empty value", "bound-values", communes("")},
		{"a line end", "bound-values", communes("1\n2")},
		{"too long", "bound-values", communes(strings.Repeat("1", maxValue+1))},
		{"too many", "bound-values", communes(many...)},
		{"an empty prefix", "bound-values", []Bounds{{Operation: "danhSach", Parameters: []ParameterBound{{In: "query", Name: "maXa", Prefixes: []string{""}}}}}},
		{"another field", "bound-rows", rows("/items/*/ten", "1")},
		{"no value of a field", "bound-values", rows("/items/*/maXa")},
		{"no whole number", "bound-type", rows("/items/*/nam", "2026.0")},
		{"a number with noughts", "bound-type", rows("/items/*/nam", "02026")},
		{"neither true nor false", "bound-type", rows("/items/*/con", "có")},
	} {
		r := w.asked()
		r.Bounds = tt.bounds
		if _, err := w.Draft(ctx, w.developer, r); !hasWrong(err, "operations", tt.code) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.code)
		}
	}
	r := w.asked()
	r.Bounds = append(communes("25201", "25204"), rows("/items/*/nam", "2026")...)
	r.Bounds[0].Rows, r.Bounds = r.Bounds[1].Rows, r.Bounds[:1]
	g := w.request(t, r)
	for name, set := range map[string][]Bounds{
		"a value more":        communes("25201", "25207"),
		"what begins so":      {{Operation: "danhSach", Parameters: []ParameterBound{{In: "query", Name: "maXa", Prefixes: []string{"25201"}}}}},
		"a row more":          rows("/items/*/nam", "2025"),
		"a row beside agreed": rows("/items/*/nam", "2026", "2025"),
	} {
		if _, err := w.ApproveWith(ctx, w.steward, g.ID, Approval{Conditions: &Conditions{Bounds: set}}); !hasWrong(err, "operations", "bound-wider") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got, err := w.Approve(ctx, w.steward, g.ID, ""); err != nil || len(got.Bounds) != 1 || !slices.Equal(got.Bounds[0].Parameters[0].Values, []string{"25201", "25204"}) {
		t.Errorf("as asked for: got %+v, %v", got.Bounds, err)
	}
}
