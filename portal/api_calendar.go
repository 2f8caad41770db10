package portal

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
)

func (a *API) calendarRoutes(r routes) {
	r.get("/holidays", a.listHolidays)
	r.post("/holidays", a.addHoliday)
	r.post("/holidays/import", a.importHolidays)
	r.put("/holidays/{day}", a.correctHoliday)
	r.post("/holidays/{day}/withdraw", a.withdrawHoliday)
	r.get("/holidays/{day}/history", a.holidayHistory)
}

// listHolidays answers GET /holidays.
//
//	@Summary	The days of a year that differ from the week: days off, and days of a weekend that are worked
//	@Tags		agreements
//	@Param		year	query		int	false	"2020 to 2100, default this year"
//	@Success	200		{object}	items[agreement.Day]
//	@Router		/holidays [get]
func (a *API) listHolidays(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "year")
	if err != nil {
		return err
	}
	year := a.Agreements.Now().In(province).Year()
	if text := values.Get("year"); text != "" {
		if year, err = strconv.Atoi(text); err != nil {
			return wrongParameter("year", "2020 … 2100")
		}
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[agreement.Day], error) {
		list, err := a.Agreements.Days(ctx, year)
		return items[agreement.Day]{Items: list}, err
	})
}

// addHoliday answers POST /holidays.
//
//	@Summary	Add a day to the calendar of working days; running terms are counted anew
//	@Tags		agreements
//	@Security	bearer
//	@Param		body	body		agreement.DayChange	true	"the day, and why"
//	@Success	201		{object}	agreement.DayKept
//	@Router		/holidays [post]
func (a *API) addHoliday(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, c agreement.DayChange) (agreement.DayKept, string, error) {
		kept, err := a.Agreements.AddDay(ctx, who, c)
		return kept, "/holidays?year=" + strconv.Itoa(yearOf(kept.Day.Day)), err
	})
}

// correctHoliday answers PUT /holidays/{day}.
//
//	@Summary	Replace what the calendar says of a day; running terms are counted anew
//	@Tags		agreements
//	@Security	bearer
//	@Param		day		path		string				true	"YYYY-MM-DD"
//	@Param		body	body		agreement.DayChange	true	"the day as it is to be, and why; its own day may be left out"
//	@Success	200		{object}	agreement.DayKept
//	@Router		/holidays/{day} [put]
func (a *API) correctHoliday(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	c, err := decode[agreement.DayChange](w, r)
	if err != nil {
		return err
	}
	c.Day = mux.Vars(r)["day"]
	kept, err := a.Agreements.CorrectDay(r.Context(), who, c)
	if err != nil {
		return err
	}
	return answer(w, r, kept)
}

// withdrawHoliday answers POST /holidays/{day}/withdraw.
//
//	@Summary	Take a day out of the calendar; running terms are counted anew
//	@Tags		agreements
//	@Security	bearer
//	@Param		day		path		string	true	"YYYY-MM-DD"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	agreement.DayKept
//	@Router		/holidays/{day}/withdraw [post]
func (a *API) withdrawHoliday(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	why, err := decode[remark](w, r)
	if err != nil {
		return err
	}
	kept, err := a.Agreements.WithdrawDay(r.Context(), who, mux.Vars(r)["day"], why.Text)
	if err != nil {
		return err
	}
	return answer(w, r, kept)
}

// holidayHistory answers GET /holidays/{day}/history.
//
//	@Summary	Every version of a day of the calendar, newest first
//	@Tags		agreements
//	@Security	bearer
//	@Param		day	path		string	true	"YYYY-MM-DD"
//	@Success	200	{object}	items[agreement.Entry]
//	@Router		/holidays/{day}/history [get]
func (a *API) holidayHistory(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[agreement.Entry], error) {
		list, err := a.Agreements.DayHistory(ctx, who, mux.Vars(r)["day"])
		return items[agreement.Entry]{Items: list}, err
	})
}

// daysFile is a file of days.
type daysFile struct {
	CSV    string `json:"csv"` // a line of names (day, title_vi, title_en, source, kind, confirmed), then a line a day
	Reason string `json:"reason"`
}

// importHolidays answers POST /holidays/import.
//
//	@Summary	Add and correct the days of a CSV file, all or none; days that it does not name stay
//	@Tags		agreements
//	@Security	bearer
//	@Param		body	body		daysFile	true	"the file, at most 256 kB, and why"
//	@Success	200		{object}	agreement.DaysImported
//	@Router		/holidays/import [post]
func (a *API) importHolidays(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	file, err := decode[daysFile](w, r)
	if err != nil {
		return err
	}
	done, err := a.Agreements.ImportDays(r.Context(), who, []byte(file.CSV), file.Reason)
	if err != nil {
		return err
	}
	return answer(w, r, done)
}
