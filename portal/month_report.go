package portal

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/portal/notice"
	"lgsp/portal/report"
)

// monthReportRoutes are the reports of a month, of an agency and the province.
func (p *Portal) monthReportRoutes(r *mux.Router) {
	for _, at := range []string{"/agency/{agency}/report", "/operator/report"} {
		r.Handle(at, p.page(p.lastReport)).Methods("GET", "HEAD")
		r.Handle(at+"/{month:[0-9]{4}-[0-9]{2}}", p.page(p.monthReport)).Methods("GET", "HEAD")
		r.Handle(at+"/{month:[0-9]{4}-[0-9]{2}}.{form:csv|json}", p.file(p.sendReport)).Methods("GET", "HEAD")
	}
}

// monthReportData is the data of the page "month-report".
type monthReportData struct {
	Desk         *desk // nil: the whole province
	Province     string
	Report       report.Report
	Base         string // address of all its reports
	First, Last  string // days that are counted
	Before, Next string // months that can be read; "": there is none
	Running      bool   // the month is not over
	Linked       bool   // the reader has every agency's desk
	Sections     []reportSection
}

// Late is how many decisions of an agency came after their term.
func (monthReportData) Late(a report.AgencyLine) int { return a.Decided - a.InTime }

// reportSection is a part of a report.
type reportSection struct {
	Key  string
	Rows []reportRow
}

// reportRow is a figure beside that of the month before.
type reportRow struct {
	Key     string
	Is, Was string // as people write them; "" where it is not known
	Change  string // from Was, with its sign; "" where there is none to tell
	Clay    bool   // it asks for attention
}

// MonthName is a month as people there write it: 11/2026.
func (monthReportData) MonthName(month string) string { return onTimeData{}.MonthName(month) }

// lastReport answers GET /agency/{agency}/report and /operator/report: the
// report of the last month that is over.
func (p *Portal) lastReport(r *http.Request) (page, error) {
	at, err := p.reportAt(r)
	if err != nil {
		return page{}, err
	}
	now := p.Now().In(province)
	return page{To: at.path + "/" + time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, province).Format(report.Layout)}, nil
}

// reportPlace is whose report is read, and by whom.
type reportPlace struct {
	desk   *desk
	agency uuid.UUID // uuid.Nil: the province
	who    auth.Principal
	path   string
}

// reportAt is whose report the address names: an agency's desk, else the
// platform's, which is Forbidden to who may not read it.
func (p *Portal) reportAt(r *http.Request) (reportPlace, error) {
	if mux.Vars(r)["agency"] != "" {
		d, err := p.desk(r)
		return reportPlace{&d, d.Agency.ID, d.who, d.At("report")}, err
	}
	who, err := signedIn(r)
	if err == nil {
		err = p.Policy.May(r.Context(), who, "platform.read", uuid.Nil)
	}
	return reportPlace{who: who, path: "/operator/report"}, err
}

// monthReport answers GET /agency/{agency}/report/{month} and
// /operator/report/{month}: what the month came to, beside the one before.
func (p *Portal) monthReport(r *http.Request) (page, error) {
	at, err := p.reportAt(r)
	if err != nil {
		return page{}, err
	}
	read, err := p.Reports.Of(r.Context(), at.who, at.agency, mux.Vars(r)["month"])
	if err != nil {
		return page{}, err
	}
	first, err := time.ParseInLocation(report.Layout, read.Month, province)
	if err != nil {
		return page{}, err
	}
	next, now := first.AddDate(0, 1, 0), p.Now()
	data := monthReportData{Desk: at.desk, Province: p.Province, Report: read, Base: at.path, Running: now.Before(next), Linked: at.who.Has(auth.RoleOperator, uuid.Nil),
		First: first.Format(time.DateOnly), Last: next.AddDate(0, 0, -1).Format(time.DateOnly), Sections: reportSections(localeOf(r), read)}
	if data.Running {
		data.Last = now.In(province).Format(time.DateOnly)
	} else {
		data.Next = next.Format(report.Layout)
	}
	if before := first.AddDate(0, -1, 0); !before.AddDate(0, report.Oldest, 0).Before(now) {
		data.Before = before.Format(report.Layout)
	}
	return page{Name: "month-report", Data: data}, nil
}

// figureRow is a figure that a report counts, under a heading.
type figureRow struct {
	section, key string // the section is "" where the one before goes on
	of           func(report.Figures) *float64
	bad          bool // any of it asks for attention
}

func whole[N int | int64](n N) *float64 { f := float64(n); return &f }

