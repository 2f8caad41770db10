package portal

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/ledger"
)

func (a *API) ledgerRoutes(r routes) {
	r.get("/exchanges", a.listExchanges)
	r.get("/acts", a.listActs)
	r.get("/applications/{id}/usage", a.showUsage)
	r.get("/applications/{id}/failures", a.showFailures)
	r.get("/explain/call", a.explainCall)
	r.get("/explain/act", a.explainAct)
	r.get("/explain/past", a.explainPast)
	r.post("/agreements/{id}/effect", a.agreementEffect)
	r.post("/versions/{id}/effect", a.versionEffect)
	r.get("/policy", a.showPolicy)
}

// listExchanges answers GET /exchanges.
//
//	@Summary	Calls through the gateway: an application's own, an agency's, or for auditors all
//	@Tags		evidence
//	@Security	bearer
//	@Param		agency		query		string	false	"id of the agency that was called"
//	@Param		application	query		string	false	"id of the application that called"
//	@Param		version		query		string	false	"id of the version"
//	@Param		agreement	query		string	false	"id of the agreement"
//	@Param		status		query		int		false	"HTTP status"
//	@Param		since		query		string	false	"RFC 3339"
//	@Param		limit		query		int		false	"1 to 100, default 20"
//	@Param		after		query		string	false	"next of the page before"
//	@Success	200			{object}	ledger.ExchangePage
//	@Router		/exchanges [get]
func (a *API) listExchanges(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency", "application", "version", "agreement", "status", "since", "limit", "after")
	if err != nil {
		return err
	}
	f := ledger.ExchangeFilter{After: values.Get("after")}
	for name, id := range map[string]*uuid.UUID{
		"agency": &f.Agency, "application": &f.Application, "version": &f.Version, "agreement": &f.Agreement,
	} {
		if *id, err = idOf(values, name); err != nil {
			return err
		}
	}
	if text := values.Get("status"); text != "" {
		if f.Status, err = strconv.Atoi(text); err != nil || f.Status < 100 || f.Status > 599 {
			return wrongParameter("status", "100 … 599")
		}
	}
	if f.Since, err = timeOf(values, "since"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (ledger.ExchangePage, error) {
		return a.Ledger.ListExchanges(ctx, who, f)
	})
}

// listActs answers GET /acts.
//
//	@Summary	Administrative acts, for auditors and operators
//	@Tags		evidence
//	@Security	bearer
//	@Param		agency	query		string	false	"id of an agency"
//	@Param		about	query		string	false	"id of an object"
//	@Param		person	query		string	false	"id of a person"
//	@Param		verb	query		string	false	"version.publish, agreement.approve …"
//	@Param		since	query		string	false	"RFC 3339"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	ledger.ActPage
//	@Router		/acts [get]
func (a *API) listActs(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency", "about", "person", "verb", "since", "limit", "after")
	if err != nil {
		return err
	}
	f := ledger.ActFilter{Verb: values.Get("verb"), After: values.Get("after")}
	for name, id := range map[string]*uuid.UUID{"agency": &f.Agency, "about": &f.About, "person": &f.Person} {
		if *id, err = idOf(values, name); err != nil {
			return err
		}
	}
	if f.Since, err = timeOf(values, "since"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (ledger.ActPage, error) {
		return a.Ledger.ListActs(ctx, who, f)
	})
}

// showUsage answers GET /applications/{id}/usage.
//
//	@Summary	Calls of an application by day and operation
//	@Tags		evidence
//	@Security	bearer
//	@Param		id		path		string	true	"id of the application"
//	@Param		since	query		string	false	"RFC 3339"
//	@Success	200		{object}	items[ledger.Usage]
//	@Router		/applications/{id}/usage [get]
func (a *API) showUsage(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "since")
	if err != nil {
		return err
	}
	since, err := timeOf(values, "since")
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[ledger.Usage], error) {
		list, err := a.Ledger.UsageOf(ctx, who, id, since)
		return items[ledger.Usage]{Items: list}, err
	})
}
