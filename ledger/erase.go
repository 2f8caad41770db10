package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

const eraseSQL = `
update ledger.entry
   set payload = null, nonce = null, person_id = null, erased_at = $2
 where id = $1 and kind <> 'act' and seq is not null and erased_at is null
returning coalesce(agency_id, '00000000-0000-0000-0000-000000000000')`

// Erase removes the payload of one exchange for good and records why; its
// commitment stays, so the log is still whole. It fails with NotFound unless
// it is a numbered exchange with a payload, with Invalid without a reason, and
// with what May returned.
func (l *Ledger) Erase(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) error {
	if reason == "" {
		return problem.Errorf(problem.Invalid, "say why").Wrong("reason", "erase-reason", "say why and by which clause")
	}
	return pgx.BeginFunc(ctx, l.DB, func(tx pgx.Tx) error {
		if err := l.May(ctx, who, "exchange.erase", uuid.Nil); err != nil {
			return err
		}
		var agency uuid.UUID
		err := tx.QueryRow(ctx, eraseSQL, id, l.Now().UTC()).Scan(&agency)
		if errors.Is(err, pgx.ErrNoRows) {
			return problem.Errorf(problem.NotFound, "no exchange %s to erase", id).Coded("no-entry")
		} else if err != nil {
			return fmt.Errorf("erase exchange %s: %w", id, err)
		}
		return l.Record(ctx, tx, auth.Act{Who: who, Verb: "ledger.erase", Agency: agency, About: id, Detail: map[string]any{"reason": reason}})
	})
}
