package agreement

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// The levels of an escalation: first those who decide for the agency, then
// those who own the platform.
const (
	ToAgency   = "agency"
	ToOperator = "operator"
)

const (
	escalateAtOnce = 500           // requests a level and a run
	claimAgain     = 1 * time.Hour // after which a letter that was not sent is claimed anew
)

// Escalation is the overdue requests that somebody is to be told of in one
// letter: of one agency, or at the level of the operators of all.
type Escalation struct {
	Level    string
	Agency   uuid.UUID // of the requests
	Requests []Waiting
}

const (
	claimEscalationsSQL = `
insert into agreement.escalation (agreement_id, level, claimed_at)
select a.id, $1, $2
  from agreement.agreement a
 where a.state = 'requested' and a.due_at <= $3
   and not exists (select from agreement.escalation e
                    where e.agreement_id = a.id and e.level = $1 and (e.sent_at is not null or e.claimed_at > $4))
 order by a.due_at, a.id
 limit $5
on conflict on constraint escalation_key do update set claimed_at = excluded.claimed_at
 where escalation.sent_at is null and escalation.claimed_at <= $4
returning agreement_id`
	rowsByIDsSQL   = waitingColumns + ` and a.id = any($1) order by a.due_at, a.id`
	escalatedSQL   = `update agreement.escalation set sent_at = $3 where level = $1 and agreement_id = any($2) and sent_at is null`
	unescalatedSQL = `update agreement.escalation set claimed_at = $3 where level = $1 and agreement_id = any($2) and sent_at is null`
)

// ClaimEscalations claims what is overdue and was not told of yet: at once for
// the agency, and after so many working days for the operators. Each request is
// claimed once a level, by one caller, who calls Escalated once the letter is
// sent; else it is claimed again in an hour.
func (a *Agreements) ClaimEscalations(ctx context.Context) ([]Escalation, error) {
	now := a.Now().UTC()
	days, err := a.calendarOf(ctx, a.DB, now.AddDate(0, 0, -farAhead), now)
	if err != nil {
		return nil, err
	}
	var all []Escalation
	for _, level := range []struct {
		name  string
		since time.Time
	}{{ToAgency, now}, {ToOperator, days.lateSince(now, max(1, a.EscalateAfter))}} {
		ids, err := a.claim(ctx, level.name, level.since, now)
		if err != nil {
			return nil, err
		}
		rows, err := pg.All[waitingRow](ctx, a.DB, rowsByIDsSQL, ids)
		if err != nil {
			return nil, fmt.Errorf("read escalated requests: %w", err)
		}
		requests, err := a.withTerms(ctx, rows)
		if err != nil {
			return nil, err
		}
		all = append(all, byAgency(level.name, requests)...)
	}
	return all, nil
}

func (a *Agreements) claim(ctx context.Context, level string, since, now time.Time) ([]uuid.UUID, error) {
	rows, _ := a.DB.Query(ctx, claimEscalationsSQL, level, now, since, now.Add(-claimAgain), escalateAtOnce) // the error comes back from Collect
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("claim escalations to the %s: %w", level, err)
	}
	return ids, nil
}

// byAgency puts requests into one escalation an agency, in their order.
func byAgency(level string, requests []Waiting) []Escalation {
	var list []Escalation
	at := map[uuid.UUID]int{}
	for _, r := range requests {
		i, there := at[r.AgencyID]
		if !there {
			i = len(list)
			at[r.AgencyID] = i
			list = append(list, Escalation{Level: level, Agency: r.AgencyID})
		}
		list[i].Requests = append(list[i].Requests, r)
	}
	return list
}

// Escalated says that the letter of an escalation was sent.
func (a *Agreements) Escalated(ctx context.Context, e Escalation) error {
	if _, err := a.DB.Exec(ctx, escalatedSQL, e.Level, e.ids(), a.Now().UTC()); err != nil {
		return fmt.Errorf("mark escalation to the %s: %w", e.Level, err)
	}
	return nil
}

// Unescalated gives an escalation back whose letter could not be sent, to be
// claimed again in ten minutes.
func (a *Agreements) Unescalated(ctx context.Context, e Escalation) error {
	if _, err := a.DB.Exec(ctx, unescalatedSQL, e.Level, e.ids(), a.Now().UTC().Add(10*time.Minute-claimAgain)); err != nil {
		return fmt.Errorf("give escalation to the %s back: %w", e.Level, err)
	}
	return nil
}

func (e Escalation) ids() []uuid.UUID {
	ids := make([]uuid.UUID, len(e.Requests))
	for i, r := range e.Requests {
		ids[i] = r.ID
	}
	return ids
}
