package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// Reach says whose datasets somebody sees that are not published: what
// seeDataset answers, for lists.
type Reach struct {
	All      bool // of every agency
	Agencies []uuid.UUID
}

// Reach is what who sees beside what is published.
func (c *Catalog) Reach(ctx context.Context, who auth.Principal) Reach {
	if c.worksOn(ctx, who, uuid.Nil) {
		return Reach{All: true, Agencies: []uuid.UUID{}}
	}
	r := Reach{Agencies: []uuid.UUID{}}
	for _, m := range who.Memberships {
		if !slices.Contains(r.Agencies, m.Agency) && c.worksOn(ctx, who, m.Agency) {
			r.Agencies = append(r.Agencies, m.Agency)
		}
	}
	return r
}

const datasetsByIDSQL = `select ` + datasetColumns + ` from catalog.dataset where id = any($1)`

// Datasets gives the datasets of those ids with their distributions, in that
// order, two queries in all; what who may not see is left out, a restricted
// one's data too, and so are the agencies' names.
func (c *Catalog) Datasets(ctx context.Context, who auth.Principal, ids []uuid.UUID) ([]Dataset, error) {
	found, err := pg.All[Dataset](ctx, c.DB, datasetsByIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d datasets: %w", len(ids), err)
	}
	byID := make(map[uuid.UUID]*Dataset, len(found))
	seen := make([]uuid.UUID, 0, len(found))
	for i := range found {
		if c.seeDataset(ctx, who, found[i]) == nil {
			byID[found[i].ID] = &found[i]
			seen = append(seen, found[i].ID)
		}
	}
	parts, err := pg.All[Distribution](ctx, c.DB, distributionsOfManySQL, seen)
	if err != nil {
		return nil, fmt.Errorf("read distributions of %d datasets: %w", len(seen), err)
	}
	for _, part := range parts {
		if of := byID[part.DatasetID]; c.seeData(ctx, who, *of) == nil {
			of.Distributions = append(of.Distributions, part)
		}
	}
	list := make([]Dataset, 0, len(seen))
	for _, id := range ids {
		if d, ok := byID[id]; ok {
			list = append(list, *d)
		}
	}
	return list, c.seeFields(ctx, who, list)
}
