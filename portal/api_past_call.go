package portal

import (
	"context"
	"net/http"

	"lgsp/auth"
)

// explainPast answers GET /explain/past.
//
//	@Summary	Calls that were made, explained: each step, by which rule and agreement then, what would be decided now, and what would change that
//	@Description	By the request_id or trace_id of an error, or the id of an exchange; at most the latest 20 that have it. An application's owner sees its own calls, an agency's people those of its services, auditors and operators all.
//	@Tags		evidence
//	@Security	bearer
//	@Param		id	query		string	true	"request_id, trace_id, or id of an exchange"
//	@Success	200	{object}	items[PastCall]
//	@Router		/explain/past [get]
func (a *API) explainPast(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "id")
	if err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	x := explainer{a.Catalog, a.Agreements, a.ExplainCall}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[PastCall], error) {
		list := items[PastCall]{Items: []PastCall{}}
		found, err := a.Ledger.FindExchanges(ctx, who, values.Get("id"))
		if err != nil {
			return list, err
		}
		for _, e := range found {
			past, err := x.explain(ctx, who, e)
			if err != nil {
				return list, err
			}
			list.Items = append(list.Items, past)
		}
		return list, nil
	})
}
