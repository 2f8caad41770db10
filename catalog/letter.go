package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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

	LetterPromotion    = "promotion"     // to the agency: a version is proposed to go live
	LetterPromotionNow = "promotion-now" // to those who prepared it: it is live, or was returned
)

// Letter is one that waits to be told: to a person, or to those who publish and
// approve for an agency.
type Letter struct {
	ID     uuid.UUID
	Kind   string
	Person uuid.UUID  // uuid.Nil: to
	Agency *uuid.UUID // this agency, or with uuid.Nil to the operators
	Detail LetterDetail
}

// LetterDetail is what a letter tells.
type LetterDetail struct {
	TitleVI string `json:"title_vi"` // of the dataset or the request
	TitleEN string `json:"title_en"`
	Subject string `json:"subject"` // of the discussion; of a version, its number
	Text    string `json:"text"`    // what was said, at most 500 characters
	State   string `json:"state"`   // of a request, a reuse, a promotion
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

	claimLettersSQL = `
with waiting as (
  select id from catalog.letter
   where sent_at is null and tries < 5
     and (claimed_at is null or claimed_at < $1::timestamptz - tries * interval '10 minutes')
   order by created_at
   limit $2
     for update skip locked)
update catalog.letter l
   set claimed_at = $1, tries = l.tries + 1
  from waiting
 where l.id = waiting.id
returning l.id, l.kind, coalesce(l.person, '00000000-0000-0000-0000-000000000000'::uuid) as person, l.agency_id as agency, l.detail`

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
	letters, err := pg.All[Letter](ctx, c.DB, claimLettersSQL, c.Now().UTC(), n)
	if err != nil {
		return nil, fmt.Errorf("claim letters: %w", err)
	}
	return letters, nil
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
