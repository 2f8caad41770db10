package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// AgencyEnd is the planned end of an agency's service: on the day after LastDay
// all that is live of it passes to Successor, or ends where there is none.
type AgencyEnd struct {
	AgencyID  uuid.UUID  `json:"agency"`
	Successor *uuid.UUID `json:"successor"` // null: none
	LastDay   time.Time  `json:"last_day"`  // a day
	Reason    string     `json:"reason"`
	PlannedBy *uuid.UUID `json:"planned_by"`
	PlannedAt time.Time  `json:"planned_at"`
	Failure   string     `json:"failure"` // code of what kept it from happening, when it was tried last; "": nothing
}

// Ending is an end that happens now, as the other rooms are told of it.
type Ending struct {
	Who    Principal
	Agency Agency
	To     *Agency // nil: there is no successor
	Reason string
	At     time.Time
}

const maxEndReason = 1000

const (
	endColumns = `agency_id, successor, last_day, reason, planned_by, planned_at, failure`

	planEndSQL = `
insert into auth.agency_end (agency_id, successor, last_day, reason, planned_by, planned_at)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint agency_end_key
do update set successor = excluded.successor, last_day = excluded.last_day, reason = excluded.reason,
       planned_by = excluded.planned_by, planned_at = excluded.planned_at, failure = ''
returning ` + endColumns

	endsItselfSQL = `select exists (select from auth.agency_end where agency_id = $1)`
	succeedsSQL   = `select exists (select from auth.agency_end where successor = $1)`
)

// PlanEnd plans how and when the service of an agency ends, in place of what
// was planned before. It fails with Forbidden unless who may agency.edit,
// NotFound, Conflict when it has ended, and Invalid for a day that is over, no
// reason, or a successor that has ended or ends itself.
func (a *Auth) PlanEnd(ctx context.Context, who Principal, e AgencyEnd) (AgencyEnd, error) {
	if err := a.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
		return AgencyEnd{}, err
	}
	e.Reason = strings.TrimSpace(e.Reason)
	wrong := fieldsWrong()
	if e.LastDay.Before(a.today()) {
		wrong.Wrong("last_day", "day-over", "today or later")
	}
	if e.Reason == "" {
		wrong.Wrong("reason", "required", "say why")
	} else if utf8.RuneCountInString(e.Reason) > maxEndReason {
		wrong.Wrong("reason", "text-long", "at most "+strconv.Itoa(maxEndReason)+" characters", "max", strconv.Itoa(maxEndReason))
	}
	var planned AgencyEnd
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		if _, err := lockAgency(ctx, tx, e.AgencyID); err != nil {
			return err
		}
		if err := a.checkSuccessor(ctx, tx, e, wrong); err != nil {
			return err
		}
		if err := asError(wrong); err != nil {
			return err
		}
		var by *uuid.UUID
		if who.Person != uuid.Nil {
			by = &who.Person
		}
		var err error
		if planned, err = pg.One[AgencyEnd](ctx, tx, planEndSQL, e.AgencyID, e.Successor, e.LastDay, e.Reason, by, a.Now().UTC()); err != nil {
			return fmt.Errorf("plan end of agency %s: %w", e.AgencyID, err)
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "agency.end-plan", Agency: e.AgencyID, About: e.AgencyID,
			Detail: map[string]any{"last_day": e.LastDay.Format(time.DateOnly), "successor": idText(e.Successor), "reason": e.Reason}})
	})
	return planned, err
}

// checkSuccessor adds to wrong what keeps an agency from succeeding another:
// chains are planned one after the other, so that each day is seen beforehand.
func (a *Auth) checkSuccessor(ctx context.Context, tx pgx.Tx, e AgencyEnd, wrong *problem.Error) error {
	var succeeds, ends bool
	if err := tx.QueryRow(ctx, succeedsSQL, e.AgencyID).Scan(&succeeds); err != nil {
		return fmt.Errorf("find whether agency %s succeeds another: %w", e.AgencyID, err)
	}
	if succeeds {
		return problem.Errorf(problem.Conflict, "another agency is to merge into this one").Coded("agency-succeeds")
	}
	if e.Successor == nil {
		return nil
	}
	next, err := lockAgency(ctx, tx, *e.Successor)
	if problem.Of(err) != nil && (problem.Is(err, problem.NotFound) || problem.Is(err, problem.Conflict)) || *e.Successor == e.AgencyID {
		wrong.Wrong("successor", "agency-no-successor", "no other agency that is active")
		return nil
	} else if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, endsItselfSQL, next.ID).Scan(&ends); err != nil {
		return fmt.Errorf("find whether agency %s ends: %w", next.ID, err)
	}
	if ends || next.ValidTo != nil && next.ValidTo.Before(a.today()) {
		wrong.Wrong("successor", "agency-no-successor", "it ends itself")
	}
	return nil
}

