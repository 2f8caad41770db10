package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// Every person and number here is made up.
const (
	callers  = "Mã,Số điện thoại\n01,0905123456\n02,0914234567\n03,0935345678\n"
	citizens = "Mã,Số điện thoại\n01,0905123456\n02,051085001234\n03,0935345678\n"
)

// withFile takes a dataset with one file to the state before publication.
func (s *shelf) withFile(t *testing.T, slug, fileName, body string) (Dataset, Distribution) {
	t.Helper()
	ctx := t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text(slug, "Phản ánh hiện trường"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: fileName, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = s.SubmitDataset(ctx, s.publisher, d.ID); err == nil {
		d, err = s.ApproveDataset(ctx, s.steward, d.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, part
}

// only gives the one finding of a dataset.
func (s *shelf) only(t *testing.T, dataset uuid.UUID) PersonalFinding {
	t.Helper()
	list, err := s.PersonalFindings(t.Context(), s.publisher, dataset)
	if err != nil || len(list) != 1 {
		t.Fatalf("findings %+v, error %v", list, err)
	}
	return list[0]
}

func TestPersonalDataBlockPublication(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.withFile(t, "phan-anh", "phan anh.csv", callers)
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); problem.Code(err) != "personal-undecided" {
		t.Fatalf("published with phone numbers: %v", err)
	}
	f := s.only(t, d.ID)
	if f.Part != part.ID || f.Place != "Số điện thoại" || f.Kind != "phone" || f.Rows != 3 || f.Held || !f.Blocks() {
		t.Errorf("found %+v", f)
	}
	if shown := strings.Join(f.Examples, " "); shown != "09•••••••6 09•••••••7 09•••••••8" {
		t.Errorf("examples %s", shown)
	}
	for _, who := range []auth.Principal{{}, s.stranger} {
		if _, err := s.PersonalFindings(ctx, who, d.ID); !problem.Is(err, problem.NotFound) {
			t.Errorf("findings shown to others: %v", err)
		}
	}
	for name, tt := range map[string]struct {
		who  auth.Principal
		said PersonalDecision
		want string
	}{
		"no reason":        {s.steward, PersonalDecision{Part: part.ID, Place: f.Place, Decision: NotPersonal}, "reason-required"},
		"no ground":        {s.steward, PersonalDecision{Part: part.ID, Place: f.Place, Decision: PersonalAllowed, Reason: "vì"}, "personal-decision"},
		"no such decision": {s.steward, PersonalDecision{Part: part.ID, Place: f.Place, Decision: "ok", Reason: "vì"}, "personal-decision"},
		"no such place":    {s.steward, PersonalDecision{Part: part.ID, Place: "Mã", Decision: NotPersonal, Reason: "vì"}, "personal-unknown"},
		"a publisher":      {s.publisher, PersonalDecision{Part: part.ID, Place: f.Place, Decision: NotPersonal, Reason: "vì"}, "forbidden"},
	} {
		if _, err := s.DecidePersonal(ctx, tt.who, d.ID, tt.said); err == nil || problem.Code(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	said := PersonalDecision{Part: part.ID, Place: f.Place, Decision: RemovePersonal, Reason: "số của người dân"}
	if _, err := s.DecidePersonal(ctx, s.steward, d.ID, said); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); problem.Code(err) != "personal-undecided" {
		t.Errorf("published with what is to be taken out: %v", err)
	}
	said.Decision, said.Ground, said.Reason = PersonalAllowed, "Điều 4 quy chế", "số trực của trạm"
	if _, err := s.DecidePersonal(ctx, s.steward, d.ID, said); err != nil {
		t.Fatal(err)
	}
	if got := s.only(t, d.ID); got.Ground != said.Ground || got.Reason != said.Reason || got.DecidedAt == nil || got.Blocks() {
		t.Errorf("decided as %+v", got)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Errorf("not published after the decision: %v", err)
	}
	if acts := strings.Join(s.acts, " "); strings.Count(acts, "dataset.personal") != 2 || strings.Contains(acts, "0905") {
		t.Errorf("recorded %s", acts)
	}
}

// A decision stands for a column until a later file shows a further kind there.
func TestPersonalDecisionHoldsForTheColumn(t *testing.T) {
	t.Parallel()
	onEachStore(t, personalDecisionHoldsForTheColumn)
}

func personalDecisionHoldsForTheColumn(t *testing.T, s *shelf) {
	ctx := t.Context()
	d, part := s.withFile(t, "phan-anh", "phan anh.csv", callers)
	said := PersonalDecision{Part: part.ID, Place: "Số điện thoại", Decision: NotPersonal, Reason: "số trực"}
	if _, err := s.DecidePersonal(ctx, s.steward, d.ID, said); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PublishDataset(ctx, s.publisher, d.ID); err != nil {
		t.Fatal(err)
	}
	replace := func(body string) error {
		_, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "moi.csv", Body: strings.NewReader(body)})
		return err
	}
	if err := replace(callers + "04,0986111222\n"); err != nil {
		t.Errorf("a later file with the same kind is refused: %v", err)
	}
	if err := replace(citizens); problem.Code(err) != "personal-undecided" {
		t.Fatalf("identity numbers in a public file: %v", err)
	}
	if now, err := s.Distribution(ctx, auth.Principal{}, part.ID); err != nil || now.Version != 2 || *now.Rows != 4 {
		t.Errorf("the public file is %+v, error %v", now, err)
	}
	if files := s.lying(t); len(files) != 2 {
		t.Errorf("there lie %v, not the two that were taken", files)
	}
	list, err := s.PersonalFindings(ctx, s.steward, d.ID)
	if err != nil || len(list) != 2 || list[0].Kind != "identity" || !list[0].Held || list[0].Decision != "" || list[1].Decision != NotPersonal {
		t.Fatalf("findings %+v, error %v", list, err)
	}
	if _, err := s.DecidePersonal(ctx, s.steward, d.ID, said); err != nil {
		t.Fatal(err)
	}
	if err := replace(citizens); err != nil {
		t.Errorf("refused after the decision: %v", err)
	}
	if err := replace(subscribers); err != nil {
		t.Error(err)
	}
	if list, err = s.PersonalFindings(ctx, s.steward, d.ID); err != nil || len(list) != 0 {
		t.Errorf("a clean file leaves %+v, error %v", list, err)
	}
}

// A new file of a public dataset waits for the steward under its hash: what is
// decided of it opens no other file.
func TestPersonalDataInANewFileOfAPublicDataset(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	add := func(body string) (Distribution, error) {
		return s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "lien he.csv", Body: strings.NewReader(body)})
	}
	if _, err := add(callers); problem.Code(err) != "personal-undecided" {
		t.Fatalf("added: %v", err)
	}
	f := s.only(t, d.ID)
	if !f.Held {
		t.Errorf("found %+v", f)
	}
	if _, err := s.DecidePersonal(ctx, s.steward, d.ID, PersonalDecision{Part: f.Part, Place: f.Place, Decision: NotPersonal, Reason: "số trực"}); err != nil {
		t.Fatal(err)
	}
	if _, err := add(callers + "04,0986111222\n"); problem.Code(err) != "personal-undecided" {
		t.Errorf("another file: %v", err)
	}
	part, err := add(callers)
	if err != nil {
		t.Fatalf("the same file after the decision: %v", err)
	}
	list, err := s.PersonalFindings(ctx, s.publisher, d.ID)
	if err != nil || len(list) != 2 {
		t.Fatalf("findings %+v, error %v", list, err)
	}
	for _, f := range list {
		if (f.Part == part.ID) == f.Held || f.Held != f.Blocks() {
			t.Errorf("finding %+v", f)
		}
	}
}

