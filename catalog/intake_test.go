package catalog

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/rows"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

const market = "UBND tỉnh\nDANH SÁCH CHỢ NĂM 2024\nMã xã;Tên chợ;Ngày mở;Số sạp;Điện thoại\n00123;Chợ A;30/7/2019;12,5;0905123456\n" +
	"00124;Chợ B;2019-08-01;7;0915654321\n00125;Chợ C;chưa rõ;x;0985111222\n"

// intakes is a shelf whose work beside the requests is done by work.
type intakes struct {
	*shelf
	asked []uuid.UUID
}

func newIntakes(t *testing.T) *intakes {
	t.Helper()
	s := &intakes{shelf: newShelf(t, pgtest.New(t))}
	s.AskIntake = func(_ context.Context, _ pgx.Tx, id uuid.UUID) error {
		s.asked = append(s.asked, id)
		return nil
	}
	s.WhoLater = func(context.Context, uuid.UUID, string) (auth.Principal, error) { return s.publisher, nil }
	return s
}

// work does what was asked for.
func (s *intakes) work(t *testing.T) {
	t.Helper()
	for _, id := range s.asked {
		if err := s.WorkIntake(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	s.asked = nil
}

// begin takes a file in and reads it.
func (s *intakes) begin(t *testing.T, name, body string) Intake {
	t.Helper()
	ctx := t.Context()
	in, err := s.BeginIntake(ctx, s.publisher, NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: name, Size: int64(len(body))})
	if err == nil {
		err = s.FillIntake(ctx, s.publisher, in, in.Size, strings.NewReader(body))
	}
	if err == nil {
		_, err = s.StartIntake(ctx, s.publisher, in.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.work(t)
	if in, err = s.Intake(ctx, s.publisher, in.ID); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestSpreadsheetBecomesADataset(t *testing.T) {
	t.Parallel()
	s := newIntakes(t)
	ctx := t.Context()
	in := s.begin(t, "cho_2024 (1).csv", market)
	if in.State != IntakeRead || in.Found.Header != 3 || in.Found.Rows != 3 || in.Text.TitleVI != "Danh sách chợ năm 2024" || in.Text.TemporalStart != "2019-07-30" ||
		in.Text.TemporalEnd != "2019-08-01" || in.Text.Theme != "ECON" {
		t.Fatalf("read as %+v\n%+v", in, in.Found)
	}
	if p := in.Found.Personal; len(p) != 1 || p[0].Column != 4 || p[0].Kind != "phone" || p[0].Rows != 3 {
		t.Errorf("personal data: %+v", p)
	}
	plan := in.Plan
	plan.Columns[2].Type, plan.Columns[3].Type, plan.Columns[3].Name, plan.Columns[3].Unit = rows.Date, rows.Decimal, "Diện tích", "ha"
	in, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, in.Revision, plan)
	if err != nil {
		t.Fatal(err)
	}
	if in, err = s.SaveIntakePersonal(ctx, s.publisher, in.ID, in.Revision, []IntakeWay{{4, "drop"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.MakeIntake(ctx, s.publisher, in.ID); problem.Code(err) != "intake-undescribed" {
		t.Errorf("made before it is described: %v", err)
	}
	described := in.Text
	if in, err = s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, described); problem.Code(err) != "dataset-invalid" || !in.Described {
		t.Errorf("without notes: %+v, %v", in.Described, err)
	}
	described.NotesVI = "Các chợ của tỉnh."
	if in, err = s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, described); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second click makes no second dataset
		if in, err = s.MakeIntake(ctx, s.publisher, in.ID); err != nil || in.State != IntakeMaking {
			t.Fatalf("%s, %v", in.State, err)
		}
	}
	if _, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, in.Revision, IntakePlan{Header: 2}); problem.Code(err) != "intake-busy" {
		t.Errorf("changed while it is made: %v", err)
	}
	s.work(t)
	if in, err = s.Intake(ctx, s.publisher, in.ID); err != nil || in.State != IntakeMade {
		t.Fatalf("%s, %v, %v", in.State, in.Problem, err)
	}
	s.holdsMarket(t, in)
	for range 2 {
		if in, err = s.SendIntake(ctx, s.publisher, in.ID); err != nil || in.State != IntakeSent {
			t.Fatalf("%s, %v", in.State, err)
		}
	}
	if _, err := s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, DatasetText{}); problem.Code(err) != "intake-sent" {
		t.Errorf("changed after it was sent: %v", err)
	}
	if _, err := s.Upload(ctx, s.publisher, in.ID); problem.Code(err) != "upload-unknown" {
		t.Errorf("the file as it came is kept: %v", err)
	}
}

func (s *intakes) holdsMarket(t *testing.T, in Intake) {
	t.Helper()
	d, err := s.Dataset(t.Context(), s.publisher, *in.DatasetID)
	if err != nil || len(d.Distributions) != 1 || d.Distributions[0].Format != "CSV" || d.Slug != "danh-sach-cho-nam-2024" {
		t.Fatalf("%+v, %v", d, err)
	}
	columns, err := s.Columns(t.Context(), s.publisher, in.ID)
	if err != nil || len(columns) != 4 || columns[2].Type != rows.Date || columns[3].Unit != "ha" || columns[3].Name != "Diện tích" {
		t.Errorf("%+v, %v", columns, err)
	}
	answer, err := s.QueryRows(t.Context(), s.publisher, in.ID, map[string][]string{"ma_xa__exact": {"00123"}})
	if err != nil || len(answer.Rows) != 1 {
		t.Fatalf("%v, %v", answer, err)
	}
	file, _, err := s.OpenFile(t.Context(), s.publisher, in.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	n, _ := file.Read(buf)
	b.Write(buf[:n])
	if got, want := b.String(), "Mã xã,Tên chợ,Ngày mở,Diện tích\n00123,Chợ A,2019-07-30,12.5\n00124,Chợ B,2019-08-01,7\n00125,Chợ C,,\n"; got != want {
		t.Errorf("published\n%s\nwant\n%s", got, want)
	}
	found, err := s.PersonalFindings(t.Context(), s.publisher, d.ID)
	if err != nil || len(found) != 0 {
		t.Errorf("the phone numbers are still there: %v, %v", found, err)
	}
}

// What another window saved is not overwritten unseen; saying the same again is
// no change.
func TestTheLaterSaveIsToldOfTheEarlier(t *testing.T) {
	t.Parallel()
	s := newIntakes(t)
	ctx := t.Context()
	in := s.begin(t, "a.csv", market)
	first, second := in.Text, in.Text
	first.TitleVI, second.TitleVI = "Thứ nhất của tôi", "Thứ hai của tôi"
	saved, _ := s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, first)
	if _, err := s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, second); problem.Code(err) != "intake-changed" {
		t.Errorf("the later save: %v", err)
	}
	again, _ := s.SaveIntakeText(ctx, s.publisher, in.ID, in.Revision, first)
	if again.Revision != saved.Revision || again.Text.TitleVI != "Thứ nhất của tôi" {
		t.Errorf("the same again: %+v after %+v", again.Revision, saved.Revision)
	}
	// Another header is another reading, and other columns.
	in, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, again.Revision, IntakePlan{Header: 2})
	if err != nil || in.State != IntakeReading {
		t.Fatalf("%s, %v", in.State, err)
	}
	s.work(t)
	if in, err = s.Intake(ctx, s.publisher, in.ID); err != nil || in.Found.Rows != 4 || in.Text.TitleVI != "Thứ nhất của tôi" {
		t.Errorf("read again as %+v, %v", in, err)
	}
}

