package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Holdings is what an agency has here that its end would pass on.
type Holdings struct {
	APIs      []HeldAPI `json:"apis"`
	Datasets  int       `json:"datasets"`      // in every state
	Public    int       `json:"public"`        // of those, published or about to be
	Sources   int       `json:"sources"`       // other catalogues that it takes over from
	Upstreams int       `json:"upstreams"`     // approved
	Requests  int       `json:"data_requests"` // open
}

// HeldAPI is an API with how many of its versions are called, and the slug that
// it would have under the successor.
type HeldAPI struct {
	ID      uuid.UUID `json:"id"`
	Slug    string    `json:"slug"`
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
	Live    int       `json:"live"`
	Becomes string    `json:"becomes" db:"-"` // "" without a successor
}

// Live reports whether something keeps the agency from ending without a successor.
func (h Holdings) Live() bool {
	for _, api := range h.APIs {
		if api.Live > 0 {
			return true
		}
	}
	return h.Public > 0
}

const (
	heldAPIsSQL = `
select a.id, a.slug, a.title_vi, a.title_en,
       (select count(*) from catalog.version v where v.api_id = a.id and v.state in ('published', 'deprecated'))::int as live
  from catalog.api a
 where a.agency_id = $1
 order by a.slug`

	heldSQL = `
select (select count(*) from catalog.dataset where agency_id = $1)::int as datasets,
       (select count(*) from catalog.dataset where agency_id = $1 and (state = 'published' or state = 'approved' and publish_at is not null))::int as public,
       (select count(*) from catalog.harvest_source where agency_id = $1)::int as sources,
       (select count(*) from catalog.upstream where agency_id = $1 and approved_at is not null)::int as upstreams,
       (select count(*) from catalog.data_request where agency_id = $1 and state in ('held', 'received', 'accepted', 'in-progress'))::int as requests`

	slugsOfSQL = `
select slug from catalog.api where agency_id = $1 union select slug from catalog.api_former where agency_id = $1`
)

// HeldBy lists what an agency has here, and how its APIs would be called under
// a successor; nil: there is none.
func (c *Catalog) HeldBy(ctx context.Context, agency Agency, to *Agency) (Holdings, error) {
	return heldBy(ctx, c.DB, agency, to)
}

func heldBy(ctx context.Context, db pg.DB, agency Agency, to *Agency) (Holdings, error) {
	type counts struct{ Datasets, Public, Sources, Upstreams, Requests int }
	n, err := pg.One[counts](ctx, db, heldSQL, agency.ID)
	if err != nil {
		return Holdings{}, fmt.Errorf("count what is of agency %s: %w", agency.ID, err)
	}
	h := Holdings{Datasets: n.Datasets, Public: n.Public, Sources: n.Sources, Upstreams: n.Upstreams, Requests: n.Requests}
	if h.APIs, err = pg.All[HeldAPI](ctx, db, heldAPIsSQL, agency.ID); err != nil || to == nil {
		return h, err
	}
	rows, _ := db.Query(ctx, slugsOfSQL, to.ID) // the error comes back from Collect
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return h, fmt.Errorf("read slugs of agency %s: %w", to.ID, err)
	}
	taken := map[string]bool{}
	for _, slug := range list {
		taken[slug] = true
	}
	for i, api := range h.APIs {
		slug := api.Slug
		for n := 1; taken[slug]; n++ {
			slug = besideSlug(api.Slug, agency.Slug, n)
		}
		taken[slug], h.APIs[i].Becomes = true, slug
	}
	return h, nil
}

// besideSlug is an API's slug where the successor has it already: with the slug
// of the agency that it was of, and a number where that is taken too.
func besideSlug(slug, agency string, n int) string {
	end := "-" + agency
	if n > 1 {
		end += fmt.Sprintf("-%d", n)
	}
	const most = 60
	if len(end) > most/2 {
		end = end[:most/2-3] + fmt.Sprintf("-%02d", n)
	}
	return slug[:min(len(slug), most-len(end))] + end
}

