package catalog

import (
	"fmt"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// household is a table of 60 made-up rows in groups of ten by commune and age,
// behind them the given ones.
func household(more ...string) string {
	var b strings.Builder
	b.WriteString("Xã,Nhóm tuổi,Số con\n")
	for i := range 60 {
		fmt.Fprintf(&b, "Xã %c,%d,%d\n", 'A'+i%3, 20+i%2*10, i%4)
	}
	return b.String() + strings.Join(more, "\n") + "\n"
}

func (s *shelf) small(t *testing.T, d Dataset) Anonymity {
	t.Helper()
	list, err := s.Anonymity(t.Context(), s.publisher, d.ID)
	if err != nil || len(list) != 1 {
		t.Fatalf("named %+v, error %v", list, err)
	}
	return list[0]
}

func TestSmallGroupsBlockPublication(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.withFile(t, "ho-ngheo", "ho ngheo.csv", household("Xã A,90,1", "Xã B,95,0"))
	for name, tt := range map[string]struct {
		who  auth.Principal
		said AnonymityText
		want string
	}{
		"a publisher":      {s.publisher, AnonymityText{Columns: []string{"xa"}}, "forbidden"},
		"a k of one":       {s.steward, AnonymityText{Columns: []string{"xa"}, K: 1}, "anonymity-invalid"},
		"a k of thousands": {s.steward, AnonymityText{Columns: []string{"xa"}, K: 101}, "anonymity-invalid"},
		"no such column":   {s.steward, AnonymityText{Columns: []string{"tuoi"}}, "anonymity-invalid"},
		"a column twice":   {s.steward, AnonymityText{Columns: []string{"xa", "xa"}}, "anonymity-invalid"},
		"many columns":     {s.steward, AnonymityText{Columns: strings.Split("a b c d e f g h i", " ")}, "anonymity-invalid"},
	} {
		if _, err := s.SetAnonymity(ctx, tt.who, part.ID, tt.said); problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.AllowSmallGroups(ctx, s.steward, part.ID, "vì"); problem.Code(err) != "anonymity-none" {
		t.Errorf("allowed what was not found: %v", err)
	}
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{Columns: []string{"xa", "nhom_tuoi"}}); err != nil {
		t.Fatal(err)
	}
	a := s.small(t, d)
	if a.K != 5 || a.Found.Total != 62 || a.Found.Rows != 2 || a.Found.Groups != 2 || !a.Blocks() || a.Decided != nil {
		t.Errorf("found %+v", a)
	}
	for _, who := range []auth.Principal{{}, s.stranger} {
		if _, err := s.Anonymity(ctx, who, d.ID); !problem.Is(err, problem.NotFound) {
			t.Errorf("shown to others: %v", err)
		}
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); problem.Code(err) != "anonymity-undecided" || problem.Of(err).Args["rows"] != "2" {
		t.Fatalf("published with small groups: %v", err)
	}
	if _, err := s.AllowSmallGroups(ctx, s.steward, part.ID, " "); problem.Code(err) != "reason-required" {
		t.Errorf("allowed without a reason: %v", err)
	}
	if _, err := s.AllowSmallGroups(ctx, s.publisher, part.ID, "vì"); !problem.Is(err, problem.Forbidden) {
		t.Errorf("a publisher allowed: %v", err)
	}
	if _, err := s.AllowSmallGroups(ctx, s.steward, part.ID, "tuổi đã làm tròn"); err != nil {
		t.Fatal(err)
	}
	if a := s.small(t, d); a.Blocks() || a.Decided.Rows != 2 || a.Decided.Reason != "tuổi đã làm tròn" {
		t.Errorf("decided %+v", a)
	}
	// Named anew, what was decided ends; without columns there is nothing to ask.
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{Columns: []string{"xa", "nhom_tuoi"}, K: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); problem.Code(err) != "anonymity-undecided" {
		t.Errorf("published on what was decided of other groups: %v", err)
	}
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Errorf("not published: %v", err)
	}
	if acts := strings.Join(s.acts, " "); !strings.Contains(acts, "dataset.anonymity dataset.allow-small-groups dataset.anonymity dataset.anonymity dataset.publish") {
		t.Errorf("recorded %s", acts)
	}
}

// A new version of the file is looked at too. What a steward allowed stands for
// as many rows and no more.
func TestSmallGroupsOfALaterFile(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.withFile(t, "ho-ngheo", "ho ngheo.csv", household())
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{Columns: []string{"xa", "nhom_tuoi"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	replace := func(body string) error {
		_, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "moi.csv", Body: strings.NewReader(body)})
		return err
	}
	if err := replace(household("Xã A,90,1")); problem.Code(err) != "anonymity-undecided" {
		t.Fatalf("a file with a small group is public: %v", err)
	}
	if now, err := s.Distribution(ctx, auth.Principal{}, part.ID); err != nil || now.Version != 1 || *now.Rows != 60 {
		t.Errorf("the public file is %+v, error %v", now, err)
	}
	a := s.small(t, d)
	if a.Held == nil || a.Held.Rows != 1 || a.Found.Rows != 0 || a.Blocks() {
		t.Fatalf("held %+v", a)
	}
	if _, err := s.AllowSmallGroups(ctx, s.steward, part.ID, "người đã đồng ý"); err != nil {
		t.Fatal(err)
	}
	if err := replace(household("Xã A,90,1")); err != nil {
		t.Errorf("refused after the decision: %v", err)
	}
	if a := s.small(t, d); a.Held != nil || a.Found.Rows != 1 || a.Blocks() {
		t.Errorf("after the decision: %+v", a)
	}
	if err := replace(household("Xã A,90,1", "Xã B,91,0")); problem.Code(err) != "anonymity-undecided" {
		t.Errorf("more rows than were allowed: %v", err)
	}
	if err := replace("Xã,Tuổi\nXã A,20\n"); problem.Code(err) != "anonymity-undecided" {
		t.Errorf("a file without the column: %v", err)
	}
	if a := s.small(t, d); a.Held == nil || strings.Join(a.Held.Missing, " ") != "nhom_tuoi" {
		t.Errorf("held %+v", a.Held)
	}
	if err := replace(household()); err != nil {
		t.Errorf("a file without small groups: %v", err)
	}
	// Named for what is public already, small groups are told, and what is done
	// next waits for the steward.
	if err := replace(household("Xã A,90,1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{Columns: []string{"nhom_tuoi"}}); err != nil {
		t.Errorf("named of a public one: %v", err)
	}
	if _, err := s.ReviewedDataset(ctx, s.publisher, d.ID); problem.Code(err) != "anonymity-undecided" {
		t.Errorf("what is done next: %v", err)
	}
}

func TestOnlyTablesHaveGroups(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	_, part := s.withFile(t, "van-ban", "a.txt", "Không có bảng.\n")
	if _, err := s.SetAnonymity(ctx, s.steward, part.ID, AnonymityText{Columns: []string{"xa"}}); problem.Code(err) != "anonymity-invalid" {
		t.Errorf("columns of a text: %v", err)
	}
}
