package catalog

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
	"lgsp/internal/s3test"
)

// shelf is a catalogue for datasets, with an agency and its people.
type shelf struct {
	*Catalog
	agency             Agency
	publisher, steward auth.Principal
	stranger           auth.Principal // publisher of another agency
	operator           auth.Principal
	acts               []string
	now                time.Time
	dir                string         // of Files
	server             *s3test.Server // nil: Files is on disk
}

// node is another process on the same catalogue, which records by record.
func (s *shelf) node(record auth.RecordFunc) *Catalog {
	return &Catalog{DB: s.DB, Now: s.Now, Files: s.Files, May: s.May, Agencies: s.Agencies, AgencyBySlug: s.AgencyBySlug, Terms: s.Terms, Record: record}
}

func newShelf(t testing.TB, db pg.DB) *shelf {
	t.Helper()
	id, dir := uuid.Must(uuid.NewV7()), t.TempDir()
	person := func(role string, agency uuid.UUID) auth.Principal {
		return auth.Principal{Person: uuid.Must(uuid.NewV7()), Memberships: []auth.Membership{{Agency: agency, Role: role}}}
	}
	s := &shelf{
		agency:    Agency{ID: id, Slug: "so-tt-" + id.String()[24:], TitleVI: "Sở Thông tin và Truyền thông", TitleEN: "Department of Information and Communications"},
		publisher: person("publisher", id), steward: person("steward", id), stranger: person("publisher", uuid.Must(uuid.NewV7())),
		operator: person("operator", uuid.Nil), now: time.Date(2025, 8, 1, 9, 0, 0, 0, time.UTC), dir: dir,
	}
	// Shelves of one database hold the same names: in a transaction until it ends,
	// one comes after the other. Without, two tests may wait for each other.
	if _, err := db.Exec(context.Background(), `select pg_advisory_xact_lock(1)`); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(context.Background(), testAgencySQL, id, s.agency.Slug, strings.ToUpper(id.String()[24:])); err != nil {
		t.Fatal(err)
	}
	s.Catalog = &Catalog{
		DB: db, Now: func() time.Time { return s.now }, Files: OnDisk(dir),
		May: func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
			if who.Has("publisher", agency) && act != "dataset.approve" || who.Has("steward", agency) && act == "dataset.approve" {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "may not %s", act)
		},
		Agencies: func(context.Context, []uuid.UUID) (map[uuid.UUID]Agency, error) {
			return map[uuid.UUID]Agency{id: s.agency}, nil
		},
		Names: func(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
			names := map[uuid.UUID]string{}
			for _, id := range ids {
				names[id] = "Người " + id.String()[30:]
			}
			return names, nil
		},
		AgencyBySlug: func(_ context.Context, slug string) (Agency, error) {
			if slug != s.agency.Slug {
				return Agency{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
			}
			return s.agency, nil
		},
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			s.acts = append(s.acts, act.Verb)
			return nil
		},
	}
	return s
}

func text(slug, title string) DatasetText {
	return DatasetText{Slug: slug, TitleVI: title, NotesVI: "Số liệu của " + title, Theme: "TECH"}
}

const subscribers = "Mã,Dịch vụ,Số thuê bao,Ngày\n01,Điện thoại,1.350,30/7/2019\n02,Internet,95.000,31/7/2019\n03,Di động,,1/8/2019\n"

// published takes a dataset with one CSV all the way.
func (s *shelf) published(t testing.TB, slug, title, csv string) (Dataset, Distribution) {
	t.Helper()
	ctx := t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text(slug, title))
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "so lieu.csv", Body: strings.NewReader(csv)})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() (Dataset, error){
		func() (Dataset, error) { return s.SubmitDataset(ctx, s.publisher, d.ID) },
		func() (Dataset, error) { return s.ApproveDataset(ctx, s.steward, d.ID) },
		func() (Dataset, error) { return s.PublishDataset(ctx, s.publisher, d.ID) },
	} {
		if d, err = step(); err != nil {
			t.Fatal(err)
		}
	}
	return d, part
}

