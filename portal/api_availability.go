package portal

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

func (a *API) availabilityRoutes(r routes) {
	r.get("/versions/{id}/availability", a.versionAvailability)
	r.get("/versions/{id}/promise", a.showPromise)
	r.put("/versions/{id}/promise", a.setPromise)
	r.get("/status", a.serviceStatus)
	r.get("/nodes", a.listNodes)
}

// daysOf is the parameter days; none is all that pages draw.
func daysOf(values url.Values) (int, error) {
	text := values.Get("days")
	if text == "" {
		return availabilityDays, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < figureDays || n > 366 {
		return 0, problem.Errorf(problem.Invalid, "days is %d to 366", figureDays).Coded("availability-days", "least", strconv.Itoa(figureDays), "most", "366")
	}
	return n, nil
}

// versionAvailability answers GET /versions/{id}/availability.
//
//	@Summary	How a version answered, day by day, as measured at the gateway over the calls that were made
//	@Tags		apis
//	@Param		id		path		string	true	"id of the version"
//	@Param		days	query		int		false	"30 to 366, default 90; today is the last"
//	@Success	200		{object}	Availability
//	@Router		/versions/{id}/availability [get]
func (a *API) versionAvailability(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "days")
	if err != nil {
		return err
	}
	days, err := daysOf(values)
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (Availability, error) {
		v, err := a.Catalog.VersionByID(ctx, who, id)
		if err != nil {
			return Availability{}, err
		}
		all, err := a.measured().of(ctx, days, v.ID)
		return all[v.ID], err
	})
}

func (a *API) measured() measured { return measured{a.Ledger, a.Nodes, a.Ledger.Now} }

// serviceStatus answers GET /status.
//
//	@Summary	How each service that anybody may look up stands now, and how it answered in 30 days: measured at the gateway, over calls that were made
//	@Tags		apis
//	@Param		after	query		string	false	"next of the page before"
//	@Param		limit	query		int		false	"APIs a page, 1 to 100, default 20"
//	@Success	200		{object}	items[ServiceStatus]
//	@Router		/status [get]
func (a *API) serviceStatus(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "after", "limit")
	if err != nil {
		return err
	}
	page := catalog.APIFilter{After: values.Get("after")}
	if page.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[ServiceStatus], error) {
		list, next, err := serviceStatuses(ctx, a.Catalog, a.measured(), a.Health(), page)
		return items[ServiceStatus]{list, next}, err
	})
}

// listNodes answers GET /nodes.
//
//	@Summary	The nodes of the gateway: configuration, evidence not delivered, and how each finds the addresses behind the versions; for the operator and the auditor
//	@Tags		platform
//	@Security	bearer
//	@Success	200	{object}	items[gateway.NodeState]
//	@Router		/nodes [get]
func (a *API) listNodes(w http.ResponseWriter, r *http.Request) error {
	if _, err := query(r); err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[gateway.NodeState], error) {
		list, err := a.Nodes.List(ctx, who)
		return items[gateway.NodeState]{Items: list}, err
	})
}

// showPromise answers GET /versions/{id}/promise.
//
//	@Summary	What the agency promises of how a version answers (SLA); set_at is null where it promises nothing
//	@Tags		apis
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	catalog.Promise
//	@Router		/versions/{id}/promise [get]
func (a *API) showPromise(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Promise, error) {
		v, err := a.Catalog.VersionByID(ctx, who, id)
		return v.Promise, err
	})
}

// setPromise answers PUT /versions/{id}/promise.
//
//	@Summary	Promise how a version answers, in place of what was promised; an empty promise takes it back
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string			true	"id of the version"
//	@Param		body	body		catalog.Promise	true	"the promise; set_at is left out"
//	@Success	200		{object}	catalog.Promise
//	@Router		/versions/{id}/promise [put]
func (a *API) setPromise(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.SetPromise)
}
