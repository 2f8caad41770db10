package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Standing is how the work of one kind stands. What is done is remembered for a
// day, what failed for a week (River).
type Standing struct {
	Kind         string     `json:"kind"`
	EverySeconds int        `json:"every_seconds"` // between two runs; 0: when it is asked for
	Waiting      int        `json:"waiting"`
	Running      int        `json:"running"`
	Retrying     int        `json:"retrying"` // failed, and tried again by itself
	Failed       int        `json:"failed"`   // failed for good, and not done since
	LastDone     *time.Time `json:"last_done"`
}

// EveryMinutes is the time between two runs, rounded up to a minute.
func (s Standing) EveryMinutes() int { return (s.EverySeconds + 59) / 60 }

// Failure is work that failed for good and was not done since.
type Failure struct {
	ID    int64     `json:"id"`
	Kind  string    `json:"kind"`
	At    time.Time `json:"at"`    // the last time
	Times int       `json:"times"` // how often the same failed for good
	Tries int       `json:"tries"` // the last time
	Error string    `json:"error"` // as the log has it, cut to 500 characters
}

const (
	standingsSQL = `
select kind, 0 as every_seconds,
       count(*) filter (where state in ('available', 'scheduled', 'pending'))::int as waiting,
       count(*) filter (where state = 'running')::int as running,
       count(*) filter (where state = 'retryable')::int as retrying,
       0 as failed, max(finalized_at) filter (where state = 'completed') as last_done
  from jobs.river_job
 group by kind
 order by kind`
	// The same work is that of a kind about the same: once it was done, that it
	// had failed is nobody's concern any more.
	failuresSQL = `
select id, kind, at, times, tries, error
  from (select distinct on (kind, args) id, kind, args, finalized_at as at, count(*) over (partition by kind, args)::int as times, attempt::int as tries,
               left(coalesce(errors[array_upper(errors, 1)] ->> 'error', ''), 500) as error
          from jobs.river_job
         where state = 'discarded'
         order by kind, args, finalized_at desc) f
 where not exists (select from jobs.river_job d where d.kind = f.kind and d.args = f.args and d.state = 'completed' and d.finalized_at > f.at)
 order by at desc, id desc
 limit 200`
)

// Standings lists how each kind of work stands, those of this process whether
// any waits or not.
func (j *Jobs) Standings(ctx context.Context) ([]Standing, []Failure, error) {
	stored, err := pg.All[Standing](ctx, j.pool, standingsSQL)
	if err != nil {
		return nil, nil, fmt.Errorf("list how jobs stand: %w", err)
	}
	failures, err := pg.All[Failure](ctx, j.pool, failuresSQL)
	if err != nil {
		return nil, nil, fmt.Errorf("list failed jobs: %w", err)
	}
	failed := map[string]int{}
	for _, f := range failures {
		failed[f.Kind]++
	}
	byKind := map[string]Standing{}
	for _, s := range stored {
		byKind[s.Kind] = s
	}
	list := make([]Standing, 0, len(j.kinds))
	for _, kind := range j.kinds {
		s := byKind[kind.Kind]
		s.Kind, s.EverySeconds, s.Failed = kind.Kind, int(kind.Every/time.Second), failed[kind.Kind]
		list = append(list, s)
	}
	return list, failures, nil
}

// Again has work that failed for good done once more, once tx is committed. It
// fails with NotFound for work that is not there, or that did not fail, or of a
// kind that nobody does any more.
func (j *Jobs) Again(ctx context.Context, tx pgx.Tx, id int64) (string, error) {
	var kind string
	err := tx.QueryRow(ctx, failedKindSQL, id).Scan(&kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", problem.Errorf(problem.NotFound, "no failed job %d", id).Coded("job-unknown")
	} else if err != nil {
		return "", fmt.Errorf("find job %d: %w", id, err)
	}
	if _, err := j.client.JobRetryTx(ctx, tx, id); err != nil {
		if errors.Is(err, river.ErrNotFound) {
			return "", problem.Errorf(problem.NotFound, "no job %d", id).Coded("job-unknown")
		}
		return "", fmt.Errorf("ask again for job %d: %w", id, err)
	}
	return kind, nil
}

const failedKindSQL = `
select kind from jobs.river_job where id = $1 and state = 'discarded' for update`