// figureRows are the figures in the order in which they are read. A figure that
// has no meaning for a month (the share of nothing) is nil.
var figureRows = []figureRow{
	{"services", "calls", func(f report.Figures) *float64 { return whole(f.Calls) }, false},
	{"", "callers", func(f report.Figures) *float64 { return whole(f.Callers) }, false},
	{"", "refused", func(f report.Figures) *float64 { return whole(f.Refused) }, false},
	{"", "failed", func(f report.Figures) *float64 { return whole(f.Failed) }, false},
	{"", "within", func(f report.Figures) *float64 {
		if f.Calls == 0 {
			return nil
		}
		return whole(f.Within)
	}, false},
	{"agreements", "asked", func(f report.Figures) *float64 { return whole(f.Asked) }, false},
	{"", "granted", func(f report.Figures) *float64 { return whole(f.Granted) }, false},
	{"", "renewed", func(f report.Figures) *float64 { return whole(f.Renewed) }, false},
	{"", "denied", func(f report.Figures) *float64 { return whole(f.Denied) }, false},
	{"", "ended", func(f report.Figures) *float64 { return whole(f.Ended) }, false},
	{"", "decided", func(f report.Figures) *float64 { return whole(f.Decided) }, false},
	{"", "late", func(f report.Figures) *float64 { return whole(f.Decided - f.InTime) }, true},
	{"", "median", func(f report.Figures) *float64 {
		if f.Decided == 0 {
			return nil
		}
		return &f.Median
	}, false},
	{"datasets", "published", func(f report.Figures) *float64 { return whole(f.Published) }, false},
	{"", "updated", func(f report.Figures) *float64 { return whole(f.Updated) }, false},
	{"", "overdue", func(f report.Figures) *float64 {
		if f.Overdue == nil {
			return nil
		}
		return whole(*f.Overdue)
	}, true},
}

// reportSections are the figures of a report as its tables have them.
func reportSections(locale string, r report.Report) []reportSection {
	var list []reportSection
	for _, f := range figureRows {
		is, was := f.of(r.This), f.of(r.Before)
		row := reportRow{Key: f.key, Is: figureIn(locale, is), Was: figureIn(locale, was), Clay: f.bad && is != nil && *is > 0}
		if is != nil && was != nil {
			switch change := *is - *was; {
			case change > 0:
				row.Change = "+" + figureIn(locale, &change)
			case change < 0:
				change = -change
				row.Change = "−" + figureIn(locale, &change)
			}
		}
		if f.section != "" {
			list = append(list, reportSection{Key: f.section})
		}
		last := &list[len(list)-1]
		last.Rows = append(last.Rows, row)
	}
	return list
}

// figureIn writes a figure, with one decimal where it is none of a whole.
func figureIn(locale string, n *float64) string {
	if n == nil {
		return ""
	}
	whole, decimal, _ := strings.Cut(strconv.FormatFloat(*n, 'f', 1, 64), ".")
	group, point := ".", ","
	if locale == "en" {
		group, point = ",", "."
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + group + whole[i:]
	}
	if decimal != "0" {
		whole += point + decimal
	}
	return whole
}

