package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/ledger"
)

func (a *API) decisionRoutes(r routes) {
	r.post("/agreements/{id}/ask", a.askAboutAgreement)
	r.post("/agreements/{id}/answer", a.answerAboutAgreement)
	r.post("/agreements/{id}/renew", a.renewAgreement)
	r.post("/agreements/{id}/confirm", a.confirmAgreement)
	r.get("/agreements/{id}/receipt", a.showReceipt)
	r.get("/agencies/{id}/agreement-rules", a.showAgreementRules)
	r.put("/agencies/{id}/agreement-rules", a.setAgreementRules)
	r.get("/agencies/{id}/unconfirmed-agreements", a.listUnconfirmed)
	r.get("/agencies/{id}/delegations", a.listDelegations)
	r.post("/agencies/{id}/delegations", a.delegate)
	r.post("/delegations/{id}/take-back", a.takeBack)
}

// askAboutAgreement answers POST /agreements/{id}/ask.
//
//	@Summary	Ask the requester; the request waits for the answer, and its clock stands still
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"the question"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/ask [post]
func (a *API) askAboutAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.remarked(w, r, a.Agreements.Ask)
}

// answerAboutAgreement answers POST /agreements/{id}/answer.
//
//	@Summary	Answer a question, and change what is asked for when need be; the clock goes on
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string			true	"id"
//	@Param		body	body		agreement.Reply	true	"the answer, and the whole request anew when it changes"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/answer [post]
func (a *API) answerAboutAgreement(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Agreements.Answer)
}

// renewAgreement answers POST /agreements/{id}/renew.
//
//	@Summary	Ask for a running agreement to go on, on the same terms, from the day after its last one; other terms are a request that replaces it
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		agreement.Renewal	true	"until when"
//	@Success	201		{object}	agreement.Agreement
//	@Router		/agreements/{id}/renew [post]
func (a *API) renewAgreement(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return create(a, w, r, func(ctx context.Context, who auth.Principal, q agreement.Renewal) (agreement.Agreement, string, error) {
		g, err := a.Agreements.Renew(ctx, who, id, q)
		return g, "/agreements/" + g.ID.String(), err
	})
}

// confirmAgreement answers POST /agreements/{id}/confirm.
//
//	@Summary	Say that a running agreement is still needed
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"a note, or an empty text"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/confirm [post]
func (a *API) confirmAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.remarked(w, r, a.Agreements.Confirm)
}

// showReceipt answers GET /agreements/{id}/receipt.
//
//	@Summary	Where the decision on a request stands in the ledger: /ledger/proof/{entry} proves it
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	ledger.Receipt
//	@Router		/agreements/{id}/receipt [get]
func (a *API) showReceipt(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (ledger.Receipt, error) {
		g, err := a.Agreements.Get(ctx, who, id)
		if err != nil {
			return ledger.Receipt{}, err
		}
		return a.Ledger.ReceiptOf(ctx, g.ID, decided...)
	})
}

// showAgreementRules answers GET /agencies/{id}/agreement-rules.
//
//	@Summary	What an agency demands of its own decisions
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	agreement.Rules
//	@Router		/agencies/{id}/agreement-rules [get]
func (a *API) showAgreementRules(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Agreements.RulesOf)
}

// setAgreementRules answers PUT /agencies/{id}/agreement-rules.
//
//	@Summary	Set what an agency demands of its own decisions; only the operator sets two persons back to one
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string			true	"id of the agency"
//	@Param		body	body		agreement.Rules	true	"the rules"
//	@Success	200		{object}	agreement.Rules
//	@Router		/agencies/{id}/agreement-rules [put]
func (a *API) setAgreementRules(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Agreements.SetRules)
}

// listUnconfirmed answers GET /agencies/{id}/unconfirmed-agreements.
//
//	@Summary	The running agreements that an agency is to confirm, those that have waited longest first, at most 100
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[agreement.Unconfirmed]
//	@Router		/agencies/{id}/unconfirmed-agreements [get]
func (a *API) listUnconfirmed(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[agreement.Unconfirmed], error) {
		list, err := a.Agreements.Unconfirmed(ctx, who, id)
		return items[agreement.Unconfirmed]{Items: list}, err
	})
}

// listDelegations answers GET /agencies/{id}/delegations.
//
//	@Summary	Who decides in whose place in an agency, now and later
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[agreement.Delegation]
//	@Router		/agencies/{id}/delegations [get]
func (a *API) listDelegations(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[agreement.Delegation], error) {
		list, err := a.Agreements.Delegations(ctx, who, id)
		return items[agreement.Delegation]{Items: list}, err
	})
}

// delegate answers POST /agencies/{id}/delegations.
//
//	@Summary	Have a colleague decide in the caller's place for some days
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string					true	"id of the agency"
//	@Param		body	body		agreement.NewDelegation	true	"to whom, from when until when"
//	@Success	201		{object}	agreement.Delegation
//	@Router		/agencies/{id}/delegations [post]
func (a *API) delegate(w http.ResponseWriter, r *http.Request) error {
	agency, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n agreement.NewDelegation) (agreement.Delegation, string, error) {
		d, err := a.Agreements.Delegate(ctx, who, agency, n)
		return d, "/agencies/" + agency.String() + "/delegations", err
	})
}

// takeBack answers POST /delegations/{id}/take-back.
//
//	@Summary	End a delegation before its last day
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	agreement.Delegation
//	@Router		/delegations/{id}/take-back [post]
func (a *API) takeBack(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Agreements.TakeBack)
}
