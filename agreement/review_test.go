package agreement

import (
	"reflect"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestUseIsSaid: what is personal data leaves nothing open of whose it is, how
// much is asked, how long it is kept.
func TestUseIsSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(pgtest.Tx(t))
	personal := []Wanted{{Operation: "chiTiet", Fields: []string{"/hoTen"}}}
	for _, tt := range []struct {
		name, field, code string
		spoil             func(r *Request)
	}{
		{"no subjects", "subjects", "subjects-missing", func(r *Request) { r.Subjects, r.Operations = " ", personal }},
		{"subjects without end", "subjects", "subjects-long", func(r *Request) { r.Subjects = string(make([]byte, 501)) }},
		{"no volume", "volume_per_day", "volume-missing", func(r *Request) { r.VolumePerDay, r.Operations = 0, personal }},
		{"volume below nothing", "volume_per_day", "volume-missing", func(r *Request) { r.VolumePerDay = -1 }},
		{"volume above the plan", "volume_per_day", "volume-above-plan", func(r *Request) { r.VolumePerDay = 1001 }},
		{"no retention", "retention_days", "retention-invalid", func(r *Request) { r.RetentionDays, r.Operations = nil, personal }},
		{"retention below nothing", "retention_days", "retention-invalid", func(r *Request) { r.RetentionDays = new(-1) }},
		{"retention beyond a century", "retention_days", "retention-invalid", func(r *Request) { r.RetentionDays = new(36_501) }},
		{"onward with a control character", "onward", "words-too-long", func(r *Request) { r.Onward = "a\x00b" }},
	} {
		r := w.asked()
		tt.spoil(&r)
		_, err := w.Draft(t.Context(), w.developer, r)
		if !hasWrong(err, tt.field, tt.code) {
			t.Errorf("%s: got %v, want %s at %s", tt.name, err, tt.code, tt.field)
		}
	}
	r := w.asked()
	r.Subjects, r.VolumePerDay, r.RetentionDays, r.Onward = "", 0, nil, ""
	if _, err := w.Draft(t.Context(), w.developer, r); err != nil {
		t.Errorf("nothing said, no personal data: %v", err)
	}
	r.Operations, r.Subjects, r.VolumePerDay, r.RetentionDays = personal, "Người có công", 1, new(0)
	g, err := w.Draft(t.Context(), w.developer, r)
	if err != nil || g.RetentionDays == nil || *g.RetentionDays != 0 {
		t.Errorf("not kept at all is said: got %+v, %v", g.RetentionDays, err)
	}
}

func hasWrong(err error, field, code string) bool {
	p, ok := err.(*problem.Error)
	if !ok {
		return false
	}
	for _, f := range p.Fields {
		if f.Name == field && f.Code == code {
			return true
		}
	}
	return false
}

// TestReview: the steward reads a request against what runs and what else its
// owner has.
func TestReview(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(pgtest.Tx(t)), t.Context()
	running := w.request(t, w.asked())
	if _, err := w.Approve(ctx, w.steward, running.ID, ""); err != nil {
		t.Fatal(err)
	}
	r := w.asked()
	r.Purpose, r.Operations = "thong-ke", []Wanted{{Operation: "danhSach", Fields: []string{"/items/*/ten"}}, {Operation: "tep"}}
	r.RetentionDays, r.VolumePerDay, r.Onward, r.LegalBasis, r.Starts, r.Ends = new(30), 0, "", "nd-194-2025-d16", "2026-12-01", "2027-01-31"
	r.PurposeText, r.Subjects = "Thống kê theo xã", "Hộ"
	asked := w.request(t, r)
	r.Purpose = "nghien-cuu"
	third := w.request(t, r)
	got, err := w.Review(ctx, w.steward, asked.ID, "en")
	if err != nil {
		t.Fatal(err)
	}
	if got.Running == nil || got.Running.ID != running.ID {
		t.Errorf("running: got %+v", got.Running)
	}
	want := []Difference{
		{"field", "List", "Code", ""},
		{"operation", "", "", "GET /tep"},
		{"field", "List", "", "Name"},
		{"field", "GET /tep", "", "The whole answer"},
		{"purpose", "", "Handling administrative procedures", "Statistics, reports and analysis"},
		{"purpose_text", "", "Chi trả trợ cấp hằng tháng", "Thống kê theo xã"},
		{"legal_basis", "", "Data Law 60/2024/QH15, Article 11(2)(b)", "Decree 194/2025/ND-CP, Article 16"},
		{"subjects", "", "Người có công đang hưởng trợ cấp", "Hộ"},
		{"volume", "", "200", ""},
		{"retention", "", "90", "30"},
		{"onward", "", "Bưu điện xã, để chi trả", ""},
		{"starts", "", "23/11/2026", "01/12/2026"},
		{"ends", "", "22/11/2027", "31/01/2027"},
	}
	sortByWhat := func(list []Difference) map[Difference]bool {
		set := map[Difference]bool{}
		for _, d := range list {
			set[d] = true
		}
		return set
	}
	if !reflect.DeepEqual(sortByWhat(got.AgainstRunning), sortByWhat(want)) || len(got.AgainstRunning) != len(want) {
		t.Errorf("differences:\n got %+v\nwant %+v", got.AgainstRunning, want)
	}
	if len(got.AgainstAsked) != 0 {
		t.Errorf("never changed, yet differs: %+v", got.AgainstAsked)
	}
	others := []uuid.UUID{}
	for _, o := range got.Others {
		others = append(others, o.ID)
	}
	if !reflect.DeepEqual(others, []uuid.UUID{third.ID}) {
		t.Errorf("others: got %v, want %v alone", others, third.ID)
	}
	if _, err := w.Review(ctx, w.other, asked.ID, "en"); !problem.Is(err, problem.NotFound) {
		t.Errorf("who has nothing to do with it: got %v", err)
	}
}
