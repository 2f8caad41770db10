package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) dataRequestRoutes(r routes) {
	r.get("/data-requests", a.listDataRequests)
	r.post("/data-requests", a.createDataRequest)
	r.get("/data-requests/{id}", a.showDataRequest)
	r.put("/data-requests/{id}/vote", a.vote)
	r.remove("/data-requests/{id}/vote", a.unvote)
	r.post("/data-requests/{id}/move", a.moveDataRequest)
	r.post("/data-requests/{id}/assign", a.assignDataRequest)
}

// listDataRequests answers GET /data-requests.
//
//	@Summary	Data that people ask for, newest first or the most wanted first
//	@Tags		people
//	@Param		state		query		string	false	"received, accepted, in-progress, published, declined; held and hidden for who decides"
//	@Param		agency		query		string	false	"id of an agency"
//	@Param		unassigned	query		string	false	"1: those that no agency has"
//	@Param		sort		query		string	false	"votes: the most wanted first"
//	@Param		limit		query		int		false	"1 to 100, default 20"
//	@Param		after		query		string	false	"next of the page before"
//	@Success	200			{object}	items[catalog.DataRequest]
//	@Router		/data-requests [get]
func (a *API) listDataRequests(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "state", "agency", "unassigned", "sort", "limit", "after")
	if err != nil {
		return err
	}
	f := catalog.DataRequestFilter{State: values.Get("state"), Unassigned: values.Get("unassigned") == "1", ByVotes: values.Get("sort") == "votes", After: values.Get("after")}
	if f.Agency, err = idOf(values, "agency"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.DataRequest], error) {
		list, next, err := a.Catalog.DataRequests(ctx, who, f)
		return items[catalog.DataRequest]{list, next}, err
	})
}

// createDataRequest answers POST /data-requests.
//
//	@Summary	Ask for data, of an agency or of whoever has them
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		catalog.NewDataRequest	true	"title, text, agency"
//	@Success	201		{object}	catalog.DataRequest
//	@Router		/data-requests [post]
func (a *API) createDataRequest(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n catalog.NewDataRequest) (catalog.DataRequest, string, error) {
		made, err := a.Catalog.RequestData(ctx, who, n)
		return made, "/data-requests/" + made.ID.String(), err
	})
}

// showDataRequest answers GET /data-requests/{id}.
//
//	@Summary	One request for data
//	@Tags		people
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.DataRequest
//	@Router		/data-requests/{id} [get]
func (a *API) showDataRequest(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.DataRequest)
}

// vote answers PUT /data-requests/{id}/vote.
//
//	@Summary	Say that one wants these data too; once a person
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.DataRequest
//	@Router		/data-requests/{id}/vote [put]
func (a *API) vote(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.Vote)
}

// unvote answers DELETE /data-requests/{id}/vote.
//
//	@Summary	Take a vote back
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.DataRequest
//	@Router		/data-requests/{id}/vote [delete]
func (a *API) unvote(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.Unvote)
}

// moveDataRequest answers POST /data-requests/{id}/move.
//
//	@Summary	Decide of a request; who asked gets a letter
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string					true	"id"
//	@Param		body	body		catalog.DataRequestMove	true	"state, reason, dataset"
//	@Success	200		{object}	catalog.DataRequest
//	@Router		/data-requests/{id}/move [post]
func (a *API) moveDataRequest(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.MoveDataRequest)
}

// assignment gives a request to an agency.
type assignment struct {
	Agency uuid.UUID `json:"agency"` // id
}

// assignDataRequest answers POST /data-requests/{id}/assign.
//
//	@Summary	Give a request to an agency: the operator's
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id"
//	@Param		body	body		assignment	true	"the agency"
//	@Success	200		{object}	catalog.DataRequest
//	@Router		/data-requests/{id}/assign [post]
func (a *API) assignDataRequest(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, to assignment) (catalog.DataRequest, error) {
		return a.Catalog.AssignDataRequest(ctx, who, id, to.Agency)
	})
}
