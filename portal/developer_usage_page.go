package portal

import (
	"cmp"
	"context"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// How many days the page of an application's use shows, and how many kinds of
// failure of how many days its own page.
const (
	useDays        = 30
	glanceDays     = 7
	glanceFailures = 3
)

func (p *Portal) applicationUsageRoutes(r *mux.Router) {
	r.Handle("/developer/applications/{id}/usage", p.page(p.applicationUsage)).Methods("GET", "HEAD")
	r.Handle("/developer/applications/{id}/usage.csv", p.file(p.sendUsage)).Methods("GET", "HEAD")
}

// applicationUsageData is the data of the page "developer-usage".
type applicationUsageData struct {
	Application auth.Application
	Days        int
	Sum         ledger.Usage
	Operations  []operationUse // the most called first
	ByDay       []operationUse // the latest day first
	More        bool           // there are more rows by day than are shown
	Failures    []failureRow   // the latest first
	Agreements  []agreementRow // those in force, with what is left
}

// operationUse is how often an operation was called, on a day or on all.
type operationUse struct {
	ledger.Usage
	Version *catalog.Version // nil: the reader may not see it any more
	Title   string           // in the page's language; ""
}

// mostByDay is how many rows by day the page shows; the CSV has all.
const mostByDay = 200

// Href is the operation's page, "" when unknown.
func (u operationUse) Href() string { return operationHref(u.Version, u.Operation) }

func operationHref(v *catalog.Version, operation string) string {
	if v == nil || operation == "" {
		return ""
	}
	return "/apis" + v.Prefix() + "/" + operation
}

// failureRow is what calls were refused or failed with, in words, and what is
// done about it.
type failureRow struct {
	callRow
	Calls  int64
	LastAt time.Time
}

// applicationUsage answers GET /developer/applications/{id}/usage: the last 30
// days by version, operation and day, what failed and what to do about it, and
// what is left of each quota.
func (p *Portal) applicationUsage(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	data := applicationUsageData{Application: app, Days: useDays}
	since := p.usedSince()
	used, err := p.Ledger.UsageOf(r.Context(), who, app.ID, since)
	if err != nil {
		return page{}, err
	}
	known := map[uuid.UUID]called{}
	for _, u := range used {
		data.Sum.Calls, data.Sum.Refused = data.Sum.Calls+u.Calls, data.Sum.Refused+u.Refused
		one, err := p.operationUse(r, known, u)
		if err != nil {
			return page{}, err
		}
		i := slices.IndexFunc(data.Operations, func(o operationUse) bool { return o.VersionID == u.VersionID && o.Operation == u.Operation })
		if i < 0 {
			data.Operations = append(data.Operations, one)
		} else {
			data.Operations[i].Calls, data.Operations[i].Refused = data.Operations[i].Calls+u.Calls, data.Operations[i].Refused+u.Refused
		}
		if data.More = len(data.ByDay) == mostByDay; !data.More {
			data.ByDay = append(data.ByDay, one)
		}
	}
	slices.SortStableFunc(data.Operations, func(a, b operationUse) int { return cmp.Compare(b.Calls, a.Calls) })
	if data.Failures, err = p.failuresOf(r, app, since, ledger.MaxFailures); err != nil {
		return page{}, err
	}
	mine, err := p.Agreements.Mine(r.Context(), who, agreement.Filter{Application: app.ID, State: agreement.Active, Limit: 50})
	if err != nil {
		return page{}, err
	}
	for _, g := range mine.Items {
		row, err := p.withQuota(r, g)
		if err != nil {
			return page{}, err
		}
		data.Agreements = append(data.Agreements, row)
	}
	return page{Name: "developer-usage", Data: data}, nil
}

// usedSince is the first of the days that are shown.
func (p *Portal) usedSince() time.Time { return p.Now().AddDate(0, 0, 1-useDays) }

// operationUse adds to a count the names that people know it by; each version is
// read once.
func (p *Portal) operationUse(r *http.Request, known map[uuid.UUID]called, u ledger.Usage) (operationUse, error) {
	to, seen := known[u.VersionID]
	if !seen {
		var err error
		if to, err = p.called(r, u.VersionID); err != nil {
			return operationUse{}, err
		}
		known[u.VersionID] = to
	}
	return operationUse{u, to.version, to.titles[u.Operation]}, nil
}

// failuresOf are the latest kinds of failure of an application's calls since a
// day, each with what to do about it.
func (p *Portal) failuresOf(r *http.Request, app auth.Application, since time.Time, most int) ([]failureRow, error) {
	list, err := p.Ledger.FailuresOf(r.Context(), whoever(r), app.ID, since, most)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	known := map[uuid.UUID]called{}
	calls := make([]callRow, len(list))
	for i, f := range list {
		use, err := p.operationUse(r, known, ledger.Usage{VersionID: f.VersionID, Operation: f.Operation})
		if err != nil {
			return nil, err
		}
		calls[i] = callRow{Application: app.Name, Version: use.Version, Title: use.Title, Href: use.Href(), ExchangeEntry: ledger.ExchangeEntry{
			Exchange: ledger.Exchange{VersionID: f.VersionID, ApplicationID: app.ID, Operation: f.Operation, Status: f.Status, Code: f.Code, At: f.LastAt}}}
		if f.Code != "" {
			calls[i].Refusal, _ = wordsOfCode(r, f.Code)
		}
	}
	if err := p.diagnose(r, app, calls); err != nil {
		return nil, err
	}
	rows := make([]failureRow, len(list))
	for i, f := range list {
		rows[i] = failureRow{calls[i], f.Calls, f.LastAt}
	}
	return rows, nil
}

// sendUsage answers GET /developer/applications/{id}/usage.csv: a line for each
// day and operation.
func (p *Portal) sendUsage(w http.ResponseWriter, r *http.Request) error {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return err
	}
	used, err := p.Ledger.UsageOf(r.Context(), who, app.ID, p.usedSince())
	if err != nil {
		return err
	}
	known := map[uuid.UUID]called{}
	table := [][]string{{"day", "version", "operation", "calls", "refused_or_failed"}}
	for _, u := range used {
		one, err := p.operationUse(r, known, u)
		if err != nil {
			return err
		}
		version := u.VersionID.String()
		if one.Version != nil {
			version = one.Version.Prefix()
		}
		table = append(table, harmless([]string{u.Day.Format(time.DateOnly), version, u.Operation, strconv.FormatInt(u.Calls, 10), strconv.FormatInt(u.Refused, 10)}))
	}
	h := w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", attachment("usage-"+app.ID.String()+".csv"))
	if r.Method != http.MethodHead {
		_ = csv.NewWriter(w).WriteAll(table) // the reader may have gone
	}
	return nil
}

