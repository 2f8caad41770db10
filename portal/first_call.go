package portal

import (
	"context"
	"slices"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
)

// firstOperation is the newest API's first open operation without a path
// parameter, with its version's address at the gateway, and whether there is
// one.
func (p *Portal) firstOperation(ctx context.Context) (string, catalog.Operation, bool, error) {
	return p.firstWhere(ctx, func(o catalog.Operation) bool {
		return o.Access == catalog.Open && o.Method == "GET" && !strings.Contains(o.Path, "{")
	})
}

// firstWhere is the first operation of the newest published APIs that is such,
// with its version's address at the gateway, and whether there is one.
func (p *Portal) firstWhere(ctx context.Context, such func(catalog.Operation) bool) (string, catalog.Operation, bool, error) {
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
			if version.State != catalog.Published {
				continue
			}
			told, err := p.Catalog.Told(ctx, auth.Principal{}, version, "")
			if err != nil {
				return "", catalog.Operation{}, false, err
			}
			if i := slices.IndexFunc(told.Operations, such); i >= 0 {
				return p.Gateway + version.Prefix(), told.Operations[i], true, nil
			}
		}
	}
	return "", catalog.Operation{}, false, nil
}
