package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const putPackageSQL = `
insert into catalog.package_index (id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at)
select id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at
  from catalog.package_row
 where id = $1
on conflict on constraint package_index_key
do update set agency_id = excluded.agency_id, name = excluded.name, title = excluded.title, state = excluded.state,
       theme = excluded.theme, licence = excluded.licence, tags = excluded.tags, formats = excluded.formats,
       created_at = excluded.created_at, modified_at = excluded.modified_at`

// putPackage brings the row that CKAN's clients search by in line with a
// dataset, in the transaction that changes it.
func putPackage(ctx context.Context, tx pgx.Tx, dataset uuid.UUID) error {
	if _, err := tx.Exec(ctx, putPackageSQL, dataset); err != nil {
		return fmt.Errorf("index package %s: %w", dataset, err)
	}
	return nil
}
