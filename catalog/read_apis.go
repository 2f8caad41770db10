package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// sees reports whether who sees what an agency has not published: its own
// people, and the operators and auditors of the platform.
func sees(who auth.Principal, agency uuid.UUID) bool {
	return slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool {
		return m.Agency == agency || m.Agency == uuid.Nil
	})
}

// isPublic reports whether everyone sees a version in that state.
func isPublic(state string) bool {
	return state == Published || state == Deprecated || state == Retired
}

// APIFilter narrows ListAPIs.
type APIFilter struct {
	Agency uuid.UUID // uuid.Nil: every agency
	Limit  int       // 1 to 100; 0 is 20
	After  string    // next of the page before
}

const listAPIsSQL = `
select id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at
  from catalog.api a
 where ($1::uuid is null or agency_id = $1)
   and ($2::uuid is null or id < $2)
   and ($3 or agency_id = any($4::uuid[])
        or exists (select from catalog.version v where v.api_id = a.id and v.state in ('published', 'deprecated')))
 order by id desc
 limit $5`

// ListAPIs gives a page of the APIs that who may see, newest first, and the
// next cursor, "" at the end. It fails with Invalid for a limit or a cursor
// that is none.
func (c *Catalog) ListAPIs(ctx context.Context, who auth.Principal, f APIFilter) ([]API, string, error) {
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return nil, "", err
	}
	var agency, after *uuid.UUID
	if f.Agency != uuid.Nil {
		agency = &f.Agency
	}
	if f.After != "" {
		id, err := uuid.Parse(f.After)
		if err != nil {
			return nil, "", badCursor()
		}
		after = &id
	}
	own := []uuid.UUID{}
	for _, m := range who.Memberships {
		own = append(own, m.Agency)
	}
	list, err := pg.All[API](ctx, c.DB, listAPIsSQL, agency, after, sees(who, uuid.Nil), own, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list apis: %w", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = list[limit-1].ID.String()
	}
	return list, next, c.complete(ctx, who, list, nil)
}

const versionColumns = `
select v.id, v.api_id, a.slug as api_slug, a.agency_id, v.number, v.state, a.title_vi, a.title_en, v.upstream_url,
       case when v.upstreams -> 0 ->> 'url' = v.upstream_url then v.upstreams when v.upstream_url = '' then '[]'
            else jsonb_build_array(jsonb_build_object('url', v.upstream_url, 'weight', 1)) end as upstreams,
       v.traffic, coalesce(v.plan_slug, '') as plan_slug, v.findings, v.created_at, v.updated_at, v.published_at, v.sunset,
       v.deprecated_at, v.successor_id, v.docs_url, v.sandbox,
       coalesce((select jsonb_build_object('availability', p.availability / 100.0, 'p95_ms', p.p95_ms, 'support_vi', p.support_vi,
                                           'support_en', p.support_en, 'set_at', p.set_at)
                   from catalog.promise p where p.version_id = v.id), '{}') as promise
  from catalog.version v
  join catalog.api a on a.id = v.api_id`

const versionsOfAPIsSQL = versionColumns + `
 where v.api_id = any($1)
 order by v.id desc`

// complete fills in the agency and the versions of each API, as who may see
// them. byID are their agencies where they are known; nil: they are looked up.
func (c *Catalog) complete(ctx context.Context, who auth.Principal, list []API, byID map[uuid.UUID]Agency) error {
	ids, agencies := []uuid.UUID{}, []uuid.UUID{}
	for _, a := range list {
		ids, agencies = append(ids, a.ID), append(agencies, a.AgencyID)
	}
	versions, err := pg.All[Version](ctx, c.DB, versionsOfAPIsSQL, ids)
	if err != nil {
		return fmt.Errorf("list versions: %w", err)
	}
	if byID == nil {
		if byID, err = c.Agencies(ctx, agencies); err != nil {
			return err
		}
	}
	if err := c.nameSuccessors(ctx, c.DB, versions); err != nil {
		return err
	}
	of := map[uuid.UUID][]Version{}
	for _, v := range versions {
		v.Agency = byID[v.AgencyID]
		if v, ok := asSeen(v, who); ok {
			of[v.APIID] = append(of[v.APIID], v)
		}
	}
	for i := range list {
		list[i].Agency = byID[list[i].AgencyID]
		if list[i].Versions = of[list[i].ID]; list[i].Versions == nil {
			list[i].Versions = []Version{}
		}
	}
	return nil
}

