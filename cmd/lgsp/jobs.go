package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/internal/jobs"
	"lgsp/portal"
)

// jobWorkers is how many jobs are under way at once: they stand behind the
// requests, on the same connections to the database.
const jobWorkers = 4

// linkLetter is the kind of job that writes to an agency about its links.
const linkLetter = "portal.link-letter"

// tellOfLinks has an agency written to once tx commits.
func (p *platform) tellOfLinks(ctx context.Context, tx pgx.Tx, n catalog.LinkNotice) error {
	return p.jobs.Ask(ctx, tx, linkLetter, n)
}

// endLetter is the kind of job that writes that an agreement ends.
const endLetter = "portal.end-letter"

// remindOfEnd has letters written that an agreement ends, once tx commits.
func (p *platform) remindOfEnd(ctx context.Context, tx pgx.Tx, n agreement.Notice) error {
	return p.jobs.Ask(ctx, tx, endLetter, portal.NoticeOf(n))
}

// writeEndLetter writes to one person, or has each steward of an agency written
// to: a letter that cannot be sent keeps none from the others, and none is sent
// twice for it.
func (p *platform) writeEndLetter(ctx context.Context, args []byte) error {
	each, err := p.portal.ReadersOf(ctx, args)
	if err != nil || len(each) == 0 {
		return errors.Join(err, p.portal.WriteEndLetter(ctx, args))
	}
	return pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		for _, one := range each {
			if err := p.jobs.AskOnce(ctx, tx, endLetter, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// wireJobs names the work that is done beside the requests.
func (p *platform) wireJobs() error {
	var err error
	p.jobs, err = jobs.New(p.db.Pool, jobWorkers, p.config.Drain/2,
		jobs.Job{Kind: "auth.purge", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return errors.Join(p.auth.PurgeOnce(ctx), p.auth.PurgeInvitations(ctx))
		}},
		jobs.Job{Kind: "auth.purge-messages", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.auth.PurgeMessages(ctx)
		}},
		jobs.Job{Kind: "catalog.sweep-uploads", Every: time.Hour, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.SweepUploads(ctx)
		}},
		jobs.Job{Kind: "catalog.check-links", Every: time.Minute, Timeout: 3 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.CheckLinks(ctx)
		}},
		jobs.Job{Kind: "catalog.harvest", Every: time.Minute, Timeout: 50 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.catalog.HarvestDue(ctx)
		}},
		jobs.Job{Kind: "agreement.remind", Every: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.agreements.RemindOfEnds(ctx)
		}},
		jobs.Job{Kind: endLetter, Work: p.writeEndLetter},
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
		jobs.Job{Kind: linkLetter, Work: p.portal.WriteLinkLetter},
	)
	return err
}
