package agreement

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const ownerChangesSQL = `
update agreement.agreement
   set owner_name = $2, owner_person_id = $3, owner_agency_id = $4
 where application_id = $1 and state in ('requested', 'active', 'suspended')`

// OwnerChanges has what is asked for and what is in force follow an application
// to its new owner, inside the transaction that gives it. What is over keeps the
// name of who had it then; who decides nothing on it stays so.
func OwnerChanges(ctx context.Context, tx pgx.Tx, to Applicant) error {
	_, err := tx.Exec(ctx, ownerChangesSQL, to.ApplicationID, to.OwnerName, known(to.OwnerPerson), known(to.OwnerAgency))
	if err != nil {
		return fmt.Errorf("give agreements of application %s to its owner: %w", to.ApplicationID, err)
	}
	return nil
}
