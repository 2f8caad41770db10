package catalog

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pgtest"
)

func TestAVersionSaysWhatChanged(t *testing.T) {
	t.Parallel()
	const head = "STT,Mã,Tên,Số\n"
	for i, tt := range []struct {
		name          string
		before, after string
		want          rows.Changes
	}{
		{"the same", head + "1,a,X,1\n2,b,Y,2\n", head + "1,a,X,1\n2,b,Y,2\n", rows.Changes{Counted: true, Key: "ma", KeyName: "Mã"}},
		{"by a key, in another order", head + "1,a,X,1\n2,b,Y,2\n3,c,Z,\n", head + "1,c,Z,3\n2,a,X,1\n3,d,W,9\n4,e,W,9\n",
			rows.Changes{Counted: true, Key: "ma", KeyName: "Mã", Added: 2, Removed: 1, Changed: 2}}, // a moved in the numbering
		{"without a key", head + "1,a,X,1\n2,a,X,1\n", head + "1,a,X,1\n2,a,X,7\n", rows.Changes{Counted: true, Added: 1, Removed: 1}},
		{"columns", head + "1,a,X,1\n", "Mã,Số,Mới\na,một,x\n", rows.Changes{Counted: true, Key: "ma", KeyName: "Mã", Changed: 1,
			NewColumns: []string{"Mới"}, GoneColumns: []string{"STT", "Tên"}, RetypedColumns: []string{"Số"}}},
		{"nothing in common", "a\n1\n", "b\n1\n", rows.Changes{NewColumns: []string{"b"}, GoneColumns: []string{"a"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
			d, part := s.published(t, fmt.Sprintf("doi-bang-%d", i), "Đổi", tt.before)
			if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "b.csv", Body: strings.NewReader(tt.after)}); err != nil {
				t.Fatal(err)
			}
			versions, err := s.FileVersions(ctx, auth.Principal{}, part.ID)
			if err != nil || len(versions) != 2 || versions[0].Changes == nil || versions[1].Changes != nil {
				t.Fatalf("versions %+v, error %v", versions, err)
			}
			got := *versions[0].Changes
			for _, list := range []*[]string{&got.NewColumns, &got.GoneColumns, &got.RetypedColumns} {
				if len(*list) == 0 {
					*list = nil
				}
			}
			if g, w := describe(got), describe(tt.want); g != w {
				t.Errorf("got %s, want %s", g, w)
			}
			if got.None() != (tt.name == "the same") {
				t.Errorf("none: %v", got.None())
			}
			var tables int
			if err := s.DB.QueryRow(ctx, `select count(*) from pg_tables t join catalog.distribution d on t.tablename = d.rows_table where d.dataset_id = $1`, d.ID).Scan(&tables); err != nil || tables != 1 {
				t.Errorf("%d tables, error %v", tables, err)
			}
		})
	}
}

func describe(c rows.Changes) string {
	text, _ := json.Marshal(c) // it always marshals
	return string(text)
}

// TestChangesOfWhatIsNotShownAreNotTold: the version that was current at
// publication says nothing of the drafts before it.
func TestChangesOfWhatIsNotShownAreNotTold(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("truoc-cong-bo", "Trước công bố"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "a.csv", Body: strings.NewReader("Mã\nbí mật\n")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "a.csv", Body: strings.NewReader("Mã\na\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SubmitDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApproveDataset(ctx, s.steward, d.ID); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Second)
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	public, err := s.FileVersions(ctx, auth.Principal{}, part.ID)
	if err != nil || len(public) != 1 || public[0].Version != 2 || public[0].Changes != nil {
		t.Errorf("a citizen reads %+v, error %v", public, err)
	}
	own, err := s.FileVersions(ctx, s.publisher, part.ID)
	if err != nil || own[0].Changes == nil {
		t.Errorf("the publisher reads %+v, error %v", own, err)
	}
}
