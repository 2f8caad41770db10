package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// DatasetFilter says which datasets to list, newest first.
type DatasetFilter struct {
	Agency uuid.UUID // uuid.Nil: every agency
	State  string    // "": published for everyone; of one agency, every state its people may see
	Theme  string
	Limit  int    // 1 to 100, 0 is 20
	After  string // next of the page before
}

const listDatasetsSQL = `
select ` + datasetColumns + `
  from catalog.dataset
 where ($1 = '00000000-0000-0000-0000-000000000000'::uuid or agency_id = $1)
   and ($2 = '' or state = $2)
   and ($3 = '' or theme = $3)
   and ($4 = '00000000-0000-0000-0000-000000000000'::uuid or id < $4)
 order by id desc
 limit $5`

// ListDatasets gives a page of datasets, without their distributions, and the
// cursor of the next. What is not published is listed only to those who may
// edit or approve for the agency asked for; others get Invalid or what May says.
func (c *Catalog) ListDatasets(ctx context.Context, who auth.Principal, f DatasetFilter) ([]Dataset, string, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return nil, "", err
	}
	var after uuid.UUID
	if f.After != "" {
		if after, err = uuid.Parse(f.After); err != nil {
			return nil, "", badCursor()
		}
	}
	if f.State, err = c.listedState(ctx, who, f); err != nil {
		return nil, "", err
	}
	list, err := pg.All[Dataset](ctx, c.DB, listDatasetsSQL, f.Agency, f.State, f.Theme, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list datasets: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID.String()
	}
	ids := make([]uuid.UUID, len(list))
	for i, d := range list {
		ids[i] = d.AgencyID
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		list[i].Agency = agencies[list[i].AgencyID]
	}
	return list, next, c.seeFields(ctx, who, list)
}

// listedState is the state that who gets to see listed, "" for all.
func (c *Catalog) listedState(ctx context.Context, who auth.Principal, f DatasetFilter) (string, error) {
	if f.State == Published {
		return Published, nil
	}
	if c.worksOn(ctx, who, f.Agency) {
		return f.State, nil
	}
	if f.State == "" {
		return Published, nil
	}
	return "", c.May(ctx, who, "dataset.edit", f.Agency)
}

func pageLimit(limit int) (int, error) {
	if limit == 0 {
		return 20, nil
	}
	if limit < 1 || limit > 100 {
		return 0, problem.Errorf(problem.Invalid, "limit is 1 to 100, not %d", limit).Coded("page-limit", "limit", fmt.Sprint(limit))
	}
	return limit, nil
}

func badCursor() error {
	return problem.Errorf(problem.Invalid, "after is not a cursor of this list").Coded("page-cursor")
}
