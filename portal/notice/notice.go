// Package notice answers what people are told of, and how it reaches them: each
// event lies once in the portal for each who is told, and by their choice in a
// letter at once, in one with others, or in none.
package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// The work that is asked for, by the names under which it waits.
const (
	TellJob   = "portal.tell"          // about an Event: Told
	MailJob   = "portal.notice-mail"   // about a Letter that is to leave
	BundleJob = "portal.notice-bundle" // about a Bundle that is to leave
)

// Notices tells people.
type Notices struct {
	DB  pg.DB
	Now func() time.Time

	// Ask has work done once tx is committed, tried again when it fails.
	Ask func(ctx context.Context, tx pgx.Tx, job string, about any) error

	// Holders are who holds a role, of an agency or of the platform. Delegates
	// decide for an agency in a steward's place. Persons are known people, by
	// id, Memberships the roles of one, and May asks the policy.
	Holders     func(ctx context.Context, role string, agency uuid.UUID) ([]uuid.UUID, error)
	Delegates   func(ctx context.Context, agency uuid.UUID) ([]uuid.UUID, error)
	Persons     func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]auth.Person, error)
	Memberships func(ctx context.Context, person uuid.UUID) ([]auth.Membership, error)
	May         auth.MayFunc
	Record      auth.RecordFunc
}

// Event is something that people are told of.
type Event struct {
	ID     uuid.UUID       `json:"id"` // each is told it once; uuid.Nil: Tell gives one
	Kind   string          `json:"kind"`
	What   string          `json:"what"`             // which of the words of its kind
	Body   json.RawMessage `json:"body"`             // what they are filled with
	People []uuid.UUID     `json:"people,omitempty"` // who is told for themselves

	// Agency is whose officials are told, uuid.Nil the operators; nil: people
	// are. Also are roles that hear beside those that usually do.
	Agency *uuid.UUID `json:"agency,omitempty"`
	Also   []string   `json:"also,omitempty"`

	// Mailed is set where a letter of its own tells it already.
	Mailed bool `json:"mailed,omitempty"`
}

// New is an event with its body as JSON.
func New(kind, what string, body any) (Event, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Event{}, fmt.Errorf("encode notice %s: %w", what, err)
	}
	return Event{ID: uuid.Must(uuid.NewV7()), Kind: kind, What: what, Body: text}, nil
}

// Tell has people told of an event once tx commits, and not before.
func (n *Notices) Tell(ctx context.Context, tx pgx.Tx, e Event) error {
	return n.Ask(ctx, tx, TellJob, e)
}

// Told does a TellJob.
func (n *Notices) Told(ctx context.Context, args []byte) error {
	var e Event
	if err := json.Unmarshal(args, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	return n.Deliver(ctx, e)
}

const (
	addNoticesSQL = `
insert into portal.notice (id, person_id, event, kind, what, body, created_at, mail, mailed_at)
select t.id, t.person, $4, $5, $6, $7, $8::timestamptz, t.mail, case when $9::boolean then $8::timestamptz end
  from unnest($1::uuid[], $2::uuid[], $3::text[]) as t (id, person, mail)
on conflict on constraint notice_once do nothing
returning id, mail`
)

// Letter is a notice whose letter is to leave.
type Letter struct {
	Notice uuid.UUID `json:"notice"`
}

// Deliver lays an event before everybody who is told of it, and asks for the
// letters of those who want one at once. Done again it comes to the same: who
// has it already gets it no second time.
func (n *Notices) Deliver(ctx context.Context, e Event) error {
	kind, known := kindOf(e.Kind)
	if !known {
		return fmt.Errorf("deliver %s: no kind %q", e.ID, e.Kind)
	}
	hears, err := n.hearers(ctx, kind, e)
	if err != nil || len(hears) == 0 {
		return err
	}
	var ids, people []uuid.UUID
	var mails []string
	for person, mail := range hears {
		ids, people, mails = append(ids, uuid.Must(uuid.NewV7())), append(people, person), append(mails, mail)
	}
	return pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		type row struct {
			ID   uuid.UUID
			Mail string
		}
		added, err := pg.All[row](ctx, tx, addNoticesSQL, ids, people, mails, e.ID, e.Kind, e.What, string(e.Body), n.Now().UTC(), e.Mailed)
		if err != nil {
			return fmt.Errorf("add notices of %s: %w", e.ID, err)
		}
		for _, one := range added {
			if one.Mail != Now || e.Mailed {
				continue
			}
			if err := n.Ask(ctx, tx, MailJob, Letter{Notice: one.ID}); err != nil {
				return err
			}
		}
		return nil
	})
}

const choicesOfSQL = `
select person_id, mail from portal.notice_choice where kind = $1 and person_id = any($2)`

// hearers are who is told of an event, and how each gets its mail. Accounts
// that are disabled hear of nothing.
func (n *Notices) hearers(ctx context.Context, kind Kind, e Event) (map[uuid.UUID]string, error) {
	hears := map[uuid.UUID]string{}
	for _, person := range e.People {
		hears[person] = Now
	}
	if e.Agency != nil {
		if err := n.addOfficials(ctx, kind, e, hears); err != nil {
			return nil, err
		}
	}
	ids := make([]uuid.UUID, 0, len(hears))
	for id := range hears {
		ids = append(ids, id)
	}
	people, err := n.Persons(ctx, ids)
	if err != nil {
		return nil, err
	}
	for id := range hears {
		if person, known := people[id]; !known || person.DisabledAt != nil {
			delete(hears, id)
		}
	}
	if kind.Owed != "" {
		for id := range hears {
			hears[id] = Now
		}
	}
	if !kind.Chosen() {
		return hears, nil
	}
	type choice struct {
		PersonID uuid.UUID
		Mail     string
	}
	choices, err := pg.All[choice](ctx, n.DB, choicesOfSQL, kind.Name, ids)
	if err != nil {
		return nil, fmt.Errorf("read who wants %s how: %w", kind.Name, err)
	}
	for _, c := range choices {
		if _, there := hears[c.PersonID]; there {
			hears[c.PersonID] = c.Mail
		}
	}
	return hears, nil
}

// addOfficials adds those who hear of an event as officials of its agency: by
// role, as the agency set it. Where nobody holds such a role its stewards hear
// of it, and where there is none the operators.
func (n *Notices) addOfficials(ctx context.Context, kind Kind, e Event, hears map[uuid.UUID]string) error {
	agency := *e.Agency
	add := func(role string, of uuid.UUID, how string) error {
		ids, err := n.Holders(ctx, role, of)
		for _, id := range ids {
			had, there := hears[id]
			if !there {
				had = None
			}
			hears[id] = stronger(had, how)
		}
		return err
	}
	if agency == uuid.Nil {
		return add(auth.RoleOperator, uuid.Nil, Now)
	}
	roles, err := n.rolesOf(ctx, agency, kind)
	if err != nil {
		return err
	}
	for _, role := range e.Also {
		roles[role] = stronger(roles[role], Now)
	}
	for role, how := range roles {
		if how == None {
			continue
		}
		if err := add(role, agency, how); err != nil {
			return err
		}
	}
	if kind.Name == Request {
		others, err := n.Delegates(ctx, agency)
		if err != nil {
			return err
		}
		for _, id := range others {
			hears[id] = Now
		}
	}
	if len(hears) == 0 {
		if err := add(auth.RoleSteward, agency, Now); err != nil {
			return err
		}
	}
	if len(hears) == 0 {
		return add(auth.RoleOperator, uuid.Nil, Now)
	}
	return nil
}
