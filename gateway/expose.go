package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/gateway/project"
	"lgsp/gateway/upstream"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Route is everything the gateway must know of one version of an API.
type Route struct {
	Version    uuid.UUID   `json:"version"`
	Agency     uuid.UUID   `json:"agency"`
	API        uuid.UUID   `json:"api"`
	AgencySlug string      `json:"agency_slug"`
	APISlug    string      `json:"api_slug"`
	Number     string      `json:"number"` // "v1"
	TitleVI    string      `json:"title_vi"`
	TitleEN    string      `json:"title_en"`
	Upstream   string      `json:"upstream"`            // base URL, http or https, no query; the first of Upstreams
	Upstreams  []Upstream  `json:"upstreams,omitempty"` // none: Upstream alone
	Plan       Plan        `json:"plan"`                // of open operations; an agreement carries its own
	Traffic    Traffic     `json:"traffic,omitzero"`    // as the agency sets it
	Operations []Operation `json:"operations"`
	// Described is what Describe made of the version's document; none: nothing is checked.
	Described  json.RawMessage `json:"described,omitempty"`
	Deprecated *time.Time      `json:"deprecated,omitempty"` // since when callers are told to move
	Sunset     *time.Time      `json:"sunset,omitempty"`     // from when calls are answered 410
	Successor  string          `json:"successor,omitempty"`  // Prefix of the version to move to
	Docs       string          `json:"docs,omitempty"`       // where the agency writes about the end; none: the API's page
}

// Upstream is one of several addresses of a version.
type Upstream struct {
	URL    string `json:"url"`    // as Route.Upstream; its own base path
	Weight int    `json:"weight"` // 1 to 100: its share of the calls
}

// addresses are where the version's calls go.
func (r Route) addresses() []upstream.Address {
	if len(r.Upstreams) == 0 {
		return []upstream.Address{{URL: r.Upstream, Weight: 1}}
	}
	list := make([]upstream.Address, len(r.Upstreams))
	for i, u := range r.Upstreams {
		list[i] = upstream.Address(u)
	}
	return list
}

// Prefix is where the version's calls begin: /{agency}/{api}/{number}.
func (r Route) Prefix() string { return "/" + r.AgencySlug + "/" + r.APISlug + "/" + r.Number }

// Plan is how fast and how often. Anonymous callers of open operations are held
// to RatePerMinute by address; QuotaPerDay is an agreement's.
type Plan struct {
	Slug          string `json:"slug"`
	RatePerMinute int    `json:"rate_per_minute"`
	QuotaPerDay   int    `json:"quota_per_day"`
	QuotaPerMonth int    `json:"quota_per_month,omitempty"` // 0: none
}

// The ways an operation may be called.
const (
	Open       = "open"       // by anyone
	Restricted = "restricted" // under an agreement, with a key or a token
	Personal   = "personal"   // under an agreement, with a token; each call names its subject
)

// Operation is one method and path template of a version.
type Operation struct {
	ID          string   `json:"id"`     // the catalogue's name for it, unique in the version; agreements list it
	Method      string   `json:"method"` // GET
	Path        string   `json:"path"`   // OpenAPI path template, /ho-so/{maHoSo}
	Access      string   `json:"access"`
	SubjectIn   string   `json:"subject_in,omitempty"`   // path, query, header, body; of a personal operation
	SubjectName string   `json:"subject_name,omitempty"` // parameter's name, or JSON pointer in the body
	Fields      []string `json:"fields,omitempty"`       // every field path of the answer, as the API's document describes it

	XML *project.Shape `json:"xml,omitempty"` // how the fields stand in an XML answer; nil: none is described
}

const exposeSQL = `
insert into gateway.route (version_id, prefix, document)
values ($1, $2, $3)
on conflict (version_id) do update set prefix = excluded.prefix, document = excluded.document`

// Expose makes a version callable, or replaces what was exposed of it, when tx
// commits. It fails with Invalid for a route that no node could serve, and with
// Conflict when another version has the address.
func Expose(ctx context.Context, tx pgx.Tx, r Route) error {
	if _, err := compileRoute(r); err != nil {
		return problem.Errorf(problem.Invalid, "%s", err.Error()).Coded("route-unservable", "reason", err.Error())
	}
	document, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode route %s: %w", r.Version, err)
	}
	_, err = tx.Exec(ctx, exposeSQL, r.Version, r.Prefix(), document)
	if pg.IsUnique(err, "route_prefix_key") {
		return problem.Errorf(problem.Conflict, "%s already belongs to another API", r.Prefix()).Coded("route-taken", "prefix", r.Prefix())
	}
	if err != nil {
		return fmt.Errorf("expose version %s at %s: %w", r.Version, r.Prefix(), err)
	}
	if _, err := tx.Exec(ctx, unendSQL, r.Version); err != nil {
		return fmt.Errorf("expose version %s again: %w", r.Version, err)
	}
	return changed(ctx, tx, "route", r.Version)
}

const changedSQL = `insert into gateway.change (kind, object_id, at) values ($1, $2, now())`

// changed tells every node, when tx commits, to load the object again.
func changed(ctx context.Context, tx pgx.Tx, kind string, object uuid.UUID) error {
	if _, err := tx.Exec(ctx, changedSQL, kind, object); err != nil {
		return fmt.Errorf("log change of %s %s: %w", kind, object, err)
	}
	return pg.Notify(ctx, tx, "gateway", kind)
}
