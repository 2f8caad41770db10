package portal

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/codelist"
	"lgsp/internal/problem"
	"lgsp/web"
)

// codeSource gives the codes of every list: of those that operators keep, and of
// those that the platform itself is described by.
type codeSource struct {
	Auth       *auth.Auth
	Catalog    *catalog.Catalog
	Agreements *agreement.Agreements
}

// ownLists are the lists that the platform itself uses: their codes are changed
// by a release, or where they are kept.
var ownLists = []string{"agencies", "purposes", "themes", "licences", "frequencies"}

// own gives the codes of one of ownLists; false for another name.
func (s codeSource) own(ctx context.Context, name string) ([]codelist.Entry, bool, error) {
	switch name {
	case "agencies":
		entries, err := s.agencies(ctx)
		return entries, true, err
	case "purposes":
		list, err := s.Agreements.Purposes(ctx)
		entries := make([]codelist.Entry, len(list))
		for i, p := range list {
			entries[i] = codelist.Entry{Code: p.Code, NameVI: p.TitleVI, NameEN: p.TitleEN}
		}
		return entries, true, err
	case "themes":
		return codesOf(catalog.Themes()), true, nil
	case "licences":
		return codesOf(catalog.Licences()), true, nil
	case "frequencies":
		return codesOf(catalog.Frequencies()), true, nil
	}
	return nil, false, nil
}

func codesOf(list []catalog.Code) []codelist.Entry {
	entries := make([]codelist.Entry, len(list))
	for i, c := range list {
		entries[i] = codelist.Entry{Code: c.ID, NameVI: c.TitleVI, NameEN: c.TitleEN, Note: c.URL}
	}
	return entries
}

// agencies are all agencies there are and were, by slug.
func (s codeSource) agencies(ctx context.Context) ([]codelist.Entry, error) {
	var all []auth.FoundAgency
	for after := ""; ; {
		list, next, err := s.Auth.FindAgencies(ctx, auth.AgencyFilter{Page: auth.Page{Limit: 100, After: after}})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
		if after = next; next == "" {
			break
		}
	}
	codeOf := map[uuid.UUID]string{}
	for _, a := range all {
		codeOf[a.ID] = a.Code
	}
	entries := make([]codelist.Entry, len(all))
	for i, a := range all {
		entries[i] = codelist.Entry{Code: a.Code, NameVI: a.NameVI, NameEN: a.NameEN, ValidFrom: a.ValidFrom.Format(time.DateOnly), Note: a.Source}
		if a.Parent != nil {
			entries[i].Parent = codeOf[*a.Parent]
		}
		if a.ValidTo != nil {
			entries[i].ValidTo = a.ValidTo.Format(time.DateOnly)
		}
	}
	return entries, nil
}

func (p *Portal) codeSource() codeSource { return codeSource{p.Auth, p.Catalog, p.Agreements} }

// codeListsData is the data of the page "operator-code-lists".
type codeListsData struct {
	Lists []catalog.CodeList
	Own   []ownList
	Edits bool
}

// ownList is one of ownLists, with how many codes it has.
type ownList struct {
	Name    string
	Entries int
}

// codeLists answers GET /operator/code-lists.
func (p *Portal) codeLists(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	data := codeListsData{Edits: p.Policy.May(r.Context(), who, "code-list.edit", uuid.Nil) == nil}
	if data.Lists, err = p.Catalog.CodeLists(r.Context()); err != nil {
		return page{}, err
	}
	for _, name := range ownLists {
		entries, _, err := p.codeSource().own(r.Context(), name)
		if err != nil {
			return page{}, err
		}
		data.Own = append(data.Own, ownList{name, len(entries)})
	}
	return page{Name: "operator-code-lists", Data: data}, nil
}