func TestDatasetFromDraftToWithdrawn(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "thue-bao", "Thuê bao viễn thông", subscribers)
	if d.State != Published || d.PublishedAt == nil || d.Licence != "CC-BY-4.0" || d.Frequency != "UNKNOWN" {
		t.Errorf("published as %+v", d)
	}
	if part.Format != "CSV" || part.Size != int64(len(subscribers)) || part.Version != 1 || part.Rows == nil || *part.Rows != 3 {
		t.Errorf("distribution %+v", part)
	}
	if got, err := s.DatasetBySlug(ctx, auth.Principal{}, "thue-bao"); err != nil || len(got.Distributions) != 1 {
		t.Errorf("a citizen sees %d distributions, error %v", len(got.Distributions), err)
	}
	if found, err := s.Find(ctx, FindQuery{Text: "thue bao"}); err != nil || found.Total != 1 {
		t.Errorf("search finds %d, error %v", found.Total, err)
	}
	if _, err := s.WithdrawDataset(ctx, s.publisher, d.ID, " "); problem.Code(err) != "reason-required" {
		t.Errorf("withdrawn without a reason: %v", err)
	}
	if d, err := s.WithdrawDataset(ctx, s.publisher, d.ID, "số liệu sai"); err != nil || d.State != Withdrawn || d.StateReason != "số liệu sai" {
		t.Errorf("withdrawn as %+v, error %v", d, err)
	}
	s.hidden(t, d.ID, "thue-bao", part.ID, problem.Gone)
	want := "dataset.create distribution.add dataset.submit dataset.approve dataset.publish dataset.withdraw"
	if got := strings.Join(s.acts, " "); got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
}

// hidden walks every way to a dataset as a citizen and as another agency: each
// fails with want.
func (s *shelf) hidden(t *testing.T, id uuid.UUID, slug string, part uuid.UUID, want problem.Kind) {
	t.Helper()
	ctx := t.Context()
	for _, who := range []auth.Principal{{}, s.stranger} {
		for name, try := range map[string]func() error{
			"by slug": func() error { _, err := s.DatasetBySlug(ctx, who, slug); return err },
			"by id":   func() error { _, err := s.Dataset(ctx, who, id); return err },
			"alike":   func() error { _, err := s.AlikeDataset(ctx, who, id); return err },
		} {
			if err := try(); !problem.Is(err, want) {
				t.Errorf("%s: %v, want %d", name, err, want)
			}
		}
		if list, _, err := s.ListDatasets(ctx, who, DatasetFilter{}); err != nil || len(list) != 0 {
			t.Errorf("lists %d, error %v", len(list), err)
		}
	}
	s.closed(t, slug, part, want)
	if found, err := s.Find(ctx, FindQuery{Text: "thuê bao"}); err != nil || len(found.Hits) != 0 {
		t.Errorf("search finds %d, error %v", len(found.Hits), err)
	}
}

// closed walks every way to the data of a dataset as a citizen and as another
// agency.
func (s *shelf) closed(t *testing.T, slug string, part uuid.UUID, want problem.Kind) {
	t.Helper()
	ctx := t.Context()
	d, err := s.DatasetBySlug(ctx, s.publisher, slug) // as it may be handed on
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []auth.Principal{{}, s.stranger} {
		for name, try := range map[string]func() error{
			"distribution": func() error { _, err := s.Distribution(ctx, who, part); return err },
			"file":         func() error { _, _, err := s.OpenFile(ctx, who, part, 0); return err },
			"versions":     func() error { _, err := s.FileVersions(ctx, who, part); return err },
			"columns":      func() error { _, err := s.Columns(ctx, who, part); return err },
			"rows":         func() error { _, err := s.QueryRows(ctx, who, part, nil); return err },
			"export":       func() error { return s.ExportRows(ctx, who, part, url.Values{"format": {"csv"}}, io.Discard) },
			"archive":      func() error { _, err := s.Archive(ctx, who, slug); return err },
			"all at once":  func() error { _, err := s.Contents(ctx, who, d); return err },
			"old version":  func() error { _, _, err := s.OpenFile(ctx, who, part, 1); return err },
			"replace":      func() error { _, err := s.ReplaceFile(ctx, who, part, Upload{}); return err },
		} {
			if err := try(); !problem.Is(err, want) {
				t.Errorf("%s: %v, want %d", name, err, want)
			}
		}
	}
}

