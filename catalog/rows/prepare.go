package rows

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"lgsp/internal/problem"
)

// Prepare writes the table that a plan makes of a file, as CSV in UTF-8 with
// numbers and dates as programs read them, and gives the file's own facts: the
// types of its columns and, as notes, everything that is not as it was. Where
// the text has a legacy encoding beneath, encoding names it, as Found does. It
// fails with Invalid for a plan that does not fit the file.
func Prepare(ctx context.Context, source Source, plan Plan, encoding string, out io.Writer) (Source, error) {
	if slices.Contains(legacies, encoding) && source.Format == "XLSX" {
		source.beneath.name = encoding
	}
	p, err := openPlan(ctx, source, plan)
	if err != nil {
		return Source{}, err
	}
	defer p.close()
	made := Source{Format: "CSV", Prepared: []Type{}}
	names := []string{}
	for _, c := range plan.Columns {
		if !c.Drop {
			names, made.Prepared = append(names, c.Name), append(made.Prepared, c.kept())
		}
	}
	if len(names) == 0 {
		return made, problem.Errorf(problem.Invalid, "every column is left out").Coded("plan-empty")
	}
	buffered := bufio.NewWriterSize(out, 1<<16)
	w := csv.NewWriter(buffered)
	_ = w.Write(names) // Error tells
	gone := make([]lost, len(plan.Columns))
	line := make([]string, 0, len(names))
	for {
		r, err := p.row()
		if errors.Is(err, io.EOF) {
			break
		} else if err == nil {
			err = errors.Join(ctx.Err(), w.Error())
		}
		if err == nil {
			line, err = plan.line(r, line[:0], gone)
		}
		if err != nil {
			return made, err
		}
		_ = w.Write(line) // Error tells
	}
	w.Flush()
	made.Notes = plan.told(p, gone)
	return made, errors.Join(w.Error(), buffered.Flush())
}

// lost are the cells of a column that its type has no room for.
type lost struct {
	count int64
	first []Cell
}

// line is what a row becomes. A row that is wider than the plan was not there
// when the plan was made.
func (plan Plan) line(r rawRow, line []string, gone []lost) ([]string, error) {
	for i := len(plan.Columns); i < len(r.cells); i++ {
		if r.cells[i] != "" {
			return line, problem.Errorf(problem.Invalid, "row %d is wider than the plan", r.row).Coded("plan-stale")
		}
	}
	for i, c := range plan.Columns {
		if c.Drop {
			continue
		}
		text := ""
		if i < len(r.cells) {
			text = r.cells[i]
		}
		value, ok := c.value(text)
		if !ok {
			gone[i].count++
			if len(gone[i].first) < maxMisses {
				gone[i].first = append(gone[i].first, Cell{r.row, shorten(text)})
			}
		}
		line = append(line, value)
	}
	return line, nil
}

// told are the notes of what was made of the file.
func (plan Plan) told(p *planned, gone []lost) []Finding {
	var report Report
	if p.head > 0 {
		n := strconv.Itoa(p.head)
		report.add(0, "", "rows-above-left-out", n+" rows above the names of the columns are no part of the table").with("count", n)
	}
	for i, c := range plan.Columns {
		switch {
		case c.Drop:
			report.add(0, c.Name, "rows-column-left-out", "the column is left out of what is published")
			continue
		case c.Decade:
			report.add(0, c.Name, "rows-decades", "of each date only the ten years are told that it lies in")
		}
		for _, miss := range gone[i].first {
			if c.Decade {
				break // what was left out for someone's sake is not told after all
			}
			report.add(miss.Row, c.Name, "rows-emptied", "“"+miss.Text+"” is no "+string(c.Type)+"; the cell is empty").
				with("value", miss.Text, "type", string(c.Type))
		}
		if hidden := gone[i].count - int64(len(gone[i].first)); hidden > 0 {
			report.add(0, c.Name, "rows-emptied-more", fmt.Sprintf("%d more cells did not fit and are empty", hidden)).with("count", fmt.Sprint(hidden))
		}
	}
	return report.Findings
}
