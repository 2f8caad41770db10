package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// longestSchedule is how far ahead a publication may be set.
const longestSchedule = 366 * day

const scheduleSQL = `update catalog.dataset set publish_at = $2, scheduled_by = $3, updated_at = $4 where id = $1`

// ScheduleDataset has an approved dataset become public at a time, within the
// minute after it; nil takes that back. It fails with Conflict unless it is
// approved, and with Invalid for a time that is past or more than a year ahead.
func (c *Catalog) ScheduleDataset(ctx context.Context, who auth.Principal, id uuid.UUID, at *time.Time) (Dataset, error) {
	now := c.Now().UTC()
	ch := datasetChange{who: who, id: id, act: "dataset.publish", verb: "dataset.schedule", from: []string{Approved}}
	var by *uuid.UUID
	if at == nil {
		ch.verb = "dataset.unschedule"
	} else {
		if !at.After(now) || at.After(now.Add(longestSchedule)) {
			return Dataset{}, problem.Errorf(problem.Invalid, "the time is past, or more than a year ahead").Coded("schedule-time").
				Wrong("publish_at", "schedule-time", "is past, or more than a year ahead")
		}
		by, ch.reason = &who.Person, "for "+at.UTC().Format(time.RFC3339)
	}
	return c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		return execOne(ctx, tx, scheduleSQL, id, at, by, now)
	})
}

const dueSQL = `select id, agency_id from catalog.dataset where publish_at <= $1 and state = 'approved' order by publish_at limit 100`

const lockDueSQL = `
select ` + datasetColumns + `
  from catalog.dataset
 where id = $1 and publish_at <= $2 and state = 'approved'
   for update skip locked`

// PublishDue makes public what was scheduled for now or before, each in a
// transaction of its own, in the name of who scheduled it, and says how many
// it were. Several nodes may do so at once; each is published by one of them.
func (c *Catalog) PublishDue(ctx context.Context) (int, error) {
	type row struct{ ID, AgencyID uuid.UUID }
	due, err := pg.All[row](ctx, c.DB, dueSQL, c.Now().UTC())
	if err != nil || len(due) == 0 {
		return 0, err
	}
	ids := make([]uuid.UUID, len(due))
	for i, d := range due {
		ids[i] = d.AgencyID
	}
	agencies, err := c.Agencies(ctx, ids)
	if err != nil {
		return 0, err
	}
	published := 0
	var failed []error // one that fails keeps no other back
	for _, d := range due {
		done, err := c.publishDue(ctx, d.ID, agencies[d.AgencyID])
		if err != nil {
			failed = append(failed, fmt.Errorf("publish dataset %s as scheduled: %w", d.ID, err))
		}
		if done {
			published++
		}
	}
	return published, errors.Join(failed...)
}

const scheduledBySQL = `select scheduled_by from catalog.dataset where id = $1`

// publishDue publishes one, unless another node has, or the schedule is gone.
func (c *Catalog) publishDue(ctx context.Context, id uuid.UUID, agency Agency) (bool, error) {
	done := false
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		now := c.Now().UTC()
		d, err := pg.One[Dataset](ctx, tx, lockDueSQL, id, now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		} else if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		var by uuid.UUID
		if err := tx.QueryRow(ctx, scheduledBySQL, id).Scan(&by); err != nil {
			return fmt.Errorf("read who scheduled it: %w", err)
		}
		if err := execOne(ctx, tx, moveDatasetSQL, id, Published, "", now, nil, nil); err != nil {
			return err
		}
		ch := datasetChange{who: auth.Principal{Person: by}, id: id, verb: "dataset.publish", reason: "scheduled for " + d.PublishAt.UTC().Format(time.RFC3339)}
		done = true
		_, _, err = c.settle(ctx, tx, ch, agency)
		return err
	})
	return done && err == nil, err
}
