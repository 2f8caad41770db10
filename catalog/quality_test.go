package catalog

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/pgtest"
)

// TestPublishedDatasetsAreExcellent holds the promise that title, notes,
// theme, period and area are all that a person must type.
func TestPublishedDatasetsAreExcellent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, content string
		total         int
		stars         Stars
	}{
		{"a.csv", "xa,so\nA,1\n", 405, Stars{3, "linked-data"}},
		{"a.pdf", "%PDF-1.7", 365, Stars{1, "no-table"}},
		{"a.docx", "PK", 365, Stars{1, "no-table"}},
		{"a.zip", "PK", 385, Stars{1, "no-table"}},
		{"a.parquet", "PAR1", 365, Stars{1, "no-table"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
			d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, DatasetText{TitleVI: "Hộ nghèo", NotesVI: "Số hộ nghèo theo xã.",
				Theme: "SOCI", TemporalStart: "2025-01-01", TemporalEnd: "2025-12-31", Spatial: "Toàn tỉnh"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: tt.file, Body: strings.NewReader(tt.content)}); err != nil {
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
			q := QualityOf(d)
			if q.Total != tt.total || q.Total < Excellent || q.Rating != "excellent" || q.Stars != tt.stars {
				t.Errorf("got %d points (%s), %+v; want %d, excellent, %+v; missing %+v", q.Total, q.Rating, q.Stars, tt.total, tt.stars, q.Next())
			}
		})
	}
}

// described is a dataset that has every point.
func described() Dataset {
	d := Dataset{Agency: Agency{TitleVI: "Sở"}, DatasetText: text("a-b", "A")}
	d.Spatial, d.TemporalStart, d.ContactName, d.UpdatedAt = "Toàn tỉnh", "2025-01-01", "Sở", d.UpdatedAt.AddDate(2024, 0, 0)
	if err := d.check(); err != nil {
		panic(err)
	}
	rows := int64(1)
	d.Distributions = []Distribution{{Rows: &rows, FileVersion: FileVersion{Format: "CSV", MediaType: "text/csv", Size: 10}}}
	return d
}

