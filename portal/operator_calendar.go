package portal

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/internal/problem"
	"lgsp/web"
)

// calendarRoutes are the calendar of working days: for everyone to read, for
// operators to keep.
func (p *Portal) calendarRoutes(r *mux.Router) {
	r.Handle("/holidays", p.page(p.holidays)).Methods("GET", "HEAD")
	r.Handle("/operator/holidays", p.page(p.keepHolidays)).Methods("GET", "HEAD")
	r.Handle("/operator/holidays", p.page(p.addHoliday)).Methods("POST")
	r.Handle("/operator/holidays/import", p.page(p.importHolidays)).Methods("POST")
	r.Handle("/operator/holidays/{day}", p.page(p.holiday)).Methods("GET", "HEAD")
	r.Handle("/operator/holidays/{day}", p.page(p.correctHoliday)).Methods("POST")
	r.Handle("/operator/holidays/{day}/withdraw", p.page(p.withdrawHoliday)).Methods("POST")
}

// holidaysData is the data of the pages "holidays" and "operator-holidays".
type holidaysData struct {
	Year    int
	Years   []agreement.Year
	Days    []dayView
	Kinds   []web.Option
	Edits   bool // the reader keeps the calendar
	NoNext  int  // the next year, when nothing is known of it
	Unknown int  // days of the year that no decision confirms
}

// dayView is a day with its name in the week.
type dayView struct {
	agreement.Day
	Weekday int // 0 is Sunday
}

func viewOfDay(d agreement.Day) dayView {
	at, _ := time.Parse(time.DateOnly, d.Day) // a date of the database
	return dayView{d, int(at.Weekday())}
}

// holidays answers GET /holidays, for everyone.
func (p *Portal) holidays(r *http.Request) (page, error) {
	data, err := p.calendarYear(r)
	return page{Name: "holidays", Data: data}, err
}

// calendarYear is the year that the address asks for, else this one.
func (p *Portal) calendarYear(r *http.Request) (holidaysData, error) {
	now := p.Now().In(province).Year()
	data := holidaysData{Year: now}
	if year, err := strconv.Atoi(r.URL.Query().Get("year")); err == nil {
		data.Year = year
	}
	var err error
	if data.Years, err = p.Agreements.Years(r.Context()); err != nil {
		return data, err
	}
	days, err := p.Agreements.Days(r.Context(), data.Year)
	if err != nil {
		return data, err
	}
	for _, day := range days {
		data.Days = append(data.Days, viewOfDay(day))
		if !day.Confirmed {
			data.Unknown++
		}
	}
	if !slices.ContainsFunc(data.Years, func(y agreement.Year) bool { return y.Year == now+1 }) {
		data.NoNext = now + 1
	}
	return data, nil
}

// keepHolidays answers GET /operator/holidays.
func (p *Portal) keepHolidays(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Policy.May(r.Context(), who, "platform.read", uuid.Nil); err != nil {
		return page{}, err
	}
	data, err := p.calendarYear(r)
	if err != nil {
		return page{}, err
	}
	data.Edits = p.Policy.May(r.Context(), who, "calendar.edit", uuid.Nil) == nil
	data.Kinds, err = p.dayKinds(r)
	return page{Name: "operator-holidays", Data: data}, err
}

func (p *Portal) dayKinds(r *http.Request) ([]web.Option, error) {
	var options []web.Option
	for _, kind := range []string{agreement.DayOff, agreement.DayWorked} {
		text, err := p.Pages.Text(localeOf(r), "registers.day-"+kind)
		if err != nil {
			return nil, err
		}
		options = append(options, web.Option{Value: kind, Text: text})
	}
	return options, nil
}

// dayIn reads the form of a day.
func dayIn(r *http.Request, day string) agreement.DayChange {
	return agreement.DayChange{Reason: r.PostFormValue("reason"), DayText: agreement.DayText{
		Day: day, Kind: r.PostFormValue("kind"), TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"),
		Confirmed: r.PostFormValue("confirmed") == "yes", Source: r.PostFormValue("source")}}
}

// yearOf is the year of a day, 0 when it is none.
func yearOf(day string) int {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return at.Year()
}

// keptDay leads back to the year of a day that was changed.
func keptDay(kept agreement.DayKept, key string) page {
	return page{To: "/operator/holidays?year=" + strconv.Itoa(yearOf(kept.Day.Day)),
		Flash: &web.Flash{Key: key, Args: []string{"day", kept.Day.Day, "recount", strconv.Itoa(kept.Recount)}}}
}

