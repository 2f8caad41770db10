package rows

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"lgsp/internal/problem"
)

// reportUncomputed reports the cells of a sheet that hold a formula without
// its value: a program wrote them, and no spreadsheet has computed them yet.
func reportUncomputed(file, sheet string, r *Report) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return brokenWorkbook(err)
	}
	defer archive.Close()
	part, err := partOf(&archive.Reader, sheet)
	if err != nil || part == "" {
		return err
	}
	in, err := archive.Open(part)
	if err != nil {
		return brokenWorkbook(err)
	}
	defer in.Close()
	cells := bufio.NewScanner(io.LimitReader(in, unzipLimit))
	cells.Buffer(nil, 4*MaxCell)
	cells.Split(untilCellEnds)
	for cells.Scan() {
		if at, ok := uncomputed(cells.Bytes()); ok {
			r.add(rowOf(at), columnOf(at), "rows-formula-uncomputed", "the cell "+at+" holds a formula that was never computed; it is empty here").
				with("cell", at)
		}
	}
	return nil // what a cell too large means is said by who reads it
}

func brokenWorkbook(err error) error {
	return problem.Errorf(problem.Invalid, "the workbook cannot be read").Coded("rows-xlsx-broken").Because(err)
}

// partOf finds the part of the package that holds a sheet (ECMA-376 part 1,
// §18.2.19 and §9.2).
func partOf(archive *zip.Reader, sheet string) (string, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var parts struct {
		List []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &parts} {
		in, err := archive.Open(name)
		if err != nil {
			return "", nil // excelize finds its parts by other ways too
		}
		err = xml.NewDecoder(io.LimitReader(in, unzipInMemory)).Decode(into)
		_ = in.Close()
		if err != nil {
			return "", brokenWorkbook(err)
		}
	}
	for _, s := range book.Sheets {
		for _, p := range parts.List {
			if s.Name == sheet && s.ID == p.ID {
				return strings.TrimPrefix(path.Join("/xl", strings.TrimPrefix(p.Target, "/xl/")), "/"), nil
			}
		}
	}
	return "", nil
}

var cellEnd = []byte("</c>")

func untilCellEnds(data []byte, atEnd bool) (int, []byte, error) {
	if i := bytes.Index(data, cellEnd); i >= 0 {
		return i + len(cellEnd), data[:i], nil
	}
	if atEnd {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

var (
	cellStart  = regexp.MustCompile(`<c [^>]*?\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*>`)
	cellsValue = regexp.MustCompile(`<v>[^<]|<v [^>]*[^/]>[^<]|<is>`)
)

// uncomputed tells of which cell an element is, when it is a formula without
// value.
func uncomputed(element []byte) (string, bool) {
	if !bytes.Contains(element, []byte("<f")) || cellsValue.Match(element) {
		return "", false
	}
	all := cellStart.FindAllSubmatch(element, -1) // cells without content before it end in />
	if len(all) == 0 {
		return "", false
	}
	return string(all[len(all)-1][1]), true
}

func columnOf(at string) string { return strings.TrimRight(at, "0123456789") }

func rowOf(at string) int64 {
	n, _ := strconv.ParseInt(strings.TrimLeft(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 10, 64) // the pattern has digits only
	return n
}