func TestEachPointOfQuality(t *testing.T) {
	t.Parallel()
	weights := map[string]int{}
	for _, l := range looks {
		weights[l.dimension] += l.points
	}
	want := map[string]int{"findability": 100, "accessibility": 100, "interoperability": 110, "reusability": 75, "contextuality": 20}
	for dimension, points := range want {
		if weights[dimension] != points {
			t.Errorf("%s has %d points, want %d", dimension, weights[dimension], points)
		}
	}
	if q := QualityOf(described()); q.Total != MostQuality || len(q.Next()) != 0 || len(q.Points) != 23 {
		t.Fatalf("the best has %d of %d points, %d looks, lacks %+v", q.Total, MostQuality, len(q.Points), q.Next())
	}
	for _, tt := range []struct {
		name  string
		spoil func(*Dataset)
		lost  map[string]string // point: why
	}{
		{"no keywords", func(d *Dataset) { d.KeywordsVI, d.KeywordsEN = nil, nil }, map[string]string{"keyword": "none"}},
		{"keywords in English only", func(d *Dataset) { d.KeywordsVI = nil }, nil},
		{"no theme", func(d *Dataset) { d.Theme = "" }, map[string]string{"theme": "none"}},
		{"no area", func(d *Dataset) { d.Spatial = "" }, map[string]string{"spatial": "none"}},
		{"an area by its code", func(d *Dataset) { d.Spatial, d.SpatialCodes = "", []string{"51"} }, nil},
		{"an area by a box", func(d *Dataset) { d.Spatial, d.BBox = "", []float64{108, 14, 109, 15} }, nil},
		{"no period", func(d *Dataset) { d.TemporalStart = "" }, map[string]string{"temporal": "none"}},
		{"an end alone", func(d *Dataset) { d.TemporalStart, d.TemporalEnd = "", "2025-01-01" }, nil},
		{"no notes", func(d *Dataset) { d.NotesVI = "" }, map[string]string{"dcat-ap": "none"}},
		{"no licence", func(d *Dataset) { d.Licence = "" }, map[string]string{"licence": "none", "licence-vocabulary": "none"}},
		{"a licence of its own", func(d *Dataset) { d.Licence = "riêng" }, map[string]string{"licence-vocabulary": "none"}},
		{"no access rights", func(d *Dataset) { d.AccessRights = "" }, map[string]string{"access-rights": "none", "access-rights-vocabulary": "none"}},
		{"nobody to ask", func(d *Dataset) { d.ContactName = "" }, map[string]string{"contact": "none"}},
		{"no publisher", func(d *Dataset) { d.Agency = Agency{} }, map[string]string{"publisher": "none"}},
		{"restricted", func(d *Dataset) { d.AccessRights = AccessRestricted },
			map[string]string{"access-url": "restricted", "download-url": "restricted", "download": "restricted"}},
		{"restricted, and read by a citizen", func(d *Dataset) { d.AccessRights, d.Distributions = AccessRestricted, nil },
			map[string]string{"access-url": "restricted", "download-url": "restricted", "download": "restricted", "format": "restricted",
				"media-type": "restricted", "format-vocabulary": "restricted", "free-format": "restricted", "readable": "restricted",
				"dcat-ap": "restricted", "byte-size": "restricted"}},
		{"a workbook that is no table", func(d *Dataset) {
			d.Distributions = []Distribution{{FileVersion: FileVersion{Format: "XLSX", MediaType: mediaTypes["xlsx"], Size: 1}}}
		}, map[string]string{"free-format": "none"}},
		{"a workbook that is one", func(d *Dataset) { d.Distributions[0].Format = "XLSX" }, nil},
		{"a document beside the table", func(d *Dataset) {
			d.Distributions = append([]Distribution{{FileVersion: FileVersion{Format: "PDF", MediaType: "application/pdf", Size: 1}}}, d.Distributions...)
		}, nil},
		{"a document alone", func(d *Dataset) {
			d.Distributions = []Distribution{{FileVersion: FileVersion{Format: "PDF", MediaType: "application/pdf", Size: 1}}}
		}, map[string]string{"free-format": "none", "readable": "none"}},
		{"a type that nobody knows", func(d *Dataset) { d.Distributions[0].MediaType = "x/y" }, map[string]string{"format-vocabulary": "none"}},
		{"no file", func(d *Dataset) { d.Distributions = nil }, map[string]string{"access-url": "no-file", "download-url": "no-file", "download": "no-file",
			"format": "no-file", "media-type": "no-file", "format-vocabulary": "no-file", "free-format": "no-file", "readable": "no-file",
			"dcat-ap": "no-file", "byte-size": "no-file"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := described()
			tt.spoil(&d)
			q, lost, sum := QualityOf(d), map[string]string{}, 0
			for _, p := range q.Next() {
				lost[p.Code] = p.Why
				sum += p.Most
			}
			if len(lost) != len(tt.lost) || q.Total != MostQuality-sum {
				t.Errorf("total %d, lost %v, want %v", q.Total, lost, tt.lost)
			}
			for point, why := range tt.lost {
				if lost[point] != why {
					t.Errorf("%s: %q, want %q", point, lost[point], why)
				}
			}
		})
	}
	for total, want := range map[int]string{405: "excellent", 351: "excellent", 350: "good", 221: "good", 220: "sufficient", 121: "sufficient", 120: "bad", 0: "bad"} {
		if got := ratingOf(total); got != want {
			t.Errorf("%d points are %s, want %s", total, got, want)
		}
	}
}

func TestStars(t *testing.T) {
	t.Parallel()
	sheet := FileVersion{Format: "XLSX"}
	for _, tt := range []struct {
		name  string
		spoil func(*Dataset)
		want  Stars
	}{
		{"a table", func(*Dataset) {}, Stars{3, "linked-data"}},
		{"a workbook that is no table", func(d *Dataset) { d.Distributions = []Distribution{{FileVersion: sheet}} }, Stars{2, "closed-format"}},
		{"a document", func(d *Dataset) { d.Distributions = []Distribution{{FileVersion: FileVersion{Format: "PDF"}}} }, Stars{1, "no-table"}},
		{"a text in a free format", func(d *Dataset) { d.Distributions = []Distribution{{FileVersion: FileVersion{Format: "TXT"}}} }, Stars{1, "no-table"}},
		{"nothing", func(d *Dataset) { d.Distributions = nil }, Stars{0, "no-file"}},
		{"restricted", func(d *Dataset) { d.AccessRights = AccessRestricted }, Stars{0, "restricted"}},
	} {
		d := described()
		if tt.spoil(&d); starsOf(d) != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, starsOf(d), tt.want)
		}
	}
}

