package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/jobs"
	"lgsp/portal/notice"
	"lgsp/portal/report"
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

// reports are what months came to.
func (p *platform) reports() *report.Reports {
	return &report.Reports{
		DB: p.db.Pool, Now: time.Now, May: p.policy.May,
		Auth: p.auth, Catalog: p.catalog, Agreements: p.agreements, Ledger: p.ledger,
		Tell: p.portal.TellOfReport,
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
		{Kind: "portal.month-reports", Every: 10 * time.Minute, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ []byte) error {
			return p.portal.Reports.File(ctx)
		}},
	}
}
