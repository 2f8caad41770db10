package catalog

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const mapFields = `fields:
  - {name: so_hieu, label: {vi: Số hiệu bản đồ, en: Map number}, required: true}
  - {name: he_toa_do, label: Hệ toạ độ, type: choice, choices: [{value: VN2000, label: Hệ Việt Nam}, WGS84]}
  - {name: lop, label: Lớp, type: choices, choices: [thuy-van, giao-thong]}
  - {name: ghi_chu, label: Ghi chú, type: long-text, shown: agency}
`

// cartographer is a shelf whose steward may edit the schema.
func cartographer(t *testing.T) *shelf {
	t.Helper()
	s := newShelf(t, pgtest.Tx(t))
	s.mayEditSchema()
	return s
}

func (s *shelf) mayEditSchema() {
	may := s.May
	s.May = func(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if act == "schema.edit" {
			if who.Has("steward", agency) {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "may not %s", act)
		}
		return may(ctx, who, act, agency)
	}
}

func (s *shelf) setFields(t *testing.T, version int, text string) FieldSchema {
	t.Helper()
	set, err := s.SetFieldSchema(t.Context(), s.steward, s.agency.ID, FieldSchemaText{Text: text, Version: version})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func values(t *testing.T, body string) OwnValues {
	t.Helper()
	var v OwnValues
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// published takes a dataset with a file and values to the public.
func (s *shelf) publishedWith(t *testing.T, slug, own string) Dataset {
	t.Helper()
	ctx, said := t.Context(), text(slug, "Bản đồ nền")
	said.Fields = values(t, own)
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, said)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "a.csv", Body: strings.NewReader("Mã,Tên\n1,a\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err = s.SubmitDataset(ctx, s.publisher, d.ID); err == nil {
		if _, err = s.ApproveDataset(ctx, s.steward, d.ID); err == nil {
			d, err = s.PublishDataset(ctx, s.publisher, d.ID)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFieldsOfAnAgency(t *testing.T) {
	t.Parallel()
	s, ctx := cartographer(t), t.Context()
	if none, err := s.FieldSchema(ctx, auth.Principal{}, s.agency.ID); err != nil || none.Version != 0 || none.Fields == nil {
		t.Errorf("none: %+v, %v", none, err)
	}
	for name, tt := range map[string]struct {
		who  auth.Principal
		said FieldSchemaText
		want string
	}{
		"a publisher":        {s.publisher, FieldSchemaText{Text: mapFields}, "forbidden"},
		"nobody":             {auth.Principal{}, FieldSchemaText{Text: mapFields}, "forbidden"},
		"no schema":          {s.steward, FieldSchemaText{Text: "fields: 3"}, "schema-invalid"},
		"a version too late": {s.steward, FieldSchemaText{Text: mapFields, Version: 1}, "schema-changed"},
	} {
		if _, err := s.SetFieldSchema(ctx, tt.who, s.agency.ID, tt.said); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if set := s.setFields(t, 0, mapFields); set.Version != 1 || len(set.Fields) != 4 {
		t.Errorf("set %+v", set)
	}
	if _, err := s.SetFieldSchema(ctx, s.steward, s.agency.ID, FieldSchemaText{Text: mapFields}); problem.Code(err) != "schema-changed" {
		t.Errorf("set over what was not read: %v", err)
	}
	public, err := s.FieldSchema(ctx, s.stranger, s.agency.ID)
	if err != nil || len(public.Fields) != 3 || public.Text != "" {
		t.Errorf("others read %+v, %v", public, err)
	}
	if whole, err := s.FieldSchema(ctx, s.publisher, s.agency.ID); err != nil || len(whole.Fields) != 4 || whole.Text != mapFields {
		t.Errorf("the agency's people read %+v, %v", whole, err)
	}
	s.setFields(t, 1, "fields: []\n")
	list, err := s.FieldSchemaVersions(ctx, s.publisher, s.agency.ID)
	if err != nil || len(list) != 2 || list[0].Version != 2 || list[1].Text != mapFields || list[0].Author == "" {
		t.Errorf("versions %+v, %v", list, err)
	}
	if _, err := s.FieldSchemaVersions(ctx, s.stranger, s.agency.ID); !problem.Is(err, problem.Forbidden) {
		t.Errorf("versions shown to others: %v", err)
	}
	if acts := strings.Join(s.acts, " "); acts != "schema.set schema.set" {
		t.Errorf("recorded %s", acts)
	}
}

func TestValuesOfAnAgencysFields(t *testing.T) {
	t.Parallel()
	s, ctx := cartographer(t), t.Context()
	s.setFields(t, 0, mapFields)
	said := text("ban-do", "Bản đồ nền")
	said.TitleVI, said.Fields = "", values(t, `{"he_toa_do":"HN72","la":"x"}`)
	_, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, said)
	if got := wrongFields(err); got != "title_vi fields/he_toa_do fields/la" {
		t.Errorf("wrong are %s", got)
	}
	said = text("ban-do", "Bản đồ nền")
	said.Fields = values(t, `{"he_toa_do":"WGS84"}`)
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, said)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "a.csv", Body: strings.NewReader("Mã,Tên\n1,a\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SubmitDataset(ctx, s.publisher, d.ID); wrongFields(err) != "fields/so_hieu" {
		t.Errorf("submitted without what is required: %v", err)
	}

	p := s.publishedWith(t, "ban-do-2", `{"so_hieu":"BD-77","he_toa_do":"VN2000","lop":["giao-thong"],"ghi_chu":"ngăn tủ 4"}`)
	seen, err := s.DatasetBySlug(ctx, auth.Principal{}, "ban-do-2")
	if want := values(t, `{"so_hieu":"BD-77","he_toa_do":"VN2000","lop":["giao-thong"]}`); err != nil || !reflect.DeepEqual(seen.Fields, want) || len(seen.OwnFields()) != 3 {
		t.Errorf("everyone sees %+v, %v", seen.Fields, err)
	}
	for name, list := range map[string]func() ([]Dataset, error){
		"list": func() ([]Dataset, error) {
			l, _, err := s.ListDatasets(ctx, s.stranger, DatasetFilter{})
			return l, err
		},
		"ids": func() ([]Dataset, error) { return s.Datasets(ctx, s.stranger, []uuid.UUID{p.ID}) },
		"the dump": func() ([]Dataset, error) {
			l, _, err := s.DumpDatasets(ctx, DumpFilter{}, DumpPage{Limit: 9})
			return l, err
		},
	} {
		l, err := list()
		if err != nil || len(l) != 1 || len(l[0].Fields) != 3 || len(l[0].OwnFields()) != 3 {
			t.Errorf("%s gives %+v, %v", name, l, err)
		}
	}
	if own, err := s.Dataset(ctx, s.publisher, p.ID); err != nil || own.Fields["ghi_chu"].Text != "ngăn tủ 4" {
		t.Errorf("the agency sees %+v, %v", own.Fields, err)
	}
	for words, want := range map[string]int{"BD-77": 1, "Hệ Việt Nam": 1, "ngăn tủ": 0} {
		found, err := s.Find(ctx, FindQuery{Text: words})
		if err != nil || whole(found) != want {
			t.Errorf("%q finds %d, %v", words, found.Total, err)
		}
	}

	// An edit of a public one waits, says what it changes, and is held to the
	// schema.
	said = p.DatasetText
	said.Fields = values(t, `{"so_hieu":"BD-78","lop":[]}`)
	edited, err := s.EditDataset(ctx, s.publisher, p.ID, said)
	want := []Change{{"fields/ghi_chu", "ngăn tủ 4", ""}, {"fields/he_toa_do", "VN2000", ""}, {"fields/lop", "giao-thong", ""}, {"fields/so_hieu", "BD-77", "BD-78"}}
	if err != nil || !reflect.DeepEqual(edited.Edit.Changes, want) {
		t.Fatalf("proposed %+v, %v", edited.Edit, err)
	}
	if now, err := s.ApproveEdit(ctx, s.steward, p.ID, edited.Edit.ID); err != nil || !reflect.DeepEqual(now.Fields, values(t, `{"so_hieu":"BD-78"}`)) {
		t.Errorf("approved %+v, %v", now.Fields, err)
	}
	said.Fields = nil
	if _, err := s.EditDataset(ctx, s.publisher, p.ID, said); wrongFields(err) != "fields/so_hieu" {
		t.Errorf("a public one loses what is required: %v", err)
	}
}

// whole is how many hits hold every word.
func whole(found SearchAnswer) int {
	if found.Partial {
		return 0
	}
	return found.Total
}

// wrongFields are the fields that a problem names.
func wrongFields(err error) string {
	var names []string
	for _, f := range problem.Of(err).Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

// A change of the schema loses no value, and what it shows to nobody any more
// nobody finds.
func TestChangeOfFieldsKeepsValues(t *testing.T) {
	t.Parallel()
	s, ctx := cartographer(t), t.Context()
	s.setFields(t, 0, mapFields)
	p := s.publishedWith(t, "ban-do", `{"so_hieu":"BD-77","he_toa_do":"VN2000","ghi_chu":"ngăn tủ 4"}`)
	finds := func(words string) int {
		t.Helper()
		found, err := s.Find(ctx, FindQuery{Text: words})
		if err != nil {
			t.Fatal(err)
		}
		return whole(found)
	}
	s.setFields(t, 1, "fields:\n  - {name: so_hieu, label: Số hiệu, shown: agency}\n  - {name: ghi_chu, label: Ghi chú, max_length: 3}\n")
	d, err := s.Dataset(ctx, s.publisher, p.ID)
	if err != nil || len(d.Fields) != 3 || strings.Join(d.KeptFields(), " ") != "he_toa_do" {
		t.Errorf("kept %+v as %v, %v", d.Fields, d.KeptFields(), err)
	}
	if seen, err := s.Dataset(ctx, auth.Principal{}, p.ID); err != nil || !reflect.DeepEqual(seen.Fields, values(t, `{"ghi_chu":"ngăn tủ 4"}`)) {
		t.Errorf("everyone sees %+v, %v", seen.Fields, err)
	}
	if a, b, c := finds("BD-77"), finds("Hệ Việt Nam"), finds("ngăn tủ"); a != 0 || b != 0 || c != 1 {
		t.Errorf("found %d, %d, %d times", a, b, c)
	}
	if _, err := s.Reindex(ctx); err != nil {
		t.Fatal(err)
	}
	if a, c := finds("BD-77"), finds("ngăn tủ"); a != 0 || c != 1 {
		t.Errorf("reindexed, found %d and %d times", a, c)
	}
	// What is written next keeps the value that has no field, whether it is
	// sent back or not; another value for it is refused; nothing takes it away.
	said := d.DatasetText
	said.Fields = values(t, `{"so_hieu":"BD-79"}`)
	edited, err := s.EditDataset(ctx, s.publisher, p.ID, said)
	if err != nil || edited.Edit.Text.Fields["he_toa_do"].Text != "VN2000" {
		t.Fatalf("edited %+v, %v", edited.Edit, err)
	}
	said.Fields = values(t, `{"he_toa_do":"WGS84"}`)
	if _, err := s.EditDataset(ctx, s.publisher, p.ID, said); wrongFields(err) != "fields/he_toa_do" {
		t.Errorf("another value: %v", err)
	}
	said.Fields = values(t, `{"so_hieu":"BD-79","he_toa_do":null}`)
	if edited, err = s.EditDataset(ctx, s.publisher, p.ID, said); err != nil || !reflect.DeepEqual(edited.Edit.Text.Fields, values(t, `{"so_hieu":"BD-79"}`)) {
		t.Errorf("taken away: %+v, %v", edited.Edit, err)
	}
	// A field that goes while an edit waits takes nothing from the edit.
	s.setFields(t, 2, "fields: []\n")
	if d, err = s.ApproveEdit(ctx, s.steward, p.ID, edited.Edit.ID); err != nil || !reflect.DeepEqual(d.Fields, values(t, `{"so_hieu":"BD-79"}`)) {
		t.Errorf("approved %+v, %v", d.Fields, err)
	}
	s.setFields(t, 3, mapFields)
	if seen, err := s.Dataset(ctx, auth.Principal{}, p.ID); err != nil || seen.Fields["so_hieu"].Text != "BD-79" {
		t.Errorf("the field is back, and shows %+v, %v", seen.Fields, err)
	}
}

// A schema that would show everyone what looks like personal data is refused
// until the steward decides.
func TestFieldsAreScanned(t *testing.T) {
	t.Parallel()
	s, ctx := cartographer(t), t.Context()
	s.setFields(t, 0, "fields:\n  - {name: ghi_chu, label: Ghi chú, shown: agency}\n")
	p := s.publishedWith(t, "ban-do", `{"ghi_chu":"hỏi ông A, CCCD 051085001234"}`)
	open := FieldSchemaText{Text: "fields:\n  - {name: ghi_chu, label: Ghi chú}\n", Version: 1}
	if _, err := s.SetFieldSchema(ctx, s.steward, s.agency.ID, open); problem.Code(err) != "personal-undecided" {
		t.Fatalf("shown to everyone: %v", err)
	}
	if now, err := s.FieldSchema(ctx, s.publisher, s.agency.ID); err != nil || now.Version != 1 {
		t.Errorf("the schema became %+v, %v", now, err)
	}
	f := s.only(t, p.ID)
	if f.Place != "fields" || f.Kind != "identity" || !f.Held {
		t.Errorf("found %+v", f)
	}
	said := PersonalDecision{Part: p.ID, Place: "fields", Decision: NotPersonal, Reason: "số hồ sơ"}
	if _, err := s.DecidePersonal(ctx, s.steward, p.ID, said); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetFieldSchema(ctx, s.steward, s.agency.ID, open); err != nil {
		t.Errorf("after the decision: %v", err)
	}
}

// Two people change a schema at once, one wins; and a dataset that is written
// meanwhile is found by what the schema in force shows.
func TestFieldsAtOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	s.mayEditSchema()
	s.Record = func(context.Context, pgx.Tx, auth.Act) error { return nil } // the shelf's own is for one at a time
	s.setFields(t, 0, mapFields)
	p := s.publishedWith(t, "ban-do", `{"so_hieu":"BD-1"}`)
	var wait sync.WaitGroup
	taken := make(chan error, 8)
	for range 4 {
		wait.Go(func() {
			_, err := s.SetFieldSchema(ctx, s.steward, s.agency.ID, FieldSchemaText{Version: 1,
				Text: "fields:\n  - {name: so_hieu, label: Số hiệu, shown: agency}\n"})
			taken <- err
		})
		wait.Go(func() {
			_, err := s.ReviewedDataset(ctx, s.publisher, p.ID)
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	close(taken)
	won := 0
	for err := range taken {
		if err == nil {
			won++
		} else if problem.Code(err) != "schema-changed" {
			t.Error(err)
		}
	}
	found, err := s.Find(ctx, FindQuery{Text: "BD-1"})
	if err != nil || won != 1 || whole(found) != 0 {
		t.Errorf("%d won; found %d times, %v", won, found.Total, err)
	}
}

// A schema that changes while a dataset is being written waits for it, so that
// the dataset is found by what the schema in force shows.
func TestFieldsWaitForADatasetBeingWritten(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	s.mayEditSchema()
	s.Record = func(context.Context, pgx.Tx, auth.Act) error { return nil }
	s.setFields(t, 0, mapFields)
	p := s.publishedWith(t, "ban-do", `{"so_hieu":"BD-1"}`)
	var asked atomic.Int32
	changed := make(chan error, 1)
	s.Now = func() time.Time {
		if asked.Add(1) == 2 { // the schema is read, the index not written
			go func() {
				_, err := s.SetFieldSchema(ctx, s.steward, s.agency.ID, FieldSchemaText{Version: 1, Text: "fields:\n  - {name: so_hieu, label: Số hiệu, shown: agency}\n"})
				changed <- err
			}()
			time.Sleep(500 * time.Millisecond)
		}
		return s.now
	}
	if _, err := s.ReviewedDataset(ctx, s.publisher, p.ID); err != nil {
		t.Fatal(err)
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	if found, err := s.Find(ctx, FindQuery{Text: "BD-1"}); err != nil || whole(found) != 0 {
		t.Errorf("found %d times, %v", whole(found), err)
	}
}
