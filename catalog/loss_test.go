package catalog

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// holder is an application with an agreement on one procedure's fields.
func holder(person uuid.UUID, operation string, fields ...string) Caller {
	return Caller{ApplicationID: uuid.NewSHA1(person, []byte(operation)), Name: "Tra cứu", OwnerPerson: person, Agreed: true,
		Operations: []CallerOperation{{Operation: operation, Agreed: true, Fields: fields}}}
}

func parts(list []LostPart) string {
	var said []string
	for _, p := range list {
		said = append(said, strings.TrimSpace(p.Operation+p.Field+" "+p.Now))
	}
	return strings.Join(said, ", ")
}

// TestLosses: what a new version lacks of agreements on the one before is seen
// from its first draft on, and told to who holds them when it is published, and
// again of what a change of its document adds, each once.
func TestLosses(t *testing.T) {
	t.Parallel()
	array := edited(t, "ten: {type: string, title: Tên, x-title-en: Name}", "ten: {type: array, items: {type: string}, title: Tên, x-title-en: Name}")
	for _, tt := range []struct {
		name    string
		text    []byte
		holders []Caller
		want    string
	}{
		{name: "the same", text: procedures(t), holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "/ten", "/nguoiLienHe")}},
		{name: "a field that is gone", text: edited(t, "ten: {type: string, title: Tên, x-title-en: Name}", "x-nothing: {}"),
			holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "/maTTHC", "/ten")}, want: "lay-thu-tuc/ten"},
		{name: "a field that becomes an array", text: array, holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "/ten")}, want: "lay-thu-tuc/ten array"},
		{name: "a text that becomes a number", text: edited(t, "ten: {type: string,", "ten: {type: integer,"), holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "/ten")}},
		{name: "everything renamed", text: edited(t, "operationId: layThuTuc", "operationId: xemThuTuc", "operationId: danhSachThuTuc", "operationId: timThuTuc"),
			holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "/ten"), holder(uuid.New(), "danh-sach-thu-tuc", "/next")}, want: "lay-thu-tuc xem-thu-tuc, danh-sach-thu-tuc tim-thu-tuc"},
		{name: "an operation that is gone", text: edited(t, "  /thu-tuc/{maTTHC}:", "  x-thu-tuc:"), holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "")}, want: "lay-thu-tuc"},
		{name: "the whole answer, whatever it is", text: array, holders: []Caller{holder(uuid.New(), "lay-thu-tuc", "")}},
		{name: "who only called", text: array, holders: []Caller{{Name: "Một cửa", Operations: []CallerOperation{{Operation: "lay-thu-tuc"}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			ctx := t.Context()
			v1, err := w.PublishVersion(ctx, w.publisher, w.readyVersion(t).ID)
			if err != nil {
				t.Fatal(err)
			}
			w.CallersOf = func(_ context.Context, version uuid.UUID, _ time.Time) ([]Caller, error) {
				if version == v1.ID {
					return tt.holders, nil
				}
				return nil, nil
			}
			v2, err := w.CreateVersion(ctx, w.publisher, v1.APIID, "v2", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			list, err := w.Losses(ctx, w.publisher, v2.ID)
			all := []LostPart{}
			for _, l := range list {
				all = append(all, l.Lost...)
				if l.Number != "v1" || l.Name != "Tra cứu" || l.ToldAt != nil {
					t.Errorf("got %+v", l)
				}
			}
			if got := parts(all); err != nil || got != tt.want {
				t.Errorf("the draft: got %q, %v, want %q", got, err, tt.want)
			}
			if _, err := w.Losses(ctx, w.stranger, v2.ID); !problem.Is(err, problem.NotFound) {
				t.Errorf("a stranger: got %v", err)
			}
			var agreed []CallerOperation
			for _, h := range tt.holders {
				if h.Agreed {
					agreed = append(agreed, h.Operations...)
				}
			}
			if lacks, err := w.Lacks(ctx, v1.ID, agreed); err != nil || len(lacks) != 0 {
				t.Errorf("a draft is nobody's business: got %+v, %v", lacks, err)
			}
			w.publishAs(t, v2)
			lacks, err := w.Lacks(ctx, v1.ID, agreed)
			if said := len(lacks) == 1 && parts(lacks[0].Lost) == tt.want && lacks[0].Prefix == v2.Prefix(); err != nil || said != (tt.want != "") {
				t.Errorf("the holder sees: got %+v, %v", lacks, err)
			}
			if err := w.WriteVersionNotices(ctx); err != nil {
				t.Fatal(err)
			}
			if got := w.toldLosses(t); strings.Join(got, ", ") != tt.want {
				t.Errorf("told %q, want %q", got, tt.want)
			}
			if list, err = w.Losses(ctx, w.publisher, v2.ID); err != nil || slices.ContainsFunc(list, func(l Loss) bool { return l.ToldAt == nil }) {
				t.Errorf("told: got %+v, %v", list, err)
			}
		})
	}
}

// publishAs publishes a draft with the marks that its operations take.
func (w *world) publishAs(t *testing.T, v Version) {
	t.Helper()
	ctx := t.Context()
	operations, err := w.Operations(ctx, w.publisher, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Mark{}
	for _, o := range operations {
		all[o.Slug] = Mark{Access: Restricted, Classification: "internal"}
	}
	if _, err := w.MarkOperations(ctx, w.publisher, v.ID, all); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetUpstream(ctx, w.publisher, v.ID, "https://api.example.vn/tthc/"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetPlan(ctx, w.publisher, v.ID, "standard-approval"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
}

// toldLosses are the letters of what a version lacks, taken away.
func (w *world) toldLosses(t *testing.T) []string {
	t.Helper()
	list, err := pg.All[struct{ Detail LetterDetail }](t.Context(), w.DB, `delete from catalog.letter where kind = 'version-lacking' returning detail`)
	if err != nil {
		t.Fatal(err)
	}
	said := []string{}
	for _, l := range list {
		said = append(said, parts(l.Detail.Ending.Lacks))
	}
	return said
}

// TestLossesAreToldOnce: who was told is told only of what comes beside it.
func TestLossesAreToldOnce(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v1, v2 := w.publishedPair(t)
	person := uuid.New()
	w.CallersOf = func(_ context.Context, version uuid.UUID, _ time.Time) ([]Caller, error) {
		if version == v1.ID {
			return []Caller{holder(person, "lay-thu-tuc", "/ten", "/maTTHC", "/nguoiLienHe/hoTen")}, nil
		}
		return nil, nil
	}
	const name, contact = "ten: {type: string, title: Tên, x-title-en: Name}", "hoTen: {type: string, title: Họ tên, x-title-en: Full name}"
	for _, step := range []struct {
		text []byte
		want string
	}{
		{edited(t, name, "x-nothing: {}"), "lay-thu-tuc/ten"},
		{edited(t, name, "x-nothing: {}", "summary: Lấy một thủ tục", "summary: Xem"), ""},
		{edited(t, name, "x-nothing: {}", contact, "x-none: {}"), "lay-thu-tuc/nguoiLienHe/hoTen"},
	} {
		if _, err := w.ReplaceSpec(ctx, w.publisher, v2.ID, Save{Text: step.text}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.WriteVersionNotices(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(w.toldLosses(t), "; "); got != step.want {
			t.Errorf("told %q, want %q", got, step.want)
		}
	}
}