// addCodeList answers POST /operator/code-lists.
func (p *Portal) addCodeList(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	text := catalog.CodeListText{Slug: r.PostFormValue("slug"), TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"), Source: r.PostFormValue("source")}
	if slices.Contains(ownLists, text.Slug) {
		err = problem.Errorf(problem.Conflict, "%s is a list of the platform", text.Slug).Coded("code-list-taken").Wrong("slug", "code-list-taken", "a list has this name already")
	} else {
		_, err = p.Catalog.AddCodeList(r.Context(), who, text)
	}
	if err != nil {
		return again(r, p.codeLists, err)
	}
	return page{To: "/operator/code-lists/" + text.Slug, Flash: &web.Flash{Key: "code.added"}}, nil
}

// codeListData is the data of the pages "operator-code-list" and
// "operator-code-preview".
type codeListData struct {
	catalog.CodeList
	Own      bool // one of ownLists
	Shown    int  // which version
	Codes    []codelist.Entry
	More     int // codes that the page leaves out
	Versions []codeVersion
	Edits    bool

	Compared                *catalog.CodeComparison // what a file would change
	Text                    string                  // that file
	Added, Changed, Removed int
}

// codeVersion is a version with the name of who wrote it.
type codeVersion struct {
	catalog.CodeListVersion
	By string
}

// shownCodes is how many codes a page shows; the file has all.
const shownCodes = 500

// codeList answers GET /operator/code-lists/{list}?version=….
func (p *Portal) codeList(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	ctx, slug := r.Context(), mux.Vars(r)["list"]
	data := codeListData{}
	if data.Codes, data.Own, err = p.codeSource().own(ctx, slug); err != nil {
		return page{}, err
	}
	if data.Own {
		data.Slug, data.Entries = slug, len(data.Codes)
	} else if err := p.keptCodes(r, who, &data); err != nil {
		return page{}, err
	}
	if len(data.Codes) > shownCodes {
		data.More, data.Codes = len(data.Codes)-shownCodes, data.Codes[:shownCodes]
	}
	return page{Name: "operator-code-list", Data: data}, nil
}

// keptCodes reads a list that operators keep. It fails with NotFound.
func (p *Portal) keptCodes(r *http.Request, who auth.Principal, data *codeListData) error {
	ctx, slug := r.Context(), mux.Vars(r)["list"]
	var err error
	if data.CodeList, err = p.Catalog.CodeList(ctx, slug); err != nil {
		return err
	}
	data.Edits = p.Policy.May(ctx, who, "code-list.edit", uuid.Nil) == nil
	if data.Shown, err = strconv.Atoi(r.URL.Query().Get("version")); err != nil || data.Shown < 1 {
		data.Shown = data.Version
	}
	if data.Codes, err = p.Catalog.Codes(ctx, slug, data.Shown); err != nil {
		return err
	}
	versions, err := p.Catalog.CodeListVersions(ctx, who, slug)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	for _, v := range versions {
		if v.PersonID != nil {
			ids = append(ids, *v.PersonID)
		}
	}
	people, err := p.Auth.Persons(ctx, ids)
	for _, v := range versions {
		row := codeVersion{CodeListVersion: v}
		if v.PersonID != nil {
			row.By = people[*v.PersonID].Name
		}
		data.Versions = append(data.Versions, row)
	}
	return err
}

// previewCodes answers POST /operator/code-lists/{list}/preview: what the file
// would change, and the form that has it done. Nothing is kept.
func (p *Portal) previewCodes(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	text, err := fileText(r, "file", codelist.MaxBytes+1)
	if err != nil {
		return again(r, p.codeList, err)
	}
	return p.preview(r, who, string(text))
}

// preview shows what a text would change, or the list again with what is wrong in it.
func (p *Portal) preview(r *http.Request, who auth.Principal, text string) (page, error) {
	compared, err := p.Catalog.CompareCodes(r.Context(), who, mux.Vars(r)["list"], []byte(text))
	if err != nil {
		return again(r, p.codeList, err)
	}
	data := codeListData{Compared: &compared, Text: text}
	if data.CodeList, err = p.Catalog.CodeList(r.Context(), mux.Vars(r)["list"]); err != nil {
		return page{}, err
	}
	data.Added, data.Changed, data.Removed = compared.Counts()
	if len(compared.Changes) > shownCodes {
		data.More, compared.Changes = len(compared.Changes)-shownCodes, compared.Changes[:shownCodes]
	}
	return page{Name: "operator-code-preview", Data: data}, nil
}

// importCodes answers POST /operator/code-lists/{list}/import: what was looked
// at is done. Where the list has moved on, it is compared anew.
func (p *Portal) importCodes(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	version, err := strconv.Atoi(r.PostFormValue("version"))
	if err != nil {
		version = -1 // which no list is at
	}
	text := r.PostFormValue("text")
	list, err := p.Catalog.ImportCodes(r.Context(), who, mux.Vars(r)["list"], catalog.CodesImport{Text: text, Version: version, Reason: r.PostFormValue("reason")})
	if err != nil {
		return again(r, func(r *http.Request) (page, error) { return p.preview(r, who, text) }, err)
	}
	return page{To: "/operator/code-lists/" + list.Slug, Flash: &web.Flash{Key: "code.imported", Args: []string{"version", strconv.Itoa(list.Version)}}}, nil
}
