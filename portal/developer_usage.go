package portal

import (
	"net/http"
	"time"

	"github.com/google/uuid"
)

// usageDays is how many days the picture of an application's calls shows.
const usageDays = 14

// The picture's measures, in its own units: a bar for each day over a line
// of days, the number of calls on top of it.
const (
	usageStep   = 26
	usageBar    = 18
	usageHeight = 100 // of the highest bar
	usageTop    = 18  // above it, for its number
)

// usage is an application's calls by day, drawn as bars.
type usage struct {
	Days          []usageDay // oldest first
	Calls         int64
	Width, Height int
	Base          int // where the bars stand
	LabelY        int // of the days below them
}

// usageDay is one day of the province, and where its bar lies.
type usageDay struct {
	Day            time.Time
	Label          string // "23/11"; "" when it is not written below
	Calls, Refused int64
	X, Width       int
	Middle         int
	Y, H           int // of the calls answered
	RefusedY, RefH int // of those refused, on top
	NumberY        int
}

// usageOf counts and draws the calls of an application.
func (p *Portal) usageOf(r *http.Request, application uuid.UUID) (usage, error) {
	today := day(p.Now().In(province).Format(time.DateOnly))
	since := today.AddDate(0, 0, 1-usageDays)
	list, err := p.Ledger.UsageOf(r.Context(), whoever(r), application, since)
	if err != nil {
		return usage{}, err
	}
	days := make([]usageDay, usageDays)
	for i := range days {
		days[i].Day = since.AddDate(0, 0, i)
	}
	for _, u := range list {
		i := int(u.Day.Sub(since).Hours() / 24)
		if i >= 0 && i < usageDays {
			days[i].Calls += u.Calls
			days[i].Refused += u.Refused
		}
	}
	form := map[string]string{"vi": "2/1", "en": "2 Jan"}[localeOf(r)]
	for i := usageDays - 1; i >= 0; i -= 2 {
		days[i].Label = days[i].Day.Format(form)
	}
	return drawUsage(days), nil
}

// drawUsage says where each bar lies. Bars begin at zero.
func drawUsage(days []usageDay) usage {
	u := usage{Days: days, Width: usageStep * len(days), Base: usageTop + usageHeight,
		LabelY: usageTop + usageHeight + 15, Height: usageTop + usageHeight + 20}
	most := int64(1)
	for _, d := range days {
		u.Calls += d.Calls
		most = max(most, d.Calls)
	}
	for i := range days {
		d := &days[i]
		d.X, d.Middle, d.Width = i*usageStep+(usageStep-usageBar)/2, i*usageStep+usageStep/2, usageBar
		whole := heightOf(d.Calls, most)
		d.RefH = heightOf(d.Refused, most)
		d.H = max(0, whole-d.RefH)
		d.Y, d.RefusedY, d.NumberY = u.Base-d.H, u.Base-d.H-d.RefH, u.Base-d.H-d.RefH-5
	}
	return u
}

// heightOf is the height of a bar; even one call can be seen.
func heightOf(n, most int64) int {
	if n == 0 {
		return 0
	}
	return max(2, int(n*usageHeight/most))
}
