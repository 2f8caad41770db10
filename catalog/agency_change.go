package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const (
	agencyAPIsSQL     = `select id from catalog.api where agency_id = $1 order by id`
	agencyDatasetsSQL = `select ` + datasetColumns + ` from catalog.dataset where agency_id = $1 order by id`
)

// FollowAgency makes search find what an agency offers by the slug and the
// names that it has from now on, in the transaction that gives them.
func (c *Catalog) FollowAgency(ctx context.Context, tx pgx.Tx, owner Agency) error {
	rows, _ := tx.Query(ctx, agencyAPIsSQL, owner.ID) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("read APIs of agency %s: %w", owner.ID, err)
	}
	for _, id := range ids {
		if err := c.indexAPI(ctx, tx, id, owner); err != nil {
			return err
		}
	}
	list, err := pg.All[Dataset](ctx, tx, agencyDatasetsSQL, owner.ID)
	if err != nil {
		return fmt.Errorf("read datasets of agency %s: %w", owner.ID, err)
	}
	for _, d := range list {
		d.Agency = owner
		if d.Schema, err = schemaIn(ctx, tx, owner.ID); err != nil {
			return err
		}
		if d.Distributions, err = distributionsOf(ctx, tx, d.ID); err != nil {
			return err
		}
		if err := c.indexDataset(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

const upstreamStandsSQL = `select exists (select from catalog.upstream where agency_id = $1 and approved_at is not null)`

// UpstreamStands reports whether the operator has approved an upstream of an
// agency, without telling which.
func (c *Catalog) UpstreamStands(ctx context.Context, agency uuid.UUID) (bool, error) {
	var stands bool
	if err := c.DB.QueryRow(ctx, upstreamStandsSQL, agency).Scan(&stands); err != nil {
		return false, fmt.Errorf("find upstreams of agency %s: %w", agency, err)
	}
	return stands, nil
}
