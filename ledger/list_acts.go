package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// ActFilter narrows a list; zero fields do not.
type ActFilter struct {
	Agency, About, Person uuid.UUID
	Verb                  string // version.publish
	Since                 time.Time
	Limit                 int    // 1 to 100; 0 is 20
	After                 string // Next of the page before
}

// ActPage is one page, newest first.
type ActPage struct {
	Items []ActEntry `json:"items"`
	Next  string     `json:"next"` // "" at the end
}

// ActEntry is an administrative act with its place in the log.
type ActEntry struct {
	ID            uuid.UUID      `json:"id"`
	At            time.Time      `json:"at"`
	Verb          string         `json:"verb"`
	AgencyID      uuid.UUID      `json:"agency_id"`
	About         uuid.UUID      `json:"about"`
	PersonID      uuid.UUID      `json:"person_id"`
	ApplicationID uuid.UUID      `json:"application_id"`
	Name          string         `json:"name"` // of a person: as it is today, "" when the account is gone
	TraceID       string         `json:"trace_id,omitempty"`
	Detail        map[string]any `json:"detail,omitempty"`
	Seq           *int64         `json:"seq"` // nil: not numbered yet
}

const listActsSQL = `
select id, payload, seq
  from ledger.entry
 where kind = 'act'
   and ($1::uuid is null or agency_id = $1)
   and ($2::uuid is null or about = $2)
   and ($3::uuid is null or person_id = $3)
   and ($4 = '' or operation = $4)
   and ($5::timestamptz is null or at >= $5)
   and ($6::uuid is null or id < $6)
   and payload is not null
 order by id desc
 limit $7`

// ListActs gives administrative acts, newest first, to auditors and
// operators, and to everybody their own. It fails with Invalid for a bad page, and with what May returned.
func (l *Ledger) ListActs(ctx context.Context, who auth.Principal, f ActFilter) (ActPage, error) {
	limit, after, err := page(f.Limit, f.After)
	if err != nil {
		return ActPage{}, err
	}
	if own := who.Person != uuid.Nil && f.Person == who.Person; !own {
		if err := l.May(ctx, who, "platform.read", uuid.Nil); err != nil {
			return ActPage{}, err
		}
	}
	rows, err := pg.All[struct {
		ID      uuid.UUID
		Payload string
		Seq     *int64
	}](ctx, l.DB, listActsSQL, known(f.Agency), known(f.About), known(f.Person), f.Verb, since(f.Since), known(after), limit+1)
	if err != nil {
		return ActPage{}, fmt.Errorf("list acts: %w", err)
	}
	out := ActPage{Items: []ActEntry{}}
	for i, row := range rows {
		if i == limit {
			out.Next = rows[i-1].ID.String()
			break
		}
		entry := ActEntry{Seq: row.Seq}
		if err := json.Unmarshal([]byte(row.Payload), &entry); err != nil {
			return ActPage{}, fmt.Errorf("read act %s: %w", row.ID, err)
		}
		out.Items = append(out.Items, entry)
	}
	return out, l.name(ctx, out.Items)
}

// name fills in what the persons of acts are called today.
func (l *Ledger) name(ctx context.Context, acts []ActEntry) error {
	var ids []uuid.UUID
	for _, act := range acts {
		if act.PersonID != uuid.Nil {
			ids = append(ids, act.PersonID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	names, err := l.Names(ctx, ids)
	if err != nil {
		return fmt.Errorf("name the persons of %d acts: %w", len(acts), err)
	}
	for i, act := range acts {
		if act.PersonID != uuid.Nil {
			acts[i].Name = names[act.PersonID]
		}
	}
	return nil
}