// asSeen is the version without what only its agency's people see, and whether
// who may see it at all.
func asSeen(v Version, who auth.Principal) (Version, bool) {
	if sees(who, v.AgencyID) {
		return v, true
	}
	v.UpstreamURL, v.Upstreams, v.Traffic, v.Findings = "", []UpstreamShare{}, json.RawMessage("{}"), []Finding{}
	return v, isPublic(v.State) || v.State == Sandbox
}

const apiBySlugSQL = `
select id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at
  from catalog.api
 where agency_id = $1 and slug = $2`

// APIBySlug gives an API with its versions, newest first. It fails with
// NotFound, also when nothing of it is published and who is not of its agency.
func (c *Catalog) APIBySlug(ctx context.Context, who auth.Principal, agency, api string) (API, error) {
	owner, err := c.AgencyBySlug(ctx, agency)
	if err != nil {
		return API{}, err
	}
	found, err := c.oneAPI(ctx, who, map[uuid.UUID]Agency{owner.ID: owner}, apiBySlugSQL, owner.ID, api)
	if problem.Is(err, problem.NotFound) {
		return c.formerAPI(ctx, who, owner.ID, api)
	}
	return found, err
}

const apiByIDSQL = `
select id, agency_id, slug, title_vi, title_en, description_vi, description_en, created_at, updated_at
  from catalog.api
 where id = $1`

// APIByID is APIBySlug by id.
func (c *Catalog) APIByID(ctx context.Context, who auth.Principal, id uuid.UUID) (API, error) {
	return c.oneAPI(ctx, who, nil, apiByIDSQL, id)
}

func (c *Catalog) oneAPI(ctx context.Context, who auth.Principal, owners map[uuid.UUID]Agency, sql string, args ...any) (API, error) {
	list, err := pg.All[API](ctx, c.DB, sql, args...)
	if err != nil {
		return API{}, fmt.Errorf("read api: %w", err)
	}
	if err := c.complete(ctx, who, list, owners); err != nil {
		return API{}, err
	}
	if len(list) == 0 || (len(list[0].Versions) == 0 && !sees(who, list[0].AgencyID)) {
		return API{}, problem.Errorf(problem.NotFound, "no API %v", args)
	}
	return list[0], nil
}

// VersionBySlug gives one version. It fails with NotFound, also when it is not
// published and who is not of its agency.
func (c *Catalog) VersionBySlug(ctx context.Context, who auth.Principal, agency, api, number string) (Version, error) {
	a, err := c.APIBySlug(ctx, who, agency, api)
	if err != nil {
		return Version{}, err
	}
	i := slices.IndexFunc(a.Versions, func(v Version) bool { return v.Number == number })
	if i < 0 {
		return Version{}, problem.Errorf(problem.NotFound, "no version %s of %s/%s", number, agency, api)
	}
	return a.Versions[i], nil
}

const versionByIDSQL = versionColumns + `
 where v.id = $1`

// VersionByID is VersionBySlug by id.
func (c *Catalog) VersionByID(ctx context.Context, who auth.Principal, id uuid.UUID) (Version, error) {
	v, err := c.anyVersion(ctx, id)
	if err != nil {
		return Version{}, err
	}
	v, ok := asSeen(v, who)
	if !ok {
		return Version{}, problem.Errorf(problem.NotFound, "no version %s", id)
	}
	return v, nil
}

