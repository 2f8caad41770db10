package ledger

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// Shipment is exchanges on their way into the ledger, packed as Unpack reads
// them.
type Shipment struct {
	Count int  // of exchanges, at least 1
	Again bool // some of them may have been shipped before
	Body  []byte
}

const shipSQL = `insert into ledger.shipment (count, again, body) values ($1, $2, $3)`

// Ship takes exchanges for good. They are entries of the log within a second;
// one whose id is there already stays as it was.
func (l *Ledger) Ship(ctx context.Context, s Shipment) error {
	if _, err := l.DB.Exec(ctx, shipSQL, s.Count, s.Again, s.Body); err != nil {
		return fmt.Errorf("ship %d exchanges: %w", s.Count, err)
	}
	return nil
}

// maxShipments is how many are unpacked in one transaction.
const maxShipments = 4

const (
	shipmentsSQL    = `select id, again, body from ledger.shipment where failed_at is null order by id limit $1`
	dropShipmentSQL = `delete from ledger.shipment where id = any($1)`
	failShipmentSQL = `update ledger.shipment set failed_at = $2 where id = $1`
	knownEntriesSQL = `select id from ledger.entry where id = any($1)`
)

// unpacked is what shipments held, each exchange once.
type unpacked struct {
	entries []entry
	more    bool // shipments are left
}

// unpack takes the shipments that have waited longest. Exchanges that the
// ledger has already are left out where they may be, and all that are there
// when careful is set.
func (l *Ledger) unpack(ctx context.Context, tx pgx.Tx, careful bool) (unpacked, error) {
	rows, err := pg.All[struct {
		ID    int64
		Again bool
		Body  []byte
	}](ctx, tx, shipmentsSQL, maxShipments)
	if err != nil || len(rows) == 0 {
		return unpacked{}, err
	}
	var done []int64
	var doubtful []uuid.UUID
	var out unpacked
	seen := map[uuid.UUID]bool{}
	for _, row := range rows {
		exchanges, err := l.Unpack(row.Body)
		if err != nil {
			slog.ErrorContext(ctx, "shipment of exchanges cannot be unpacked and is kept aside", "shipment_id", row.ID, "err", err)
			if _, err := tx.Exec(ctx, failShipmentSQL, row.ID, l.Now().UTC()); err != nil {
				return unpacked{}, fmt.Errorf("put shipment %d aside: %w", row.ID, err)
			}
			continue
		}
		done = append(done, row.ID)
		for _, e := range exchanges {
			if seen[e.ID] {
				continue
			}
			seen[e.ID] = true
			if row.Again || careful {
				doubtful = append(doubtful, e.ID)
			}
			made, err := e.entry()
			if err != nil {
				return unpacked{}, fmt.Errorf("shipment %d: %w", row.ID, err)
			}
			out.entries = append(out.entries, made)
		}
	}
	if _, err := tx.Exec(ctx, dropShipmentSQL, done); err != nil {
		return unpacked{}, fmt.Errorf("drop shipments: %w", err)
	}
	out.more = len(rows) == maxShipments
	out.entries, err = without(ctx, tx, out.entries, doubtful)
	return out, err
}

// without leaves out those of the doubtful entries that the ledger has.
func without(ctx context.Context, tx pgx.Tx, entries []entry, doubtful []uuid.UUID) ([]entry, error) {
	if len(doubtful) == 0 {
		return entries, nil
	}
	type row struct{ ID uuid.UUID }
	rows, err := pg.All[row](ctx, tx, knownEntriesSQL, doubtful)
	if err != nil {
		return nil, fmt.Errorf("look for known exchanges: %w", err)
	}
	known := make(map[uuid.UUID]bool, len(rows))
	for _, r := range rows {
		known[r.ID] = true
	}
	kept := entries[:0]
	for _, e := range entries {
		if !known[e.columns.ID] {
			kept = append(kept, e)
		}
	}
	return kept, nil
}