const dropEndSQL = `delete from auth.agency_end where agency_id = $1`

// DropEnd takes a planned end back. It fails with Forbidden unless who may
// agency.edit, and with NotFound when none is planned.
func (a *Auth) DropEnd(ctx context.Context, who Principal, agency uuid.UUID) error {
	if err := a.May(ctx, who, "agency.edit", uuid.Nil); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, dropEndSQL, agency)
		if err != nil {
			return fmt.Errorf("drop end of agency %s: %w", agency, err)
		}
		if done.RowsAffected() == 0 {
			return problem.Errorf(problem.NotFound, "no end of agency %s is planned", agency).Coded("agency-end-unknown")
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "agency.end-drop", Agency: agency, About: agency})
	})
}

const plannedEndSQL = `select ` + endColumns + ` from auth.agency_end where agency_id = $1`

// PlannedEnd is the planned end of an agency's service; nil: none is planned.
func (a *Auth) PlannedEnd(ctx context.Context, agency uuid.UUID) (*AgencyEnd, error) {
	e, err := pg.One[AgencyEnd](ctx, a.DB, plannedEndSQL, agency)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read end of agency %s: %w", agency, err)
	}
	return &e, nil
}

const (
	dueEndsSQL  = `select agency_id from auth.agency_end where last_day < $1 order by last_day, agency_id`
	failEndSQL  = `update auth.agency_end set failure = $2 where agency_id = $1`
	takeEndSQL  = plannedEndSQL + ` and last_day < $2 for update skip locked`
	endedSQL    = `update auth.agency set ended_at = $2, valid_to = $3, successor = $4, end_reason = $5 where id = $1`
	childrenSQL = `update auth.agency set parent = $2 where parent = $1 and id is distinct from $2`
)

// EndAgencies ends the service of the agencies whose last day is over. What
// keeps one from ending is kept with its plan, and it is tried again. It is run
// on time, and by several at once.
func (a *Auth) EndAgencies(ctx context.Context) error {
	rows, _ := a.DB.Query(ctx, dueEndsSQL, a.today()) // the error comes back from Collect
	due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("list agencies that end: %w", err)
	}
	var faults []error
	for _, id := range due {
		err := a.endAgency(ctx, id)
		if e := problem.Of(err); err != nil && e != nil && e.Kind < 500 {
			slog.WarnContext(ctx, "an agency cannot end as planned", "agency_id", id, "code", e.Code)
			_, err = a.DB.Exec(ctx, failEndSQL, id, e.Code)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("end agency %s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

// endAgency ends one agency: all rooms in one transaction, with its entry in the
// ledger, or nothing.
func (a *Auth) endAgency(ctx context.Context, id uuid.UUID) error {
	return pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		plan, err := pg.One[AgencyEnd](ctx, tx, takeEndSQL, id, a.today())
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // another does it, or it was taken back
		} else if err != nil {
			return fmt.Errorf("read plan: %w", err)
		}
		agency, err := lockAgency(ctx, tx, id)
		if err != nil {
			return err
		}
		e := Ending{Who: Platform("agency.end"), Agency: agency, Reason: plan.Reason, At: a.Now().UTC()}
		above := agency.Parent
		if plan.Successor != nil {
			next, err := lockAgency(ctx, tx, *plan.Successor)
			if err != nil {
				return err
			}
			e.To, above = &next, plan.Successor
		}
		if a.AgencyEnds != nil {
			if err := a.AgencyEnds(ctx, tx, e); err != nil {
				return err
			}
		}
		if err := a.passOn(ctx, tx, e); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, childrenSQL, id, above); err != nil {
			return fmt.Errorf("give what is below to another: %w", err)
		}
		lastDay := plan.LastDay
		if lastDay.Before(agency.ValidFrom) {
			lastDay = agency.ValidFrom
		}
		if _, err := tx.Exec(ctx, endedSQL, id, e.At, lastDay, plan.Successor, plan.Reason); err != nil {
			return agencyProblem(err)
		}
		if _, err := tx.Exec(ctx, dropEndSQL, id); err != nil {
			return fmt.Errorf("end plan: %w", err)
		}
		return a.Record(ctx, tx, Act{Who: e.Who, Verb: "agency.end", Agency: id, About: id,
			Detail: map[string]any{"successor": idText(plan.Successor), "last_day": plan.LastDay.Format(time.DateOnly), "reason": plan.Reason,
				"planned_by": idText(plan.PlannedBy)}})
	})
}