func TestDataOfARestrictedDatasetIsItsAgencys(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, part := s.published(t, "thue-bao", "Thuê bao viễn thông", subscribers)
	closed := d.DatasetText
	closed.AccessRights = AccessRestricted
	s.rewritten(t, d, closed)
	s.closed(t, d.Slug, part.ID, problem.NotFound)
	for _, who := range []auth.Principal{{}, s.stranger} {
		for name, read := range map[string]func() (Dataset, error){
			"by slug": func() (Dataset, error) { return s.DatasetBySlug(ctx, who, "thue-bao") },
			"by id":   func() (Dataset, error) { return s.Dataset(ctx, who, d.ID) },
		} {
			if got, err := read(); err != nil || got.TitleVI != d.TitleVI || len(got.Distributions) != 0 {
				t.Errorf("%s: %d distributions of %q, error %v; want the description alone", name, len(got.Distributions), got.TitleVI, err)
			}
		}
	}
	for query, want := range map[string]int{"thuê bao viễn thông": 1, "Dịch vụ": 0} { // the second is a column
		if found, err := s.Find(ctx, FindQuery{Text: query}); err != nil || len(found.Hits) != want {
			t.Errorf("search of %q finds %d, error %v; want %d", query, len(found.Hits), err, want)
		}
	}
	if got, err := s.DatasetBySlug(ctx, s.steward, "thue-bao"); err != nil || len(got.Distributions) != 1 {
		t.Errorf("its steward sees %d distributions, error %v", len(got.Distributions), err)
	}
}

func TestSlugOfATitle(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	long := strings.Repeat("nghĩa hành ", 20)
	for _, tt := range []struct{ title, want string }{
		{"Số hộ nghèo, năm 2025 (Đợt 1)", "so-ho-ngheo-nam-2025-dot-1"},
		{"Số hộ nghèo: năm 2025 – đợt 1", "so-ho-ngheo-nam-2025-dot-1-2"},
		{"Công văn 4259/UBND-KGVX", "cong-van-4259-ubnd-kgvx"},
		{"Á", "du-lieu-a"},
		{"数据", "bo-du-lieu"},
		{long, strings.TrimSuffix(strings.Repeat("nghia-hanh-", 7), "-")},
		{strings.Repeat("x", 90), strings.Repeat("x", 80)},
	} {
		text := text("", tt.title)
		d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text)
		if err != nil || d.Slug != tt.want {
			t.Errorf("%q: got %s, error %v; want %s", tt.title, d.Slug, err, tt.want)
		}
	}
}

func TestDatasetRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("a-b", "Một"))
	if err != nil {
		t.Fatal(err)
	}
	s.hidden(t, d.ID, "a-b", uuid.Must(uuid.NewV7()), problem.NotFound)
	both := s.publisher
	both.Memberships = append(both.Memberships, auth.Membership{Agency: s.agency.ID, Role: "steward"})
	for _, tt := range []struct {
		name string
		try  func() error
		code string
	}{
		{"another agency creates", func() error { _, err := s.CreateDataset(ctx, s.stranger, s.agency.ID, text("x-y", "X")); return err }, "forbidden"},
		{"slug taken", func() error { _, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("a-b", "X")); return err }, "dataset-slug-taken"},
		{"no title, bad slug, dates and address", func() error {
			_, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, DatasetText{Slug: "A b", TemporalStart: "30/7/2019", SourceURL: "javascript:x", ContactEmail: "x"})
			return err
		}, "dataset-invalid"},
		{"submit without a file", func() error { _, err := s.SubmitDataset(ctx, s.publisher, d.ID); return err }, "dataset-incomplete"},
		{"publish a draft", func() error { _, err := s.PublishDataset(ctx, s.publisher, d.ID); return err }, "dataset-state"},
		{"unknown id", func() error { _, err := s.PublishDataset(ctx, s.publisher, uuid.Must(uuid.NewV7())); return err }, "dataset-unknown"},
		{"a program as a file", func() error { return s.upload(ctx, d.ID, "virus.exe", "MZ") }, "file-format"},
		{"an empty file", func() error { return s.upload(ctx, d.ID, "a.csv", "") }, "file-empty"},
		{"two encodings", func() error { return s.upload(ctx, d.ID, "a.csv", "ten\nĐức Phổ\nQu\xb6ng Ng\xb7i\n") }, "rows-encoding"},
		{"open quote", func() error { return s.upload(ctx, d.ID, "a.csv", "a,b\n1,\"2\n") }, "rows-quote-open"},
		{"not a workbook", func() error { return s.upload(ctx, d.ID, "a.xlsx", "PK\x03\x04 no") }, "rows-xlsx-broken"},
		{"too large", func() error {
			_, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "a.txt", Body: io.LimitReader(zeros{}, MaxUpload+1)})
			return err
		}, "file-too-large"},
		{"a file", func() error { return s.upload(ctx, d.ID, "a.csv", "a\n1\n") }, ""},
		{"submit", func() error { _, err := s.SubmitDataset(ctx, both, d.ID); return err }, ""},
		{"edit what is read", func() error { _, err := s.EditDataset(ctx, s.publisher, d.ID, text("a-b", "Hai")); return err }, "dataset-state"},
		{"upload to what is read", func() error { return s.upload(ctx, d.ID, "b.csv", "a\n1\n") }, "dataset-state"},
		{"approve one's own", func() error { _, err := s.ApproveDataset(ctx, both, d.ID); return err }, "dataset-own-approval"},
		{"publisher approves", func() error { _, err := s.ApproveDataset(ctx, s.publisher, d.ID); return err }, "forbidden"},
		{"approve", func() error { _, err := s.ApproveDataset(ctx, s.steward, d.ID); return err }, ""},
		{"edit what is approved", func() error { _, err := s.EditDataset(ctx, s.publisher, d.ID, text("a-b", "Hai")); return err }, "dataset-state"},
		{"upload to what is approved", func() error { return s.upload(ctx, d.ID, "b.csv", "a\n1\n") }, "dataset-state"},
		{"publish", func() error { _, err := s.PublishDataset(ctx, s.publisher, d.ID); return err }, ""},
		{"move what is published", func() error { _, err := s.EditDataset(ctx, s.publisher, d.ID, text("b-c", "Hai")); return err }, "dataset-slug-fixed"},
		{"limit", func() error { _, _, err := s.ListDatasets(ctx, s.publisher, DatasetFilter{Limit: 101}); return err }, "page-limit"},
		{"cursor", func() error { _, _, err := s.ListDatasets(ctx, s.publisher, DatasetFilter{After: "x"}); return err }, "page-cursor"},
	} {
		if err := tt.try(); problem.Code(err) != tt.code || tt.code == "" && err != nil {
			t.Errorf("%s: %v, want code %q", tt.name, err, tt.code)
		}
	}
	s.nothingPartial(t)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (s *shelf) upload(ctx context.Context, dataset uuid.UUID, name, content string) error {
	_, err := s.AddDistribution(ctx, s.publisher, dataset, Upload{FileName: name, Body: strings.NewReader(content)})
	return err
}

func TestFileVersionsAndDictionaryStay(t *testing.T) {
	t.Parallel()
	onEachStore(t, fileVersionsAndDictionaryStay)
}

