package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
)

func (a *API) waitingRoutes(r routes) {
	r.get("/waiting", a.listAllWaiting)
	r.get("/agencies/{id}/waiting", a.listWaiting)
	r.get("/agencies/{id}/flagged", a.listFlagged)
	r.get("/on-time", a.showLeague)
}

// waitingFilter reads what a list of requests is narrowed to.
func waitingFilter(r *http.Request) (agreement.WaitingFilter, error) {
	return waitingFilterWith(r)
}

// waitingFilterWith reads it where further parameters are known.
func waitingFilterWith(r *http.Request, more ...string) (agreement.WaitingFilter, error) {
	values, err := query(r, append(more, "overdue", "limit", "after")...)
	if err != nil {
		return agreement.WaitingFilter{}, err
	}
	f, err := waitingFilterOf(values)
	if err != nil || len(more) == 0 {
		return f, err
	}
	f.Text = values.Get("q")
	if f.Service, err = idOf(values, "service"); err == nil {
		f.Owner, err = idOf(values, "owner")
	}
	return f, err
}

func waitingFilterOf(values url.Values) (agreement.WaitingFilter, error) {
	f := agreement.WaitingFilter{Overdue: values.Get("overdue") == "true", After: values.Get("after")}
	if text := values.Get("overdue"); text != "" && text != "true" && text != "false" {
		return f, wrongParameter("overdue", "true, false")
	}
	var err error
	f.Limit, err = limitOf(values)
	return f, err
}

// listAllWaiting answers GET /waiting.
//
//	@Summary	The requests that wait for a decision in all agencies, by their clock: the most overdue first
//	@Tags		agreements
//	@Security	bearer
//	@Param		overdue	query		bool	false	"only those that are over their term"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	agreement.WaitingPage
//	@Router		/waiting [get]
func (a *API) listAllWaiting(w http.ResponseWriter, r *http.Request) error {
	f, err := waitingFilter(r)
	if err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (agreement.WaitingPage, error) {
		return a.Agreements.WaitingRequests(ctx, who, f)
	})
}

// listWaiting answers GET /agencies/{id}/waiting.
//
//	@Summary	The requests that wait for an agency's decision, by their clock: the most overdue first
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id of the agency"
//	@Param		q		query		string	false	"words that all stand in the names or the purpose, with marks or without; at most 100 characters"
//	@Param		service	query		string	false	"id of a version"
//	@Param		owner	query		string	false	"id of the person or agency that owns the application"
//	@Param		overdue	query		bool	false	"only those that are over their term"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	agreement.WaitingPage
//	@Router		/agencies/{id}/waiting [get]
func (a *API) listWaiting(w http.ResponseWriter, r *http.Request) error {
	f, err := waitingFilterWith(r, "q", "service", "owner")
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (agreement.WaitingPage, error) {
		f.Agency = id
		return a.Agreements.WaitingRequests(ctx, who, f)
	})
}

// listFlagged answers GET /agencies/{id}/flagged.
//
//	@Summary	An agency's agreements and requests whose clause is no longer in force, at most 100
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[agreement.Agreement]
//	@Router		/agencies/{id}/flagged [get]
func (a *API) listFlagged(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[agreement.Agreement], error) {
		list, err := a.Agreements.Flagged(ctx, who, id)
		return items[agreement.Agreement]{Items: list}, err
	})
}

// showLeague answers GET /on-time.
//
//	@Summary	How agencies kept their terms: how much was decided within them, and how long it took
//	@Tags		agreements
//	@Param		from	query		string	false	"first month, YYYY-MM; default the twelfth before the last"
//	@Param		until	query		string	false	"last month, YYYY-MM; default this one"
//	@Success	200		{object}	agreement.League
//	@Router		/on-time [get]
func (a *API) showLeague(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "from", "until")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (agreement.League, error) {
		return a.Agreements.League(ctx, values.Get("from"), values.Get("until"))
	})
}
