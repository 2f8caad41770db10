package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Receipt is where an act stands in the log.
type Receipt struct {
	Entry uuid.UUID `json:"entry"` // /ledger/proof/{entry} proves it
	At    time.Time `json:"at"`
	Seq   *int64    `json:"seq"` // nil: not numbered yet
}

const receiptSQL = `
select id as entry, at, seq
  from ledger.entry
 where about = $1 and kind = 'act' and operation = any($2)
 order by id desc
 limit 1`

// ReceiptOf gives where the last act of these verbs about an object stands. It
// says nothing of what was done; whoever asks for others has checked that they
// may know the object. It fails with NotFound when there is none.
func (l *Ledger) ReceiptOf(ctx context.Context, about uuid.UUID, verbs ...string) (Receipt, error) {
	r, err := pg.One[Receipt](ctx, l.DB, receiptSQL, about, verbs)
	if errors.Is(err, pgx.ErrNoRows) {
		return Receipt{}, problem.Errorf(problem.NotFound, "no act about %s", about).Coded("no-entry")
	} else if err != nil {
		return Receipt{}, fmt.Errorf("read the receipt of an act about %s: %w", about, err)
	}
	return r, nil
}
