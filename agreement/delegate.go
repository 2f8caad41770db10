package agreement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Delegation is that a colleague decides in a steward's place for some days.
type Delegation struct {
	ID        uuid.UUID  `json:"id"`
	AgencyID  uuid.UUID  `json:"agency_id"`
	FromID    uuid.UUID  `json:"from_id"` // the steward
	ToID      uuid.UUID  `json:"to_id"`   // the colleague
	Starts    string     `json:"starts"`  // first day, YYYY-MM-DD
	Ends      string     `json:"ends"`    // last day, inclusive
	Reason    string     `json:"reason"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at"` // taken back before its last day
}

// NewDelegation is what a steward asks for who will be away.
type NewDelegation struct {
	ToID   uuid.UUID `json:"to_id"`  // another member of the agency
	Starts string    `json:"starts"` // first day, YYYY-MM-DD
	Ends   string    `json:"ends"`   // last day, inclusive; at most 90 days
	Reason string    `json:"reason"` // at most 2,000 characters, may be empty
}

const maxAway = 90 // days

const (
	delegationColumns = `
select id, agency_id, from_id, to_id, to_char(starts, 'YYYY-MM-DD') as starts, to_char(ends, 'YYYY-MM-DD') as ends, reason, created_at, ended_at
  from agreement.delegation`
	delegationSQL      = delegationColumns + ` where id = $1 for update`
	delegationsSQL     = delegationColumns + ` where agency_id = $1 and ends >= $2::date and ended_at is null order by starts, id`
	delegationsToSQL   = delegationColumns + ` where agency_id = $1 and to_id = $2 and ended_at is null and $3::date between starts and ends order by starts, id`
	insertDelegatedSQL = `
insert into agreement.delegation (id, agency_id, from_id, to_id, starts, ends, reason, created_at)
values ($1, $2, $3, $4, $5::date, $6::date, $7, $8)`
	endDelegationSQL = `update agreement.delegation set ended_at = $2 where id = $1`
)

// Delegate has a colleague decide in the place of who, a steward of the agency,
// for some days. What was delegated to them nobody delegates on. It fails with
// what May returned, and with Invalid, field by field: the colleague is another
// member of the agency, the days are not over, 90 at most.
func (a *Agreements) Delegate(ctx context.Context, who auth.Principal, agency uuid.UUID, n NewDelegation) (Delegation, error) {
	if who.Person == uuid.Nil {
		return Delegation{}, problem.Errorf(problem.Forbidden, "a person delegates").Coded("person-needed")
	}
	if err := a.May(ctx, who, "agreement.decide", agency); err != nil {
		return Delegation{}, err
	}
	wrong := problem.Errorf(problem.Invalid, "the delegation is not complete").Coded("delegation-invalid")
	if ok, err := a.belongs(ctx, n.ToID, agency); err != nil {
		return Delegation{}, err
	} else if !ok || n.ToID == who.Person {
		wrong.Wrong("to_id", "colleague-unknown", "another member of the agency")
	}
	starts, startsErr := time.Parse(dayLayout, n.Starts)
	ends, endsErr := time.Parse(dayLayout, n.Ends)
	switch {
	case startsErr != nil:
		wrong.Wrong("starts", "day-invalid", "a day like 2026-12-31")
	case endsErr != nil:
		wrong.Wrong("ends", "day-invalid", "a day like 2026-12-31")
	case ends.Before(starts):
		wrong.Wrong("ends", "ends-before-starts", "the last day is before the first")
	case n.Ends < a.today():
		wrong.Wrong("ends", "ends-past", "the last day has passed")
	case !ends.Before(starts.AddDate(0, 0, maxAway)):
		wrong.Wrong("ends", "away-too-long", "at most 90 days")
	}
	if longText(n.Reason) {
		wrong.Wrong("reason", "words-too-long", "at most 2,000 characters, no control characters")
	}
	if len(wrong.Fields) > 0 {
		return Delegation{}, wrong
	}
	d := Delegation{ID: uuid.Must(uuid.NewV7()), AgencyID: agency, FromID: who.Person, ToID: n.ToID, Starts: n.Starts, Ends: n.Ends,
		Reason: strings.TrimSpace(n.Reason), CreatedAt: a.Now().UTC().Truncate(time.Microsecond)}
	return d, pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertDelegatedSQL, d.ID, d.AgencyID, d.FromID, d.ToID, d.Starts, d.Ends, d.Reason, d.CreatedAt); err != nil {
			return fmt.Errorf("insert delegation: %w", err)
		}
		return a.Record(ctx, tx, auth.Act{Who: who, Verb: "agreement.delegate", Agency: agency, About: d.ID, Detail: map[string]any{
			"to": d.ToID, "starts": d.Starts, "ends": d.Ends, "reason": d.Reason}})
	})
}

