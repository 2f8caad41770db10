package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// filedFrom is the hour of the first working day from which reports are made.
const filedFrom = 7 * time.Hour

const (
	keptOfMonthSQL = `select agency_id from portal.month_report where month = $1`
	keepSQL        = `
insert into portal.month_report (agency_id, month, made_at, body) values ($1, $2, $3, $4)
on conflict on constraint month_report_key do nothing`
)

// File makes, from seven in the morning of a month's first working day on, the
// reports of the month before: the province's and each agency's, keeps them, and
// has those told of whom they concern. Done again, or on several nodes at once,
// each is made and told once. An agency of which there is nothing to tell has its
// report kept, and is not told. What fails is tried again the next time, and
// keeps none from the others.
func (s *Reports) File(ctx context.Context) error {
	now := s.Now().In(here)
	running := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, here)
	worked, err := s.Agreements.FirstWorked(ctx, running)
	if err != nil || now.Before(worked.Add(filedFrom)) {
		return err
	}
	first := running.AddDate(0, -1, 0)
	rows, _ := s.DB.Query(ctx, keptOfMonthSQL, first.Format(time.DateOnly)) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list reports of %s: %w", first.Format(Layout), err)
	}
	kept := map[uuid.UUID]bool{}
	for _, id := range ids {
		kept[id] = true
	}
	agencies, err := s.serving(ctx, first)
	if err != nil {
		return err
	}
	var failed []error
	for _, agency := range agencies {
		if !kept[agency] {
			failed = append(failed, s.file(ctx, agency, first))
		}
	}
	return errors.Join(failed...)
}

// serving are the agencies that served in a month and do still, after the
// province.
func (s *Reports) serving(ctx context.Context, first time.Time) ([]uuid.UUID, error) {
	ids := []uuid.UUID{uuid.Nil}
	for page := (auth.Page{Limit: 100}); ; {
		list, next, err := s.Auth.ListAgencies(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if !a.Ended() && a.ValidFrom.Before(first.AddDate(0, 1, 0)) {
				ids = append(ids, a.ID)
			}
		}
		if page.After = next; next == "" {
			return ids, nil
		}
	}
}

// file makes, keeps and tells of one report.
func (s *Reports) file(ctx context.Context, agency uuid.UUID, first time.Time) error {
	r, err := s.count(ctx, agency, first)
	if err != nil {
		return fmt.Errorf("count %s of agency %s: %w", first.Format(Layout), agency, err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode report of agency %s: %w", agency, err)
	}
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, keepSQL, agency, first.Format(time.DateOnly), r.MadeAt, body)
		if err != nil {
			return fmt.Errorf("keep report of agency %s: %w", agency, err)
		}
		if done.RowsAffected() == 0 || r.IsEmpty() {
			return nil
		}
		return s.Tell(ctx, tx, r)
	})
}
