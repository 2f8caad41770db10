package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// UpstreamShare is one of the addresses that a version's calls are shared out to.
type UpstreamShare struct {
	URL    string `json:"url"`    // http or https, with its own base path
	Weight int    `json:"weight"` // 1 to 100: its share of the calls, beside the others' weights
}

// How many addresses a version has at most, and how much one weighs at most.
const (
	maxUpstreams = 8
	maxWeight    = 100
)

// SetUpstream names the one address the gateway forwards a version's calls to,
// in place of all it had. It fails as SetUpstreams does.
func (c *Catalog) SetUpstream(ctx context.Context, who auth.Principal, version uuid.UUID, address string) (Version, error) {
	return c.SetUpstreams(ctx, who, version, []UpstreamShare{{URL: address, Weight: 1}})
}

const setUpstreamsSQL = `update catalog.version set upstream_url = $2, upstreams = $3 where id = $1`

// SetUpstreams names the 1 to 8 addresses the gateway forwards a version's
// calls to, in place of all it had; of a published one, at once. It fails with
// Invalid for what is no http or https address, is not approved for the agency,
// stands twice or weighs too little or too much, and as changeVersion does for
// api.edit.
func (c *Catalog) SetUpstreams(ctx context.Context, who auth.Principal, version uuid.UUID, list []UpstreamShare) (Version, error) {
	list, hosts, err := checkUpstreams(list)
	if err != nil {
		return Version{}, err
	}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.upstream", part: PartUpstreams,
		from: []string{Draft, Review, Sandbox, Published, Deprecated}, detail: map[string]any{"host_port": hosts[0]}}
	if len(hosts) > 1 {
		ch.detail["hosts"] = hosts
	}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		return storeUpstreams(ctx, tx, v, list, hosts)
	})
}

// storeUpstreams keeps checked addresses, and fails with Invalid for the first
// host that is not approved for the agency.
func storeUpstreams(ctx context.Context, tx pgx.Tx, v Version, list []UpstreamShare, hosts []string) error {
	for i, host := range hosts {
		ok, err := approved(ctx, tx, v.AgencyID, host)
		if err != nil {
			return err
		}
		if !ok {
			return problem.Errorf(problem.Invalid, "%s is not approved", host).Coded("upstream-not-approved", "host", host).
				Wrong(upstreamField(i, len(hosts)), "upstream-not-approved", "not on the agency's approved list", "host", host)
		}
	}
	stored, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode upstreams of %s: %w", v.ID, err)
	}
	if _, err := tx.Exec(ctx, setUpstreamsSQL, v.ID, list[0].URL, stored); err != nil {
		return fmt.Errorf("set upstreams of %s: %w", v.ID, err)
	}
	return nil
}

// checkUpstreams gives the list in its one form, and the host and port of each.
func checkUpstreams(list []UpstreamShare) ([]UpstreamShare, []string, error) {
	if len(list) == 0 || len(list) > maxUpstreams {
		most := strconv.Itoa(maxUpstreams)
		return nil, nil, problem.Errorf(problem.Invalid, "%d addresses are not 1 to %s", len(list), most).Coded("upstream-count", "max", most).
			Wrong("upstreams", "upstream-count", "not 1 to "+most+" addresses", "max", most)
	}
	checked, hosts, seen := make([]UpstreamShare, len(list)), make([]string, len(list)), map[string]bool{}
	for i, share := range list {
		address, host, err := upstreamAddress(share.URL, upstreamField(i, len(list)))
		if err != nil {
			return nil, nil, err
		}
		if seen[address] {
			return nil, nil, problem.Errorf(problem.Invalid, "%s stands twice", address).Coded("upstream-twice", "url", address).
				Wrong(upstreamField(i, len(list)), "upstream-twice", "stands twice", "url", address)
		}
		if share.Weight < 1 || share.Weight > maxWeight {
			most := strconv.Itoa(maxWeight)
			return nil, nil, problem.Errorf(problem.Invalid, "weight %d is not 1 to %s", share.Weight, most).Coded("upstream-weight", "max", most).
				Wrong("upstreams/"+strconv.Itoa(i)+"/weight", "upstream-weight", "not 1 to "+most, "max", most)
		}
		seen[address] = true
		checked[i], hosts[i] = UpstreamShare{URL: address, Weight: share.Weight}, host
	}
	return checked, hosts, nil
}

// upstreamField is what a problem calls the address of that place in a list.
func upstreamField(i, count int) string {
	if count == 1 {
		return "upstream_url"
	}
	return "upstreams/" + strconv.Itoa(i) + "/url"
}
