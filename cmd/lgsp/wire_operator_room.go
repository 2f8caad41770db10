package main

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/jobs"
	"lgsp/portal"
)

// operatorRoom is what operators see of this process.
func (p *platform) operatorRoom() portal.OperatorRoom {
	return portal.OperatorRoom{
		Settings: p.config.inForce,
		Jobs: func(ctx context.Context) ([]jobs.Standing, []jobs.Failure, error) {
			return p.jobs.Standings(ctx)
		},
		JobAgain: p.jobAgain,
		Certificate: func() time.Time {
			if at := int64(p.config.files.expires()); at != 0 {
				return time.Unix(at, 0).UTC()
			}
			return time.Time{}
		},
		ClientCertificates: p.clientKeys().Ending,
	}
}

// jobAgain has work that failed done once more. It fails with what the policy
// says of job.edit, and with NotFound.
func (p *platform) jobAgain(ctx context.Context, who auth.Principal, id int64) error {
	if err := p.policy.May(ctx, who, "job.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, p.db.Pool, func(tx pgx.Tx) error {
		kind, err := p.jobs.Again(ctx, tx, id)
		if err != nil {
			return err
		}
		return p.record(ctx, tx, auth.Act{Who: who, Verb: "job.again", Detail: map[string]any{"job": id, "kind": kind}})
	})
}
