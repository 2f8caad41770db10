package catalog

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const submitVersionSQL = `update catalog.version set state = 'review' where id = $1`

// SubmitVersion puts a draft up for review. It fails as changeVersion does for api.edit.
func (c *Catalog) SubmitVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.submit", from: []string{Draft}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if _, err := tx.Exec(ctx, submitVersionSQL, v.ID); err != nil {
			return fmt.Errorf("submit version %s: %w", v.ID, err)
		}
		return nil
	})
}

const publishVersionSQL = `update catalog.version set state = 'published', published_at = $2 where id = $1`

// PublishVersion makes a version public and callable, both or neither. It
// fails as changeVersion does for api.publish, with Conflict when it is
// published already, and with Invalid, one field error each, when its document
// has errors, an operation is not marked, or upstream or plan are missing or
// do not fit.
func (c *Catalog) PublishVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.publish", part: partAll, from: []string{Draft, Review, Sandbox}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		return c.putLive(ctx, tx, v)
	})
}

// putLive makes a locked version public that lacks nothing.
func (c *Catalog) putLive(ctx context.Context, tx pgx.Tx, v Version) error {
	if err := c.ready(ctx, tx, v); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, publishVersionSQL, v.ID, c.Now().UTC()); err != nil {
		return fmt.Errorf("publish version %s: %w", v.ID, err)
	}
	return c.oweLosses(ctx, tx, v.ID)
}

// ready tells everything that keeps a version from being public.
func (c *Catalog) ready(ctx context.Context, tx pgx.Tx, v Version) error {
	wrong := problem.Errorf(problem.Invalid, "%s/%s is not ready to publish", v.APISlug, v.Number).Coded("not-ready")
	if err := c.describedReady(ctx, tx, v, wrong); err != nil {
		return err
	}
	if err := c.upstreamReady(ctx, tx, v, wrong); err != nil {
		return err
	}
	if len(wrong.Fields) > 0 {
		return wrong
	}
	return nil
}

// describedReady adds to wrong what a version lacks before anybody can rely on
// what is said of it.
func (c *Catalog) describedReady(ctx context.Context, tx pgx.Tx, v Version, wrong *problem.Error) error {
	errs := 0
	for _, f := range v.Findings {
		if f.Severity == spec.Error {
			errs++
		}
	}
	if errs > 0 {
		wrong.Wrong("spec", "spec-has-errors", strconv.Itoa(errs)+" errors in the document", "count", strconv.Itoa(errs))
	}
	operations, err := operationsOf(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	for _, op := range operations {
		if op.Access == "" {
			wrong.Wrong("operations/"+op.Slug+"/access", "operation-unmarked", op.Method+" "+op.Path+" is not marked")
		}
	}
	if v.PlanSlug == "" {
		wrong.Wrong("plan", "plan-missing", "no plan is chosen")
		return nil
	}
	plan, err := pg.One[Plan](ctx, tx, planSQL, v.PlanSlug)
	if err != nil {
		return fmt.Errorf("read plan %s: %w", v.PlanSlug, err)
	}
	closed := func(op Operation) bool { return op.Access == Restricted || op.Access == Personal }
	if plan.Decision == "open" && slices.ContainsFunc(operations, closed) {
		wrong.Wrong("plan", "plan-open-mismatch", "an open plan fits only open operations")
	}
	return nil
}

// upstreamReady adds to wrong what keeps the upstreams from being forwarded to.
func (c *Catalog) upstreamReady(ctx context.Context, tx pgx.Tx, v Version, wrong *problem.Error) error {
	if v.UpstreamURL == "" {
		wrong.Wrong("upstream_url", "upstream-missing", "no upstream is chosen")
		return nil
	}
	for i, share := range v.Upstreams {
		_, hostPort, err := upstreamAddress(share.URL, upstreamField(i, len(v.Upstreams)))
		if err != nil {
			return err
		}
		ok, err := approved(ctx, tx, v.AgencyID, hostPort)
		if err != nil {
			return err
		}
		if !ok {
			wrong.Wrong(upstreamField(i, len(v.Upstreams)), "upstream-not-approved", "not on the agency's approved list", "host", hostPort)
		}
	}
	_, err := c.trafficReady(ctx, tx, v.AgencyID, v.Traffic, wrong)
	return err
}
