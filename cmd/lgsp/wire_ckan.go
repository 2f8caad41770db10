package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/ckan"
	"lgsp/catalog/mcp"
)

// ckan is the catalogue as CKAN's clients ask for it.
func (p *platform) ckan() *ckan.Server {
	return &ckan.Server{
		DB: p.db.Pool, Now: time.Now, Catalog: p.catalog, Origin: p.config.PortalURL,
		TitleVI:           "Dữ liệu mở tỉnh " + p.portal.Province,
		DescriptionVI:     "Bộ dữ liệu mở của các cơ quan nhà nước trong tỉnh.",
		Organizations:     p.ckanOrganizations,
		EveryOrganization: p.everyOrganization,
		Who:               p.whoByCKANToken,
	}
}

// assistants is the catalogue as assistants ask for it.
func (p *platform) assistants() *mcp.Server {
	return &mcp.Server{
		Catalog: p.catalog, Origin: p.config.PortalURL,
		TitleVI: "Dữ liệu mở tỉnh " + p.portal.Province, TitleEN: "Open data of " + p.portal.Province,
		Who: p.api.Who, Take: p.portal.TakeQuestion,
	}
}

func (p *platform) ckanOrganizations(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]ckan.Organization, error) {
	agencies, err := p.auth.Agencies(ctx, ids)
	out := make(map[uuid.UUID]ckan.Organization, len(agencies))
	for id, a := range agencies {
		out[id] = organizationOf(a)
	}
	return out, err
}

func (p *platform) everyOrganization(ctx context.Context) ([]ckan.Organization, error) {
	var all []ckan.Organization
	page := auth.Page{Limit: 100}
	for {
		list, next, err := p.auth.ListAgencies(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			all = append(all, organizationOf(a))
		}
		if next == "" {
			return all, nil
		}
		page.After = next
	}
}

func organizationOf(a auth.Agency) ckan.Organization {
	return ckan.Organization{ID: a.ID, Slug: a.Slug, TitleVI: a.NameVI, Description: a.NoteVI, Created: a.ValidFrom}
}

// whoByCKANToken is whom a token stands for that comes without a scheme: a
// personal access token, or an access token for the issuer.
func (p *platform) whoByCKANToken(r *http.Request, token string) (auth.Principal, error) {
	if strings.HasPrefix(token, "lgsp_pat_") {
		return p.auth.WhoByToken(r.Context(), token)
	}
	at := auth.OriginOf(r, p.config.PortalURL, p.config.MTLSURL) + r.URL.EscapedPath()
	return p.oauth.WhoByAccessToken(r.Context(), auth.Presented{Scheme: auth.BearerScheme, Token: token, Method: r.Method, URL: at, X5T: auth.CertificateHash(r)})
}
