package notice

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const (
	toMailSQL = `select ` + noticeColumns + ` from portal.notice where id = $1 and mailed_at is null`
	mailedSQL = `update portal.notice set mailed_at = $2 where id = any($1) and mailed_at is null`
)

// ToMail gives a notice whose letter has not left; nil: it has, or the notice
// is deleted.
func (n *Notices) ToMail(ctx context.Context, id uuid.UUID) (*Notice, error) {
	one, err := pg.One[Notice](ctx, n.DB, toMailSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read notice %s: %w", id, err)
	}
	return &one, nil
}

// Mailed says that the letters of notices have left.
func (n *Notices) Mailed(ctx context.Context, ids ...uuid.UUID) error {
	if _, err := n.DB.Exec(ctx, mailedSQL, ids, n.Now().UTC()); err != nil {
		return fmt.Errorf("mark %d notices as mailed: %w", len(ids), err)
	}
	return nil
}

// Bundle is one letter with several notices.
type Bundle struct {
	Person uuid.UUID `json:"person"`
	Every  string    `json:"every"`  // Daily, Weekly
	Before time.Time `json:"before"` // what came then or later goes with the next
}

// leaves is when bundles leave: at seven in the morning of the province, weekly
// ones on Mondays.
const leaves = 7

// lastBundle is when the last bundle was due to leave.
func lastBundle(every string, now time.Time) time.Time {
	local := now.In(time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60))
	at := time.Date(local.Year(), local.Month(), local.Day(), leaves, 0, 0, 0, local.Location())
	for at.After(local) || every == Weekly && at.Weekday() != time.Monday {
		at = at.AddDate(0, 0, -1)
	}
	return at.UTC()
}

const (
	dueBundlesSQL = `
select distinct person_id from portal.notice
 where mail = $1 and mailed_at is null and created_at < $2 and mail in ('daily', 'weekly')
 limit 1000`

	bundleSQL = `
select ` + noticeColumns + ` from portal.notice
 where person_id = $1 and mail = $2 and mailed_at is null and created_at < $3
 order by id desc
 limit 500`
)

// AskBundles asks for the letters that are due: each to one person, once
// whoever asks and however often.
func (n *Notices) AskBundles(ctx context.Context, askOnce func(ctx context.Context, tx pgx.Tx, job string, about any) error) error {
	for _, every := range Bundles {
		before := lastBundle(every, n.Now())
		rows, _ := n.DB.Query(ctx, dueBundlesSQL, every, before) // the error comes back from Collect
		people, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("list who is owed a %s letter: %w", every, err)
		}
		err = pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
			for _, person := range people {
				if err := askOnce(ctx, tx, BundleJob, Bundle{Person: person, Every: every, Before: before}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ask for %s letters: %w", every, err)
		}
	}
	return nil
}

// InBundle gives the notices of a bundle that have not left, the newest first,
// at most 500.
func (n *Notices) InBundle(ctx context.Context, b Bundle) ([]Notice, error) {
	list, err := pg.All[Notice](ctx, n.DB, bundleSQL, b.Person, b.Every, b.Before)
	if err != nil {
		return nil, fmt.Errorf("read the bundle of person %s: %w", b.Person, err)
	}
	return list, nil
}
