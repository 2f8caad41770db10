package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// Traffic gives how a version's calls are held and sent, as SetTraffic took
// it, to the agency's own people. Others get NotFound.
func (c *Catalog) Traffic(ctx context.Context, who auth.Principal, version uuid.UUID) (json.RawMessage, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	if !sees(who, v.AgencyID) {
		return nil, problem.Errorf(problem.NotFound, "no version %s", version)
	}
	return v.Traffic, nil
}

// TrafficTold gives the same to whoever may see the version, for pages that
// tell callers the part that concerns them. It fails as VersionByID does.
func (c *Catalog) TrafficTold(ctx context.Context, who auth.Principal, version uuid.UUID) (json.RawMessage, error) {
	v, err := c.anyVersion(ctx, version)
	if err != nil {
		return nil, err
	}
	if _, ok := asSeen(v, who); !ok {
		return nil, problem.Errorf(problem.NotFound, "no version %s", version)
	}
	return v.Traffic, nil
}

const setTrafficSQL = `update catalog.version set traffic = $2 where id = $1`

// SetTraffic says how a version's calls are held and sent beside its plan, in
// place of all that was said; of a published one, at once. It fails as
// CheckTraffic does, and as changeVersion does for api.edit.
func (c *Catalog) SetTraffic(ctx context.Context, who auth.Principal, version uuid.UUID, traffic json.RawMessage) (Version, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(traffic, &members); err != nil || members == nil {
		return Version{}, problem.Errorf(problem.Invalid, "traffic is not an object").Coded("body-empty")
	}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.traffic",
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"set": slices.Sorted(maps.Keys(members))}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		operations, err := operationsOf(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if err := c.CheckTraffic(traffic, operations, documentOf(ctx, tx, v.ID)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, setTrafficSQL, v.ID, traffic); err != nil {
			return fmt.Errorf("set traffic of %s: %w", v.ID, err)
		}
		return nil
	})
}