// failureTold is a kind of failure for programs: what the gateway's code means.
type failureTold struct {
	ledger.Failure
	Title  string `json:"title,omitempty"`  // of the problem, in the language asked for
	Detail string `json:"detail,omitempty"` // what happened and what to do; "" where it depends on the call
}

// showFailures answers GET /applications/{id}/failures.
//
//	@Summary		What an application's calls were refused or failed with, by operation, status and code, the latest first
//	@Description	At most 200 kinds. code is that of the gateway's problem, explained at /docs/problems/{code}; without one the service itself answered so.
//	@Tags			evidence
//	@Security		bearer
//	@Param			id		path		string	true	"id of the application"
//	@Param			since	query		string	false	"RFC 3339, counted from the beginning of its day; none: the last 30 days"
//	@Success		200		{object}	items[failureTold]
//	@Router			/applications/{id}/failures [get]
func (a *API) showFailures(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "since")
	if err != nil {
		return err
	}
	since, err := timeOf(values, "since")
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = a.Ledger.Now().AddDate(0, 0, 1-useDays)
	}
	w.Header().Add("Vary", "Accept-Language")
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[failureTold], error) {
		list, err := a.Ledger.FailuresOf(ctx, who, id, since, ledger.MaxFailures)
		told := items[failureTold]{Items: []failureTold{}}
		for _, f := range list {
			one := failureTold{Failure: f}
			if f.Code != "" {
				one.Title, one.Detail = wordsIn(problem.Locale(r), f.Code)
			}
			told.Items = append(told.Items, one)
		}
		return told, err
	})
}