// addHoliday answers POST /operator/holidays.
func (p *Portal) addHoliday(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	kept, err := p.Agreements.AddDay(r.Context(), who, dayIn(r, r.PostFormValue("day")))
	if err != nil {
		return again(r, p.keepHolidays, err)
	}
	return keptDay(kept, "registers.day-added"), nil
}

// importHolidays answers POST /operator/holidays/import: a file, or text.
func (p *Portal) importHolidays(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	text, err := fileText(r, "file", 1<<20)
	if err != nil {
		return again(r, p.keepHolidays, err)
	}
	done, err := p.Agreements.ImportDays(r.Context(), who, text, r.PostFormValue("import_reason"))
	if err != nil {
		return again(r, p.keepHolidays, fieldHere(err, "reason", "import_reason"))
	}
	return page{To: "/operator/holidays", Flash: &web.Flash{Key: "registers.days-imported", Args: []string{"added", strconv.Itoa(done.Added),
		"corrected", strconv.Itoa(done.Corrected), "same", strconv.Itoa(done.Same), "recount", strconv.Itoa(done.Recount)}}}, nil
}

// fileText is what a form's file holds, at most so many bytes; one that is
// missing is empty.
func fileText(r *http.Request, name string, most int64) ([]byte, error) {
	file, _, err := r.FormFile(name)
	if err != nil {
		return nil, problem.Errorf(problem.Invalid, "no file").Coded("fields-wrong").Wrong(name, "required", "is required")
	}
	text, err := io.ReadAll(io.LimitReader(file, most))
	_ = file.Close() // it was read
	return text, err
}

// holidayData is the data of the page "operator-holiday".
type holidayData struct {
	dayView
	History []entryView
	Kinds   []web.Option
	Edits   bool
}

// entryView is a version of a register's entry with the name of who wrote it.
type entryView struct {
	agreement.Entry
	By string // "" when it came with the platform, or the account is gone
}

// holiday answers GET /operator/holidays/{day}: the day, and its versions.
func (p *Portal) holiday(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx, name := r.Context(), mux.Vars(r)["day"]
	history, err := p.Agreements.DayHistory(ctx, who, name)
	if err != nil {
		return page{}, err
	}
	days, err := p.Agreements.Days(ctx, max(2020, min(2100, yearOf(name))))
	if err != nil {
		return page{}, err
	}
	i := slices.IndexFunc(days, func(d agreement.Day) bool { return d.Day == name })
	if i < 0 {
		return page{}, problem.Errorf(problem.NotFound, "no %s in the calendar", name).Coded("day-unknown", "day", name)
	}
	data := holidayData{dayView: viewOfDay(days[i]), Edits: p.Policy.May(ctx, who, "calendar.edit", uuid.Nil) == nil}
	if data.History, err = p.entryViews(r, history); err != nil {
		return page{}, err
	}
	data.Kinds, err = p.dayKinds(r)
	return page{Name: "operator-holiday", Data: data}, err
}

// entryViews adds the names of who wrote them.
func (p *Portal) entryViews(r *http.Request, entries []agreement.Entry) ([]entryView, error) {
	var ids []uuid.UUID
	for _, e := range entries {
		if e.PersonID != nil {
			ids = append(ids, *e.PersonID)
		}
	}
	people, err := p.Auth.Persons(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	views := make([]entryView, len(entries))
	for i, e := range entries {
		views[i] = entryView{Entry: e}
		if e.PersonID != nil {
			views[i].By = people[*e.PersonID].Name
		}
	}
	return views, nil
}

// correctHoliday answers POST /operator/holidays/{day}.
func (p *Portal) correctHoliday(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	kept, err := p.Agreements.CorrectDay(r.Context(), who, dayIn(r, mux.Vars(r)["day"]))
	if err != nil {
		return again(r, p.holiday, err)
	}
	return keptDay(kept, "registers.day-corrected"), nil
}

// withdrawHoliday answers POST /operator/holidays/{day}/withdraw.
func (p *Portal) withdrawHoliday(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	kept, err := p.Agreements.WithdrawDay(r.Context(), who, mux.Vars(r)["day"], r.PostFormValue("withdraw_reason"))
	if err != nil {
		return again(r, p.holiday, fieldHere(err, "reason", "withdraw_reason"))
	}
	return keptDay(kept, "registers.day-withdrawn"), nil
}

// fieldHere says what is wrong with a field by the name that it has on a page with
// several forms.
func fieldHere(err error, name, here string) error {
	var e *problem.Error
	if !errors.As(err, &e) {
		return err
	}
	for i := range e.Fields {
		if e.Fields[i].Name == name {
			e.Fields[i].Name = here
		}
	}
	return e
}
