package rows

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
)

// Found is what a file that was made for people turned out to hold, read by a
// plan and, where the plan says nothing, by what looks right.
type Found struct {
	Encoding string        `json:"encoding"` // how its text is written; "" in a workbook
	Percent  int           `json:"percent"`  // of its words that are Vietnamese then; 0: nothing had to be weighed
	Sheet    string        `json:"sheet"`
	Sheets   []string      `json:"sheets"` // of a workbook
	Header   int64         `json:"header"` // the row of the names
	Above    []string      `json:"above"`  // what stands above it
	Tops     []Line        `json:"tops"`   // the first rows, to choose the header from
	Rows     int64         `json:"rows"`
	Last     int64         `json:"last"`  // the row where the table ends
	Total    int64         `json:"total"` // the row beneath it that sums it up; 0: none is seen
	Columns  []FoundColumn `json:"columns"`
	First    []Line        `json:"first"` // the first 20 rows
	Notes    []Finding     `json:"notes"`
}

// Line is a row of the file.
type Line struct {
	Row   int64    `json:"row"`
	Cells []string `json:"cells"`
}

// FoundColumn is a column with how many of its cells are of each type, and which
// are not.
type FoundColumn struct {
	Name     string          `json:"name"`
	Type     Type            `json:"type"`    // what it can be made without losing a cell
	Leaning  Type            `json:"leaning"` // what more than half of its cells are; "" where that is all, or nothing
	Notation Notation        `json:"notation"`
	Filled   int64           `json:"filled"`
	Fits     map[Type]int64  `json:"fits"`
	Misses   map[Type][]Cell `json:"misses"` // the first 20 of each
	Least    string          `json:"least"`  // of its dates
	Most     string          `json:"most"`
}

// Misfits is how many cells are not of a type.
func (c FoundColumn) Misfits(t Type) int64 {
	if t == Text {
		return 0
	}
	return c.Filled - c.Fits[t]
}

// Cell is a cell of a column.
type Cell struct {
	Row  int64  `json:"row"`
	Text string `json:"text"`
}

// Watch is who looks on while a file is read; any part may be nil.
type Watch struct {
	Begin func(names []string)   // may come twice; the last counts
	Row   func(cells []string)   // valid until the next
	Told  func(rows int64) error // now and then, how far it is
}

const (
	firstShown = 20
	topsShown  = 15
	toldEvery  = 20_000 // rows
)

// Inspect reads a whole file by the sheet, header and last row of a plan. It
// fails with Invalid for what cannot be read as a table, or is not there.
func Inspect(ctx context.Context, source Source, plan Plan, watch Watch) (Found, error) {
	f, beneath, err := inspectOnce(ctx, source, plan, watch)
	if err != nil || beneath.name == "" {
		return f, err
	}
	source.beneath = beneath
	f, _, err = inspectOnce(ctx, source, plan, watch)
	f.Encoding, f.Percent = beneath.name, int(beneath.confidence*100)
	return f, err
}

func inspectOnce(ctx context.Context, source Source, plan Plan, watch Watch) (Found, encoding, error) {
	p, err := openPlan(ctx, source, plan)
	if err != nil {
		return Found{}, encoding{}, err
	}
	defer p.close()
	f := p.found()
	columns, text, end := []*inspected{}, disguised{proper: source.beneath.name != ""}, ending{}
	workbook := f.Sheets != nil
	widen := func(cells []string) {
		for i := len(columns); i < min(len(cells), MaxColumns); i++ {
			columns = append(columns, newInspected(workbook))
		}
	}
	widen(p.names())
	if watch.Begin != nil {
		watch.Begin(p.names())
	}
	for {
		r, err := p.row()
		if errors.Is(err, io.EOF) {
			break
		} else if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return f, encoding{}, err
		}
		widen(r.cells)
		f.take(r, columns, watch)
		end.see(r)
		for _, s := range r.cells {
			if !isASCII(s) {
				text.see(s)
			}
		}
		if f.Rows > MaxRows {
			return f, encoding{}, refuse("rows-too-many", r.row, "more than %d rows", MaxRows)
		}
		if watch.Told != nil && f.Rows%toldEvery == 0 {
			if err := watch.Told(f.Rows); err != nil {
				return f, encoding{}, err
			}
		}
	}
	if f.Rows == 0 {
		return f, encoding{}, refuse("rows-empty", f.Header, "the file holds no table")
	}
	f.Total = end.total(len(columns), f.Rows)
	return f, text.found(), f.finish(p.names(), columns)
}

