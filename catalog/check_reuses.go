package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// When the link of a reuse is visited again: one that works, one that does not,
// and one that worked and failed for the first time.
const (
	reuseWorks  = 7 * 24 * time.Hour
	reuseBroken = 24 * time.Hour
	reuseDoubt  = time.Hour
)

const (
	// One link to each host: a host is visited once a run.
	dueReusesSQL = `
select id, url, link_state as state, link_failures as failures
  from (select distinct on (host) id, url, link_state, link_failures, link_next_at
          from catalog.reuse
         where state <> 'refused' and link_next_at <= $1
         order by host, link_next_at) due
 order by link_next_at
 limit 20`

	noteReuseSQL = `
update catalog.reuse
   set link_state = $2, link_failures = $3, link_checked_at = $4, link_next_at = $5
 where id = $1`
)

// CheckReuses visits the links of reuses whose turn it is, as CheckLinks does
// with those of datasets: public addresses only, for a minute at most. One that
// worked is called broken after it failed twice.
func (c *Catalog) CheckReuses(ctx context.Context) error {
	type due struct {
		ID         uuid.UUID
		URL, State string
		Failures   int
	}
	list, err := pg.All[due](ctx, c.DB, dueReusesSQL, c.Now().UTC())
	if err != nil {
		return fmt.Errorf("find reuses to check: %w", err)
	}
	late, cancel := context.WithTimeout(ctx, linkRun)
	defer cancel()
	for _, r := range list {
		found := c.visit(late, r.URL)
		if late.Err() != nil {
			return nil // it says nothing of the link; its turn comes again
		}
		now := c.Now().UTC()
		state, failures, next := LinkOK, 0, now.Add(reuseWorks)
		switch {
		case found.wait > 0: // the host asks to be left alone
			state, failures, next = r.State, r.Failures, now.Add(max(found.wait, reuseBroken))
		case found.reason != "" && r.State == LinkOK && r.Failures == 0:
			state, failures, next = LinkOK, 1, now.Add(reuseDoubt)
		case found.reason != "":
			state, failures, next = LinkBroken, r.Failures+1, now.Add(reuseBroken)
		}
		if _, err := c.DB.Exec(ctx, noteReuseSQL, r.ID, state, failures, now, next); err != nil {
			return fmt.Errorf("note link of reuse %s: %w", r.ID, err)
		}
	}
	return nil
}
