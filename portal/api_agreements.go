package portal

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
)

func (a *API) agreementRoutes(r routes) {
	r.get("/agreements", a.listAgreements)
	r.post("/agreements", a.requestAgreement)
	r.get("/agencies/{id}/agreements", a.listInbox)
	r.get("/agreements/{id}", a.showAgreement)
	r.get("/agreements/{id}/summary", a.showSummary)
	r.get("/agreements/{id}/review", a.showReview)
	r.get("/agreements/{id}/history", a.showHistory)
	r.get("/agreements/{id}/quota", a.showQuota)
	r.post("/agreements/{id}/approve", a.approveAgreement)
	r.post("/agreements/{id}/refuse", a.refuseAgreement)
	r.post("/agreements/{id}/suspend", a.suspendAgreement)
	r.post("/agreements/{id}/resume", a.resumeAgreement)
	r.post("/agreements/{id}/end", a.endAgreement)
	a.decisionRoutes(r)
	r.get("/purposes", a.listPurposes)
}

func agreementFilter(values url.Values) (agreement.Filter, error) {
	f := agreement.Filter{State: values.Get("state"), After: values.Get("after")}
	var err error
	if f.Application, err = idOf(values, "application"); err != nil {
		return f, err
	}
	if f.Version, err = idOf(values, "version"); err != nil {
		return f, err
	}
	f.Limit, err = limitOf(values)
	return f, err
}

// listAgreements answers GET /agreements.
//
//	@Summary	The agreements of the caller's applications, newest first
//	@Tags		agreements
//	@Security	bearer
//	@Param		application	query		string	false	"id of an application"
//	@Param		version		query		string	false	"id of a version"
//	@Param		state		query		string	false	"requested, active, refused, suspended, ended"
//	@Param		limit		query		int		false	"1 to 100, default 20"
//	@Param		after		query		string	false	"next of the page before"
//	@Success	200			{object}	agreement.Page
//	@Router		/agreements [get]
func (a *API) listAgreements(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "application", "version", "state", "limit", "after")
	if err != nil {
		return err
	}
	f, err := agreementFilter(values)
	if err != nil {
		return err
	}
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (agreement.Page, error) {
		return a.Agreements.Mine(ctx, who, f)
	})
}

// requestAgreement answers POST /agreements.
//
//	@Summary	Ask for an agreement: operations, fields, purpose, legal basis, period
//	@Tags		agreements
//	@Security	bearer
//	@Param		body	body		agreement.Request	true	"what is asked for"
//	@Success	201		{object}	agreement.Agreement
//	@Router		/agreements [post]
func (a *API) requestAgreement(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, q agreement.Request) (agreement.Agreement, string, error) {
		g, err := a.Agreements.Request(ctx, who, q)
		return g, "/agreements/" + g.ID.String(), err
	})
}

// listInbox answers GET /agencies/{id}/agreements.
//
//	@Summary	The agreements on an agency's services, for its stewards
//	@Tags		agreements
//	@Security	bearer
//	@Param		id			path		string	true	"id of the agency"
//	@Param		application	query		string	false	"id of an application"
//	@Param		version		query		string	false	"id of a version"
//	@Param		state		query		string	false	"requested, active, refused, suspended, ended"
//	@Param		limit		query		int		false	"1 to 100, default 20"
//	@Param		after		query		string	false	"next of the page before"
//	@Success	200			{object}	agreement.Page
//	@Router		/agencies/{id}/agreements [get]
func (a *API) listInbox(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "application", "version", "state", "limit", "after")
	if err != nil {
		return err
	}
	f, err := agreementFilter(values)
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (agreement.Page, error) {
		f.Agency = id
		return a.Agreements.Inbox(ctx, who, f)
	})
}

// showAgreement answers GET /agreements/{id}.
//
//	@Summary	One agreement
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	agreement.Agreement
//	@Router		/agreements/{id} [get]
func (a *API) showAgreement(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Agreements.Get)
}

// showSummary answers GET /agreements/{id}/summary.
//
//	@Summary	An agreement in plain words, in the language asked for
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	agreement.Summary
//	@Router		/agreements/{id}/summary [get]
func (a *API) showSummary(w http.ResponseWriter, r *http.Request) error {
	locale := spoken(r)
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (agreement.Summary, error) {
		g, err := a.Agreements.Get(ctx, who, id)
		if err != nil {
			return agreement.Summary{}, err
		}
		return a.Agreements.Summary(ctx, g, locale)
	})
}

// spoken is the language that a caller asks for, Vietnamese when none.
func spoken(r *http.Request) string { return cmp.Or(problem.Locale(r), "vi") }

