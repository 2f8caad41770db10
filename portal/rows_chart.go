package portal

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

// The groups that a drawing may have; of bars, those with the largest figures.
const (
	mostGroups = 40
	mostPoints = 400
)

// chartParameters are the fields of the form that chooses what is drawn.
var chartParameters = []string{"chart", "x", "y", "fn"}

// figures are the ways in which the rows of a group become one number.
var figures = []string{"sum", "avg", "min", "max"}

// drawing is a chart that a reader has chosen, with its form.
type drawing struct {
	Kind, X, Y, Fn string           // what was chosen: bar or line; columns; "" counts rows
	Columns        []catalog.Column // to group by
	Measures       []catalog.Column // to sum up
	Carried        []keptPair
	Problem        string
	By, Of         catalog.Column // as chosen; Of is zero when rows are counted
	Bars           []bar
	Line           *lineChart
	Points         []point // the figures as a table
	Cut            bool    // there are more groups
	Embed          string  // address of the chart alone; "" when nothing is drawn
}

// Figures are the ways to sum up, for the form.
func (drawing) Figures() []string { return figures }

// point is a group: what it is called, and its figure.
type point struct {
	At    cell
	Value string
}

// drawingOf is the form for a table that can be drawn, with the chart when one
// was asked for; nil for a table without a column to group by.
func (p *Portal) drawingOf(r *http.Request, t *tableView) (*drawing, error) {
	typed := r.URL.Query()
	d := &drawing{Kind: typed.Get("chart"), X: typed.Get("x"), Y: typed.Get("y"), Fn: typed.Get("fn")}
	for _, c := range t.Columns {
		if c.Type != rows.Geometry {
			d.Columns = append(d.Columns, c)
		}
		if isQuantity(c) {
			d.Measures = append(d.Measures, c)
		}
	}
	if len(d.Columns) == 0 {
		return nil, nil
	}
	carried := with(t.query, "after", "")
	for _, name := range chartParameters {
		carried.Del(name)
	}
	d.Carried = keptOf(carried)
	if d.Kind == "" {
		return d, nil
	}
	return d, p.draw(r, t, d)
}

// draw asks the rows and fills the chart in. What cannot be drawn is told.
func (p *Portal) draw(r *http.Request, t *tableView, d *drawing) error {
	question, ok := d.question()
	if !ok {
		var err error
		d.Problem, err = p.Pages.Text(localeOf(r), "rows.chart-wrong")
		return err
	}
	for name, values := range with(with(questionIn(t.query), "after", ""), "sort", "") {
		question[name] = values
	}
	answer, err := p.Catalog.QueryRows(r.Context(), whoever(r), t.Part.ID, question)
	if problem.Is(err, problem.Invalid) || problem.Is(err, problem.Timeout) {
		_, d.Problem = words(r, problem.Of(err))
		return nil
	} else if err != nil {
		return err
	}
	d.fill(answer)
	return nil
}

// question is the grouping that the choice means; ok is false for a choice
// that the form does not offer.
func (d *drawing) question() (url.Values, bool) {
	named := func(list []catalog.Column, key string) int {
		return slices.IndexFunc(list, func(c catalog.Column) bool { return c.Key == key })
	}
	x, y := named(d.Columns, d.X), named(d.Measures, d.Y)
	if d.Fn == "" {
		d.Fn = figures[0]
	}
	if x < 0 || d.Y != "" && y < 0 || d.Kind != "bar" && d.Kind != "line" || !slices.Contains(figures, d.Fn) {
		return nil, false
	}
	d.By = d.Columns[x]
	question := url.Values{"group": {d.X}, "count": {"*"}, "limit": {strconv.Itoa(mostPoints)}, "sort": {d.X}}
	measure := "count"
	if d.Y != "" {
		d.Of = d.Measures[y]
		delete(question, "count")
		question[d.Fn] = []string{d.Y}
		measure = d.Y + "__" + d.Fn
	}
	if d.Kind == "bar" {
		question.Set("limit", strconv.Itoa(mostGroups))
		if d.By.Type == rows.Text || d.By.Type == rows.Boolean {
			question.Set("sort", "-"+measure)
		}
	}
	return question, true
}

