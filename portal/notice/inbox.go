package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Notice is an event as one person was told of it.
type Notice struct {
	ID        uuid.UUID
	PersonID  uuid.UUID
	Kind      string
	What      string
	Body      json.RawMessage
	CreatedAt time.Time
	ReadAt    *time.Time // nil: not yet
	Mail      string     // Now, Daily, Weekly, Off
	MailedAt  *time.Time
}

// Filter narrows an inbox; zero fields do not.
type Filter struct {
	Kind   string
	Unread bool
	Limit  int       // 1 to 100; 0 is 20
	After  uuid.UUID // the last of the page before
}

// Page is one page of an inbox, the newest first.
type Page struct {
	Items []Notice
	Next  uuid.UUID // uuid.Nil at the end
}

const (
	noticeColumns = `id, person_id, kind, what, body, created_at, read_at, mail, mailed_at`

	inboxSQL = `
select ` + noticeColumns + `
  from portal.notice
 where person_id = $1 and ($2 = '' or kind = $2) and (not $3::boolean or read_at is null)
   and ($4 = '00000000-0000-0000-0000-000000000000'::uuid or id < $4)
 order by id desc
 limit $5`

	// More than a hundred are no number that anybody reads, and none is counted further.
	unreadSQL = `
select count(*) from (select from portal.notice where person_id = $1 and read_at is null limit 100) as first`

	readOneSQL = `
update portal.notice set read_at = coalesce(read_at, $3) where id = $1 and person_id = $2
returning ` + noticeColumns

	readAllSQL = `
update portal.notice set read_at = $3 where person_id = $1 and read_at is null and ($2 = '' or kind = $2) and id <= $4`
)

// Inbox lists what who was told. It fails with Unauthorized unless who is a
// person, and Invalid for a kind that there is not.
func (n *Notices) Inbox(ctx context.Context, who auth.Principal, f Filter) (Page, error) {
	if err := aPerson(who); err != nil {
		return Page{}, err
	}
	if err := aKind(f.Kind); err != nil {
		return Page{}, err
	}
	if f.Limit == 0 {
		f.Limit = 20
	}
	list, err := pg.All[Notice](ctx, n.DB, inboxSQL, who.Person, f.Kind, f.Unread, f.After, f.Limit+1)
	if err != nil {
		return Page{}, fmt.Errorf("list notices of person %s: %w", who.Person, err)
	}
	page := Page{Items: list}
	if len(list) > f.Limit {
		page.Items = list[:f.Limit]
		page.Next = page.Items[f.Limit-1].ID
	}
	return page, nil
}

// Unread counts what who was told and has not read, up to 100.
func (n *Notices) Unread(ctx context.Context, who auth.Principal) (int, error) {
	var unread int
	if err := n.DB.QueryRow(ctx, unreadSQL, who.Person).Scan(&unread); err != nil {
		return 0, fmt.Errorf("count notices of person %s: %w", who.Person, err)
	}
	return unread, nil
}

// Read marks a notice as read, and gives it. It fails with NotFound for what is
// not who's own.
func (n *Notices) Read(ctx context.Context, who auth.Principal, id uuid.UUID) (Notice, error) {
	if err := aPerson(who); err != nil {
		return Notice{}, err
	}
	one, err := pg.One[Notice](ctx, n.DB, readOneSQL, id, who.Person, n.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return Notice{}, problem.Errorf(problem.NotFound, "no notice %s", id).Coded("notice-unknown")
	}
	if err != nil {
		return Notice{}, fmt.Errorf("mark notice %s: %w", id, err)
	}
	return one, nil
}

// ReadAll marks as read what who was told up to the notice of that id, of one
// kind or with "" of all: what came since the page was shown stays unread.
func (n *Notices) ReadAll(ctx context.Context, who auth.Principal, kind string, upTo uuid.UUID) error {
	if err := aPerson(who); err != nil {
		return err
	}
	if err := aKind(kind); err != nil {
		return err
	}
	if _, err := n.DB.Exec(ctx, readAllSQL, who.Person, kind, n.Now().UTC(), upTo); err != nil {
		return fmt.Errorf("mark notices of person %s: %w", who.Person, err)
	}
	return nil
}

// aPerson is Unauthorized unless who is one.
func aPerson(who auth.Principal) error {
	if who.Person == uuid.Nil {
		return problem.Errorf(problem.Unauthorized, "sign in first").Coded("sign-in-first")
	}
	return nil
}

// aKind is Invalid unless there is such a kind, or name is "".
func aKind(name string) error {
	if _, known := kindOf(name); known || name == "" {
		return nil
	}
	return problem.Errorf(problem.Invalid, "no notices of that kind").Coded("notice-kind").Wrong("kind", "not-in-list", "is not in the list")
}

const (
	forgetNoticesSQL = `delete from portal.notice where person_id = $1`
	forgetNamedSQL   = `
update portal.notice set body = jsonb_set(body, '{person_name}', to_jsonb($2::text)) where kind = 'team' and body ->> 'person' = $1::uuid::text`
	forgetChoicesSQL = `delete from portal.notice_choice where person_id = $1`
	sweepSQL         = `delete from portal.notice where id in (select id from portal.notice where created_at < $1 order by created_at limit 10000)`
)

// ForgetPerson deletes what a person was told, and how they wanted it, and their
// name in what others were told.
func ForgetPerson(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	for _, sql := range []string{forgetNoticesSQL, forgetChoicesSQL} {
		if _, err := tx.Exec(ctx, sql, person); err != nil {
			return fmt.Errorf("forget notices of person %s: %w", person, err)
		}
	}
	if _, err := tx.Exec(ctx, forgetNamedSQL, person, auth.Deleted); err != nil {
		return fmt.Errorf("forget the name of person %s in notices: %w", person, err)
	}
	return nil
}

// Kept is how long notices lie.
const Kept = 180 * 24 * time.Hour

// Sweep deletes notices of half a year ago, at most 10,000 at a time.
func (n *Notices) Sweep(ctx context.Context) error {
	if _, err := n.DB.Exec(ctx, sweepSQL, n.Now().UTC().Add(-Kept)); err != nil {
		return fmt.Errorf("forget old notices: %w", err)
	}
	return nil
}
