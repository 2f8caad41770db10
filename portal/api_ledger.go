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
	r.get("/explain/call", a.explainCall)
	r.get("/explain/act", a.explainAct)
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

// ImaginedCall is a call that was not made.
type ImaginedCall struct {
	Application uuid.UUID // uuid.Nil: anonymous
	Version     uuid.UUID
	Operation   string // slug
	Purpose     string // as in LGSP-Purpose, or ""
	Credential  string // none, api_key, token
	Key         string // of an API key the 12 characters after its prefix, or ""
}

// CallExplanation is what the gateway would decide, by which rule, and what would change it.
type CallExplanation struct {
	Allowed bool     `json:"allowed"`
	Rule    string   `json:"rule"`   // the policy's
	Code    string   `json:"code"`   // of the problem the caller would get, "" when allowed
	Detail  string   `json:"detail"` // English
	Fields  []string `json:"fields"` // that would be let through; null: the whole answer, or nothing when refused
	Change  []string `json:"change"` // codes of what would allow it
}

// explainCall answers GET /explain/call.
//
//	@Summary	Would the gateway let this call through, by which rule, and what would change that
//	@Tags		evidence
//	@Security	bearer
//	@Param		application	query		string	false	"id of the calling application; none: anonymous"
//	@Param		version		query		string	true	"id of the version"
//	@Param		operation	query		string	true	"slug of the operation"
//	@Param		purpose		query		string	false	"as in LGSP-Purpose"
//	@Param		credential	query		string	false	"none, api_key, token"
//	@Param		key			query		string	false	"with api_key, whose limits count too: its lookup, the 12 characters after lgsp_key_"
//	@Success	200			{object}	CallExplanation
//	@Router		/explain/call [get]
func (a *API) explainCall(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "application", "version", "operation", "purpose", "credential", "key")
	if err != nil {
		return err
	}
	call := ImaginedCall{Key: values.Get("key"), Operation: values.Get("operation"), Purpose: values.Get("purpose"), Credential: values.Get("credential")}
	if call.Application, err = idOf(values, "application"); err != nil {
		return err
	}
	if call.Version, err = idOf(values, "version"); err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (CallExplanation, error) {
		if _, err := a.Catalog.VersionByID(ctx, who, call.Version); err != nil {
			return CallExplanation{}, err
		}
		if call.Application != uuid.Nil {
			if err := a.mayExplain(ctx, who, call); err != nil {
				return CallExplanation{}, err
			}
		}
		return a.ExplainCall(ctx, call)
	})
}

// mayExplain lets the application's owner ask, the called agency's people, and auditors.
func (a *API) mayExplain(ctx context.Context, who auth.Principal, call ImaginedCall) error {
	owns := a.Auth.OwnsApplication(ctx, who, call.Application)
	if owns == nil {
		return nil
	}
	v, err := a.Catalog.VersionByID(ctx, who, call.Version)
	if err != nil {
		return err
	}
	if a.Policy.May(ctx, who, "exchange.read", v.AgencyID) == nil {
		return nil
	}
	return owns
}

// explainAct answers GET /explain/act.
//
//	@Summary	May the caller do an act to an object of an agency, by which rule, and what would change that
//	@Tags		evidence
//	@Security	bearer
//	@Param		act		query		string	true	"api.publish, agreement.decide …"
//	@Param		agency	query		string	false	"id of the agency; none: the platform"
//	@Success	200		{object}	policy.Explanation
//	@Router		/explain/act [get]
func (a *API) explainAct(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "act", "agency")
	if err != nil {
		return err
	}
	agency, err := idOf(values, "agency")
	if err != nil {
		return err
	}
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	explanation, err := a.Policy.Explain(r.Context(), who, values.Get("act"), agency)
	if err != nil {
		return err
	}
	return answer(w, r, explanation)
}

// policyText is the policy as it runs.
type policyText struct {
	Model string     `json:"model"` // Casbin's model
	Rules [][]string `json:"rules"`
}

// showPolicy answers GET /policy.
//
//	@Summary	The management policy as it runs, for operators and auditors
//	@Tags		evidence
//	@Security	bearer
//	@Success	200	{object}	policyText
//	@Router		/policy [get]
func (a *API) showPolicy(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	if err := a.Policy.May(r.Context(), who, "platform.read", uuid.Nil); err != nil {
		return err
	}
	rules, err := a.Policy.Rules()
	if err != nil {
		return err
	}
	return answer(w, r, policyText{Model: a.Policy.Model(), Rules: rules})
}