func (d *drawing) fill(answer rows.Answer) {
	d.Cut = answer.Cut
	var values []float64
	for _, row := range answer.Rows {
		if len(row) != 2 || row[1] == nil {
			continue // a group without a figure
		}
		value, err := strconv.ParseFloat(*row[1], 64)
		if err != nil {
			continue
		}
		values = append(values, value)
		d.Points = append(d.Points, point{cellOf(d.By, row[0]), decimalsAtMost(*row[1], 2)})
	}
	if len(values) == 0 {
		return
	}
	if d.Kind == "line" {
		d.Line = lineOf(d.positions(answer.Rows), values)
		return
	}
	most := 0.0
	for _, v := range values {
		most = max(most, math.Abs(v))
	}
	for i, v := range values {
		width := "0%"
		if most > 0 {
			width = strconv.FormatFloat(100*math.Abs(v)/most, 'f', 2, 64) + "%"
		}
		d.Bars = append(d.Bars, bar{Value: d.Points[i].Value, Width: width, Total: v < 0})
	}
}

// positions are where the points of a line stand: along time or numbers as
// those lie, else one after the other.
func (d *drawing) positions(all [][]*string) []float64 {
	var list []float64
	for _, row := range all {
		if len(row) != 2 || row[1] == nil {
			continue
		}
		at := float64(len(list))
		switch {
		case row[0] == nil:
			at = math.NaN()
		case d.By.Type == rows.Date:
			at = float64(day(*row[0]).Unix())
		case d.By.Type == rows.Integer || d.By.Type == rows.Decimal:
			at, _ = strconv.ParseFloat(*row[0], 64) // the database wrote it
		}
		list = append(list, at)
	}
	return list
}

// decimalsAtMost cuts a number as text to so many decimals.
func decimalsAtMost(text string, most int) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	short := strconv.FormatFloat(f, 'f', most, 64)
	if len(short) >= len(text) {
		return text
	}
	return short
}

// The size of a line's drawing, and the room for its labels.
const (
	lineWidth, lineHeight    = 720.0, 300.0
	lineLeft, lineBottom     = 96.0, 40.0
	lineTop, lineRight, dots = 12.0, 16.0, 60
)

// lineChart is a chart of points joined, in an SVG of 720 by 300.
type lineChart struct {
	Path  string
	Ticks []tick
	Dots  []dot
	Ends  [2]int // which points are named below: the first and the last
}

// tick is a level of the scale.
type tick struct{ Y, TextY, Label string }

// dot is a point; At is which of the figures it is.
type dot struct {
	X, Y string
	At   int
}

func lineOf(xs, ys []float64) *lineChart {
	l := &lineChart{}
	low, high := slices.Min(ys), slices.Max(ys)
	if low > 0 && low < high/2 {
		low = 0
	}
	step := niceStep((high - low) / 4)
	low, high = math.Floor(low/step)*step, math.Ceil(high/step)*step
	if high == low {
		high = low + step
	}
	first, last := math.Inf(1), math.Inf(-1)
	for _, x := range xs {
		if !math.IsNaN(x) {
			first, last = min(first, x), max(last, x)
		}
	}
	across := func(x float64) float64 {
		if last <= first {
			return (lineLeft + lineWidth - lineRight) / 2
		}
		return lineLeft + (x-first)/(last-first)*(lineWidth-lineLeft-lineRight)
	}
	up := func(y float64) float64 {
		return lineTop + (high-y)/(high-low)*(lineHeight-lineTop-lineBottom)
	}
	for level := low; level <= high+step/2; level += step {
		l.Ticks = append(l.Ticks, tick{decimals(up(level)), decimals(up(level) + 4), decimalsAtMost(strconv.FormatFloat(level, 'f', 6, 64), stepDecimals(step))})
	}
	l.Ends = [2]int{-1, -1}
	for i, x := range xs {
		if math.IsNaN(x) {
			continue // an empty cell has no place on the line; the table has it
		}
		mark := " L"
		if l.Path == "" {
			mark, l.Ends[0] = "M", i
		}
		l.Ends[1] = i
		l.Path += mark + decimals(across(x)) + " " + decimals(up(ys[i]))
		if len(xs) <= dots {
			l.Dots = append(l.Dots, dot{decimals(across(x)), decimals(up(ys[i])), i})
		}
	}
	return l
}

// niceStep is the next of 1, 2, 5, 10 … at or above a width.
func niceStep(width float64) float64 {
	if width <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(width)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= width {
			return m * power
		}
	}
	return 10 * power
}

func stepDecimals(step float64) int { return max(0, int(math.Ceil(-math.Log10(step)))) }
