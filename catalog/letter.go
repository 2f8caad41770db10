package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// The kinds of letters that the catalogue owes.
const (
	LetterQuestion   = "question"    // to the agency: somebody asks about a dataset
	LetterAnswer     = "answer"      // to those who take part: somebody answered
	LetterRequest    = "request"     // to the agency, or the operators: data are asked for
	LetterRequestNow = "request-now" // to who asked: where the request stands
	LetterReuse      = "reuse"       // to the agency: somebody made something of a dataset
	LetterReuseNow   = "reuse-now"   // to who added it: what the steward decided
)

// Letter is one that waits to be sent to one person.
type Letter struct {
	ID     uuid.UUID
	Kind   string
	Person uuid.UUID
	Detail LetterDetail
}

// LetterDetail is what a letter tells.
type LetterDetail struct {
	TitleVI string `json:"title_vi"` // of the dataset or the request
	TitleEN string `json:"title_en"`
	Subject string `json:"subject"` // of the discussion
	Text    string `json:"text"`    // what was said, at most 500 characters
	State   string `json:"state"`   // of a request
	Path    string `json:"path"`    // of the page, without language

	Ending *EndingTold `json:"ending,omitempty"` // of a version
}

// EndingTold is what a letter tells of a version's end; Text is the reason.
type EndingTold struct {
	Applications []string   `json:"applications"` // of the reader, that call it or may
	Sunset       *time.Time `json:"sunset"`
	Successor    string     `json:"successor"`       // its Prefix, or ""
	Docs         string     `json:"docs"`            // where the agency writes about it, or ""
	Lacks        []LostPart `json:"lacks,omitempty"` // of what the reader's agreements have, in a new version
	LastAt       *time.Time `json:"last_at"`         // of those applications' last call; nil: none of late
}

const (
	writeLetterSQL = `
insert into catalog.letter (id, kind, person, agency_id, detail, created_at)
values (gen_random_uuid(), $1, $2, $3, $4, $5)`

	// For each letter to an agency one to each of its people.
	addressLetterSQL = `
with done as (update catalog.letter set sent_at = $3 where id = $1 and sent_at is null returning kind, detail)
insert into catalog.letter (id, kind, person, detail, created_at)
select gen_random_uuid(), done.kind, person, done.detail, $3
  from done, unnest($2::uuid[]) as person`

	agencyLettersSQL = `
select id, agency_id as agency
  from catalog.letter
 where sent_at is null and agency_id is not null
 order by created_at
 limit 50`

	claimLettersSQL = `
with waiting as (
  select id from catalog.letter
   where sent_at is null and person is not null and tries < 5
     and (claimed_at is null or claimed_at < $1::timestamptz - tries * interval '10 minutes')
   order by created_at
   limit $2
     for update skip locked)
update catalog.letter l
   set claimed_at = $1, tries = l.tries + 1
  from waiting
 where l.id = waiting.id
returning l.id, l.kind, l.person, l.detail`

	letterSentSQL = `update catalog.letter set sent_at = $2 where id = $1`

	sweepLettersSQL = `delete from catalog.letter where created_at < $1`
)

// writeTo has a letter written to a person once tx commits; to uuid.Nil none.
func (c *Catalog) writeTo(ctx context.Context, tx pgx.Tx, kind string, person uuid.UUID, d LetterDetail) error {
	if person == uuid.Nil {
		return nil
	}
	return c.writeLetter(ctx, tx, kind, []any{person, nil}, d)
}

// writeToAgency has a letter written to those who publish and approve for an
// agency, or with uuid.Nil to the operators.
func (c *Catalog) writeToAgency(ctx context.Context, tx pgx.Tx, kind string, agency uuid.UUID, d LetterDetail) error {
	return c.writeLetter(ctx, tx, kind, []any{nil, agency}, d)
}

func (c *Catalog) writeLetter(ctx context.Context, tx pgx.Tx, kind string, to []any, d LetterDetail) error {
	if long := []rune(d.Text); len(long) > 500 {
		d.Text = string(long[:500]) + "…"
	}
	if _, err := tx.Exec(ctx, writeLetterSQL, kind, to[0], to[1], d, c.Now().UTC()); err != nil {
		return fmt.Errorf("write letter %s: %w", kind, err)
	}
	return nil
}

// ClaimLetters gives at most n letters to send, to this caller alone. One that
// is not told to be sent with LetterSent may be claimed again ten minutes
// later, then twenty, five times in all.
func (c *Catalog) ClaimLetters(ctx context.Context, n int) ([]Letter, error) {
	type toAgency struct{ ID, Agency uuid.UUID }
	waiting, err := pg.All[toAgency](ctx, c.DB, agencyLettersSQL)
	if err != nil {
		return nil, fmt.Errorf("read letters to agencies: %w", err)
	}
	for _, l := range waiting {
		people, err := c.peopleOf(ctx, l.Agency)
		if err != nil {
			return nil, err
		}
		if _, err := c.DB.Exec(ctx, addressLetterSQL, l.ID, people, c.Now().UTC()); err != nil {
			return nil, fmt.Errorf("address letter %s: %w", l.ID, err)
		}
	}
	letters, err := pg.All[Letter](ctx, c.DB, claimLettersSQL, c.Now().UTC(), n)
	if err != nil {
		return nil, fmt.Errorf("claim letters: %w", err)
	}
	return letters, nil
}

// peopleOf are who gets the letters to an agency, or to the platform.
func (c *Catalog) peopleOf(ctx context.Context, agency uuid.UUID) ([]uuid.UUID, error) {
	roles := []string{auth.RolePublisher, auth.RoleSteward}
	if agency == uuid.Nil {
		roles = []string{auth.RoleOperator}
	}
	var all []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, role := range roles {
		ids, err := c.Holders(ctx, role, agency)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all, nil
}

// LetterSent says that a letter left.
func (c *Catalog) LetterSent(ctx context.Context, id uuid.UUID) error {
	if _, err := c.DB.Exec(ctx, letterSentSQL, id, c.Now().UTC()); err != nil {
		return fmt.Errorf("note letter %s: %w", id, err)
	}
	return nil
}

// SweepLetters forgets letters of 30 days ago.
func (c *Catalog) SweepLetters(ctx context.Context) error {
	if _, err := c.DB.Exec(ctx, sweepLettersSQL, c.Now().UTC().AddDate(0, 0, -30)); err != nil {
		return fmt.Errorf("forget old letters: %w", err)
	}
	return nil
}
