package portal

import (
	"context"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
)

// firstOperation is the newest API's first open operation without a path
// parameter, with its version's address at the gateway, and whether there is
// one.
func (p *Portal) firstOperation(ctx context.Context) (string, catalog.Operation, bool, error) {
	found, err := p.Catalog.Find(ctx, catalog.FindQuery{Kind: "api", Limit: 3})
	if err != nil {
		return "", catalog.Operation{}, false, err
	}
	for _, hit := range found.Hits {
		agency, slug, _ := strings.Cut(hit.Slug, "/")
		api, err := p.Catalog.APIBySlug(ctx, auth.Principal{}, agency, slug)
		if err != nil {
			return "", catalog.Operation{}, false, err
		}
		for _, version := range api.Versions {
			operations, err := p.Catalog.Operations(ctx, auth.Principal{}, version.ID)
			if err != nil {
				return "", catalog.Operation{}, false, err
			}
			for _, o := range operations {
				if o.Access == catalog.Open && o.Method == "GET" && !strings.Contains(o.Path, "{") && version.State == catalog.Published {
					return p.Gateway + version.Prefix(), o, true, nil
				}
			}
		}
	}
	return "", catalog.Operation{}, false, nil
}