// found is what is known before the first row.
func (p *planned) found() Found {
	f := Found{Header: p.tops[p.head].row, Above: p.above(), Notes: p.r.traits().notes}
	for _, r := range p.tops[:min(len(p.tops), topsShown)] {
		f.Tops = append(f.Tops, Line{r.row, shortened(r.cells)})
	}
	r := p.r
	if u, is := r.(*undisguised); is {
		r = u.reader
	}
	switch r := r.(type) {
	case *workbook:
		f.Sheet, f.Sheets = r.sheet, r.file.GetSheetList()
	case *delimited:
		f.Encoding, f.Percent = r.enc.name, int(r.enc.confidence*100)
	}
	return f
}

func (f *Found) take(r rawRow, columns []*inspected, watch Watch) {
	f.Rows++
	f.Last = r.row
	if len(f.First) < firstShown {
		f.First = append(f.First, Line{r.row, shortened(r.cells)})
	}
	for i := range min(len(r.cells), len(columns)) {
		if s := strings.TrimSpace(r.cells[i]); s != "" {
			columns[i].see(r.row, s)
		}
	}
	if watch.Row != nil {
		watch.Row(r.cells)
	}
}

func shortened(cells []string) []string {
	list := make([]string, len(cells))
	for i, s := range cells {
		list[i] = shorten(strings.TrimSpace(s))
	}
	return list
}

// finish names the columns and says what each can be.
func (f *Found) finish(names []string, seen []*inspected) error {
	for len(names) < len(seen) {
		names = append(slices.Clone(names), "")
	}
	for len(names) > 0 && strings.TrimSpace(names[len(names)-1]) == "" && (len(names) > len(seen) || seen[len(names)-1].filled == 0) {
		names = names[:len(names)-1] // nothing stands there, nor is it named
	}
	var report Report
	columns, err := cleanHeader(names, &report)
	if err != nil {
		return err
	}
	for i, c := range columns {
		f.Columns = append(f.Columns, seen[i].column(c.Name))
	}
	for _, note := range report.Findings {
		note.Row = f.Header
		f.Notes = append(f.Notes, note)
	}
	return nil
}

// inspected learns of a column, cell by cell.
type inspected struct {
	filled    int64
	strict    tracker
	dot       bool
	notations [2]Notation
	fits      [2]map[Type]int64
	misses    [2]map[Type][]Cell
	least     string
	most      string
}

func newInspected(workbook bool) *inspected {
	c := &inspected{dot: workbook, notations: [2]Notation{Vietnamese, English}}
	if workbook {
		c.notations = [2]Notation{Plain, Mixed}
	}
	for i := range c.notations {
		c.fits[i], c.misses[i] = map[Type]int64{}, map[Type][]Cell{}
	}
	return c
}

func (c *inspected) see(row int64, text string) {
	c.filled++
	c.strict.see(row, cell{text: text}, c.dot)
	for i, n := range c.notations {
		for _, t := range []Type{Integer, Decimal, Date, Boolean} {
			value, ok := n.read(t, text)
			if !ok {
				if len(c.misses[i][t]) < maxMisses {
					c.misses[i][t] = append(c.misses[i][t], Cell{row, shorten(text)})
				}
				continue
			}
			c.fits[i][t]++
			if t == Date && i == 0 {
				if c.least == "" || value < c.least {
					c.least = value
				}
				c.most = max(c.most, value)
			}
		}
	}
}

// column is what was learned. The first notation wins where both read as much.
func (c *inspected) column(name string) FoundColumn {
	way := 0
	if c.fits[1][Decimal] > c.fits[0][Decimal] {
		way = 1
	}
	var report Report
	strict, numbers := c.strict.decide(name, &report)
	if !c.dot && (strict == Integer || strict == Decimal) {
		way = map[bool]int{true: 1}[numbers == english]
	}
	f := FoundColumn{Name: name, Type: strict, Notation: c.notations[way], Filled: c.filled, Fits: c.fits[way], Misses: c.misses[way],
		Least: c.least, Most: c.most}
	doubtful := slices.ContainsFunc(report.Findings, func(n Finding) bool { return n.Code == "rows-commas-doubtful" })
	if f.Type != Text || isCode(name) || doubtful || c.filled == 0 {
		return f
	}
	for _, t := range []Type{Integer, Decimal, Date, Boolean} {
		if f.Fits[t] == f.Filled {
			f.Type = t
			return f
		}
	}
	for _, t := range []Type{Integer, Decimal, Date, Boolean} {
		if f.Fits[t]*2 > f.Filled && f.Fits[t] > f.Fits[f.Leaning] {
			f.Leaning = t
		}
	}
	return f
}
