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

const setTrafficSQL = `update catalog.version set traffic = $2 where id = $1`

// SetTraffic says how a version's calls are held and sent beside its plan, in
// place of all that was said; of a published one, at once. It fails as
// CheckTraffic does, with Invalid where it sends calls to addresses that are
// not approved for the agency, and as changeVersion does for api.edit.
func (c *Catalog) SetTraffic(ctx context.Context, who auth.Principal, version uuid.UUID, traffic json.RawMessage) (Version, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(traffic, &members); err != nil || members == nil {
		return Version{}, problem.Errorf(problem.Invalid, "traffic is not an object").Coded("body-empty")
	}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.traffic", part: PartTraffic,
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"set": slices.Sorted(maps.Keys(members))}}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		hosts, err := c.putTraffic(ctx, tx, v, traffic)
		if len(hosts) > 0 {
			ch.detail["hosts"] = hosts
		}
		return err
	})
}

// putTraffic keeps a locked version's traffic, and gives the hosts that it
// sends calls to beside the version's own.
func (c *Catalog) putTraffic(ctx context.Context, tx pgx.Tx, v Version, traffic json.RawMessage) ([]string, error) {
	operations, err := operationsOf(ctx, tx, v.ID)
	if err != nil {
		return nil, err
	}
	if err := c.CheckTraffic(traffic, operations, documentOf(ctx, tx, v.ID)); err != nil {
		return nil, err
	}
	wrong := problem.Errorf(problem.Invalid, "the traffic goes where it may not").Coded("traffic-wrong")
	hosts, err := c.trafficReady(ctx, tx, v.AgencyID, traffic, wrong)
	if err != nil {
		return nil, err
	}
	if len(wrong.Fields) > 0 {
		return nil, wrong
	}
	if _, err := tx.Exec(ctx, setTrafficSQL, v.ID, traffic); err != nil {
		return nil, fmt.Errorf("set traffic of %s: %w", v.ID, err)
	}
	return hosts, nil
}

// TrafficAddress is an address that a version's traffic sends calls to.
type TrafficAddress struct {
	Field string // its JSON pointer in the traffic, without the first slash
	URL   string
}

// trafficReady gives the hosts of the addresses that a traffic sends calls to,
// and adds to wrong which of them are not the agency's approved ones, or not
// written in the one form that says so.
func (c *Catalog) trafficReady(ctx context.Context, tx pgx.Tx, agency uuid.UUID, traffic json.RawMessage, wrong *problem.Error) ([]string, error) {
	if c.TrafficAddresses == nil {
		return nil, nil
	}
	list, err := c.TrafficAddresses(traffic)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, to := range list {
		address, host, err := upstreamAddress(to.URL, to.Field)
		if err != nil || address != to.URL {
			wrong.Wrong(to.Field, "upstream-form", "not as addresses are written here: lower case, no slash at the end, no part to be resolved")
			continue
		}
		ok, err := approved(ctx, tx, agency, host)
		if err != nil {
			return nil, err
		}
		if !ok {
			wrong.Wrong(to.Field, "upstream-not-approved", "not on the agency's approved list", "host", host)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}