// TakeBack ends a delegation before its last day. Who delegated, to whom it was,
// and who else decides for the agency may. It fails with NotFound for everybody
// else, and with Conflict when it was taken back.
func (a *Agreements) TakeBack(ctx context.Context, who auth.Principal, id uuid.UUID) (Delegation, error) {
	var d Delegation
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		var err error
		d, err = pg.One[Delegation](ctx, tx, delegationSQL, id)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("lock delegation %s: %w", id, err)
		}
		involved := who.Person != uuid.Nil && (who.Person == d.FromID || who.Person == d.ToID)
		if err != nil || !involved && a.May(ctx, who, "agreement.decide", d.AgencyID) != nil {
			return problem.Errorf(problem.NotFound, "no delegation %s", id).Coded("delegation-unknown")
		}
		if d.EndedAt != nil {
			return problem.Errorf(problem.Conflict, "delegation %s was taken back", id).Coded("delegation-over")
		}
		now := a.Now().UTC().Truncate(time.Microsecond)
		d.EndedAt = &now
		if _, err := tx.Exec(ctx, endDelegationSQL, id, now); err != nil {
			return fmt.Errorf("end delegation %s: %w", id, err)
		}
		return a.Record(ctx, tx, auth.Act{Who: who, Verb: "agreement.take-back", Agency: d.AgencyID, About: id})
	})
	return d, err
}

// Delegations lists an agency's that are not over, to who may read its
// agreements; else it fails with what May returned.
func (a *Agreements) Delegations(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Delegation, error) {
	if err := a.May(ctx, who, "agreement.read", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Delegation](ctx, a.DB, delegationsSQL, agency, a.today())
	if err != nil {
		return nil, fmt.Errorf("list delegations of agency %s: %w", agency, err)
	}
	return list, nil
}

const delegatesSQL = `select distinct to_id from agreement.delegation where agency_id = $1 and ended_at is null and $2::date between starts and ends`

// Delegates are those who decide in a steward's place in an agency today.
func (a *Agreements) Delegates(ctx context.Context, agency uuid.UUID) ([]uuid.UUID, error) {
	rows, _ := a.DB.Query(ctx, delegatesSQL, agency, a.today()) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("list delegates of agency %s: %w", agency, err)
	}
	return ids, nil
}

// MayDecide is nil when who decides on an agreement: by themselves, or in the
// place of a steward who is away; else what May returned.
func (a *Agreements) MayDecide(ctx context.Context, who auth.Principal, g Agreement) error {
	_, refused, err := a.acting(ctx, who, g)
	if err != nil {
		return err
	}
	return refused
}

// acting tells whether who decides on an agreement, and in whose place. A
// delegation holds while its steward is one, and its colleague a member of the
// agency; nobody decides in the place of who asked.
func (a *Agreements) acting(ctx context.Context, who auth.Principal, g Agreement) (inPlaceOf uuid.UUID, refused, err error) {
	refused = a.May(ctx, who, "agreement.decide", g.AgencyID)
	var no *problem.Error
	if !errors.As(refused, &no) {
		return uuid.Nil, nil, refused
	}
	member := slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool { return m.Agency == g.AgencyID })
	if who.Person == uuid.Nil || !member {
		return uuid.Nil, refused, nil
	}
	list, err := pg.All[Delegation](ctx, a.DB, delegationsToSQL, g.AgencyID, who.Person, a.today())
	if err != nil || len(list) == 0 {
		return uuid.Nil, refused, err
	}
	stewards, err := a.Holders(ctx, auth.RoleSteward, g.AgencyID)
	if err != nil {
		return uuid.Nil, refused, err
	}
	for _, d := range list {
		if slices.Contains(stewards, d.FromID) && d.FromID != g.RequesterID && d.FromID != g.OwnerPersonID {
			return d.FromID, nil, nil
		}
	}
	return uuid.Nil, refused, nil
}

// belongs reports whether a person has a role in an agency.
func (a *Agreements) belongs(ctx context.Context, person, agency uuid.UUID) (bool, error) {
	for _, role := range []string{auth.RoleSteward, auth.RolePublisher, auth.RoleAuditor} {
		have, err := a.Holders(ctx, role, agency)
		if err != nil || slices.Contains(have, person) {
			return err == nil, err
		}
	}
	return false, nil
}
