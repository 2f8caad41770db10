package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Former is an address at which a version was called before its agency got
// another slug, or merged. Calls of it go on for good, and are told where the
// version is now.
type Former struct {
	Prefix string    `json:"prefix"`
	Since  time.Time `json:"since"` // when it was left
}

// Readdressing is what becomes of the addresses of an agency's versions.
type Readdressing struct {
	From uuid.UUID            // the agency that had them
	To   uuid.UUID            // the agency that has them; the same: it has another slug
	Slug string               // of To
	APIs map[uuid.UUID]string // slugs of the APIs that get another one
	At   time.Time
}

const (
	addressesSQL = `
select 'route' as of, version_id, document from gateway.route where document ->> 'agency' = $1
union all
select 'ended', version_id, document from gateway.ended where document ->> 'agency' = $1
union all
select 'sandbox', version_id, document from gateway.sandbox where document ->> 'agency' = $1
 order by 2`

	readdressRouteSQL   = `update gateway.route set prefix = $2, document = $3 where version_id = $1`
	readdressSandboxSQL = `update gateway.sandbox set document = $2 where version_id = $1`

	readdressEndedSQL = `update gateway.ended set prefix = $2, document = $3 where version_id = $1`

	// Versions of others may name one that moved as theirs to go on with.
	successorsSQL = `
with r as (
  update gateway.route set document = jsonb_set(document, '{successor}', to_jsonb($2::text))
   where document ->> 'successor' = $1 returning version_id),
e as (
  update gateway.ended set document = jsonb_set(document, '{successor}', to_jsonb($2::text))
   where document ->> 'successor' = $1 returning version_id)
select version_id from r union select version_id from e`

	formerSQL = `
select coalesce((select document -> 'former' from gateway.route where version_id = $1),
                (select document -> 'former' from gateway.ended where version_id = $1),
                (select document -> 'former' from gateway.sandbox where version_id = $1), '[]')`
)

type addressRow struct {
	Of        string // route, ended, sandbox
	VersionID uuid.UUID
	Document  []byte
}

// Readdress moves the versions of an agency to their new addresses when tx
// commits, those whose calls are over too; the old ones go on. It fails with
// Conflict when a new address is another version's.
func Readdress(ctx context.Context, tx pgx.Tx, to Readdressing) error {
	rows, err := pg.All[addressRow](ctx, tx, addressesSQL, to.From.String())
	if err != nil {
		return fmt.Errorf("read addresses of agency %s: %w", to.From, err)
	}
	touched, moved := map[uuid.UUID]bool{}, map[string]string{}
	for _, row := range rows {
		before, after, document, err := to.apply(row.Document)
		if err != nil {
			return fmt.Errorf("move version %s: %w", row.VersionID, err)
		}
		touched[row.VersionID] = true
		if row.Of == "sandbox" {
			if _, err := tx.Exec(ctx, readdressSandboxSQL, row.VersionID, document); err != nil {
				return fmt.Errorf("move sandbox of version %s: %w", row.VersionID, err)
			}
			continue
		}
		sql := readdressRouteSQL
		if row.Of == "ended" {
			sql = readdressEndedSQL
		}
		_, err = tx.Exec(ctx, sql, row.VersionID, after, document)
		if pg.IsUnique(err, "route_prefix_key") {
			return problem.Errorf(problem.Conflict, "%s already belongs to another API", after).Coded("route-taken", "prefix", after)
		} else if err != nil {
			return fmt.Errorf("move version %s: %w", row.VersionID, err)
		}
		moved[before] = after
	}
	for _, before := range slices.Sorted(maps.Keys(moved)) {
		named, err := tx.Query(ctx, successorsSQL, before, moved[before])
		if err != nil {
			return fmt.Errorf("name the new address of %s: %w", before, err)
		}
		ids, err := pgx.CollectRows(named, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("name the new address of %s: %w", before, err)
		}
		for _, id := range ids {
			touched[id] = true
		}
	}
	for id := range touched {
		if err := changed(ctx, tx, "route", id); err != nil {
			return err
		}
	}
	return nil
}

// apply gives a route's document with its new address; what else is in it stays
// as it is.
func (to Readdressing) apply(document []byte) (before, after string, now []byte, err error) {
	var r Route
	whole := map[string]json.RawMessage{}
	if err := errors.Join(json.Unmarshal(document, &r), json.Unmarshal(document, &whole)); err != nil {
		return "", "", nil, err
	}
	before = r.Prefix()
	r.Agency, r.AgencySlug = to.To, to.Slug
	if slug, ok := to.APIs[r.API]; ok {
		r.APISlug = slug
	}
	after = r.Prefix()
	r.Former = slices.DeleteFunc(r.Former, func(f Former) bool { return f.Prefix == after || f.Prefix == before })
	if before != after {
		r.Former = append(r.Former, Former{before, to.At.UTC().Truncate(time.Second)})
	}
	for name, value := range map[string]any{"agency": r.Agency, "agency_slug": r.AgencySlug, "api_slug": r.APISlug, "former": r.Former} {
		if whole[name], err = json.Marshal(value); err != nil {
			return "", "", nil, err
		}
	}
	now, err = json.Marshal(whole)
	return before, after, now, err
}

// keepFormer gives a route that is exposed again the addresses that it had.
func keepFormer(ctx context.Context, tx pgx.Tx, r *Route) error {
	var list []byte
	if err := tx.QueryRow(ctx, formerSQL, r.Version).Scan(&list); err != nil {
		return fmt.Errorf("read former addresses of version %s: %w", r.Version, err)
	}
	if err := json.Unmarshal(list, &r.Former); err != nil {
		return fmt.Errorf("read former addresses of version %s: %w", r.Version, err)
	}
	return nil
}

const movedSQL = `
select prefix from gateway.route
 where document -> 'former' @> jsonb_build_array(jsonb_build_object('prefix', $1::text))
 limit 1`

// NowAt is where the version of a former address is called now; "" when the
// address is none.
func NowAt(ctx context.Context, db pg.DB, prefix string) (string, error) {
	var now string
	err := db.QueryRow(ctx, movedSQL, prefix).Scan(&now)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("find former address %s: %w", prefix, err)
	}
	return now, nil
}

// formerly are the versions by the addresses that they had.
func (s *snapshot) formerly(v *version) {
	for _, f := range v.Former {
		switch {
		case v.sandbox != nil:
			s.sandboxes[f.Prefix+SandboxSuffix] = v
		case v.over:
			s.ended[f.Prefix] = v
		default:
			s.former[f.Prefix] = v
		}
	}
}

// moved tells callers of a former address where the version is: that address
// is deprecated (RFC 9745) and has no end.
func (c *call) moved() {
	prefix := strings.TrimSuffix(c.path, c.rest)
	if prefix == c.version.prefix {
		return
	}
	asVersion := prefix
	if c.version.sandbox != nil {
		asVersion = strings.TrimSuffix(prefix, SandboxSuffix)
	}
	i := slices.IndexFunc(c.version.Former, func(f Former) bool { return f.Prefix == asVersion })
	if i < 0 {
		return
	}
	c.former = prefix
	own := &c.answer.own
	if c.version.Deprecated == nil {
		own.Set("Deprecation", "@"+itoa(c.version.Former[i].Since.Unix()))
		own.Add("Link", "<"+c.node.docs(c.version)+`>; rel="deprecation"; type="text/html"`)
	}
	own.Add("Link", "<"+c.node.GatewayURL+c.version.prefix+`>; rel="latest-version"`) // RFC 5829: the same, where it is now
}
