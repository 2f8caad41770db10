package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

// agenciesData is the data of the page "dataset-agencies".
type agenciesData struct {
	Agencies  []agencyEntry
	Synthetic bool // some codes are made up
}

// agencyEntry is an agency with how much it offers.
type agencyEntry struct {
	auth.Agency
	Datasets, APIs int
}

// listAgencies answers GET /agencies, in the order of their codes.
func (p *Portal) listAgencies(r *http.Request) (page, error) {
	ctx := r.Context()
	offered := map[string]map[string]int{"dataset": {}, "api": {}}
	for kind, bySlug := range offered {
		found, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: kind, Limit: 1})
		if err != nil {
			return page{}, err
		}
		for _, f := range found.Facets["agency"] {
			bySlug[f.Value] = f.Count
		}
	}
	var data agenciesData
	for after := ""; ; {
		list, next, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100, After: after})
		if err != nil {
			return page{}, err
		}
		for _, a := range list {
			data.Agencies = append(data.Agencies, agencyEntry{a, offered["dataset"][a.Slug], offered["api"][a.Slug]})
			data.Synthetic = data.Synthetic || a.Synthetic
		}
		if after = next; next == "" {
			break
		}
	}
	slices.SortFunc(data.Agencies, func(a, b agencyEntry) int { return strings.Compare(a.Code, b.Code) })
	return page{Name: "dataset-agencies", Data: data}, nil
}

// publicAgencyData is the data of the page "dataset-agency".
type publicAgencyData struct {
	auth.Agency
	Above    *auth.Agency // the agency it belongs to
	Aliases  []auth.Alias
	Datasets []catalog.Dataset
	APIs     []catalog.API
	More     bool // there are more datasets or APIs than are listed
	Follow   followButton
}

// publicAgency answers GET /agencies/{slug}; an old slug leads to the new one.
func (p *Portal) publicAgency(r *http.Request) (page, error) {
	ctx, slug := r.Context(), mux.Vars(r)["slug"]
	agency, err := p.Auth.AgencyBySlug(ctx, slug)
	if err != nil {
		return page{}, err
	}
	if agency.Slug != slug {
		return page{To: "/agencies/" + agency.Slug}, nil
	}
	if agency.Successor != nil {
		next, err := p.Auth.Agencies(ctx, []uuid.UUID{*agency.Successor})
		if err != nil {
			return page{}, err
		}
		return page{To: "/agencies/" + next[*agency.Successor].Slug}, nil
	}
	data := publicAgencyData{Agency: agency}
	if agency.Parent != nil {
		above, err := p.Auth.Agencies(ctx, []uuid.UUID{*agency.Parent})
		if err != nil {
			return page{}, err
		}
		if a, ok := above[*agency.Parent]; ok {
			data.Above = &a
		}
	}
	if data.Aliases, err = p.Auth.Aliases(ctx, agency.ID); err != nil {
		return page{}, err
	}
	everyone := auth.Principal{}
	var moreDatasets, moreAPIs string
	data.Datasets, moreDatasets, err = p.Catalog.ListDatasets(ctx, everyone,
		catalog.DatasetFilter{Agency: agency.ID, State: catalog.Published, Limit: 100})
	if err != nil {
		return page{}, err
	}
	data.APIs, moreAPIs, err = p.Catalog.ListAPIs(ctx, everyone, catalog.APIFilter{Agency: agency.ID, Limit: 100})
	if err != nil {
		return page{}, err
	}
	data.More = moreDatasets+moreAPIs != ""
	data.Follow, err = p.followButton(r, catalog.FollowAgency, agency.ID, "/agencies/"+agency.Slug)
	return page{Name: "dataset-agency", Data: data}, err
}
