package rows

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"lgsp/internal/problem"
)

// planned reads a file by a plan: the rows below the header, to the last.
type planned struct {
	r     reader
	tops  []rawRow // the file's first rows
	head  int      // which of them names the columns
	next  int      // of tops, to be read
	last  int64
	cells []string
}

// openPlan stands before the first row below the header. It fails with Invalid
// for a sheet or a header that the file does not have.
func openPlan(ctx context.Context, source Source, plan Plan) (*planned, error) {
	source.Sheet = plan.Sheet
	r, err := source.open(ctx)
	if err != nil {
		return nil, err
	}
	p := &planned{r: r, last: plan.Last}
	if err := p.begin(plan.Header); err != nil {
		r.close()
		return nil, err
	}
	return p, nil
}

func (p *planned) begin(header int64) error {
	names := make([]cell, len(p.r.header()))
	for i, name := range p.r.header() {
		names[i] = cell{text: name}
	}
	p.tops = append(p.tops, rawOf(p.r.traits().at, names))
	for len(p.tops) < titled {
		rec, err := p.r.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		p.tops = append(p.tops, rawOf(rec.row, rec.cells))
	}
	p.head = headerAmong(p.tops)
	if header > 0 {
		p.head = slices.IndexFunc(p.tops, func(r rawRow) bool { return r.row == header })
		if p.head < 0 {
			return problem.Errorf(problem.Invalid, "the names of the columns cannot stand in row %d", header).
				Coded("plan-header", "row", strconv.FormatInt(header, 10)).
				Wrong("header", "plan-header", "no such row among the first", "row", strconv.FormatInt(header, 10))
		}
	}
	p.next = p.head + 1
	if p.next < len(p.tops) && isNumbering(p.tops[p.next].cells) {
		p.next++
	}
	return nil
}

func (p *planned) names() []string { return p.tops[p.head].cells }
func (p *planned) close()          { p.r.close() }

// above is what stands above the header, a line a row.
func (p *planned) above() []string {
	var lines []string
	for _, r := range p.tops[:min(p.head, 20)] {
		if line := strings.Join(strings.Fields(strings.Join(r.cells, " ")), " "); line != "" {
			lines = append(lines, shorten300(line))
		}
	}
	return lines
}

// row gives the next row of the table, io.EOF at its end. Its cells are valid
// until the next one is read.
func (p *planned) row() (rawRow, error) {
	for {
		r, err := p.any()
		switch {
		case err != nil:
			return r, err
		case p.last > 0 && r.row > p.last:
			return r, io.EOF
		case r.filled() > 0:
			return r, nil
		}
	}
}

func (p *planned) any() (rawRow, error) {
	if p.next < len(p.tops) {
		p.next++
		return p.tops[p.next-1], nil
	}
	rec, err := p.r.next()
	if err != nil {
		return rawRow{}, err
	}
	p.cells = p.cells[:0]
	for _, c := range rec.cells {
		p.cells = append(p.cells, c.text)
	}
	return rawRow{rec.row, p.cells}, nil
}

// shorten300 cuts a line to what a title may have.
func shorten300(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300])
	}
	return s
}
