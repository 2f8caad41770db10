package portal

import (
	"context"
	"net/http"
	"strconv"

	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/codelist"
)

// codeListRoutes are the lists of codes: for everyone to read, for operators to
// keep.
func (a *API) codeListRoutes(r routes) {
	r.get("/code-lists", a.listCodeLists)
	r.post("/code-lists", a.addCodeList)
	r.get("/code-lists/{slug}/codes", a.showCodes)
	r.get("/code-lists/{slug}/codes.csv", a.codesFile)
	r.get("/code-lists/{slug}/versions", a.listCodeVersions)
	r.post("/code-lists/{slug}/compare", a.compareCodes)
	r.post("/code-lists/{slug}/import", a.importCodes)
}

// listCodeLists answers GET /code-lists.
//
//	@Summary	The lists of codes that agencies share
//	@Tags		platform
//	@Success	200	{object}	items[catalog.CodeList]
//	@Router		/code-lists [get]
func (a *API) listCodeLists(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, _ auth.Principal) (items[catalog.CodeList], error) {
		lists, err := a.Catalog.CodeLists(ctx)
		return items[catalog.CodeList]{Items: lists}, err
	})
}

// addCodeList answers POST /code-lists.
//
//	@Summary	Begin a list of codes, for the operator
//	@Tags		platform
//	@Security	bearer
//	@Param		body	body		catalog.CodeListText	true	"what it is"
//	@Success	201		{object}	catalog.CodeList
//	@Router		/code-lists [post]
func (a *API) addCodeList(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, text catalog.CodeListText) (catalog.CodeList, string, error) {
		list, err := a.Catalog.AddCodeList(ctx, who, text)
		return list, "/code-lists/" + list.Slug + "/codes", err
	})
}

// codesAsked are the codes of the list in the address: of one of the platform's
// own, or of a version of one that operators keep.
func (a *API) codesAsked(r *http.Request) ([]codelist.Entry, error) {
	values, err := query(r, "version")
	if err != nil {
		return nil, err
	}
	slug := mux.Vars(r)["slug"]
	own, ok, err := codeSource{a.Auth, a.Catalog, a.Agreements}.own(r.Context(), slug)
	if ok || err != nil {
		return own, err
	}
	version := 0
	if text := values.Get("version"); text != "" {
		if version, err = strconv.Atoi(text); err != nil || version < 1 {
			return nil, wrongParameter("version", "1 …")
		}
	}
	return a.Catalog.Codes(r.Context(), slug, version)
}

// showCodes answers GET /code-lists/{slug}/codes.
//
//	@Summary	The codes of a list; agencies, purposes, themes, licences and frequencies are lists of the platform itself
//	@Tags		platform
//	@Param		slug	path		string	true	"slug"
//	@Param		version	query		int		false	"of a list that is kept; default the one in force"
//	@Success	200		{object}	items[codelist.Entry]
//	@Router		/code-lists/{slug}/codes [get]
func (a *API) showCodes(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(context.Context, auth.Principal) (items[codelist.Entry], error) {
		entries, err := a.codesAsked(r)
		return items[codelist.Entry]{Items: entries}, err
	})
}

// codesFile answers GET /code-lists/{slug}/codes.csv.
//
//	@Summary	The same as CSV, as an import takes it
//	@Tags		platform
//	@Produce	text/csv
//	@Param		slug	path		string	true	"slug"
//	@Param		version	query		int		false	"of a list that is kept; default the one in force"
//	@Success	200		{string}	string
//	@Router		/code-lists/{slug}/codes.csv [get]
func (a *API) codesFile(w http.ResponseWriter, r *http.Request) error {
	entries, err := a.codesAsked(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+mux.Vars(r)["slug"]+`.csv"`)
	_, _ = w.Write(codelist.Write(entries)) // the reader may have gone
	return nil
}

// listCodeVersions answers GET /code-lists/{slug}/versions.
//
//	@Summary	The versions of a list and why each was written, for operators and auditors
//	@Tags		platform
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	items[catalog.CodeListVersion]
//	@Router		/code-lists/{slug}/versions [get]
func (a *API) listCodeVersions(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.CodeListVersion], error) {
		list, err := a.Catalog.CodeListVersions(ctx, who, mux.Vars(r)["slug"])
		return items[catalog.CodeListVersion]{Items: list}, err
	})
}

// codesText is a file of codes.
type codesText struct {
	Text string `json:"text"` // CSV: code, name_vi; name_en, parent, valid_from, valid_to, note may be absent
}

// compareCodes answers POST /code-lists/{slug}/compare.
//
//	@Summary	What a file would change of a list; nothing is changed. Each fault of the file is told by line and column
//	@Tags		platform
//	@Security	bearer
//	@Param		slug	path		string		true	"slug"
//	@Param		body	body		codesText	true	"the whole list"
//	@Success	200		{object}	catalog.CodeComparison
//	@Router		/code-lists/{slug}/compare [post]
func (a *API) compareCodes(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	in, err := decode[codesText](w, r)
	if err != nil {
		return err
	}
	compared, err := a.Catalog.CompareCodes(r.Context(), who, mux.Vars(r)["slug"], []byte(in.Text))
	if err != nil {
		return err
	}
	return answer(w, r, compared)
}

// importCodes answers POST /code-lists/{slug}/import.
//
//	@Summary	Put the codes of a file in the place of a list's, all or none, as its next version
//	@Tags		platform
//	@Security	bearer
//	@Param		slug	path		string				true	"slug"
//	@Param		body	body		catalog.CodesImport	true	"the whole list, the version it was compared with, and why"
//	@Success	200		{object}	catalog.CodeList
//	@Router		/code-lists/{slug}/import [post]
func (a *API) importCodes(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	in, err := decode[catalog.CodesImport](w, r)
	if err != nil {
		return err
	}
	list, err := a.Catalog.ImportCodes(r.Context(), who, mux.Vars(r)["slug"], in)
	if err != nil {
		return err
	}
	return answer(w, r, list)
}
