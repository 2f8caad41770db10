package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// HasSandbox reports whether the version's operations can be tried with
// synthetic data.
func (v Version) HasSandbox() bool {
	return v.Sandbox && (v.State == Sandbox || v.State == Published || v.State == Deprecated)
}

// SandboxSuffix is what a sandbox's address has behind its version's.
const SandboxSuffix = "-sandbox"

// SandboxPrefix is the sandbox's address at the gateway, under the gateway's origin.
func (v Version) SandboxPrefix() string { return v.Prefix() + SandboxSuffix }

const openSandboxSQL = `
update catalog.version
   set sandbox = true, state = case when state in ('draft', 'review') then 'sandbox' else state end
 where id = $1`

// OpenSandbox lets everyone try a version with synthetic data: one that is not
// published is in state sandbox then, and its documentation is to be seen; a
// published one has its sandbox beside it. It fails with Invalid, one field
// error each, when the document has errors, an operation is not marked, or no
// plan is chosen or it does not fit; with Conflict when it is open; and as
// changeVersion does for api.publish.
func (c *Catalog) OpenSandbox(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.sandbox", from: []string{Draft, Review, Sandbox, Published, Deprecated}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if v.HasSandbox() {
			return problem.Errorf(problem.Conflict, "%s/%s has its sandbox open", v.APISlug, v.Number).Coded("sandbox-open")
		}
		wrong := problem.Errorf(problem.Invalid, "%s/%s is not ready to be tried", v.APISlug, v.Number).Coded("not-ready")
		if err := c.describedReady(ctx, tx, v, wrong); err != nil {
			return err
		}
		if len(wrong.Fields) > 0 {
			return wrong
		}
		if _, err := tx.Exec(ctx, openSandboxSQL, v.ID); err != nil {
			return fmt.Errorf("open sandbox of %s: %w", v.ID, err)
		}
		return nil
	})
}

const closeSandboxSQL = `
update catalog.version
   set sandbox = false, state = case state when 'sandbox' then 'draft' else state end
 where id = $1`

// CloseSandbox ends a version's sandbox; one in state sandbox is a draft again.
// It fails with Conflict when none is open, and as changeVersion does for
// api.publish.
func (c *Catalog) CloseSandbox(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	ch := versionChange{who: who, version: version, act: "api.publish", verb: "version.sandbox-close", from: []string{Draft, Review, Sandbox, Published, Deprecated, Retired}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		if !v.HasSandbox() {
			return problem.Errorf(problem.Conflict, "%s/%s has no sandbox open", v.APISlug, v.Number).Coded("sandbox-closed")
		}
		if _, err := tx.Exec(ctx, closeSandboxSQL, v.ID); err != nil {
			return fmt.Errorf("close sandbox of %s: %w", v.ID, err)
		}
		return nil
	})
}

// tellSandbox lets the gateway know how a version's sandbox now stands; before
// is how the version stood.
func (c *Catalog) tellSandbox(ctx context.Context, tx pgx.Tx, before, v Version) error {
	switch {
	case c.ExposeSandbox == nil:
		return nil
	case v.HasSandbox():
		e, err := c.exposure(ctx, tx, v)
		if err != nil {
			return err
		}
		return c.ExposeSandbox(ctx, tx, e)
	case before.HasSandbox():
		return c.ConcealSandbox(ctx, tx, v.ID)
	}
	return nil
}
