package portal

import (
	"strconv"
	"time"

	"lgsp/catalog"
	"lgsp/catalog/rows"
)

// mostFrequent is how many of a column's values its profile lists.
const mostFrequent = 5

// profileView is what a column holds, as people read it.
type profileView struct {
	catalog.Column
	Least, Most cell         // Kind none when the column has no order
	Frequent    []countedIn  // none when its values all differ
	Bars        []profileBar // of its histogram, none without one
	Busiest     countedIn    // the fullest step of the histogram, from Text
	BusiestTo   cell
}

// countedIn is a value, or the beginning of a step, with its rows.
type countedIn struct {
	cell
	Count int64
}

// profileBar is a bar of a small histogram of 100 by 24.
type profileBar struct{ X, Y, Width, Height string }

// Profiles are what the file's columns hold; none for a table that was loaded
// before columns were counted.
func (v fileView) Profiles() []profileView {
	var list []profileView
	for _, c := range v.Columns {
		if c.Profile == nil {
			continue
		}
		p := profileView{Column: c, Least: cellOf(c, &c.Profile.Min), Most: cellOf(c, &c.Profile.Max)}
		for _, f := range c.Profile.Top[:min(len(c.Profile.Top), mostFrequent)] {
			p.Frequent = append(p.Frequent, countedIn{cellOf(c, &f.Value), f.Count})
		}
		p.draw()
		list = append(list, p)
	}
	return list
}

// draw fills in the histogram.
func (p *profileView) draw() {
	steps := p.Profile.Histogram
	most, fullest := int64(0), 0
	for i, n := range steps {
		if n > most {
			most, fullest = n, i
		}
	}
	if len(steps) < 2 || most == 0 {
		return
	}
	width := 100 / float64(len(steps))
	for i, n := range steps {
		height := 24 * float64(n) / float64(most)
		p.Bars = append(p.Bars, profileBar{X: decimals(float64(i) * width), Y: decimals(24 - height), Width: decimals(width * 0.9), Height: decimals(height)})
	}
	from, to := p.step(fullest), p.step(fullest+1)
	p.Busiest, p.BusiestTo = countedIn{cellOf(p.Column, &from), most}, cellOf(p.Column, &to)
}

// step is where a step of the histogram begins, as rows counts them: in whole
// numbers and days for those.
func (p *profileView) step(i int) string {
	n := len(p.Profile.Histogram)
	if i >= n {
		return p.Profile.Max
	}
	if p.Type == rows.Date {
		first, last := day(p.Profile.Min), day(p.Profile.Max)
		return first.Add(time.Duration(i*rows.WholeStep(last.Sub(first).Hours()/24)) * 24 * time.Hour).Format(time.DateOnly)
	}
	least, err := strconv.ParseFloat(p.Profile.Min, 64)
	most, also := strconv.ParseFloat(p.Profile.Max, 64)
	if err != nil || also != nil {
		return ""
	}
	if p.Type == rows.Integer {
		return strconv.FormatFloat(least+float64(i*rows.WholeStep(most-least)), 'f', 0, 64)
	}
	return strconv.FormatFloat(least+(most-least)/float64(n)*float64(i), 'f', 2, 64)
}

func decimals(f float64) string { return strconv.FormatFloat(f, 'f', 2, 64) }