func fileVersionsAndDictionaryStay(t *testing.T, s *shelf) {
	ctx := t.Context()
	_, part := s.published(t, "thue-bao-2", "Thuê bao", subscribers)
	err := s.DescribeColumns(ctx, s.publisher, part.ID, []Column{{Unit: "thuê bao"}})
	if problem.Code(err) != "column-unknown" {
		t.Errorf("an unknown column is described: %v", err)
	}
	columns, err := s.Columns(ctx, auth.Principal{}, part.ID)
	if err != nil || len(columns) != 4 {
		t.Fatalf("columns %v, error %v", columns, err)
	}
	columns[2].Unit, columns[2].TitleEN = "thuê bao", "Subscribers"
	if err := s.DescribeColumns(ctx, s.publisher, part.ID, columns[2:3]); err != nil {
		t.Fatal(err)
	}
	second := "Số thuê bao,Mã\n7,04\n"
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "moi.csv", Body: strings.NewReader(second)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "hong.csv", Body: strings.NewReader("a\n\"")}); err == nil {
		t.Error("a broken file was taken")
	}
	columns, err = s.Columns(ctx, auth.Principal{}, part.ID)
	if err != nil || len(columns) != 2 || columns[0].Unit != "thuê bao" || columns[0].TitleEN != "Subscribers" {
		t.Errorf("columns %+v, error %v", columns, err)
	}
	for version, want := range map[int]string{0: second, 1: subscribers, 2: second} {
		file, _, err := s.OpenFile(ctx, auth.Principal{}, part.ID, version)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(file)
		_ = file.Close()
		if string(got) != want {
			t.Errorf("version %d is %q, want %q", version, got, want)
		}
	}
	if versions, err := s.FileVersions(ctx, auth.Principal{}, part.ID); err != nil || len(versions) != 2 || versions[0].Version != 2 {
		t.Errorf("versions %+v, error %v", versions, err)
	}
	if _, _, err := s.OpenFile(ctx, auth.Principal{}, part.ID, 3); !problem.Is(err, problem.NotFound) {
		t.Errorf("version 3: %v", err)
	}
	if files := s.lying(t); len(files) != 2 {
		t.Errorf("there lie %v, want two", files)
	}
}

func TestRowsThroughTheCatalogue(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	_, part := s.published(t, "thue-bao-3", "Thuê bao", subscribers)
	a, err := s.QueryRows(ctx, auth.Principal{}, part.ID, url.Values{"so_thue_bao__greater": {"1000"}, "columns": {"ma,so_thue_bao"}})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := a.MarshalJSON()
	if want := `"items":[{"ma":"01","so_thue_bao":1350},{"ma":"02","so_thue_bao":95000}],"limit":100,"next":"","truncated":false}`; !strings.HasSuffix(string(got), want) {
		t.Errorf("got %s, want %s", got, want)
	}
	var b bytes.Buffer
	if err := s.ExportRows(ctx, auth.Principal{}, part.ID, url.Values{"format": {"csv"}}, &b); err != nil {
		t.Fatal(err)
	}
	if want := "Mã,Dịch vụ,Số thuê bao,Ngày\n01,Điện thoại,1350,2019-07-30\n02,Internet,95000,2019-07-31\n03,Di động,,2019-08-01\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	if err := s.ExportRows(ctx, auth.Principal{}, part.ID, url.Values{"format": {"exe"}}, &b); problem.Code(err) != "rows-format" {
		t.Errorf("format exe: %v", err)
	}
}

// sameContents compares what is told of all distributions at once with what is
// told of each.
func (s *shelf) sameContents(t *testing.T, who auth.Principal, dataset uuid.UUID) {
	t.Helper()
	ctx := t.Context()
	d, err := s.Dataset(ctx, s.publisher, dataset)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Contents(ctx, who, d)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range d.Distributions {
		versions, err := s.FileVersions(ctx, who, part.ID)
		if err != nil || !reflect.DeepEqual(got.Versions[part.ID], versions) {
			t.Errorf("versions %+v, want %+v, error %v", got.Versions[part.ID], versions, err)
		}
		columns, err := s.Columns(ctx, who, part.ID)
		if err != nil || len(columns) != len(got.Columns[part.ID]) || len(columns) > 0 && !reflect.DeepEqual(got.Columns[part.ID], columns) {
			t.Errorf("columns %+v, want %+v, error %v", got.Columns[part.ID], columns, err)
		}
	}
}

