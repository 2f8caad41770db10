package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
)

// docPageRoutes are the pages that an agency writes beside a version's document.
func (a *API) docPageRoutes(r routes) {
	r.get("/versions/{id}/pages", a.listDocPages)
	r.put("/versions/{id}/pages", a.setDocPages)
}

// listDocPages answers GET /versions/{id}/pages.
//
//	@Summary	Pages of documentation beside a version's document
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.DocPage]
//	@Router		/versions/{id}/pages [get]
func (a *API) listDocPages(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.DocPage], error) {
		list, err := a.Catalog.DocPages(ctx, who, id)
		return items[catalog.DocPage]{Items: list}, err
	})
}

// docPages are all pages of a version, and why they change.
type docPages struct {
	Pages []catalog.DocPage `json:"pages"` // in their order, at most 20
	Why   string            `json:"why,omitempty"`
}

// setDocPages answers PUT /versions/{id}/pages.
//
//	@Summary		Put pages of documentation beside a version's document, in place of those there are
//	@Description	Kept as the version's next revision, together with its document; restoring a revision restores both.
//	@Tags			apis
//	@Security		bearer
//	@Param			id		path		string		true	"id of the version"
//	@Param			body	body		docPages	true	"the pages"
//	@Success		200		{object}	catalog.Version
//	@Router			/versions/{id}/pages [put]
func (a *API) setDocPages(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, p docPages) (catalog.Version, error) {
		return a.Catalog.SetDocPages(ctx, who, id, p.Pages, p.Why)
	})
}
