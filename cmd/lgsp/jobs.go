package main

import (
	"context"
	"time"

	"lgsp/internal/jobs"
)

// jobWorkers is how many jobs are under way at once: they stand behind the
// requests, on the same connections to the database.
const jobWorkers = 4

// wireJobs names the work that is done beside the requests.
func (p *platform) wireJobs() error {
	var err error
	p.jobs, err = jobs.New(p.db.Pool, jobWorkers, p.config.Drain/2,
		jobs.Job{Kind: "auth.purge", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.auth.PurgeOnce(ctx)
		}},
		jobs.Job{Kind: "catalog.sweep-uploads", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.SweepUploads(ctx)
		}},
	)
	return err
}
