package rows

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
)

// extraName is the column that takes what stands beyond the header's last.
const extraName = "cột thừa"

// Scan reads a whole file and gives its columns with their types, how many
// rows it has, and what was found. It fails with Invalid, naming the row, for
// a file that cannot be read as a table. Memory does not grow with the file.
func Scan(ctx context.Context, source Source) (Table, error) {
	t := Table{source: source}
	r, err := source.open(ctx)
	if err != nil {
		return t, err
	}
	defer r.close()
	for _, note := range r.traits().notes {
		t.Report.Findings = append(t.Report.Findings, note)
		t.Report.Count++
	}
	if t.Columns, err = cleanHeader(r.header(), &t.Report); err != nil {
		return t, err
	}
	trackers := make([]tracker, len(t.Columns))
	extra := false
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return t, err
		}
		if err := ctx.Err(); err != nil {
			return t, err
		}
		if t.Rows++; t.Rows > MaxRows {
			return t, refuse("rows-too-many", rec.row, "more than %d rows", MaxRows)
		}
		long := t.checkWidth(rec, r.traits().padded)
		extra = extra || long
		for i := range min(len(rec.cells), len(trackers)) {
			if strings.ContainsRune(rec.cells[i].text, '\uFFFD') {
				t.Report.add(rec.row, t.Columns[i].Name, "rows-unreadable", "a character was already unreadable in the file")
			}
			trackers[i].see(rec.row, rec.cells[i], r.traits().dot)
		}
	}
	t.finish(trackers, extra)
	return t, nil
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

func (t *Table) finish(trackers []tracker, extra bool) {
	t.numbers = make([]numbers, len(t.Columns))
	for i := range trackers {
		t.Columns[i].Type, t.numbers[i] = trackers[i].decide(t.Columns[i].Name, &t.Report)
	}
	if extra {
		n := len(t.Columns) + 1
		names, keys := map[string]bool{}, map[string]bool{}
		for _, c := range t.Columns {
			names[c.Name], keys[c.Key] = true, true
		}
		name := unique(extraName, " ", names)
		t.Columns = append(t.Columns, Column{Key: unique(keyOf(name), "_", keys), Name: name, Type: Text,
			Position: n, Field: "c" + strconv.Itoa(n)})
		t.numbers = append(t.numbers, vietnamese)
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