func TestWhatAnIntakeRefuses(t *testing.T) {
	t.Parallel()
	s := newIntakes(t)
	ctx := t.Context()
	in := s.begin(t, "a.csv", market)
	for code, do := range map[string]func() error{
		"intake-format": func() error {
			_, err := s.BeginIntake(ctx, s.publisher, NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: "a.pdf", Size: 5})
			return err
		},
		"file-empty": func() error {
			_, err := s.BeginIntake(ctx, s.publisher, NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: "a.csv"})
			return err
		},
		"intake-unknown": func() error { _, err := s.Intake(ctx, s.stranger, in.ID); return err },
		"plan-stale": func() error {
			_, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, in.Revision, IntakePlan{Header: in.Plan.Header, Sheet: in.Plan.Sheet})
			return err
		},
		"plan-empty": func() error {
			all := []IntakeWay{}
			for i := range in.Plan.Columns {
				all = append(all, IntakeWay{i, "drop"})
			}
			_, err := s.SaveIntakePersonal(ctx, s.publisher, in.ID, in.Revision, all)
			return err
		},
		"plan-invalid": func() error {
			plan := s.begin(t, "b.csv", market).Plan
			plan.Columns[0].Name, plan.Columns[1].Name, plan.Columns[2].Type = " ", plan.Columns[3].Name, "geometry"
			_, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, in.Revision, plan)
			if e := problem.Of(err); e == nil || len(e.Fields) != 3 {
				t.Errorf("faults %+v", e)
			}
			return err
		},
		"intake-busy": func() error { _, err := s.SendIntake(ctx, s.publisher, in.ID); return err },
		"intake-other-file": func() error {
			fresh, err := s.BeginIntake(ctx, s.publisher, NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: "c.csv", Size: 5})
			if err != nil {
				return err
			}
			return s.FillIntake(ctx, s.publisher, fresh, 6, strings.NewReader("a,b\n1,"))
		},
		"upload-unfinished": func() error {
			fresh, err := s.BeginIntake(ctx, s.publisher, NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: "d.csv", Size: 5})
			if err != nil {
				return err
			}
			_, err = s.StartIntake(ctx, s.publisher, fresh.ID)
			return err
		},
		"intakes-many": func() error {
			for {
				if _, err := s.BeginIntake(ctx, s.steward2(), NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: s.agency.ID, FileName: "e.csv", Size: 5}); err != nil {
					return err
				}
			}
		},
	} {
		if err := do(); problem.Code(err) != code {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	broken := s.begin(t, "hong.xlsx", "PK\x03\x04 not a workbook")
	if broken.State != IntakeRefused || broken.Problem == nil || broken.Problem.Code != "rows-xlsx-broken" {
		t.Errorf("a broken workbook is %s, %+v", broken.State, broken.Problem)
	}
}

// steward2 is another publisher of the agency.
func (s *intakes) steward2() auth.Principal {
	return auth.Principal{Person: uuid.MustParse("0198a000-0000-7000-8000-000000000001"), Memberships: s.publisher.Memberships}
}

// What was typed when the session had ended waits for its person, is no
// decision, and is bounded.
func TestUnsavedWaitsForItsPerson(t *testing.T) {
	t.Parallel()
	s := newIntakes(t)
	ctx := t.Context()
	in := s.begin(t, "a.csv", market)
	for step, text := range map[string]string{"about": "Đã gõ", "table": strings.Repeat("x", mostUnsaved), "khac": "x"} {
		if err := s.KeepUnsaved(ctx, in.ID, step, map[string][]string{"title_vi": {text}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Intake(ctx, s.publisher, in.ID)
	if err != nil || len(got.Unsaved) != 1 || got.Unsaved["about"]["title_vi"][0] != "Đã gõ" || got.Revision != in.Revision || got.Text.TitleVI == "Đã gõ" {
		t.Errorf("%+v, %v", got.Unsaved, err)
	}
	s.now = s.now.Add(IntakeLasts)
	if err := s.SweepIntakes(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Intake(ctx, s.publisher, in.ID); problem.Code(err) != "intake-unknown" {
		t.Errorf("after two weeks: %v", err)
	}
}

func TestATotalIsLeftOutUntilItIsTakenIn(t *testing.T) {
	t.Parallel()
	s := newIntakes(t)
	ctx := t.Context()
	in := s.begin(t, "cho.csv", market+"Tổng cộng;;;19,5;\n")
	if in.Found.Left != 7 || in.Found.Rows != 3 || in.Plan.Last != 6 {
		t.Fatalf("left row %d out of %d, to row %d", in.Found.Left, in.Found.Rows, in.Plan.Last)
	}
	plan := in.Plan
	plan.Last = 0
	if _, err := s.SaveIntakePlan(ctx, s.publisher, in.ID, in.Revision, plan); err != nil {
		t.Fatal(err)
	}
	s.work(t)
	in, err := s.Intake(ctx, s.publisher, in.ID)
	if err != nil || in.Found.Left != 0 || in.Found.Total != 7 || in.Found.Rows != 4 || in.Plan.Last != 0 {
		t.Errorf("taken in: %v, %+v", err, in.Found.Found)
	}
}