// showReview answers GET /agreements/{id}/review.
//
//	@Summary	What an agreement is read against: the one that runs, what was asked for first, what else its owner has of the agency
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	agreement.Review
//	@Router		/agreements/{id}/review [get]
func (a *API) showReview(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (agreement.Review, error) {
		return a.Agreements.Review(ctx, who, id, spoken(r))
	})
}

// showHistory answers GET /agreements/{id}/history.
//
//	@Summary	What happened to an agreement, oldest first
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	items[agreement.Event]
//	@Router		/agreements/{id}/history [get]
func (a *API) showHistory(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[agreement.Event], error) {
		list, err := a.Agreements.History(ctx, who, id)
		return items[agreement.Event]{Items: list}, err
	})
}

// Quota is what is left of an agreement's limits.
type Quota struct {
	PerMinute      int       `json:"per_minute"`               // calls allowed in a minute
	PerDay         int       `json:"per_day"`                  // calls allowed on a day
	RemainingToday int       `json:"remaining_today"`          // of PerDay
	ResetsAt       time.Time `json:"resets_at,omitzero"`       // when the day's count begins anew
	RemainingNow   int       `json:"remaining_minute"`         // of PerMinute
	PerMonth       int       `json:"per_month"`                // calls allowed in a month, 0: any number
	RemainingMonth int       `json:"remaining_month"`          // of PerMonth
	MonthResetsAt  time.Time `json:"month_resets_at,omitzero"` // when the month's count begins anew; absent: there is none
}

// showQuota answers GET /agreements/{id}/quota.
//
//	@Summary	What is left of an agreement's limits
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	Quota
//	@Router		/agreements/{id}/quota [get]
func (a *API) showQuota(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (Quota, error) {
		g, err := a.Agreements.Get(ctx, who, id)
		if err != nil {
			return Quota{}, err
		}
		return a.Remaining(ctx, g)
	})
}

// remark is a decision's note or reason.
type remark struct {
	Text string `json:"text"`
}

// approveAgreement answers POST /agreements/{id}/approve.
//
//	@Summary	Put a request in force, as asked for or under conditions that narrow it; or approve it as the first of two persons
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		agreement.Approval	true	"a note, what was read, conditions"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/approve [post]
func (a *API) approveAgreement(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, yes agreement.Approval) (agreement.Agreement, error) {
		return guarded(r, func() (agreement.Agreement, error) { return a.Agreements.Get(ctx, who, id) },
			func() (agreement.Agreement, error) { return a.Agreements.ApproveWith(ctx, who, id, yes) })
	})
}

// refuseAgreement answers POST /agreements/{id}/refuse.
//
//	@Summary	Refuse a request in writing, with the clause
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		agreement.Refusal	true	"why, and by which clause"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/refuse [post]
func (a *API) refuseAgreement(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Agreements.Refuse)
}

// suspendAgreement answers POST /agreements/{id}/suspend.
//
//	@Summary	Stop the calls under an agreement, within a second, until it is resumed
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/suspend [post]
func (a *API) suspendAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.remarked(w, r, a.Agreements.Suspend)
}

// resumeAgreement answers POST /agreements/{id}/resume.
//
//	@Summary	Put a suspended agreement in force again
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"a note, or an empty text"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/resume [post]
func (a *API) resumeAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.remarked(w, r, a.Agreements.Resume)
}

// endAgreement answers POST /agreements/{id}/end.
//
//	@Summary	End an agreement, or withdraw a request, for good
//	@Tags		agreements
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	agreement.Agreement
//	@Router		/agreements/{id}/end [post]
func (a *API) endAgreement(w http.ResponseWriter, r *http.Request) error {
	return a.remarked(w, r, a.Agreements.End)
}

func (a *API) remarked(w http.ResponseWriter, r *http.Request,
	do func(context.Context, auth.Principal, uuid.UUID, string) (agreement.Agreement, error)) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, text remark) (agreement.Agreement, error) {
		return guarded(r, func() (agreement.Agreement, error) { return a.Agreements.Get(ctx, who, id) },
			func() (agreement.Agreement, error) { return do(ctx, who, id, text.Text) })
	})
}

// listPurposes answers GET /purposes.
//
//	@Summary	The purposes an agreement may be for
//	@Tags		agreements
//	@Success	200	{object}	items[agreement.Purpose]
//	@Router		/purposes [get]
func (a *API) listPurposes(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[agreement.Purpose], error) {
		list, err := a.Agreements.Purposes(ctx)
		return items[agreement.Purpose]{Items: list}, err
	})
}
