package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog"
	"lgsp/internal/jobs"
)

// jobWorkers is how many jobs are under way at once: they stand behind the
// requests, on the same connections to the database.
const jobWorkers = 4

// linkLetter is the kind of job that tells an agency of its links.
const linkLetter = "portal.link-letter"

// tellOfLinks has an agency told once tx commits.
func (p *platform) tellOfLinks(ctx context.Context, tx pgx.Tx, n catalog.LinkNotice) error {
	return p.jobs.Ask(ctx, tx, linkLetter, n)
}

// intakeWork is the kind of job that reads the file of an intake or makes its
// dataset.
const intakeWork = "catalog.intake"

// askIntake has that done once tx commits.
func (p *platform) askIntake(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	return p.jobs.Ask(ctx, tx, intakeWork, map[string]uuid.UUID{"id": id})
}

func (p *platform) workIntake(ctx context.Context, args []byte) error {
	var about struct{ ID uuid.UUID }
	if err := json.Unmarshal(args, &about); err != nil {
		return fmt.Errorf("read which intake: %w", err)
	}
	return p.catalog.WorkIntake(ctx, about.ID)
}

// endLetter is a kind of job that is asked for no more; what waits of it is done.
const endLetter = "portal.end-letter"

// wireJobs names the work that is done beside the requests.
func (p *platform) wireJobs() error {
	var err error
	p.jobs, err = jobs.New(p.db.Pool, jobWorkers, p.config.Drain/2, append(p.noticeJobs(),
		jobs.Job{Kind: "auth.purge", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return errors.Join(p.auth.PurgeOnce(ctx), p.auth.PurgeInvitations(ctx), p.auth.PurgeTeamInvitations(ctx))
		}},
		jobs.Job{Kind: "auth.purge-messages", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.auth.PurgeMessages(ctx)
		}},
		jobs.Job{Kind: "catalog.sweep-uploads", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return errors.Join(p.catalog.SweepIntakes(ctx), p.catalog.SweepUploads(ctx))
		}},
		jobs.Job{Kind: intakeWork, Timeout: 50 * time.Minute, Work: p.workIntake},
		jobs.Job{Kind: "catalog.check-links", Every: time.Minute, Timeout: 3 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.CheckLinks(ctx)
		}},
		jobs.Job{Kind: "catalog.harvest", Every: time.Minute, Timeout: 50 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.HarvestDue(ctx)
		}},
		jobs.Job{Kind: "agreement.remind", Every: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.agreements.RemindOfEnds(ctx)
		}},
		jobs.Job{Kind: endLetter, Work: p.portal.ToldOfEnd},
		jobs.Job{Kind: "agreement.escalate", Every: time.Minute, Timeout: 5 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.portal.SendEscalations(ctx)
		}},
		jobs.Job{Kind: "catalog.versions", Every: time.Minute, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return errors.Join(p.catalog.RetireOver(ctx), p.catalog.WriteVersionNotices(ctx))
		}},
		jobs.Job{Kind: "catalog.check-reuses", Every: time.Minute, Timeout: 3 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.CheckReuses(ctx)
		}},
		jobs.Job{Kind: "catalog.sum-usage", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.SumUses(ctx)
		}},
		jobs.Job{Kind: "catalog.publish-usage", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.RefreshUsage(ctx)
		}},
		jobs.Job{Kind: "auth.end-agencies", Every: time.Minute, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.auth.EndAgencies(ctx)
		}},
		jobs.Job{Kind: linkLetter, Work: p.portal.TellOfLinks},
	)...)
	return err
}
