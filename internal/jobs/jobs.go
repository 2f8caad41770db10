// Package jobs answers how work is done beside the requests: kept in the
// database until it is done, tried again when it fails, and repeated on time.
// River does it (schema jobs); what the work is, the rooms say.
package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"lgsp/internal/pg"
)

const (
	schema = "jobs"

	maxRun     = time.Minute      // of a job that says nothing else
	rescueAt   = 10 * time.Minute // after which a job whose process was killed is begun again
	maxTries   = 12               // with River's pauses (1 s, 16 s, 81 s, …) over about five hours
	whileAway  = 5 * time.Second  // between tries of a database that is away
	logsNoLess = slog.LevelWarn   // River tells at Info of every election and every try
)

// Job is one kind of work.
type Job struct {
	Kind    string        // never changed once used: waiting work is found by it
	Every   time.Duration // the time between two runs, the first at start; 0: only when it is asked for
	Timeout time.Duration // of one run; 0: a minute

	// Work does it. args is what was asked with, {} of periodic work. An error
	// is logged, and the work is tried again: what was asked for up to a dozen
	// times over hours, periodic work when its time comes. Work that is done
	// twice, after a crash, must come to the same.
	Work func(ctx context.Context, args []byte) error
}

// Jobs works on what was asked for.
type Jobs struct {
	client *river.Client[pgx.Tx]
	pool   *pgxpool.Pool
	kinds  []Job // by name
}

// New gives the kinds of work that this process does, none of them begun. When
// it stops, what is under way has grace to finish.
func New(pool *pgxpool.Pool, workers int, grace time.Duration, kinds ...Job) (*Jobs, error) {
	known := river.NewWorkers()
	var periodic []*river.PeriodicJob
	for _, kind := range kinds {
		river.AddWorkerArgs(known, args{kind: kind.Kind}, worker{job: kind})
		if kind.Every == 0 {
			continue
		}
		periodic = append(periodic, river.NewPeriodicJob(river.PeriodicInterval(kind.Every), func() (river.JobArgs, *river.InsertOpts) {
			return args{kind: kind.Kind, body: []byte("{}")}, &river.InsertOpts{UniqueOpts: once, MaxAttempts: 1}
		}, &river.PeriodicJobOpts{ID: kind.Kind, RunOnStart: true}))
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: schema, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		Workers: known, PeriodicJobs: periodic,
		JobTimeout: maxRun, MaxAttempts: maxTries, RescueStuckJobsAfter: rescueAt, SoftStopTimeout: grace,
		Logger: slog.New(atLeast{slog.Default().Handler()}), ErrorHandler: failures{},
	})
	if err != nil {
		return nil, fmt.Errorf("prepare jobs: %w", err)
	}
	kinds = slices.Clone(kinds)
	slices.SortFunc(kinds, func(a, b Job) int { return strings.Compare(a.Kind, b.Kind) })
	return &Jobs{client: client, pool: pool, kinds: kinds}, nil
}

// Run works until ctx ends. Then nothing new is begun; what is under way is let
// finish within the grace, and what does not is given back, to be begun again
// by whoever starts next.
func (j *Jobs) Run(ctx context.Context) error {
	for {
		err := j.client.Start(ctx)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		if !pg.IsAway(err) {
			return fmt.Errorf("start jobs: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(whileAway):
		}
	}
	<-j.client.Stopped()
	return nil
}

// Ask has work done once tx is committed. about, a struct or a map, becomes the
// JSON that Work is given.
func (j *Jobs) Ask(ctx context.Context, tx pgx.Tx, kind string, about any) error {
	return j.ask(ctx, tx, kind, about, river.UniqueOpts{})
}

// AskOnce is Ask, but for work about the same that waits or is under way
// already: that is the work asked for. What comes in while it is under way it
// may have passed; Ask where that counts.
func (j *Jobs) AskOnce(ctx context.Context, tx pgx.Tx, kind string, about any) error {
	return j.ask(ctx, tx, kind, about, once)
}

func (j *Jobs) ask(ctx context.Context, tx pgx.Tx, kind string, about any, unique river.UniqueOpts) error {
	body, err := json.Marshal(about)
	if err != nil {
		return fmt.Errorf("ask for job %s: %w", kind, err)
	}
	if _, err := j.client.InsertTx(ctx, tx, args{kind: kind, body: body}, &river.InsertOpts{UniqueOpts: unique}); err != nil {
		return fmt.Errorf("ask for job %s: %w", kind, err)
	}
	return nil
}

// once is the uniqueness of work that need not wait twice. Work that has been
// done does not stand in the way.
var once = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}}

// args are the arguments of any kind of work, as JSON.
type args struct {
	kind string
	body json.RawMessage
}

// Kind is of river.JobArgs.
func (a args) Kind() string { return a.kind }

// MarshalJSON is of encoding/json.
func (a args) MarshalJSON() ([]byte, error) { return a.body, nil }

// UnmarshalJSON is of encoding/json.
func (a *args) UnmarshalJSON(body []byte) error {
	a.body = append(a.body[:0], body...)
	return nil
}

// worker is a Job as River takes it.
type worker struct {
	river.WorkerDefaults[args]
	job Job
}

// Timeout is of river.Worker.
func (w worker) Timeout(*river.Job[args]) time.Duration { return w.job.Timeout }

// Work is of river.Worker.
func (w worker) Work(ctx context.Context, job *river.Job[args]) error {
	return w.job.Work(ctx, job.Args.body)
}

// failures tells of work that failed: with Error once nobody tries it again.
type failures struct{}

// HandleError is of river.ErrorHandler.
func (failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level := slog.LevelInfo
	if job.Attempt >= job.MaxAttempts {
		level = slog.LevelError
	}
	slog.Log(ctx, level, "job failed", "job", job.Kind, "job_id", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts, "err", err)
	return nil
}

// HandlePanic is of river.ErrorHandler.
func (failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	slog.ErrorContext(ctx, "job panicked", "job", job.Kind, "job_id", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts, "panic", fmt.Sprint(value), "stack", trace)
	return nil
}

// atLeast drops what River says below a warning.
type atLeast struct{ slog.Handler }

// Enabled is of slog.Handler.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= logsNoLess && h.Handler.Enabled(ctx, level)
}

// WithAttrs is of slog.Handler.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs)}
}

// WithGroup is of slog.Handler.
func (h atLeast) WithGroup(name string) slog.Handler { return atLeast{h.Handler.WithGroup(name)} }