func TestPersonalDataInTexts(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.published(t, "thue-bao", "Thuê bao", subscribers)
	edited := d.DatasetText
	edited.NotesVI = "Hỏi thêm anh An, 0905 123 456."
	approve := func() error {
		pending, err := s.EditDataset(ctx, s.publisher, d.ID, edited)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.ApproveEdit(ctx, s.steward, d.ID, pending.Edit.ID)
		return err
	}
	if err := approve(); problem.Code(err) != "personal-undecided" {
		t.Errorf("notes with a phone number: %v", err)
	}
	if f := s.only(t, d.ID); f.Part != d.ID || f.Place != "notes_vi" || !f.Held {
		t.Errorf("found %+v", f)
	}
	edited.ContactPhone = "0905 123 456"
	if err := approve(); err != nil {
		t.Errorf("the agency's own contact: %v", err)
	}
}

// What is scheduled is held to the same.
func TestPersonalDataAreNotPublishedOnTime(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, _ := s.withFile(t, "phan-anh", "phan anh.csv", callers)
	if _, err := s.ScheduleDataset(ctx, s.publisher, d.ID, ptr(s.now.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(2 * time.Hour)
	if n, err := s.PublishDue(ctx); n != 0 || problem.Code(err) != "personal-undecided" {
		t.Errorf("published %d, error %v", n, err)
	}
}

func TestPersonalDataAnywhereInAFile(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	for cell, value := range map[string]string{"A1": "Mã", "B1": "Số", "A2": "01", "B2": "5"} {
		if err := book.SetCellStr("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := book.NewSheet("Nguồn"); err != nil {
		t.Fatal(err)
	}
	for cell, value := range map[string]string{"A1": "Họ tên", "B1": "CCCD", "A2": "Nguyễn Văn An", "B2": "051085001234"} {
		if err := book.SetCellStr("Nguồn", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "hai trang.xlsx")
	if err := book.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	workbook, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("1,2\n", 30000)
	for name, tt := range map[string]struct{ file, body, place string }{
		"last row":          {"a.csv", "Mã,Ghi chú\n" + long + "x,Gọi 0905123456\n", "Ghi chú"},
		"another sheet":     {"hai trang.xlsx", string(workbook), "Nguồn / CCCD"},
		"JSON, no table":    {"a.json", `{"nguoi":{"cccd":"051085001234"}}`, ""},
		"a text, one line":  {"a.txt", strings.Repeat("chữ ", 40000) + "0905123456", ""},
		"GeoJSON":           {"a.geojson", `{"type":"FeatureCollection","features":[{"properties":{"sdt":"0905123456"}}]}`, ""},
		"beyond the header": {"a.csv", "Mã,Số\n1,2,0905123456\n", "cột 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelf(t, pgtest.Tx(t))
			d, _ := s.withFile(t, "tep", tt.file, tt.body)
			if f := s.only(t, d.ID); !strings.HasSuffix(f.Place, tt.place) || f.Rows != 1 {
				t.Errorf("found %+v", f)
			}
			if _, err := s.PublishDataset(t.Context(), s.publisher, d.ID); problem.Code(err) != "personal-undecided" {
				t.Errorf("published: %v", err)
			}
		})
	}
}