func TestListDatasetsPages(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	for _, slug := range []string{"d1", "d2", "d3"} {
		if _, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text(slug, slug)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	f := DatasetFilter{Agency: s.agency.ID, Limit: 2}
	for {
		list, next, err := s.ListDatasets(ctx, s.publisher, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			got = append(got, d.Slug)
		}
		if f.After = next; next == "" {
			break
		}
	}
	if strings.Join(got, " ") != "d3 d2 d1" {
		t.Errorf("listed %v", got)
	}
	if _, _, err := s.ListDatasets(ctx, s.stranger, DatasetFilter{Agency: s.agency.ID, State: Draft}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("drafts of another agency: %v", err)
	}
}

// TestOneConnection: the agencies are not asked for inside a transaction. It
// would take a second connection, and as many at once as the pool holds would
// wait for each other for ever.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	pool, err := pg.Open(ctx, pgtest.NewURL(t)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := newShelf(t, pool)
	s.Agencies = func(context.Context, []uuid.UUID) (map[uuid.UUID]Agency, error) {
		return map[uuid.UUID]Agency{s.agency.ID: s.agency}, pool.Ping(ctx)
	}
	_, part := s.published(t, "mot-ket-noi", "Một kết nối", "Mã,Tên\n"+strings.Repeat("01,Điện thoại cố định\n", 10_000))
	// Nor does a reader hold one while it takes an export.
	if err := s.ExportRows(ctx, auth.Principal{}, part.ID, url.Values{"format": {"csv"}}, readerThat{pool.Ping, ctx}); err != nil {
		t.Errorf("export: %v", err)
	}
}

// readerThat does something with each part that it takes.
type readerThat struct {
	do  func(context.Context) error
	ctx context.Context
}

func (r readerThat) Write(part []byte) (int, error) { return len(part), r.do(r.ctx) }

// TestWhatWasReplacedBeforePublishing: a file that was put right while the
// dataset was a draft does not come out with it.
func TestWhatWasReplacedBeforePublishing(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("thay-truoc", "Thay trước"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: "a.csv", Body: strings.NewReader("Họ tên,CCCD\nAn,001\n")})
	if err != nil {
		t.Fatal(err)
	}
	replace := func(csv string) {
		t.Helper()
		s.now = s.now.Add(time.Hour)
		if _, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "a.csv", Body: strings.NewReader(csv)}); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(time.Hour)
	}
	replace("Xã,Số\nBa Tơ,2\n")
	for _, step := range []func() (Dataset, error){
		func() (Dataset, error) { return s.SubmitDataset(ctx, s.publisher, d.ID) },
		func() (Dataset, error) { return s.ApproveDataset(ctx, s.steward, d.ID) },
		func() (Dataset, error) { return s.PublishDataset(ctx, s.publisher, d.ID) },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	replace("Xã,Số\nBa Tơ,3\n")
	for _, tt := range []struct {
		name string
		who  auth.Principal
		want []int
	}{
		{"reader", auth.Principal{}, []int{3, 2}}, {"publisher", s.publisher, []int{3, 2, 1}}, {"steward", s.steward, []int{3, 2, 1}},
		{"another agency", s.stranger, []int{3, 2}},
	} {
		list, err := s.FileVersions(ctx, tt.who, part.ID)
		var got []int
		for _, f := range list {
			got = append(got, f.Version)
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: versions %v, error %v; want %v", tt.name, got, err, tt.want)
		}
		s.sameContents(t, tt.who, d.ID)
		file, _, err := s.OpenFile(ctx, tt.who, part.ID, 1)
		if err == nil {
			_ = file.Close()
		}
		if (err == nil) != slices.Contains(tt.want, 1) {
			t.Errorf("%s opens version 1: %v", tt.name, err)
		}
	}
}