// sendReport answers GET …/report/{month}.csv and .json: the same figures for
// a program or a spreadsheet.
func (p *Portal) sendReport(w http.ResponseWriter, r *http.Request) error {
	at, err := p.reportAt(r)
	if err != nil {
		return err
	}
	read, err := p.Reports.Of(r.Context(), at.who, at.agency, mux.Vars(r)["month"])
	if err != nil {
		return err
	}
	form, of := mux.Vars(r)["form"], "province"
	if at.desk != nil {
		of = at.desk.Agency.Slug
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Disposition", attachment(fmt.Sprintf("bao-cao-%s-%s.%s", of, read.Month, form)))
	h.Set("Content-Type", map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json"}[form])
	if r.Method == http.MethodHead {
		return nil
	}
	if form == "json" {
		_ = json.NewEncoder(w).Encode(read) // the reader may have gone
		return nil
	}
	_ = p.writeReport(w, localeOf(r), read) // as above
	return nil
}

// writeReport writes a report as one table that a spreadsheet opens: what,
// figure, in this month, in the month before. Of the province each agency's
// figures follow, which have no month before.
func (p *Portal) writeReport(w io.Writer, locale string, r report.Report) error {
	say := func(key string) string {
		text, err := p.Pages.Text(locale, key)
		if err != nil {
			return key
		}
		return text
	}
	plain := func(n *float64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatFloat(*n, 'f', -1, 64)
	}
	table := [][]string{{say("report.of"), say("report.figure"), r.Month, say("report.before")}}
	for _, f := range figureRows {
		table = append(table, []string{say("report.all"), say("report.figure-" + f.key), plain(f.of(r.This)), plain(f.of(r.Before))})
	}
	for _, s := range r.Services {
		name := titleIn(locale, s.TitleVI, s.TitleEN) + " " + s.Number
		table = append(table, []string{name, say("report.figure-calls"), strconv.FormatInt(s.Calls, 10), strconv.FormatInt(s.Before, 10)},
			[]string{name, say("report.figure-refused"), strconv.FormatInt(s.Refused, 10), ""},
			[]string{name, say("report.figure-failed"), strconv.FormatInt(s.Failed, 10), ""})
	}
	for _, s := range r.Stopped {
		table = append(table, []string{s.Application + ": " + titleIn(locale, s.TitleVI, s.TitleEN) + " " + s.Number, say("report.stopped"), "0", strconv.FormatInt(s.Before, 10)})
	}
	for _, a := range r.Agencies {
		for _, f := range figureRows {
			table = append(table, []string{titleIn(locale, a.NameVI, a.NameEN), say("report.figure-" + f.key), plain(f.of(a.Figures)), ""})
		}
	}
	out := csv.NewWriter(w)
	for _, row := range table {
		if err := out.Write(harmless(row)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from taking a name that somebody gave for a
// formula (OWASP, CSV injection).
func harmless(row []string) []string {
	out := slices.Clone(row)
	for i, cell := range out {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			if _, err := strconv.ParseFloat(cell, 64); err != nil {
				out[i] = "'" + cell
			}
		}
	}
	return out
}

// reportTold is what a notice tells of a month.
type reportTold struct {
	Month    string         `json:"month"`
	AgencyVI string         `json:"agency_vi"`
	AgencyEN string         `json:"agency_en"`
	Slug     string         `json:"slug"` // "": of the province
	This     report.Figures `json:"this"`
	Before   report.Figures `json:"before"`
	Stopped  int            `json:"stopped"`
}

// TellOfReport has those told whose month a report is.
func (p *Portal) TellOfReport(ctx context.Context, tx pgx.Tx, r report.Report) error {
	told := reportTold{Month: r.Month, This: r.This, Before: r.Before, Stopped: len(r.Stopped)}
	what := "province"
	if r.AgencyID != uuid.Nil {
		agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{r.AgencyID})
		if err != nil {
			return err
		}
		of := agencies[r.AgencyID]
		told.AgencyVI, told.AgencyEN, told.Slug, what = of.NameVI, of.NameEN, of.Slug, "agency"
	}
	e, err := notice.New(notice.MonthReport, what, told)
	if err != nil {
		return err
	}
	e.ID, e.Agency = uuid.NewSHA1(r.AgencyID, []byte("report of "+r.Month)), &r.AgencyID
	return p.Notices.Tell(ctx, tx, e)
}

// reportWords are those of a month's report: the figures that matter, beside
// those of the month before.
func (p *Portal) reportWords(to auth.Person, what string, t reportTold) (noticeWords, error) {
	path := "/operator/report/" + t.Month
	if t.Slug != "" {
		path = "/agency/" + t.Slug + "/report/" + t.Month
	}
	var lines []string
	for _, f := range figureRows {
		is := f.of(t.This)
		if is == nil || !slices.Contains([]string{"calls", "callers", "failed", "granted", "ended", "late", "median", "published", "updated", "overdue"}, f.key) {
			continue
		}
		name, err := p.Pages.Text(to.Locale, "report.figure-"+f.key)
		if err != nil {
			return noticeWords{}, err
		}
		line := "- " + name + ": " + figureIn(to.Locale, is)
		if was := f.of(t.Before); was != nil {
			before, err := p.Pages.Text(to.Locale, "report.letter-before", "figure", figureIn(to.Locale, was))
			if err != nil {
				return noticeWords{}, err
			}
			line += before
		}
		lines = append(lines, line)
	}
	if t.Stopped > 0 {
		line, err := p.Pages.Text(to.Locale, "report.letter-stopped", "n", t.Stopped)
		if err != nil {
			return noticeWords{}, err
		}
		lines = append(lines, "- "+line)
	}
	return p.said(to, path, "report.letter-subject-"+what, "report.letter-text-"+what,
		"month", onTimeData{}.MonthName(t.Month), "agency", titleIn(to.Locale, t.AgencyVI, t.AgencyEN), "list", strings.Join(lines, "\n"))
}