func TestRightsAreStatedForEveryDataset(t *testing.T) {
	t.Parallel()
	d := described()
	if vi, en := d.Rights(); !strings.Contains(vi, "CC BY 4.0") || !strings.Contains(en, "CC BY 4.0") {
		t.Errorf("stated as %q and %q, want the licence in both", vi, en)
	}
	d.AccessRights = AccessRestricted
	if vi, _ := d.Rights(); !strings.Contains(vi, "phải hỏi cơ quan") {
		t.Errorf("restricted data: %q", vi)
	}
	d.RightsVI, d.RightsEN = "Riêng.", "Its own."
	if vi, en := d.Rights(); vi != "Riêng." || en != "Its own." {
		t.Errorf("an agency's own words: %q, %q", vi, en)
	}
}

func TestSomebodyAnswersForEveryDataset(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	s.Agencies = func(context.Context, []uuid.UUID) (map[uuid.UUID]Agency, error) {
		return map[uuid.UUID]Agency{s.agency.ID: s.agency}, nil
	}
	own := text("c-d", "C")
	own.ContactPhone = "0255 1234"
	for _, tt := range []struct {
		name  string
		focal Contact
		text  DatasetText
		want  Contact
	}{
		{"the focal officer", Contact{"Lan", "lan@example.vn", "0255"}, text("a-b", "A"), Contact{"Lan", "lan@example.vn", "0255"}},
		{"the agency", Contact{}, text("b-c", "B"), Contact{Name: s.agency.TitleVI}},
		{"who was named", Contact{"Lan", "lan@example.vn", "0255"}, own, Contact{Phone: "0255 1234"}},
	} {
		s.agency.Contact = tt.focal
		d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, tt.text)
		if got := (Contact{d.ContactName, d.ContactEmail, d.ContactPhone}); err != nil || got != tt.want {
			t.Errorf("%s: got %+v, error %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

// Links count as what they last were found to be.
func TestQualityOfLinks(t *testing.T) {
	t.Parallel()
	file := Distribution{FileVersion: FileVersion{Format: "CSV"}}
	link := func(state, format string) Distribution {
		return Distribution{FileVersion: FileVersion{Format: format}, Link: Link{LinkURL: "https://a.vn/x", LinkState: state}}
	}
	for name, tt := range map[string]struct {
		parts []Distribution
		want  string // of access-url, download-url and download
	}{
		"a file":                      {[]Distribution{file}, "had had had"},
		"a link that opens":           {[]Distribution{link(LinkOK, "CSV")}, "link-answers had link-answers"},
		"a broken link":               {[]Distribution{link(LinkBroken, "CSV")}, "link-broken had link-broken"},
		"a new link":                  {[]Distribution{link(LinkUnchecked, "CSV")}, "link-unchecked had link-unchecked"},
		"broken and new":              {[]Distribution{link(LinkBroken, "CSV"), link(LinkUnchecked, "CSV")}, "link-unchecked had link-unchecked"},
		"one of two opens":            {[]Distribution{link(LinkOK, "CSV"), link(LinkUnchecked, "CSV")}, "link-answers had link-answers"},
		"a page":                      {[]Distribution{link(LinkOK, "HTML")}, "link-answers no-download no-download"},
		"a page and a broken link":    {[]Distribution{link(LinkOK, "HTML"), link(LinkBroken, "CSV")}, "link-answers had link-broken"},
		"a broken link beside a file": {[]Distribution{link(LinkBroken, "CSV"), file}, "had had had"},
		"nothing":                     {nil, "no-file no-file no-file"},
	} {
		d := described()
		d.Distributions = tt.parts
		var got []string
		for _, p := range QualityOf(d).Points {
			if p.Dimension != "accessibility" {
				continue
			}
			got = append(got, p.Why)
			if had := p.Why == "had" || p.Why == "link-answers"; had != (p.Got == p.Most) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", name, got, tt.want)
		}
	}
}
