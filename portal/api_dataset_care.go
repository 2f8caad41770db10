package portal

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

// datasetCareRoutes are about how datasets are described and kept.
func (a *API) datasetCareRoutes(r routes) {
	r.get("/datasets/{slug}/quality", a.datasetQuality)
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
