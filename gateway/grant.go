package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// Grant is an agreement as the gateway enforces it.
type Grant struct {
	Agreement   uuid.UUID          `json:"agreement"`
	Revision    int                `json:"revision"` // rises with each change
	Application uuid.UUID          `json:"application"`
	Version     uuid.UUID          `json:"version"`
	Purpose     string             `json:"purpose"` // short ASCII name; callers with several agreements send it as LGSP-Purpose
	State       string             `json:"state"`   // active, suspended, ended
	Starts      time.Time          `json:"starts"`
	Ends        time.Time          `json:"ends"` // the first moment it is over
	Plan        Plan               `json:"plan"`
	Operations  []GrantedOperation `json:"operations"`
}

// GrantedOperation is an operation that was agreed, with the fields of its answer that
// were. A field path is a JSON pointer (RFC 6901) where * stands for each
// element of an array, and covers all beneath it; the empty pointer "" is the
// whole answer, whatever its type; an empty list lets nothing of the answer through.
type GrantedOperation struct {
	Operation string
	Fields    []string
	Masks     []project.Masked // of what these fields cover, what leaves masked
	Bounds    *Bounds          // nil: none
}

const grantSQL = `
insert into gateway.grant (agreement_id, revision, application_id, version_id, purpose, state, starts, ends,
                           rate_per_minute, quota_per_day, operations, quota_per_month)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (agreement_id) do update
   set revision = excluded.revision, purpose = excluded.purpose, state = excluded.state, starts = excluded.starts, ends = excluded.ends,
       rate_per_minute = excluded.rate_per_minute, quota_per_day = excluded.quota_per_day, operations = excluded.operations,
       quota_per_month = excluded.quota_per_month
 where gateway.grant.revision < excluded.revision`

// PutGrant puts an agreement, in whatever state, in force at every node when tx
// commits. Application and version of an agreement never change. It fails with Invalid for a field path that is none and for bounds that cannot be kept to, and with
// Conflict when the same or a later revision is there already.
func PutGrant(ctx context.Context, tx pgx.Tx, g Grant) error {
	for _, operation := range g.Operations {
		filter, err := project.CompileMasked(operation.Fields, operation.Masks)
		if err == nil {
			_, err = operation.Bounds.compile(filter)
		}
		if err != nil {
			return problem.Errorf(problem.Invalid, "operation %s: %s", operation.Operation, err).
				Coded("field-path", "operation", operation.Operation, "reason", err.Error())
		}
	}
	operations, err := json.Marshal(g.Operations)
	if err != nil {
		return fmt.Errorf("encode operations of agreement %s: %w", g.Agreement, err)
	}
	done, err := tx.Exec(ctx, grantSQL, g.Agreement, g.Revision, g.Application, g.Version, g.Purpose, g.State,
		g.Starts.UTC(), g.Ends.UTC(), g.Plan.RatePerMinute, g.Plan.QuotaPerDay, operations, g.Plan.QuotaPerMonth)
	if err != nil {
		return fmt.Errorf("grant agreement %s: %w", g.Agreement, err)
	}
	if done.RowsAffected() == 0 {
		return problem.Errorf(problem.Conflict, "agreement %s has revision %d or later already", g.Agreement, g.Revision)
	}
	return changed(ctx, tx, "grant", g.Agreement)
}
