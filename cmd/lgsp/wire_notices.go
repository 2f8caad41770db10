package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/jobs"
	"lgsp/portal/notice"
)

// notices are what people are told.
func (p *platform) notices() *notice.Notices {
	return &notice.Notices{
		DB: p.db.Pool, Now: time.Now,
		Ask: func(ctx context.Context, tx pgx.Tx, job string, about any) error {
			return p.jobs.Ask(ctx, tx, job, about)
		},
		Holders: p.auth.Holders, Delegates: p.agreements.Delegates, Persons: p.auth.Persons, Memberships: p.auth.Memberships,
		May: p.policy.May, Record: p.record,
	}
}

// noticeJobs is the work of telling people.
func (p *platform) noticeJobs() []jobs.Job {
	return []jobs.Job{
		{Kind: notice.TellJob, Work: func(ctx context.Context, args []byte) error { return p.portal.Notices.Told(ctx, args) }},
		{Kind: notice.MailJob, Work: p.portal.MailNotice},
		{Kind: notice.BundleJob, Work: p.portal.MailBundle},
		{Kind: "portal.ask-bundles", Every: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.portal.Notices.AskBundles(ctx, p.jobs.AskOnce)
		}},
	}
}