// anyVersion gives a version whoever asks.
func (c *Catalog) anyVersion(ctx context.Context, id uuid.UUID) (Version, error) {
	v, err := pg.One[Version](ctx, c.DB, versionByIDSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Version{}, problem.Errorf(problem.NotFound, "no version %s", id)
	} else if err != nil {
		return Version{}, fmt.Errorf("read version %s: %w", id, err)
	}
	owners, err := c.Agencies(ctx, []uuid.UUID{v.AgencyID})
	if err != nil {
		return Version{}, err
	}
	v.Agency = owners[v.AgencyID]
	one := []Version{v}
	err = c.nameSuccessors(ctx, c.DB, one)
	return one[0], err
}

const operationsSQL = `
select id, version_id, slug, method, path, access, classification, subject_in, subject_name, doc
  from catalog.operation
 where version_id = $1
 order by position`

func operationsOf(ctx context.Context, db pg.DB, version uuid.UUID) ([]Operation, error) {
	list, err := pg.All[Operation](ctx, db, operationsSQL, version)
	if err != nil {
		return nil, fmt.Errorf("read operations of %s: %w", version, err)
	}
	return list, nil
}

// Operations gives a version's operations in the order of its document. It
// fails as VersionByID does.
func (c *Catalog) Operations(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Operation, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	list, err := operationsOf(ctx, c.DB, version)
	if err == nil && !sees(who, v.AgencyID) {
		list = marked(list)
	}
	return list, err
}

// marked are the operations that are offered: one that a published version's
// document gained is not, before its agency has marked it.
func marked(list []Operation) []Operation {
	return slices.DeleteFunc(list, func(o Operation) bool { return o.Access == "" })
}

const operationBySlugSQL = `
select id, version_id, slug, method, path, access, classification, subject_in, subject_name, doc
  from catalog.operation
 where version_id = $1 and slug = $2`

// OperationBySlug gives one operation of a version. It fails with NotFound.
func (c *Catalog) OperationBySlug(ctx context.Context, who auth.Principal, version uuid.UUID, slug string) (Operation, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return Operation{}, err
	}
	op, err := pg.One[Operation](ctx, c.DB, operationBySlugSQL, version, slug)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && op.Access == "" && !sees(who, v.AgencyID) {
		return Operation{}, problem.Errorf(problem.NotFound, "no operation %s", slug)
	} else if err != nil {
		return Operation{}, fmt.Errorf("read operation %s of %s: %w", slug, version, err)
	}
	return op, nil
}

const specJSONSQL = `select spec_json from catalog.version where id = $1`

// documentOf reads a version's document as JSON when it is asked for.
func documentOf(ctx context.Context, db pg.DB, version uuid.UUID) func() ([]byte, error) {
	return func() ([]byte, error) {
		var text string
		if err := db.QueryRow(ctx, specJSONSQL, version).Scan(&text); err != nil {
			return nil, fmt.Errorf("read document of %s: %w", version, err)
		}
		return []byte(text), nil
	}
}

// SpecJSON gives a version's document as JSON, with its address at the gateway
// and its sandbox's, where it has one, as its servers. It fails as VersionByID does.
func (c *Catalog) SpecJSON(ctx context.Context, who auth.Principal, version uuid.UUID, gateway string) ([]byte, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	text, err := documentOf(ctx, c.DB, version)()
	if err != nil {
		return nil, err
	}
	servers := []server{{URL: gateway + v.Prefix()}}
	if v.State == Sandbox {
		servers = nil
	}
	if v.HasSandbox() {
		servers = append(servers, server{gateway + v.SandboxPrefix(), "Thử nghiệm, dữ liệu mô phỏng (sandbox, synthetic data)"})
	}
	return withServers(string(text), servers)
}

const specTextSQL = `select spec_text from catalog.version where id = $1`

// SpecText gives a version's document as it was imported, to the agency's own
// people: it may name their internal servers. Others get NotFound.
func (c *Catalog) SpecText(ctx context.Context, who auth.Principal, version uuid.UUID) ([]byte, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	if !sees(who, v.AgencyID) {
		return nil, problem.Errorf(problem.NotFound, "no version %s", version)
	}
	var text string
	if err := c.DB.QueryRow(ctx, specTextSQL, version).Scan(&text); err != nil {
		return nil, fmt.Errorf("read text of %s: %w", version, err)
	}
	return []byte(text), nil
}
