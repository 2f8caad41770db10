package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/web"
)

// lintRoutes are what is found in a version's document, with advice.
func (a *API) lintRoutes(r routes) {
	r.get("/versions/{id}/lint", a.lint)
	r.post("/versions/{id}/lint/{code}/mend", a.mend)
}

// advised is a finding with its words.
type advised struct {
	catalog.Finding
	VI       advice `json:"vi"`
	EN       advice `json:"en"`
	Mendable bool   `json:"mendable"` // POST …/lint/{code}/mend writes the document without it
}

// advice is what is told of a finding in one language.
type advice struct {
	Text string `json:"text"` // what was found
	Why  string `json:"why"`  // why it matters to those who call; "": text says it
	Fix  string `json:"fix"`  // what to write; "": text says it
}

func adviceOf(f catalog.Finding, locale string) advice {
	return advice{f.Words(locale), f.Why(locale), f.Fix(locale)}
}

// lint answers GET /versions/{id}/lint.
//
//	@Summary	What is found in a version's document: why it matters to those who call, what to write, whether it can be mended by one call
//	@Tags		apis
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[advised]
//	@Router		/versions/{id}/lint [get]
func (a *API) lint(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[advised], error) {
		v, err := a.Catalog.VersionByID(ctx, who, id)
		list := items[advised]{Items: []advised{}}
		for _, f := range v.Findings {
			list.Items = append(list.Items, advised{f, adviceOf(f, "vi"), adviceOf(f, "en"), v.Mendable(f)})
		}
		return list, err
	})
}

// mend answers POST /versions/{id}/lint/{code}/mend.
//
//	@Summary		Write a version's document without the findings of a code, as its next revision
//	@Description	For what follows from the document alone: missing or repeated operationId, undeclared path parameters, servers, unused components, slashes at the end, missing 4xx answers. The code “all” mends each of these. Else 409 lint-not-mended.
//	@Tags			apis
//	@Security		bearer
//	@Param			id		path		string	true	"id of the version"
//	@Param			code	path		string	true	"code of the findings, or all"
//	@Success		200		{object}	catalog.Version
//	@Router			/versions/{id}/lint/{code}/mend [post]
func (a *API) mend(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Version, error) {
		return a.Catalog.MendDocument(ctx, who, id, mux.Vars(r)["code"])
	})
}

// mendFound answers POST …/{version}/found/mend: the document without the
// findings of a code.
func (p *Portal) mendFound(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.MendDocument(r.Context(), d.who, v.ID, r.PostFormValue("code")); err != nil {
		return again(r, p.found, err)
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, "found"), Flash: &web.Flash{Key: "imports.mended"}}, nil
}
