package dcat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/catalog"
)

// A distribution of which nothing is known but where it is says nothing else.
func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	t.Parallel()
	s := &Site{Origin: "https://mo.example"}
	d := catalog.Dataset{}
	d.AccessRights = catalog.AccessPublic
	d.Slug, d.TitleVI = "ab", "Ab"
	d.Distributions = []catalog.Distribution{{ID: uuid.Nil, TitleVI: "Liên kết", FileVersion: catalog.FileVersion{Format: "LẠ"}}}
	g := newGraph()
	s.describeDataset(g, d)
	var b bytes.Buffer
	writeTurtle(&b, g)
	text, err := json.Marshal([]any{SchemaOrg(s.Origin, "en", d, nil), s.us(d), s.entry(d)})
	if err != nil {
		t.Fatal(err)
	}
	b.Write(text)
	for _, bad := range []string{"byteSize", "checksum", "mediaType", "media-types", "dct:format", "dct:license", "sha256", "contentSize", "encodingFormat",
		"dct:theme", "dct:spatial", "dct:temporal", "vcard:hasEmail", `"license"`, "/licence/"} {
		if strings.Contains(strings.ReplaceAll(b.String(), "@prefix", ""), bad) {
			t.Errorf("%s is said", bad)
		}
	}
	if !strings.Contains(b.String(), `dcat:accessURL <https://mo.example/r/00000000-0000-0000-0000-000000000000>`) {
		t.Errorf("where it is is not said:\n%s", b.String())
	}
}

func TestSchemaOrgInEachLanguage(t *testing.T) {
	t.Parallel()
	d := catalog.Dataset{}
	d.AccessRights, d.TitleVI, d.TitleEN, d.NotesVI, d.TemporalEnd, d.BBox = catalog.AccessRestricted, "Giá", "Prices", "Một.\n\nHai.", "2025-12-31", []float64{1, 2, 3, 4}
	vi, en := SchemaOrg("https://mo.example", "vi", d, nil), SchemaOrg("https://mo.example", "en", d, nil)
	for _, row := range []struct{ got, want any }{
		{vi["name"], "Giá"}, {en["name"], "Prices"}, {vi["alternateName"], "Prices"}, {en["alternateName"], "Giá"},
		{en["description"], "Một."}, {vi["isAccessibleForFree"], false}, {vi["temporalCoverage"], "../2025-12-31"},
		{en["url"], "https://mo.example/en/dataset/"}, {vi["distribution"], nil},
		{vi["spatialCoverage"].(map[string]any)["geo"].(map[string]any)["box"], "2 1 4 3"},
	} {
		if row.got != row.want {
			t.Errorf("got %v, want %v", row.got, row.want)
		}
	}
}
