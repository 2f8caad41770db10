package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// The kinds of word that is sent to those who call a version.
const (
	NoticeDeprecated = "deprecated" // its end is announced
	NoticeNear       = "near"       // the end comes
	NoticeMoved      = "moved"      // the end was put off
	NoticeKept       = "kept"       // it stays after all
	NoticeEnded      = "ended"      // it has ended
	NoticeLacking    = "lacking"    // it lacks what agreements on earlier ones have
)

// LetterVersion is what the kinds of letters about a version's end begin with.
const LetterVersion = "version-"

// remindBefore are the times before its end at which callers are reminded.
var remindBefore = []time.Duration{30 * day, 7 * day}

// notice is one word owed to those who call a version.
type notice struct {
	ID        uuid.UUID
	VersionID uuid.UUID
	Kind      string
	Sunset    *time.Time
	Reason    string
}

const (
	dropNoticesSQL = `delete from catalog.version_notice where version_id = $1 and written_at is null`

	oweNoticeSQL = `
insert into catalog.version_notice (id, version_id, kind, sunset, reason, due_at)
values ($1, $2, $3, $4, $5, $6)`

	// A reminder that nobody was there to write in time is told by what came after it.
	dueNoticesSQL = `
select id, version_id, kind, sunset, reason
  from catalog.version_notice
 where written_at is null and due_at <= $1
 order by due_at
 limit 100`

	lockNoticeSQL = `
select id, version_id, kind, sunset, reason
  from catalog.version_notice
 where id = $1 and written_at is null
   for update skip locked`

	noticeWrittenSQL = `update catalog.version_notice set written_at = $2, letters = $3 where id = $1`
)

// oweNotices has n told as soon as tx commits, in place of what was still to
// be told, and reminds of an end that is to come.
func (c *Catalog) oweNotices(ctx context.Context, tx pgx.Tx, version uuid.UUID, n notice) error {
	now := c.Now().UTC()
	if _, err := tx.Exec(ctx, dropNoticesSQL, version); err != nil {
		return fmt.Errorf("drop notices of %s: %w", version, err)
	}
	owe := func(kind, reason string, due time.Time) error {
		if _, err := tx.Exec(ctx, oweNoticeSQL, uuid.Must(uuid.NewV7()), version, kind, n.Sunset, reason, due); err != nil {
			return fmt.Errorf("owe notice of %s: %w", version, err)
		}
		return nil
	}
	if err := owe(n.Kind, n.Reason, now); err != nil || (n.Kind != NoticeDeprecated && n.Kind != NoticeMoved) {
		return err
	}
	for _, before := range remindBefore {
		if due := n.Sunset.Add(-before); due.After(now.Add(day)) { // no reminder on the heels of the word itself
			if err := owe(NoticeNear, "", due); err != nil {
				return err
			}
		}
	}
	return nil
}

// WriteVersionNotices writes letters for what is due to be told of versions'
// ends, to the owners of the applications that called a version within 90 days
// or hold agreements on it: one letter to each, whatever the number of their
// applications; and of what new versions lack of agreements. Several nodes may do so at once; each notice is told once.
func (c *Catalog) WriteVersionNotices(ctx context.Context) error {
	due, err := pg.All[notice](ctx, c.DB, dueNoticesSQL, c.Now().UTC())
	if err != nil {
		return fmt.Errorf("list notices: %w", err)
	}
	var failed []error // one that fails keeps no other back
	for _, n := range due {
		if err := c.writeNotice(ctx, n); err != nil {
			failed = append(failed, fmt.Errorf("write notice %s of version %s: %w", n.Kind, n.VersionID, err))
		}
	}
	return errors.Join(append(failed, c.writeLosses(ctx))...)
}

func (c *Catalog) writeNotice(ctx context.Context, n notice) error {
	v, err := c.anyVersion(ctx, n.VersionID)
	if err != nil {
		return err
	}
	callers, err := c.callers(ctx, v.ID)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := pg.One[notice](ctx, tx, lockNoticeSQL, n.ID); errors.Is(err, pgx.ErrNoRows) {
			return nil // another node writes it, or it is owed no more
		} else if err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		owners := ownersOf(callers)
		for _, o := range owners {
			detail := LetterDetail{TitleVI: v.TitleVI + " " + v.Number, TitleEN: cmp.Or(v.TitleEN, v.TitleVI) + " " + v.Number,
				Text: n.Reason, Path: "/apis" + v.Prefix(),
				Ending: &EndingTold{Applications: o.applications, Sunset: n.Sunset, Successor: v.Successor, Docs: v.DocsURL, LastAt: o.lastAt}}
			write, to := c.writeTo, o.person
			if o.person == uuid.Nil {
				write, to = c.writeToAgency, o.agency
			}
			if err := write(ctx, tx, LetterVersion+n.Kind, to, detail); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, noticeWrittenSQL, n.ID, c.Now().UTC(), len(owners)); err != nil {
			return fmt.Errorf("note: %w", err)
		}
		return nil
	})
}

// owner is one to be written to.
type owner struct {
	person, agency uuid.UUID
	applications   []string
	lastAt         *time.Time // their last call
}

// ownersOf are those who own, or work on, what calls, each once.
func ownersOf(callers []Caller) []owner {
	var list []owner
	for _, caller := range callers {
		if caller.OwnerPerson == uuid.Nil && caller.OwnerAgency == uuid.Nil {
			continue // the application is gone
		}
		list = toldOf(list, owner{person: caller.OwnerPerson, agency: caller.OwnerAgency}, caller)
		for _, person := range caller.Team {
			list = toldOf(list, owner{person: person}, caller)
		}
	}
	return list
}

// toldOf adds to what one is written of a caller.
func toldOf(list []owner, to owner, caller Caller) []owner {
	i := slices.IndexFunc(list, func(o owner) bool { return o.person == to.person && o.agency == to.agency })
	if i < 0 {
		i, list = len(list), append(list, to)
	}
	list[i].applications = append(list[i].applications, caller.Name)
	if at := caller.LastAt; at != nil && (list[i].lastAt == nil || at.After(*list[i].lastAt)) {
		list[i].lastAt = at
	}
	return list
}

// ToldNotice is word of a version's end that was sent, or is to be.
type ToldNotice struct {
	Kind      string     `json:"kind"`   // deprecated, near, moved, kept, ended
	Sunset    *time.Time `json:"sunset"` // the end it tells of
	Reason    string     `json:"reason"`
	DueAt     time.Time  `json:"due_at"`
	WrittenAt *time.Time `json:"written_at"` // null: not yet
	Letters   int        `json:"letters"`    // to how many owners of applications
}

const noticesSQL = `
select kind, sunset, reason, due_at, written_at, letters
  from catalog.version_notice
 where version_id = $1
 order by due_at, id
 limit 200`

// Notices tells an agency's people what those who call a version were told of
// its end, and will be. It fails as Callers does.
func (c *Catalog) Notices(ctx context.Context, who auth.Principal, version uuid.UUID) ([]ToldNotice, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	if err := c.May(ctx, who, "api.edit", v.AgencyID); err != nil {
		return nil, err
	}
	list, err := pg.All[ToldNotice](ctx, c.DB, noticesSQL, version)
	if err != nil {
		return nil, fmt.Errorf("list notices of %s: %w", version, err)
	}
	return list, nil
}
