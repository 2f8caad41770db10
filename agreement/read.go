package agreement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const agreementColumns = `
select id, revision, state, application_id, application_name, owner_name,
       coalesce(owner_person_id, '00000000-0000-0000-0000-000000000000') as owner_person_id,
       coalesce(owner_agency_id, '00000000-0000-0000-0000-000000000000') as owner_agency_id,
       requester_id, requester_name, agency_id, version_id, service_vi, service_en, operations, bounds, purpose, purpose_text,
       legal_basis, subjects, volume_per_day, retention_days, onward, to_char(starts, 'YYYY-MM-DD') as starts, to_char(ends, 'YYYY-MM-DD') as ends, note, replaces, plan,
       rate_per_minute, quota_per_day, quota_per_month, requested_at, due_at, decided_at, decided_by, reason,
       coalesce(refusal_basis, '') as refusal_basis, waits_since, due_was, first_by, first_for, first_at, first_terms, first_note, confirmed_at
  from agreement.agreement`

const (
	getSQL  = agreementColumns + ` where id = $1`
	lockSQL = agreementColumns + ` where id = $1 for update`
	mineSQL = agreementColumns + `
 where application_id = any($1)
   and ($2::uuid is null or application_id = $2)
   and ($3::uuid is null or version_id = $3)
   and ($4 = '' or state = $4)
   and ($5::uuid is null or id < $5)
 order by id desc
 limit $6`
	inboxSQL = agreementColumns + `
 where ($1::uuid is null or agency_id = $1)
   and ($2::uuid is null or application_id = $2)
   and ($3::uuid is null or version_id = $3)
   and ($4 = '' or state = $4)
   and ($5::uuid is null or id < $5)
 order by id desc
 limit $6`
)

// Get gives one agreement to those who work on the application and to those who may read
// the agency's; to everyone else it is NotFound.
func (a *Agreements) Get(ctx context.Context, who auth.Principal, id uuid.UUID) (Agreement, error) {
	g, _, err := a.see(ctx, who, id)
	return g, err
}

// see is Get, and tells where who stands on the asking side.
func (a *Agreements) see(ctx context.Context, who auth.Principal, id uuid.UUID) (Agreement, side, error) {
	g, err := pg.One[Agreement](ctx, a.DB, getSQL, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Agreement{}, side{}, noAgreement(id)
	} else if err != nil {
		return Agreement{}, side{}, fmt.Errorf("read agreement %s: %w", id, err)
	}
	by, sees, err := a.asking(ctx, who, g)
	if err != nil || sees {
		return g, by, err
	}
	err = a.May(ctx, who, "agreement.read", g.AgencyID)
	var refused *problem.Error
	if errors.As(err, &refused) {
		return Agreement{}, side{}, noAgreement(id)
	}
	return g, by, err
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	Agency      uuid.UUID // Inbox only; uuid.Nil: all agencies
	Application uuid.UUID
	Version     uuid.UUID
	State       string
	Limit       int    // 1 to 100; 0 is 20
	After       string // Next of the page before
}

// Page is one page of agreements, newest first.
type Page struct {
	Items []Agreement `json:"items"`
	Next  string      `json:"next"` // "" at the end
}

// Mine lists the agreements of the applications that who works on. It fails with
// Invalid for a bad page.
func (a *Agreements) Mine(ctx context.Context, who auth.Principal, f Filter) (Page, error) {
	own, err := a.OwnApplications(ctx, who)
	if err != nil {
		return Page{}, err
	}
	return a.list(ctx, mineSQL, own, f)
}

// Inbox lists the agreements on an agency's services, or on all. It fails with
// Invalid for a bad page, and with what May returned.
func (a *Agreements) Inbox(ctx context.Context, who auth.Principal, f Filter) (Page, error) {
	if err := a.May(ctx, who, "agreement.read", f.Agency); err != nil {
		return Page{}, err
	}
	return a.list(ctx, inboxSQL, known(f.Agency), f)
}

// list reads one page; ids are in order of time (RFC 9562 §5.7).
func (a *Agreements) list(ctx context.Context, sql string, scope any, f Filter) (Page, error) {
	limit, after, err := f.page()
	if err != nil {
		return Page{}, err
	}
	items, err := pg.All[Agreement](ctx, a.DB, sql, scope, known(f.Application), known(f.Version), f.State, after, limit+1)
	if err != nil {
		return Page{}, fmt.Errorf("list agreements: %w", err)
	}
	return pageOf(items, limit), nil
}

// pageOf cuts what was read of a page and one more.
func pageOf(items []Agreement, limit int) Page {
	if len(items) <= limit {
		return Page{Items: items}
	}
	return Page{Items: items[:limit], Next: items[limit-1].ID.String()}
}

// Event is one thing that happened to an agreement.
type Event struct {
	At       time.Time  `json:"at"`
	PersonID *uuid.UUID `json:"person_id"` // nil: the plan, by itself
	Name     string     `json:"name"`
	What     string     `json:"what"` // requested, asked, answered, amended, approved-first, approved, approved-narrower, refused, suspended, resumed, confirmed, ended, application-gone, renewed, replaced
	Text     string     `json:"text"`
	Revision int        `json:"revision"`
	ForID    *uuid.UUID `json:"for_id"`   // the steward in whose place it was done; nil: in the own
	ForName  string     `json:"for_name"` // "" then
}

const historySQL = `select at, person_id, name, what, text, revision, for_id, for_name from agreement.event where agreement_id = $1 order by id`

// History lists what happened to an agreement, oldest first. It fails as Get does.
func (a *Agreements) History(ctx context.Context, who auth.Principal, id uuid.UUID) ([]Event, error) {
	if _, err := a.Get(ctx, who, id); err != nil {
		return nil, err
	}
	events, err := pg.All[Event](ctx, a.DB, historySQL, id)
	if err != nil {
		return nil, fmt.Errorf("read history of agreement %s: %w", id, err)
	}
	return events, nil
}

const versionsInForceSQL = `
select distinct version_id
  from agreement.agreement
 where application_id = $1 and state = 'active' and $2::date between starts and ends`

// VersionsInForce lists the versions that application has an agreement on, in
// force today.
func (a *Agreements) VersionsInForce(ctx context.Context, application uuid.UUID) ([]uuid.UUID, error) {
	rows, err := a.DB.Query(ctx, versionsInForceSQL, application, a.today())
	if err != nil {
		return nil, fmt.Errorf("list versions in force: %w", err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list versions in force: %w", err)
	}
	return versions, nil
}

const applicationsInForceSQL = `
select distinct application_id
  from agreement.agreement
 where version_id = $1 and state = 'active' and $2::date between starts and ends`

// ApplicationsInForce lists the applications that have an agreement on a
// version, in force today; none: an empty list.
func (a *Agreements) ApplicationsInForce(ctx context.Context, db pg.DB, version uuid.UUID) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, applicationsInForceSQL, version, a.today())
	if err != nil {
		return nil, fmt.Errorf("list applications in force: %w", err)
	}
	applications, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list applications in force: %w", err)
	}
	return append([]uuid.UUID{}, applications...), nil
}

// known is nil for uuid.Nil, which a filter leaves out.
func known(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