const (
	passMembersSQL = `
insert into auth.membership (person_id, agency_id, role, created_at)
select person_id, $2, role, $3 from auth.membership where agency_id = $1
on conflict on constraint membership_key do nothing`
	endMembersSQL       = `delete from auth.membership where agency_id = $1`
	passApplicationsSQL = `update auth.application set owner_agency = $2 where owner_agency = $1`
	liveApplicationsSQL = `select id from auth.application where owner_agency = $1 and disabled_at is null order by id`
	passTokensSQL       = `update auth.registration_token set owner_agency = $2 where owner_agency = $1`
	dropTokensSQL       = `delete from auth.registration_token where owner_agency = $1`
	endInvitationsSQL   = `
update auth.invitation set withdrawn_at = $2, hash = null
 where agency_id = $1 and accepted_at is null and withdrawn_at is null`
)

// passOn gives members, applications and registration tokens to the successor,
// each member in the role that they had; without one they lose their roles, and
// applications end. Invitations named the agency, and are taken back.
func (a *Auth) passOn(ctx context.Context, tx pgx.Tx, e Ending) error {
	id := e.Agency.ID
	if e.To != nil {
		for sql, args := range map[string][]any{passMembersSQL: {id, e.To.ID, e.At}, passApplicationsSQL: {id, e.To.ID}, passTokensSQL: {id, e.To.ID}} {
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return fmt.Errorf("pass on what is of agency %s: %w", id, err)
			}
		}
	} else {
		rows, _ := tx.Query(ctx, liveApplicationsSQL, id) // the error comes back from Collect
		live, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return fmt.Errorf("list applications of agency %s: %w", id, err)
		}
		for _, application := range live {
			if err := a.endApplication(ctx, tx, e, application); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, dropTokensSQL, id); err != nil {
			return fmt.Errorf("end registration tokens of agency %s: %w", id, err)
		}
	}
	if _, err := tx.Exec(ctx, endMembersSQL, id); err != nil {
		return fmt.Errorf("end memberships of agency %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, endInvitationsSQL, id, e.At); err != nil {
		return fmt.Errorf("take back invitations of agency %s: %w", id, err)
	}
	return pg.Notify(ctx, tx, "gateway", "credential")
}

// endApplication takes one application of an agency that ends out of service.
func (a *Auth) endApplication(ctx context.Context, tx pgx.Tx, e Ending, id uuid.UUID) error {
	if _, err := tx.Exec(ctx, disableApplicationSQL, id, e.At); err != nil {
		return fmt.Errorf("disable application %s: %w", id, err)
	}
	if err := EndApplication(ctx, tx, e.At, id); err != nil {
		return err
	}
	if err := a.applicationGoes(ctx, tx, e.Who, id); err != nil {
		return err
	}
	return a.Record(ctx, tx, Act{Who: e.Who, Verb: "application.disable", Agency: e.Agency.ID, About: id})
}

// Holdings is what an agency has here that an end would pass on or end.
type Holdings struct {
	Members      int `json:"members"`      // roles of persons
	Applications int `json:"applications"` // in service
	Invitations  int `json:"invitations"`  // open
}

const heldSQL = `
select (select count(*) from auth.membership where agency_id = $1)::int as members,
       (select count(*) from auth.application where owner_agency = $1 and disabled_at is null)::int as applications,
       (select count(*) from auth.invitation where agency_id = $1 and accepted_at is null and withdrawn_at is null)::int as invitations`

// HeldBy counts what an agency has here.
func (a *Auth) HeldBy(ctx context.Context, agency uuid.UUID) (Holdings, error) {
	h, err := pg.One[Holdings](ctx, a.DB, heldSQL, agency)
	if err != nil {
		return Holdings{}, fmt.Errorf("count what is of agency %s: %w", agency, err)
	}
	return h, nil
}
