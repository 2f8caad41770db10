package rows

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"testing"

	"lgsp/internal/problem"
)

// bomb is a workbook whose sheet unpacks to size bytes of nothing, and says
// that it is told bytes long.
func bomb(t *testing.T, size int64, told uint64) string {
	t.Helper()
	var packed, file bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for spaces := bytes.Repeat([]byte(" "), 1<<20); size > 0; size -= int64(len(spaces)) {
		if _, err := deflate.Write(spaces); err != nil {
			t.Fatal(err)
		}
	}
	if err := deflate.Close(); err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(&file)
	for name, text := range map[string]string{
		"[Content_Types].xml":        `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"xl/workbook.xml":            `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
	} {
		part, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	sheet, err := archive.CreateRaw(&zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate,
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: told})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sheet.Write(packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// A workbook that unpacks to more than unzipLimit is refused before it is
// unpacked, and one that lies about it when its length is passed.
func TestWorkbookBombs(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"says so":                          bomb(t, 1<<20, 2*unzipLimit),
		"says 100 bytes, unpacks to 64 MB": bomb(t, 64<<20, 100),
	} {
		if _, err := scan(t, "XLSX", content); problem.Code(err) != "rows-xlsx-broken" {
			t.Errorf("%s: got %v, want rows-xlsx-broken", name, err)
		}
	}
}
