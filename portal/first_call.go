package portal

import (
	"context"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
)

// firstCall is the URL of something anyone can call: the newest API's first
// open operation without a path parameter. Where there is none it is the
// gateway's own list of APIs (RFC 9727).
func (p *Portal) firstCall(ctx context.Context) (string, error) {
	found, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "api", Limit: 3})
	if err != nil {
		return "", err
	}
	for _, hit := range found.Hits {
		agency, slug, _ := strings.Cut(hit.Slug, "/")
		api, err := p.Catalog.APIBySlug(ctx, auth.Principal{}, agency, slug)
		if err != nil {
			return "", err
		}
		for _, version := range api.Versions {
			operations, err := p.Catalog.Operations(ctx, auth.Principal{}, version.ID)
			if err != nil {
				return "", err
			}
			for _, o := range operations {
				if o.Access == catalog.Open && o.Method == "GET" && !strings.Contains(o.Path, "{") && version.State == catalog.Published {
					return p.Gateway + version.Prefix() + o.Path, nil
				}
			}
		}
	}
	return p.Gateway + "/.well-known/api-catalog", nil
}
