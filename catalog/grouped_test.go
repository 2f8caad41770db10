package catalog

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// TestGroupsAreRememberedUntilTheFileChanges: the second who asks reads no
// table, who may not see the rows is told nothing, a new file is asked anew.
func TestGroupsAreRememberedUntilTheFileChanges(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "thue-bao-nhom", "Thuê bao", subscribers)
	question := url.Values{"group": {"dich_vu"}, "count": {"*"}}
	groups := func() string {
		t.Helper()
		a, err := s.QueryRows(ctx, auth.Principal{}, part.ID, question)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, row := range a.Rows {
			list = append(list, *row[0]+" "+*row[1])
		}
		return strings.Join(list, ", ")
	}
	before := groups()
	if strings.Count(before, ", ") != 2 || !strings.Contains(before, "Internet 1") {
		t.Errorf("got %s", before)
	}
	read, err := s.Distribution(ctx, auth.Principal{}, part.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DB.Exec(ctx, "delete from catalog."+read.RowsTable); err != nil {
		t.Fatal(err)
	}
	if got := groups(); got != before {
		t.Errorf("asked again it is %q, was %q", got, before)
	}
	if a, err := s.QueryRows(ctx, auth.Principal{}, part.ID, url.Values{"group": {"dich_vu"}, "count": {"*"}, "limit": {"7"}}); err != nil || len(a.Rows) != 0 {
		t.Errorf("another question is answered %v, error %v", a.Rows, err)
	}
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "moi.csv", Body: strings.NewReader("Mã,Dịch vụ\n09,Fax\n10,Fax\n")}); err != nil {
		t.Fatal(err)
	}
	if got := groups(); got != "Fax 2" {
		t.Errorf("of the new file it is %q", got)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "Sai nguồn."); err != nil {
		t.Fatal(err)
	}
	if _, err := s.QueryRows(ctx, auth.Principal{}, part.ID, question); !problem.Is(err, problem.NotFound) && !problem.Is(err, problem.Gone) {
		t.Errorf("of withdrawn data: %v", err)
	}
}
