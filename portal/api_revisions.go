package portal

import (
	"context"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// revisionRoutes are what a version was, and how its document changes.
func (a *API) revisionRoutes(r routes) {
	r.put("/versions/{id}/spec", a.replaceSpec)
	r.get("/versions/{id}/revisions", a.listRevisions)
	r.get("/versions/{id}/revisions/{number}", a.showRevision)
	r.get("/versions/{id}/revisions/{number}/changes", a.compareRevisions)
	r.post("/versions/{id}/revisions/{number}/restore", a.restoreRevision)
}

// specChange is a document to be saved, and why.
type specChange struct {
	specSource
	Why string `json:"why,omitempty"` // kept with the revision, at most 1,000 characters
}

// replaceSpec answers PUT /versions/{id}/spec.
//
//	@Summary		Give a version another document, as its next revision
//	@Description	Marks stay with the operations that stay. Of a published version only what breaks none of its callers is taken: else 409 change-breaks, with the findings and the applications that call. A new operation is offered once it is marked.
//	@Tags			apis
//	@Security		bearer
//	@Param			id		path		string		true	"id of the version"
//	@Param			body	body		specChange	true	"the document"
//	@Success		200		{object}	catalog.Version
//	@Router			/versions/{id}/spec [put]
func (a *API) replaceSpec(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, s specChange) (catalog.Version, error) {
		text, err := a.specText(ctx, who, s.specSource)
		if err != nil {
			return catalog.Version{}, err
		}
		return a.Catalog.ReplaceSpec(ctx, who, id, catalog.Save{Text: text, Why: s.Why})
	})
}

// listRevisions answers GET /versions/{id}/revisions.
//
//	@Summary	Revisions of a version (document, pages, plan, upstreams, traffic, marks together), newest first, for its agency's people
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string	true	"id of the version"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.Revision]
//	@Router		/versions/{id}/revisions [get]
func (a *API) listRevisions(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "limit", "after")
	if err != nil {
		return err
	}
	limit, err := limitOf(values)
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Revision], error) {
		list, next, err := a.Catalog.Revisions(ctx, who, id, limit, values.Get("after"))
		return items[catalog.Revision]{list, next}, err
	})
}

// revisionNumber is the number in an address.
func revisionNumber(r *http.Request) (int, error) {
	number, err := strconv.Atoi(mux.Vars(r)["number"])
	if err != nil || number < 1 || number > 1<<30 {
		return 0, problem.Errorf(problem.NotFound, "no revision %q", mux.Vars(r)["number"])
	}
	return number, nil
}

// revisionText is a version as it was.
type revisionText struct {
	Number int    `json:"number"`
	Text   string `json:"text"` // the document, as it was imported
	Hash   string `json:"hash"` // of the whole; "" where the settings were not kept
	catalog.KeptBundle
}

// showRevision answers GET /versions/{id}/revisions/{number}.
//
//	@Summary	A version as it was: document, pages and settings, for its agency's people
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string	true	"id of the version"
//	@Param		number	path		int		true	"number of the revision"
//	@Success	200		{object}	revisionText
//	@Router		/versions/{id}/revisions/{number} [get]
func (a *API) showRevision(w http.ResponseWriter, r *http.Request) error {
	number, err := revisionNumber(r)
	if err != nil {
		return err
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (revisionText, error) {
		b, err := a.Catalog.RevisionBundle(ctx, who, id, number)
		told := revisionText{Number: number, Text: b.Text, KeptBundle: b}
		if b.Whole {
			told.Hash = b.Hash()
		}
		return told, err
	})
}

// toldChange is a change with its words.
type toldChange struct {
	catalog.DocumentChange
	VI string `json:"vi"`
	EN string `json:"en"`
}

// revisionChanges are what became of a version: of its document in words, of the
// rest place by place.
type revisionChanges struct {
	Items    []toldChange            `json:"items"`
	Next     string                  `json:"next"` // "": all are told
	Settings []catalog.SettingChange `json:"settings"`
	Unknown  bool                    `json:"unknown"` // the settings of one of the two were not kept
}

func toldChanges(c catalog.BundleChanges) revisionChanges {
	told := revisionChanges{Items: make([]toldChange, len(c.Document)), Settings: c.Settings, Unknown: c.Unknown}
	for i, d := range c.Document {
		told.Items[i] = toldChange{d, d.Words("vi"), d.Words("en")}
	}
	return told
}

// compareRevisions answers GET /versions/{id}/revisions/{number}/changes.
//
//	@Summary	What became of a version, its document in words, for its agency's people
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string	true	"id of the version"
//	@Param		number	path		int		true	"number of the later revision"
//	@Param		from	query		int		false	"number of the earlier one, default the one before; 0: nothing"
//	@Success	200		{object}	revisionChanges
//	@Router		/versions/{id}/revisions/{number}/changes [get]
func (a *API) compareRevisions(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "from")
	if err != nil {
		return err
	}
	to, err := revisionNumber(r)
	if err != nil {
		return err
	}
	from := to - 1
	if given := values.Get("from"); given != "" {
		if from, err = strconv.Atoi(given); err != nil || from < 0 || from > 1<<30 {
			return problem.Errorf(problem.NotFound, "no revision %q", given)
		}
	}
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (revisionChanges, error) {
		changes, err := a.Catalog.CompareRevisions(ctx, who, id, from, to)
		return toldChanges(changes), err
	})
}

// restoring says why an earlier document comes back.
type restoring struct {
	Why string `json:"why,omitempty"` // as in PUT /versions/{id}/spec
}

// restoreRevision answers POST /versions/{id}/revisions/{number}/restore.
//
//	@Summary		Make a version what it was in an earlier revision, as a revision of its own
//	@Description	What may not be changed alone is not changed by restoring either: what breaks callers (409 change-breaks), a mark of a published operation (409 mark-fixed), an upstream that is not approved any more (400 upstream-not-approved).
//	@Tags		apis
//	@Security	bearer
//	@Param		id		path		string		true	"id of the version"
//	@Param		number	path		int			true	"number of the revision"
//	@Param		body	body		restoring	true	"why"
//	@Success	200		{object}	catalog.Version
//	@Router		/versions/{id}/revisions/{number}/restore [post]
func (a *API) restoreRevision(w http.ResponseWriter, r *http.Request) error {
	number, err := revisionNumber(r)
	if err != nil {
		return err
	}
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, b restoring) (catalog.Version, error) {
		return a.Catalog.RestoreRevision(ctx, who, id, number, b.Why)
	})
}
