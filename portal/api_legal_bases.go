package portal

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
)

func (a *API) legalBasisRoutes(r routes) {
	r.get("/legal-bases", a.listLegalBases)
	r.post("/legal-bases", a.addLegalBasis)
	r.get("/legal-bases/{id}", a.showLegalBasis)
	r.post("/legal-bases/{id}/versions", a.succeedLegalBasis)
	r.post("/legal-bases/{id}/confirm", a.confirmLegalBasis)
	r.post("/legal-bases/{id}/withdraw", a.withdrawLegalBasis)
	r.get("/legal-bases/{id}/history", a.legalBasisHistory)
	r.get("/legal-bases/{id}/agreements", a.listStanding)
}

// listLegalBases answers GET /legal-bases.
//
//	@Summary	The clauses that agreements and refusals cite, confirmed or not
//	@Tags		agreements
//	@Param		all	query		bool	false	"those of the future, ended and withdrawn too; else those in force today"
//	@Success	200	{object}	items[agreement.LegalBasis]
//	@Router		/legal-bases [get]
func (a *API) listLegalBases(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "all")
	if err != nil {
		return err
	}
	list := a.Agreements.LegalBases
	switch values.Get("all") {
	case "", "false":
	case "true":
		list = a.Agreements.AllBases
	default:
		return wrongParameter("all", "true, false")
	}
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[agreement.LegalBasis], error) {
		bases, err := list(ctx)
		return items[agreement.LegalBasis]{Items: bases}, err
	})
}

// showLegalBasis answers GET /legal-bases/{id}.
//
//	@Summary	One version of a clause
//	@Tags		agreements
//	@Param		id	path		string	true	"id, like nd-194-2025-d16"
//	@Success	200	{object}	agreement.LegalBasis
//	@Router		/legal-bases/{id} [get]
func (a *API) showLegalBasis(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (agreement.LegalBasis, error) {
		return a.Agreements.Basis(ctx, mux.Vars(r)["id"])
	})
}

// addLegalBasis answers POST /legal-bases.
//
//	@Summary	Add a clause, to be cited from its first day
//	@Tags		agreements
//	@Security	bearer
//	@Param		body	body		agreement.NewBasis	true	"the clause, and why it is added"
//	@Success	201		{object}	agreement.LegalBasis
//	@Router		/legal-bases [post]
func (a *API) addLegalBasis(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n agreement.NewBasis) (agreement.LegalBasis, string, error) {
		b, err := a.Agreements.AddBasis(ctx, who, n)
		return b, "/legal-bases/" + b.ID, err
	})
}

// succeedLegalBasis answers POST /legal-bases/{id}/versions.
//
//	@Summary	Add the next version of a clause; the one before ends the day before, and what cites it is flagged
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string				true	"id of the version before"
//	@Param		body	body		agreement.NewBasis	true	"the clause as it is to be, with its first day, and why; its id is given"
//	@Success	201		{object}	agreement.LegalBasis
//	@Router		/legal-bases/{id}/versions [post]
func (a *API) succeedLegalBasis(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n agreement.NewBasis) (agreement.LegalBasis, string, error) {
		b, err := a.Agreements.SucceedBasis(ctx, who, mux.Vars(r)["id"], n)
		return b, "/legal-bases/" + b.ID, err
	})
}

// confirmLegalBasis answers POST /legal-bases/{id}/confirm.
//
//	@Summary	Say that the text of a clause was read, and where, or that it was not
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string					true	"id"
//	@Param		body	body		agreement.Confirmation	true	"confirmed or not, its source, and why"
//	@Success	200		{object}	agreement.LegalBasis
//	@Router		/legal-bases/{id}/confirm [post]
func (a *API) confirmLegalBasis(w http.ResponseWriter, r *http.Request) error {
	return changeBasis(a, w, r, a.Agreements.ConfirmBasis)
}

// withdrawLegalBasis answers POST /legal-bases/{id}/withdraw.
//
//	@Summary	Withdraw a clause: nothing new cites it; what was agreed under it goes on and is flagged
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string					true	"id"
//	@Param		body	body		agreement.Withdrawal	true	"its last day, and why"
//	@Success	200		{object}	agreement.LegalBasis
//	@Router		/legal-bases/{id}/withdraw [post]
func (a *API) withdrawLegalBasis(w http.ResponseWriter, r *http.Request) error {
	return changeBasis(a, w, r, a.Agreements.WithdrawBasis)
}

// changeBasis answers a POST that changes the clause whose id stands in the path.
func changeBasis[B any](a *API, w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, string, B) (agreement.LegalBasis, error)) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	body, err := decode[B](w, r)
	if err != nil {
		return err
	}
	b, err := do(r.Context(), who, mux.Vars(r)["id"], body)
	if err != nil {
		return err
	}
	return answer(w, r, b)
}

// legalBasisHistory answers GET /legal-bases/{id}/history.
//
//	@Summary	What was changed of a clause, newest first
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	items[agreement.Entry]
//	@Router		/legal-bases/{id}/history [get]
func (a *API) legalBasisHistory(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[agreement.Entry], error) {
		list, err := a.Agreements.BasisHistory(ctx, who, mux.Vars(r)["id"])
		return items[agreement.Entry]{Items: list}, err
	})
}

// listStanding answers GET /legal-bases/{id}/agreements.
//
//	@Summary	What stands on a clause in all agencies: asked for, in force or suspended
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	agreement.Page
//	@Router		/legal-bases/{id}/agreements [get]
func (a *API) listStanding(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "limit", "after")
	if err != nil {
		return err
	}
	limit, err := limitOf(values)
	if err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (agreement.Page, error) {
		return a.Agreements.Standing(ctx, who, mux.Vars(r)["id"], agreement.Filter{Limit: limit, After: values.Get("after")})
	})
}
