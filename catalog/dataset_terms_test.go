package catalog

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestDatasetKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	full := text("thue-bao", "Thuê bao")
	full.AccessRights, full.RightsVI, full.RightsEN = AccessRestricted, "Hỏi Sở.", "Ask the department."
	full.Creator, full.Languages, full.Version = "Trung tâm CNTT", []string{"VIE", "ENG"}, "2025"
	full.VersionNotesVI, full.VersionNotesEN = "Thêm xã.", "Communes added."
	full.ConformsTo = []string{"https://www.w3.org/TR/tabular-data-model/"}
	full.ProvenanceVI, full.ProvenanceEN = "Chép từ công văn.", "Copied from a letter."
	full.SpatialCodes, full.BBox, full.LandingPage = []string{"51", "21115"}, []float64{108.1, 14.5, 109.2, 15.5}, "https://sokhcn.example/thue-bao"
	made, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, full)
	if err != nil {
		t.Fatal(err)
	}
	full.Licence, full.Frequency, full.ContactName = "CC-BY-4.0", "UNKNOWN", s.agency.TitleVI
	full.KeywordsVI, full.KeywordsEN = []string{"khoa học", "công nghệ", "viễn thông"}, []string{"science", "technology"}
	full.Fields = OwnValues{}
	if !reflect.DeepEqual(made.DatasetText, full) {
		t.Errorf("created\n%+v\nwant\n%+v", made.DatasetText, full)
	}
	if made, err = s.EditDataset(ctx, s.publisher, made.ID, text("thue-bao", "Thuê bao")); err != nil {
		t.Fatal(err)
	}
	want := text("thue-bao", "Thuê bao")
	want.ContactName, want.Fields = s.agency.TitleVI, OwnValues{}
	if err := want.check(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(made.DatasetText, want) || want.AccessRights != AccessPublic || !slices.Equal(want.Languages, []string{"VIE"}) {
		t.Errorf("edited to\n%+v\nwant\n%+v", made.DatasetText, want)
	}
}

func TestDatasetTermsAreChecked(t *testing.T) {
	t.Parallel()
	many := func(n int, value string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(value, i)
		}
		return list
	}
	for _, tt := range []struct {
		name, field string
		spoil       func(*DatasetText)
	}{
		{"access of no list", "access_rights", func(t *DatasetText) { t.AccessRights = "MẬT" }},
		{"language of no list", "languages", func(t *DatasetText) { t.Languages = []string{"VIE", "vi"} }},
		{"a standard that is a script", "conforms_to", func(t *DatasetText) { t.ConformsTo = []string{"javascript:x"} }},
		{"a standard that is no text", "conforms_to", func(t *DatasetText) { t.ConformsTo = []string{"https://a.example/\xff"} }},
		{"a very long standard", "conforms_to", func(t *DatasetText) { t.ConformsTo = []string{"https://a.example/" + strings.Repeat("x", 2000)} }},
		{"eleven standards", "conforms_to", func(t *DatasetText) { t.ConformsTo = many(11, "https://a.example/%d") }},
		{"a place of three digits", "spatial_codes", func(t *DatasetText) { t.SpatialCodes = []string{"512"} }},
		{"201 places", "spatial_codes", func(t *DatasetText) { t.SpatialCodes = many(201, "%05d") }},
		{"a box of three", "bbox", func(t *DatasetText) { t.BBox = []float64{1, 2, 3} }},
		{"latitude before longitude", "bbox", func(t *DatasetText) { t.BBox = []float64{14.5, 108.1, 15.5, 109.2} }},
		{"east before west", "bbox", func(t *DatasetText) { t.BBox = []float64{109, 14, 108, 15} }},
		{"no number", "bbox", func(t *DatasetText) { t.BBox = []float64{math.NaN(), 14, 108, 15} }},
		{"a page that is no address", "landing_page", func(t *DatasetText) { t.LandingPage = "sokhcn.example" }},
		{"a long statement", "rights_vi", func(t *DatasetText) { t.RightsVI = strings.Repeat("ă", 2001) }},
		{"a long version", "version", func(t *DatasetText) { t.Version = strings.Repeat("1", 41) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := text("a-b", "A")
			tt.spoil(&text)
			var wrong *problem.Error
			if err := text.check(); !errors.As(err, &wrong) || len(wrong.Fields) != 1 || wrong.Fields[0].Name != tt.field {
				t.Errorf("got %v, want one error, of %s", err, tt.field)
			}
		})
	}
	point := text("a-b", "A")
	point.BBox = []float64{108.8, 15.12, 108.8, 15.12}
	if err := point.check(); err != nil {
		t.Errorf("a point: %v", err)
	}
}
