package agreement

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Holder is an application with an agreement on a version that is not over.
type Holder struct {
	ApplicationID uuid.UUID
	Purpose       string
	Operations    []Operation
}

// maxHolders is how many agreements on one version are told.
const maxHolders = 10_000

const holdersSQL = `
select application_id, purpose, operations
  from agreement.agreement
 where version_id = $1 and state in ('active', 'suspended') and ends >= $2::date
 order by application_id
 limit $3`

// HoldersOf lists the agreements on a version that are active or suspended and
// not over, at most 10,000. It is for the other rooms, which ask the policy
// themselves.
func (a *Agreements) HoldersOf(ctx context.Context, version uuid.UUID) ([]Holder, error) {
	list, err := pg.All[Holder](ctx, a.DB, holdersSQL, version, a.today(), maxHolders)
	if err != nil {
		return nil, fmt.Errorf("list agreements on version %s: %w", version, err)
	}
	return list, nil
}
