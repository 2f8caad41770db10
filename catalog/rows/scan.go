package rows

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// extraName is the column that takes what stands beyond the header's last.
const extraName = "cột thừa"

// Scan reads a whole file and gives its columns with their types, how many
// rows it has, and what was found. It fails with Invalid, naming the row, for
// a file that cannot be read as a table. Memory does not grow with the file.
func Scan(ctx context.Context, source Source) (Table, error) {
	t, beneath, err := scanOnce(ctx, source)
	if err != nil || beneath.name == "" {
		return t, err
	}
	source.beneath = beneath
	t, _, err = scanOnce(ctx, source)
	return t, err
}

// scanOnce is Scan; beneath is the legacy encoding that the text turned out to
// be in, for it to be read again.
func scanOnce(ctx context.Context, source Source) (Table, encoding, error) {
	t := Table{source: source}
	r, err := source.open(ctx)
	if err != nil {
		return t, encoding{}, err
	}
	defer r.close()
	traits := r.traits()
	for _, note := range slices.Concat(traits.notes, source.Notes) {
		t.Report.note(note)
	}
	if t.Columns, err = cleanHeader(r.header(), &t.Report); err != nil {
		return t, encoding{}, err
	}
	in := inspection{places: placesOf(t.Columns), trackers: make([]tracker, len(t.Columns)), traits: traits}
	in.text.proper = source.beneath.name != ""
	for _, c := range t.Columns {
		in.text.see(c.Name)
	}
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return t, encoding{}, err
		}
		if err := ctx.Err(); err != nil {
			return t, encoding{}, err
		}
		if t.Rows++; t.Rows > MaxRows {
			return t, encoding{}, refuse("rows-too-many", rec.row, "more than %d rows", MaxRows)
		}
		in.row(&t, rec)
	}
	t.finish(in)
	return t, in.text.found(), nil
}

// inspection is what is learned of a table row by row.
type inspection struct {
	trackers []tracker
	traits   traits
	places   whereabouts
	text     disguised
	extra    bool // a row had more cells than the header
}

func (in *inspection) row(t *Table, rec record) {
	in.extra = t.checkWidth(rec, in.traits.padded) || in.extra
	for i := range min(len(rec.cells), len(in.trackers)) {
		c := rec.cells[i]
		if c.text == "" {
			continue
		}
		if !isASCII(c.text) {
			in.text.see(c.text)
			if strings.ContainsRune(c.text, '\uFFFD') {
				t.Report.add(rec.row, t.Columns[i].Name, "rows-unreadable", "a character was already unreadable in the file")
			}
		}
		if c.text[0] == '=' || c.text[0] == '#' {
			t.checkFormula(rec.row, t.Columns[i].Name, c.text)
		}
		if in.traits.shapes != "" && t.Columns[i].Name == in.traits.shapes {
			checkShape(&t.Report, rec.row, c.text)
			continue
		}
		in.trackers[i].see(rec.row, c, in.traits.dot)
	}
	in.places.check(t, rec)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// checkFormula reports what a spreadsheet would compute, or could not.
func (t *Table) checkFormula(row int64, column, text string) {
	if len(text) > 1 && text[0] == '=' {
		t.Report.add(row, column, "rows-formula", "the formula “"+shorten(text)+"” is kept as text and not computed").with("value", shorten(text))
	}
	switch text {
	case "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#N/A", "#NUM!", "#NULL!":
		t.Report.add(row, column, "rows-formula-error", "a formula had failed in the workbook: "+text).with("value", text)
	}
}

// checkWidth reports a row that is shorter or longer than the header; extra
// cells that are empty are no loss.
func (t *Table) checkWidth(rec record, padded bool) bool {
	want, got := len(t.Columns), len(rec.cells)
	if got < want && !padded {
		t.Report.add(rec.row, "", "rows-short", "the row has "+strconv.Itoa(got)+" cells, not "+strconv.Itoa(want)+"; the missing ones are empty").
			with("count", strconv.Itoa(got), "want", strconv.Itoa(want))
	}
	for i := want; i < got; i++ {
		if !rec.cells[i].null {
			t.Report.add(rec.row, "", "rows-long", "the row has "+strconv.Itoa(got)+" cells, not "+strconv.Itoa(want)+"; the extra ones are kept in the column "+extraName).
				with("count", strconv.Itoa(got), "want", strconv.Itoa(want), "column", extraName)
			return true
		}
	}
	return false
}

func (t *Table) finish(in inspection) {
	t.numbers, t.longest = make([]numbers, len(t.Columns)), make([]int, len(t.Columns))
	for i := range in.trackers {
		t.longest[i] = in.trackers[i].longest
		if in.traits.shapes != "" && t.Columns[i].Name == in.traits.shapes {
			t.Columns[i].Type = Geometry
			continue
		}
		if i < len(t.source.Prepared) {
			t.Columns[i].Type, t.numbers[i] = t.source.Prepared[i], english
			continue
		}
		t.Columns[i].Type, t.numbers[i] = in.trackers[i].decide(t.Columns[i].Name, &t.Report)
	}
	if in.extra {
		n := len(t.Columns) + 1
		names, keys := map[string]bool{}, map[string]bool{}
		for _, c := range t.Columns {
			names[c.Name], keys[c.Key] = true, true
		}
		name := unique(extraName, " ", names)
		t.Columns = append(t.Columns, Column{Key: unique(keyOf(name), "_", keys), Name: name, Type: Text,
			Position: n, Field: "c" + strconv.Itoa(n)})
		t.numbers, t.longest = append(t.numbers, vietnamese), append(t.longest, MaxRecord)
	}
	t.Report.Rows = t.Rows
	if t.Report.Findings == nil {
		t.Report.Findings = []Finding{}
	}
}

// extraText joins the cells beyond the header's last as one CSV line; null
// when all are empty.
func extraText(cells []cell) cell {
	texts, empty := make([]string, len(cells)), true
	for i, c := range cells {
		texts[i] = c.text
		empty = empty && c.null
	}
	if empty {
		return cell{null: true}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(texts) // a Builder does not fail
	w.Flush()
	return cell{text: strings.TrimSuffix(b.String(), "\n")}
}
