package portal

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
)

// onTimeRoutes are how agencies keep the terms of their decisions.
func (p *Portal) onTimeRoutes(r *mux.Router) {
	r.Handle("/on-time", p.page(p.onTime)).Methods("GET", "HEAD")
	r.Handle("/operator/clocks", p.page(p.clocks)).Methods("GET", "HEAD")
}

// onTimeData is the data of the page "on-time".
type onTimeData struct {
	agreement.League
	Rows  []onTimeRow
	Line  onTimeLine
	Clock agreement.Clock
	Empty bool // nothing was decided
}

// onTimeRow is an agency in the league, with its bar.
type onTimeRow struct {
	agreement.OnTime
	Slug, NameVI, NameEN string
	Percent              int
}

// onTimeLine is the share by month as a line, drawn over 720 × 300.
type onTimeLine struct {
	Path string
	Dots []onTimeDot
}

type onTimeDot struct{ X, Y string }

// percentOf is a share as people read it.
func percentOf(share float64) int { return int(math.Round(share * 100)) }

// MonthPercent is a month's share.
func (onTimeData) MonthPercent(share float64) int { return percentOf(share) }

// MonthName is a month as people there write it: 11/2026.
func (onTimeData) MonthName(month string) string {
	year, number, _ := strings.Cut(month, "-")
	return strings.TrimPrefix(number, "0") + "/" + year
}

// onTime answers GET /on-time: the league of the agencies, for everyone.
func (p *Portal) onTime(r *http.Request) (page, error) {
	ctx, typed := r.Context(), r.URL.Query()
	league, err := p.Agreements.League(ctx, typed.Get("from"), typed.Get("until"))
	if err != nil {
		return page{}, err
	}
	data := onTimeData{League: league, Line: shareLine(league.Months), Empty: true}
	if data.Clock, err = p.Agreements.DecisionClock(ctx); err != nil {
		return page{}, err
	}
	var ids []uuid.UUID
	for _, a := range league.Agencies {
		ids = append(ids, a.Agency)
	}
	agencies, err := p.Auth.Agencies(ctx, ids)
	if err != nil {
		return page{}, err
	}
	for _, a := range league.Agencies {
		agency, known := agencies[a.Agency]
		if !known {
			continue
		}
		data.Empty = data.Empty && a.Decided == 0
		data.Rows = append(data.Rows, onTimeRow{a, agency.Slug, agency.NameVI, agency.NameEN, percentOf(a.Share)})
	}
	return page{Name: "on-time", Data: data}, nil
}

// shareLine draws the share of each month in which something was decided; a month
// without leaves a gap.
func shareLine(months []agreement.MonthOnTime) onTimeLine {
	var line onTimeLine
	var path strings.Builder
	pen := "M"
	for i, m := range months {
		if m.Decided == 0 {
			pen = "M"
			continue
		}
		x := 400.0
		if len(months) > 1 {
			x = 96 + 608*float64(i)/float64(len(months)-1)
		}
		dot := onTimeDot{strconv.FormatFloat(x, 'f', 1, 64), strconv.FormatFloat(260-240*m.Share, 'f', 1, 64)}
		fmt.Fprintf(&path, "%s%s %s", pen, dot.X, dot.Y)
		line.Dots = append(line.Dots, dot)
		pen = "L"
	}
	line.Path = path.String()
	return line
}

// clocksData is the data of the page "operator-clocks".
type clocksData struct {
	Overdue bool // only those are shown
	Rows    []clockRow
	Next    string
	First   string
}

// clockRow is a request that waits, and whose it is to decide.
type clockRow struct {
	standingRow
	Term agreement.Term
}

// clocks answers GET /operator/clocks: what is overdue in all agencies, or all
// that waits, by its clock.
func (p *Portal) clocks(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	typed := r.URL.Query()
	data := clocksData{Overdue: typed.Get("all") == ""}
	list, err := p.Agreements.WaitingRequests(r.Context(), who, agreement.WaitingFilter{Overdue: data.Overdue, Limit: 50, After: typed.Get("after")})
	if err != nil {
		return page{}, err
	}
	all := "all"
	if data.Overdue {
		all = ""
	}
	if list.Next != "" {
		data.Next = "/operator/clocks?" + withQuery("all", all, "after", list.Next)
	}
	if typed.Get("after") != "" {
		data.First = "/operator/clocks?" + withQuery("all", all)
	}
	var agreements []agreement.Agreement
	for _, item := range list.Items {
		agreements = append(agreements, item.Agreement)
	}
	rows, err := p.standingRows(r, agreements)
	if err != nil {
		return page{}, err
	}
	for i, row := range rows {
		data.Rows = append(data.Rows, clockRow{row, list.Items[i].Term})
	}
	return page{Name: "operator-clocks", Data: data}, nil
}
