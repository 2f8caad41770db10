package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

func (a *API) harvestRoutes(r routes) {
	r.get("/harvest-sources", a.listHarvestSources)
	r.post("/harvest-sources", a.addHarvestSource)
	r.get("/harvest-sources/{id}", a.showHarvestSource)
	r.put("/harvest-sources/{id}", a.editHarvestSource)
	r.remove("/harvest-sources/{id}", a.endHarvest)
	r.get("/harvest-sources/{id}/preview", a.previewHarvest)
	r.get("/harvest-sources/{id}/runs", a.listHarvestRuns)
	r.post("/harvest-sources/{id}/ask", a.askHarvest)
	r.put("/harvest-sources/{id}/publishes", a.letHarvestPublish)
}

// listHarvestSources answers GET /harvest-sources.
//
//	@Summary	Other catalogues that an agency takes datasets over from; for its own people
//	@Tags		datasets
//	@Security	bearer
//	@Param		agency	query		string	true	"id of the agency"
//	@Success	200		{object}	items[catalog.HarvestSource]
//	@Router		/harvest-sources [get]
func (a *API) listHarvestSources(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency")
	if err != nil {
		return err
	}
	agency, err := idOf(values, "agency")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.HarvestSource], error) {
		list, err := a.Catalog.HarvestSources(ctx, who, agency)
		return items[catalog.HarvestSource]{Items: list}, err
	})
}

// newHarvestSource is a source to be added.
type newHarvestSource struct {
	Agency uuid.UUID `json:"agency"`
	catalog.HarvestText
}

// addHarvestSource answers POST /harvest-sources.
//
//	@Summary	Take datasets over from another catalogue, as drafts; the first reading begins within a minute
//	@Tags		datasets
//	@Security	bearer
//	@Param		body	body		newHarvestSource	true	"which catalogue, how often"
//	@Success	201		{object}	catalog.HarvestSource
//	@Router		/harvest-sources [post]
func (a *API) addHarvestSource(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newHarvestSource) (catalog.HarvestSource, string, error) {
		if n.Agency == uuid.Nil {
			return catalog.HarvestSource{}, "", problem.Errorf(problem.Invalid, "no agency").Coded("agency-missing").Wrong("agency", "agency-missing", "choose an agency")
		}
		made, err := a.Catalog.AddHarvestSource(ctx, who, n.Agency, n.HarvestText)
		return made, "/harvest-sources/" + made.ID.String(), err
	})
}

// showHarvestSource answers GET /harvest-sources/{id}.
//
//	@Summary	One other catalogue
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.HarvestSource
//	@Router		/harvest-sources/{id} [get]
func (a *API) showHarvestSource(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.HarvestSource)
}

// editHarvestSource answers PUT /harvest-sources/{id}.
//
//	@Summary	Change how another catalogue is read; with another address a steward says again whether it publishes
//	@Tags		datasets
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		catalog.HarvestText	true	"all of it"
//	@Success	200		{object}	catalog.HarvestSource
//	@Router		/harvest-sources/{id} [put]
func (a *API) editHarvestSource(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.EditHarvestSource)
}

// endHarvest answers DELETE /harvest-sources/{id}.
//
//	@Summary	Take nothing over from a catalogue any more; its datasets stay, as the agency's own
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/harvest-sources/{id} [delete]
func (a *API) endHarvest(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Catalog.EndHarvest)
}

// previewHarvest answers GET /harvest-sources/{id}/preview.
//
//	@Summary	Read a catalogue now, and say what taking over would come to; nothing is changed
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.HarvestPreview
//	@Router		/harvest-sources/{id}/preview [get]
func (a *API) previewHarvest(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Catalog.PreviewHarvest)
}

// listHarvestRuns answers GET /harvest-sources/{id}/runs.
//
//	@Summary	The last readings of a catalogue, and what came of each; newest first
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	items[catalog.HarvestRun]
//	@Router		/harvest-sources/{id}/runs [get]
func (a *API) listHarvestRuns(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.HarvestRun], error) {
		if _, err := a.Catalog.HarvestSource(ctx, who, id); err != nil {
			return items[catalog.HarvestRun]{}, err
		}
		list, err := a.Catalog.HarvestRuns(ctx, id)
		return items[catalog.HarvestRun]{Items: list}, err
	})
}

// askHarvest answers POST /harvest-sources/{id}/ask.
//
//	@Summary	Have a catalogue read within a minute
//	@Tags		datasets
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.HarvestSource
//	@Router		/harvest-sources/{id}/ask [post]
func (a *API) askHarvest(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.AskHarvest)
}

// publishesBody says whether what is new becomes public without a look.
type publishesBody struct {
	Publishes bool `json:"publishes"`
}

// letHarvestPublish answers PUT /harvest-sources/{id}/publishes.
//
//	@Summary	Say whether what is new at a catalogue becomes public without a look; for the agency's stewards
//	@Tags		datasets
//	@Security	bearer
//	@Param		id		path		string			true	"id"
//	@Param		body	body		publishesBody	true	"whether"
//	@Success	200		{object}	catalog.HarvestSource
//	@Router		/harvest-sources/{id}/publishes [put]
func (a *API) letHarvestPublish(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b publishesBody) (catalog.HarvestSource, error) {
		return a.Catalog.LetHarvestPublish(ctx, who, id, b.Publishes)
	})
}
