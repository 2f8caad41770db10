package agreement

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

const (
	forgetRequesterSQL = `
update agreement.agreement set requester_name = $2 where requester_id = $1`
	forgetOwnerSQL = `
update agreement.agreement set owner_name = $2 where owner_person_id = $1`
	forgetApplicationsSQL = `
update agreement.agreement set application_name = $2 where application_id = any($1)`
	forgetInsteadSQL = `
update agreement.event set for_name = $2 where for_id = $1`
	forgetActorSQL = `
update agreement.event set name = $2 where person_id = $1`
)

// ForgetPerson blanks the name of who deletes their account, and the names of
// their own applications, wherever agreements and what happened to them tell
// it, inside the transaction that deletes it. Their ids stay: what was agreed
// and who decided is still to be followed.
func ForgetPerson(ctx context.Context, tx pgx.Tx, person uuid.UUID, applications []uuid.UUID) error {
	for _, forget := range []struct {
		sql string
		of  any
	}{{forgetRequesterSQL, person}, {forgetOwnerSQL, person}, {forgetApplicationsSQL, applications}, {forgetActorSQL, person}, {forgetInsteadSQL, person}} {
		if _, err := tx.Exec(ctx, forget.sql, forget.of, auth.Deleted); err != nil {
			return fmt.Errorf("forget person %s: %w", person, err)
		}
	}
	return nil
}
