package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Tombstone is what everybody is told of a dataset that was public and is not
// any more; nothing of what it held.
type Tombstone struct {
	ID         uuid.UUID    `json:"id"`
	Slug       string       `json:"slug"`
	At         time.Time    `json:"at"`  // since when, UTC
	Why        string       `json:"why"` // "" of what was withdrawn before reasons were for everyone
	ReplacedBy *Replacement `json:"replaced_by"`
}

// Replacement is a public dataset that takes the place of a withdrawn one.
type Replacement struct {
	ID      uuid.UUID `json:"id"`
	Slug    string    `json:"slug"`
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
}

// wasWithdrawn is the problem of a dataset that was public: Gone, with its
// Tombstone as the member "withdrawn".
func wasWithdrawn(d Dataset) error {
	e := problem.Errorf(problem.Gone, "dataset %s was withdrawn on %s", d.Slug, d.WithdrawnAt.UTC().Format(time.DateOnly)).
		Coded("dataset-withdrawn", "name", d.Slug, "day", d.WithdrawnAt.In(vietnam).Format("2/1/2006"))
	e.Extra = map[string]any{"withdrawn": Tombstone{ID: d.ID, Slug: d.Slug, At: d.WithdrawnAt.UTC(), Why: d.WithdrawnWhy}}
	return e
}

// vietnam is the time that people read days in.
var vietnam = time.FixedZone("+07", 7*60*60)

// TombstoneOf is the tombstone that a problem tells of; false for another problem.
func TombstoneOf(e *problem.Error) (Tombstone, bool) {
	if e == nil {
		return Tombstone{}, false
	}
	stone, ok := e.Extra["withdrawn"].(Tombstone)
	return stone, ok
}

const replacementSQL = `select id, slug, title_vi, title_en from catalog.dataset where id = $1 and state = 'published'`

// told adds to a Gone problem of d what takes its place, while that is public.
// Other errors are as they were.
func (c *Catalog) told(ctx context.Context, err error, d Dataset) error {
	stone, ok := TombstoneOf(problemIn(err))
	if !ok || d.ReplacedBy == nil {
		return err
	}
	by, readErr := pg.One[Replacement](ctx, c.DB, replacementSQL, *d.ReplacedBy)
	if errors.Is(readErr, pgx.ErrNoRows) {
		return err
	} else if readErr != nil {
		return fmt.Errorf("read what replaces dataset %s: %w", d.ID, readErr)
	}
	stone.ReplacedBy = &by
	problemIn(err).Extra["withdrawn"] = stone
	return err
}

func problemIn(err error) *problem.Error {
	var e *problem.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// isHidden reports whether a dataset is nobody's to see, whether it is absent or
// was withdrawn.
func isHidden(err error) bool {
	return problem.Is(err, problem.NotFound) || problem.Is(err, problem.Gone)
}

// Withdrawal is what is said when a dataset is withdrawn.
type Withdrawal struct {
	Reason     string // for everyone to read
	ReplacedBy string // slug of a public dataset, "" for none
}

const withdrawnForSQL = `update catalog.dataset set withdrawn_why = $2, replaced_by = $3 where id = $1`

// WithdrawFor is WithdrawDataset with what takes the dataset's place. It fails
// with Invalid for one that is not public, or is the dataset itself.
func (c *Catalog) WithdrawFor(ctx context.Context, who auth.Principal, id uuid.UUID, w Withdrawal) (Dataset, error) {
	ch := datasetChange{who: who, id: id, act: "dataset.publish", verb: "dataset.withdraw", from: []string{Published}}
	if err := giveReason(&ch, w.Reason); err != nil {
		return Dataset{}, err
	}
	by, err := c.replacement(ctx, id, w.ReplacedBy)
	if err != nil {
		return Dataset{}, err
	}
	if by != nil {
		ch.detail = map[string]any{"replaced_by": strings.TrimSpace(w.ReplacedBy)}
	}
	return c.moveDataset(ctx, ch, Withdrawn, func(tx pgx.Tx, d Dataset) error {
		if _, err := tx.Exec(ctx, dropEditSQL, d.ID); err != nil {
			return fmt.Errorf("drop edit of dataset %s: %w", d.ID, err)
		}
		return execOne(ctx, tx, withdrawnForSQL, d.ID, ch.reason, by)
	})
}

// replacement is the public dataset of that slug; nil for "".
func (c *Catalog) replacement(ctx context.Context, of uuid.UUID, slug string) (*uuid.UUID, error) {
	slug = strings.TrimSpace(slug)
	if slug == "" {
		return nil, nil
	}
	wrong := problem.Errorf(problem.Invalid, "%s is no other public dataset", slug).Coded("replacement-unknown", "name", slug).
		Wrong("replaced_by", "replacement-unknown", "is no other public dataset", "name", slug)
	d, err := c.DatasetBySlug(ctx, auth.Principal{}, slug)
	if isHidden(err) || err == nil && d.ID == of {
		return nil, wrong
	}
	return &d.ID, err
}

// mostTombstones are told at once: as many as a province has datasets.
const mostTombstones = 10_000

const tombstonesSQL = `
select d.id, d.slug, d.withdrawn_at as at, d.withdrawn_why as why, r.id as by_id, r.slug as by_slug, r.title_vi as by_title_vi, r.title_en as by_title_en
  from catalog.dataset d
  left join catalog.dataset r on r.id = d.replaced_by and r.state = 'published'
 where d.withdrawn_at is not null and d.state <> 'published'
   and ($1 = '00000000-0000-0000-0000-000000000000'::uuid or d.agency_id = $1)
   and ($2 = '' or d.theme = $2)
   and d.withdrawn_at >= $3 and ($4::timestamptz is null or d.withdrawn_at < $4)
 order by d.withdrawn_at desc, d.id desc
 limit $5`

type tombstoneRow struct {
	ID        uuid.UUID
	Slug      string
	At        time.Time
	Why       string
	ByID      *uuid.UUID
	BySlug    *string
	ByTitleVI *string `db:"by_title_vi"`
	ByTitleEN *string `db:"by_title_en"`
}

// Tombstones tells which datasets were withdrawn at f.Since or later and, unless
// until is nil, before it, the last ones first, 10,000 at most. Of the filter
// Agency and Theme count: what else a dataset was, nobody is told any more.
func (c *Catalog) Tombstones(ctx context.Context, f DumpFilter, until *time.Time) ([]Tombstone, error) {
	list, err := pg.All[tombstoneRow](ctx, c.DB, tombstonesSQL, f.Agency, f.Theme, f.Since, until, mostTombstones)
	if err != nil {
		return nil, fmt.Errorf("list withdrawn datasets: %w", err)
	}
	stones := make([]Tombstone, len(list))
	for i, row := range list {
		stones[i] = Tombstone{ID: row.ID, Slug: row.Slug, At: row.At.UTC(), Why: row.Why}
		if row.ByID != nil {
			stones[i].ReplacedBy = &Replacement{*row.ByID, *row.BySlug, *row.ByTitleVI, *row.ByTitleEN}
		}
	}
	return stones, nil
}
