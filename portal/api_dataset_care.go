package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// datasetCareRoutes are about how datasets are described and kept.
func (a *API) datasetCareRoutes(r routes) {
	r.get("/datasets/{slug}/quality", a.datasetQuality)
	r.get("/datasets/{slug}/edit", a.showEdit)
	r.remove("/datasets/{slug}/edit", a.discardEdit)
	r.post("/datasets/{slug}/edit/approve", a.approveEdit)
	r.post("/datasets/{slug}/edit/return", a.returnEdit)
	r.post("/datasets/{slug}/reviewed", a.reviewedDataset)
	r.put("/datasets/{slug}/schedule", a.scheduleDataset)
	r.get("/duties", a.listDuties)
}

// listDuties answers GET /duties.
//
//	@Summary	What an agency has to do with its datasets by when: decide, look through again, renew; the most urgent first
//	@Tags		datasets
//	@Security	bearer
//	@Param		agency	query		string	true	"id of the agency"
//	@Success	200		{object}	items[catalog.Duty]
//	@Router		/duties [get]
func (a *API) listDuties(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency")
	if err != nil {
		return err
	}
	agency, err := idOf(values, "agency")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Duty], error) {
		list, err := a.Catalog.Duties(ctx, who, agency)
		return items[catalog.Duty]{Items: list}, err
	})
}

// schedule is when a dataset becomes public by itself; nil: it does not.
type schedule struct {
	PublishAt *time.Time `json:"publish_at"` // RFC 3339
}

// scheduleDataset answers PUT /datasets/{slug}/schedule.
//
//	@Summary	Have an approved dataset become public at a time, or take that back
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string		true	"slug"
//	@Param		body	body		schedule	true	"when; null: not by itself"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/schedule [put]
func (a *API) scheduleDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		s, err := decode[schedule](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.ScheduleDataset(ctx, who, id, s.PublishAt)
	})
}

// showEdit answers GET /datasets/{slug}/edit.
//
//	@Summary	The pending edit of a public dataset, with what it changes
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.DatasetEdit
//	@Router		/datasets/{slug}/edit [get]
func (a *API) showEdit(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (*catalog.DatasetEdit, error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err == nil && d.Edit == nil {
			err = problem.Errorf(problem.NotFound, "dataset %s has no pending edit", d.Slug).Coded("dataset-edit-none", "slug", d.Slug)
		}
		return d.Edit, err
	})
}

// discardEdit answers DELETE /datasets/{slug}/edit.
//
//	@Summary	Drop the pending edit of a public dataset
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/edit [delete]
func (a *API) discardEdit(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, a.Catalog.DiscardEdit)
}

// editDecided names the wording of an edit that was read, and why it is
// returned.
type editDecided struct {
	Edit uuid.UUID `json:"edit"` // id of the edit
	Text string    `json:"text"` // the reason, to return it
}

// approveEdit answers POST /datasets/{slug}/edit/approve.
//
//	@Summary	Put the pending edit that someone else proposed in the place of the public description
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string		true	"slug"
//	@Param		body	body		editDecided	true	"which edit was read"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/edit/approve [post]
func (a *API) approveEdit(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		decided, err := decode[editDecided](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.ApproveEdit(ctx, who, id, decided.Edit)
	})
}

// returnEdit answers POST /datasets/{slug}/edit/return.
//
//	@Summary	Give the pending edit back to its authors, with the reason
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string		true	"slug"
//	@Param		body	body		editDecided	true	"which edit was read, and the reason"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/edit/return [post]
func (a *API) returnEdit(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		decided, err := decode[editDecided](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.ReturnEdit(ctx, who, id, decided.Edit, decided.Text)
	})
}

// reviewedDataset answers POST /datasets/{slug}/reviewed.
//
//	@Summary	Note that a public dataset was looked through and is right as it stands
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/reviewed [post]
func (a *API) reviewedDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, a.Catalog.ReviewedDataset)
}

// datasetQuality answers GET /datasets/{slug}/quality.
//
//	@Summary	How well a dataset is described: the 405 points of data.europa.eu's assessment, each with its reason, and the stars
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Quality
//	@Router		/datasets/{slug}/quality [get]
func (a *API) datasetQuality(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (catalog.Quality, error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return catalog.Quality{}, err
		}
		return catalog.QualityOf(d), nil
	})
}
