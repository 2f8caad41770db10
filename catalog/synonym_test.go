package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestSynonymsAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	tx, err := w.DB.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d := SearchDoc{Kind: "dataset", ID: uuid.Must(uuid.NewV7()), Agency: w.agency, Slug: "d", TitleVI: "Quản lý nhà nước về chợ", At: w.Now()}
	if err := w.index(ctx, tx, d); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	finds := func(typed string) bool {
		found, err := w.Find(ctx, FindQuery{Text: typed})
		if err != nil {
			t.Fatal(err)
		}
		return len(found.Hits) == 1 && !found.Partial
	}
	if finds("qlnn") {
		t.Error("the abbreviation is found before it is known")
	}
	s, err := w.AddSynonym(ctx, w.operator, SynonymText{Term: " QLNN ", Meaning: "quản lý  nhà nước"})
	if err != nil || s.Term != "QLNN" || s.Meaning != "quản lý nhà nước" || s.Kind != Abbreviation || !finds("qlnn") {
		t.Errorf("added %+v, error %v", s, err)
	}
	edited, err := w.EditSynonym(ctx, w.operator, s.ID, SynonymText{Term: "Phòng Thương mại", Meaning: "nhà nước về chợ", Kind: FormerName, ValidTo: "2025-06-30", Note: "chưa xác nhận"})
	if err != nil || edited.ValidTo != "2025-06-30" || finds("qlnn") || !finds("phong thuong mai") {
		t.Errorf("edited %+v, error %v", edited, err)
	}
	list, err := w.Synonyms(ctx)
	if err != nil || !slices.Contains(list, edited) {
		t.Errorf("the list lacks %+v, error %v", edited, err)
	}
	if err := w.DropSynonym(ctx, w.operator, s.ID); err != nil || finds("phong thuong mai") {
		t.Errorf("dropped: %v", err)
	}
	if want := []string{"synonym.add", "synonym.edit", "synonym.drop"}; !slices.Equal(w.acts, want) {
		t.Errorf("recorded %v, want %v", w.acts, want)
	}
}

func TestSynonymRefusals(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	w.May = w.operatorAlone()
	_, err := w.AddSynonym(ctx, w.publisher, SynonymText{Term: "a", Meaning: "b"})
	refused(t, err, problem.Forbidden)
	if err := w.DropSynonym(ctx, w.publisher, uuid.New()); !problem.Is(err, problem.Forbidden) {
		t.Errorf("dropped by a publisher: %v", err)
	}
	for _, tt := range []struct {
		name   string
		text   SynonymText
		kind   problem.Kind
		fields []string
	}{
		{"nothing", SynonymText{}, problem.Invalid, []string{"term:required", "meaning:required"}},
		{"no word", SynonymText{Term: "…", Meaning: "b"}, problem.Invalid, []string{"term:required"}},
		{"a zero byte", SynonymText{Term: "a\x00b", Meaning: "b"}, problem.Invalid, []string{"term:required"}},
		{"too long", SynonymText{Term: strings.Repeat("ă", 101), Meaning: strings.Repeat("ă", 201), Note: strings.Repeat("ă", 501)}, problem.Invalid, []string{"term:text-too-long", "meaning:text-too-long", "note:text-too-long"}},
		{"the same without marks", SynonymText{Term: "chợ", Meaning: "Chó"}, problem.Invalid, []string{"meaning:synonym-same"}},
		{"no such kind", SynonymText{Term: "a", Meaning: "b", Kind: "x"}, problem.Invalid, []string{"kind:synonym-kind"}},
		{"a day of an abbreviation", SynonymText{Term: "a", Meaning: "b", ValidTo: "2025-06-30"}, problem.Invalid, []string{"valid_to:synonym-day"}},
		{"no day", SynonymText{Term: "a", Meaning: "b", Kind: FormerName, ValidTo: "30/6/2025"}, problem.Invalid, []string{"valid_to:synonym-day"}},
		{"there already", SynonymText{Term: "UBND", Meaning: "uỷ ban nhân dân"}, problem.Conflict, []string{"term:synonym-taken"}},
	} {
		_, err := w.AddSynonym(ctx, w.operator, tt.text)
		t.Log(tt.name)
		refused(t, err, tt.kind, tt.fields...)
	}
	_, err = w.EditSynonym(ctx, w.operator, uuid.New(), SynonymText{Term: "a", Meaning: "b"})
	refused(t, err, problem.NotFound)
	refused(t, w.DropSynonym(ctx, w.operator, uuid.New()), problem.NotFound)
	if _, err := w.DB.Exec(ctx, `insert into catalog.synonym (term, meaning) select 't' || i, 'm' from generate_series(1, 2000) i`); err != nil {
		t.Fatal(err)
	}
	_, err = w.AddSynonym(ctx, w.operator, SynonymText{Term: "a", Meaning: "b"})
	if problem.Code(err) != "synonyms-full" {
		t.Errorf("one more than there is room for: %v", err)
	}
	if len(w.acts) != 0 {
		t.Errorf("what was refused is recorded: %v", w.acts)
	}
}
