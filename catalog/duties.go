package catalog

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

const day = 24 * time.Hour

// Terms are how long things may take with the datasets of the province. They
// are its own practice; zero is the usual one.
type Terms struct {
	Decide time.Duration // a steward, on what was submitted; 5 days
	Review time.Duration // until a public dataset is looked through again; 183 days
	Renew  time.Duration // until new data comes, where no frequency is stated; 92 days
}

func (t Terms) decide() time.Duration { return cmp.Or(t.Decide, 5*day) }

const reviewedSQL = `update catalog.dataset set reviewed_at = $2 where id = $1`

// ReviewedDataset notes that a public dataset was looked through and is right
// as it stands.
func (c *Catalog) ReviewedDataset(ctx context.Context, who auth.Principal, id uuid.UUID) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.edit", verb: "dataset.reviewed", from: []string{Published}}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		return execOne(ctx, tx, reviewedSQL, id, c.Now().UTC())
	})
}