const (
	moveAPISQL   = `update catalog.api set agency_id = $2, slug = $3, updated_at = $4 where id = $1`
	formerAPISQL = `
insert into catalog.api_former (agency_id, slug, api_id, left_at) values ($1, $2, $3, $4)
on conflict on constraint api_former_key do update set api_id = excluded.api_id, left_at = excluded.left_at`

	// An address that both had stays approved when it was at one of them.
	moveUpstreamsSQL = `
insert into catalog.upstream (agency_id, host_port, requested_at, requested_by, approved_at, approved_by)
select $2, host_port, requested_at, requested_by, approved_at, approved_by from catalog.upstream where agency_id = $1
on conflict (agency_id, host_port) do update
   set approved_by = case when upstream.approved_at is null then excluded.approved_by else upstream.approved_by end,
       approved_at = coalesce(upstream.approved_at, excluded.approved_at)`
	dropUpstreamsSQL = `delete from catalog.upstream where agency_id = $1`

	moveDatasetsSQL = `update catalog.dataset set agency_id = $2 where agency_id = $1`
	moveRequestsSQL = `update catalog.data_request set agency_id = nullif($2, '00000000-0000-0000-0000-000000000000'::uuid) where agency_id = $1`

	// A catalogue that both read is read by the successor's source from here on.
	joinSourcesSQL = `
update catalog.harvested h set source_id = b.id
  from catalog.harvest_source a join catalog.harvest_source b on b.agency_id = $2 and b.url = a.url
 where a.agency_id = $1 and h.source_id = a.id
   and not exists (select from catalog.harvested t where t.source_id = b.id and t.key = h.key)`
	dropJoinedSQL = `
delete from catalog.harvest_source a
 where a.agency_id = $1 and exists (select from catalog.harvest_source b where b.agency_id = $2 and b.url = a.url)`
	moveSourcesSQL = `update catalog.harvest_source set agency_id = $2 where agency_id = $1`
	dropSourcesSQL = `delete from catalog.harvest_source where agency_id = $1`

	// The successor's own schema is the one in force; where it has none, that
	// which comes.
	moveSchemaSQL = `
insert into catalog.field_schema (agency_id, version, fields)
select $2, version, fields from catalog.field_schema where agency_id = $1
on conflict on constraint field_schema_key do nothing`
	moveSchemasSQL = `
insert into catalog.field_schema_version (agency_id, version, text, written_by, written_at)
select $2, version, text, written_by, written_at from catalog.field_schema_version where agency_id = $1
   and not exists (select from catalog.field_schema_version where agency_id = $2)`

	moveLettersSQL = `update catalog.letter set agency_id = $2 where agency_id = $1 and sent_at is null`
	dropLettersSQL = `delete from catalog.letter where agency_id = $1 and sent_at is null`
	dropDutySQL    = `delete from catalog.duty_letter where agency_id = $1`
	moveFollowsSQL = `
insert into catalog.follow (person, kind, target, created_at)
select person, kind, $2, created_at from catalog.follow where kind = 'agency' and target = $1
on conflict on constraint follow_key do nothing`
	dropFollowsSQL    = `delete from catalog.follow where kind = 'agency' and target = $1`
	dropSuggestionSQL = `delete from catalog.search_suggestion where kind = 'agency' and id = $1`
)

// MoveAgency gives everything that an agency offers to its successor, and gives
// the slugs of the APIs that get another one, since the successor has theirs
// already. Addresses of before lead on. It runs inside the transaction that
// ends the agency.
func (c *Catalog) MoveAgency(ctx context.Context, tx pgx.Tx, from, to Agency, at time.Time) (map[uuid.UUID]string, error) {
	held, err := heldBy(ctx, tx, from, &to)
	if err != nil {
		return nil, err
	}
	renamed := map[uuid.UUID]string{}
	for _, api := range held.APIs {
		if _, err := tx.Exec(ctx, moveAPISQL, api.ID, to.ID, api.Becomes, at); err != nil {
			return nil, fmt.Errorf("move API %s: %w", api.ID, err)
		}
		if _, err := tx.Exec(ctx, formerAPISQL, from.ID, api.Slug, api.ID, at); err != nil {
			return nil, fmt.Errorf("keep the old address of API %s: %w", api.ID, err)
		}
		if api.Becomes != api.Slug {
			renamed[api.ID] = api.Becomes
		}
	}
	for _, step := range []string{moveUpstreamsSQL, moveDatasetsSQL, moveRequestsSQL, joinSourcesSQL, dropJoinedSQL, moveSourcesSQL,
		moveSchemaSQL, moveSchemasSQL, moveLettersSQL, moveFollowsSQL} {
		if _, err := tx.Exec(ctx, step, from.ID, to.ID); err != nil {
			return nil, fmt.Errorf("move what is of agency %s: %w", from.ID, err)
		}
	}
	if err := dropRest(ctx, tx, from.ID); err != nil {
		return nil, err
	}
	return renamed, c.FollowAgency(ctx, tx, to)
}

func dropRest(ctx context.Context, tx pgx.Tx, agency uuid.UUID) error {
	for _, step := range []string{dropUpstreamsSQL, dropDutySQL, dropFollowsSQL, dropSuggestionSQL} {
		if _, err := tx.Exec(ctx, step, agency); err != nil {
			return fmt.Errorf("end what is of agency %s: %w", agency, err)
		}
	}
	return nil
}

// EndAgency ends what an agency without a successor has here and nobody relies
// on: upstreams, sources, letters, open requests, which the operator is to give
// to another. It fails with Conflict while one of its APIs is called or one of
// its datasets is public: those end in the ways that tell their users.
func (c *Catalog) EndAgency(ctx context.Context, tx pgx.Tx, agency Agency) error {
	held, err := heldBy(ctx, tx, agency, nil)
	if err != nil {
		return err
	}
	if held.Live() {
		return problem.Errorf(problem.Conflict, "an API of %s is called or a dataset public", agency.Slug).Coded("agency-live")
	}
	if _, err := tx.Exec(ctx, moveRequestsSQL, agency.ID, uuid.Nil); err != nil {
		return fmt.Errorf("free data requests of agency %s: %w", agency.ID, err)
	}
	for _, step := range []string{dropSourcesSQL, dropLettersSQL} {
		if _, err := tx.Exec(ctx, step, agency.ID); err != nil {
			return fmt.Errorf("end what is of agency %s: %w", agency.ID, err)
		}
	}
	return dropRest(ctx, tx, agency.ID)
}

const formerAPIOfSQL = `select api_id from catalog.api_former where agency_id = $1 and slug = $2`

// formerAPI gives the API that an agency once had under a slug, as who sees it;
// it fails as APIByID does, and with NotFound when it had none.
func (c *Catalog) formerAPI(ctx context.Context, who auth.Principal, agency uuid.UUID, slug string) (API, error) {
	rows, _ := c.DB.Query(ctx, formerAPIOfSQL, agency, slug) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return API{}, fmt.Errorf("find former API %s: %w", slug, err)
	}
	if len(ids) == 0 {
		return API{}, problem.Errorf(problem.NotFound, "no API %s", slug)
	}
	return c.APIByID(ctx, who, ids[0])
}
