package agreement

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// The registers that clocks and agreements rest on. Each keeps every version
// of its entries, who wrote it and why.
const (
	registerDays  = "holiday"
	registerBases = "legal-basis"
)

// Entry is one version of an entry of a register.
type Entry struct {
	Version  int             `json:"version"`
	What     string          `json:"what"` // added, corrected, confirmed, succeeded, withdrawn
	At       time.Time       `json:"at"`
	PersonID *uuid.UUID      `json:"person_id"` // nil: it came with the platform
	Reason   string          `json:"reason"`
	Content  json.RawMessage `json:"content" swaggertype:"object"` // as it stood after; null: withdrawn
}

// registered is what is written about an entry.
type registered struct {
	register, key string
	version       int
	what, reason  string
	content       any // nil: withdrawn
}

const (
	insertEntrySQL = `
insert into agreement.register_entry (register, key, version, what, at, person_id, reason, content)
values ($1, $2, $3, $4, $5, nullif($6::uuid, '00000000-0000-0000-0000-000000000000'), $7, $8)`
	entriesSQL = `
select version, what, at, person_id, reason, coalesce(content, 'null') as content
  from agreement.register_entry
 where register = $1 and key = $2
 order by id desc
 limit 100`
)

// register keeps one version of an entry.
func (a *Agreements) register(ctx context.Context, tx pgx.Tx, who auth.Principal, r registered) error {
	if _, err := tx.Exec(ctx, insertEntrySQL, r.register, r.key, r.version, r.what, a.Now().UTC(), who.Person, r.reason, r.content); err != nil {
		return fmt.Errorf("keep version %d of %s %s: %w", r.version, r.register, r.key, err)
	}
	return nil
}

// nextVersion is the number of an entry's next version.
func (a *Agreements) nextVersion(ctx context.Context, tx pgx.Tx, register, key string) (int, error) {
	var last int
	if err := tx.QueryRow(ctx, lastVersionSQL, register, key).Scan(&last); err != nil {
		return 0, fmt.Errorf("last version of %s %s: %w", register, key, err)
	}
	return last + 1, nil
}

// DayHistory lists the last 100 versions of a day of the calendar, newest
// first, to who may platform.read.
func (a *Agreements) DayHistory(ctx context.Context, who auth.Principal, day string) ([]Entry, error) {
	if err := a.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return nil, err
	}
	return a.entries(ctx, registerDays, day)
}

func (a *Agreements) entries(ctx context.Context, register, key string) ([]Entry, error) {
	list, err := pg.All[Entry](ctx, a.DB, entriesSQL, register, key)
	if err != nil {
		return nil, fmt.Errorf("versions of %s %s: %w", register, key, err)
	}
	return list, nil
}
