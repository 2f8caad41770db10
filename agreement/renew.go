package agreement

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Renewal asks for a running agreement to go on, on the same terms.
type Renewal struct {
	Ends string `json:"ends"` // the new last day, YYYY-MM-DD
	Note string `json:"note"` // for the steward, at most 2,000 characters
}

// Renew asks for a running agreement to go on from the day after its last one
// on, as it was agreed. Other terms are a Request that replaces it. It fails as
// Request does, and with Conflict unless the agreement runs.
func (a *Agreements) Renew(ctx context.Context, who auth.Principal, id uuid.UUID, r Renewal) (Agreement, error) {
	g, by, err := a.see(ctx, who, id)
	if err != nil {
		return Agreement{}, err
	}
	if !by.own {
		return Agreement{}, problem.Errorf(problem.Forbidden, "the asking side asks for a renewal").Coded("not-asked")
	}
	if g.State != Active && g.State != Suspended {
		return Agreement{}, notWhile(g, Active, Suspended)
	}
	last, err := time.Parse(dayLayout, g.Ends)
	if err != nil {
		return Agreement{}, fmt.Errorf("last day of agreement %s: %w", id, err)
	}
	return a.Request(ctx, who, Request{
		ApplicationID: g.ApplicationID, VersionID: g.VersionID, Operations: g.wanted(), Bounds: g.Bounds, Purpose: g.Purpose, PurposeText: g.PurposeText,
		LegalBasis: g.LegalBasis, Subjects: g.Subjects, VolumePerDay: g.VolumePerDay, RetentionDays: g.RetentionDays, Onward: g.Onward,
		Starts: last.AddDate(0, 0, 1).Format(dayLayout), Ends: r.Ends, Note: r.Note, Replaces: &g.ID,
	})
}

const confirmSQL = `update agreement.agreement set confirmed_at = $2 where id = $1`

// Confirm says that a running agreement is still needed, as the agency's rules
// ask at intervals. It fails as Approve does.
func (a *Agreements) Confirm(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return a.decide(ctx, who, id, note, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if by.asks {
			return Agreement{}, ownRequest()
		}
		if g.State != Active {
			return Agreement{}, notWhile(g, Active)
		}
		if g.Ends < a.today() {
			return Agreement{}, periodOver(g.Ends)
		}
		if _, err := tx.Exec(ctx, confirmSQL, id, a.Now().UTC()); err != nil {
			return Agreement{}, fmt.Errorf("confirm agreement %s: %w", id, err)
		}
		return a.change(ctx, tx, who, g, change{from: []string{Active}, to: Active, verb: "confirm", what: "confirmed",
			text: strings.TrimSpace(note), quiet: true, inPlaceOf: by.inPlaceOf})
	})
}

// Unconfirmed is a running agreement that is to be confirmed.
type Unconfirmed struct {
	Agreement Agreement `json:"agreement"`
	Since     string    `json:"since"`      // the day by which it should have been, YYYY-MM-DD
	ClauseOut bool      `json:"clause_out"` // its clause is not in force any more, which alone is a reason
}

const unconfirmedSQL = agreementColumns + `
 where agency_id = $1 and state = 'active' and ends >= $2::date
   and ((coalesce(confirmed_at, decided_at) at time zone interval '7 hours')::date + make_interval(months => $3) <= $2::date
        or exists (select from agreement.legal_basis b where b.id = legal_basis and b.valid_to < $2::date))
 order by coalesce(confirmed_at, decided_at), id
 limit 100`

// Unconfirmed lists the running agreements of an agency that are to be
// confirmed, those that have waited longest first, at most 100: an interval of
// its rules has passed since the decision or the last confirmation, or the
// clause they rest on is out of force. They go on meanwhile. It fails with what
// May returned.
func (a *Agreements) Unconfirmed(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Unconfirmed, error) {
	if err := a.May(ctx, who, "agreement.read", agency); err != nil {
		return nil, err
	}
	rules, err := a.rulesOf(ctx, a.DB, agency)
	if err != nil {
		return nil, err
	}
	list, err := pg.All[Agreement](ctx, a.DB, unconfirmedSQL, agency, a.today(), rules.ConfirmMonths)
	if err != nil {
		return nil, fmt.Errorf("list what agency %s is to confirm: %w", agency, err)
	}
	out := []Unconfirmed{}
	for _, g := range list {
		code, err := a.citable(ctx, a.DB, g.LegalBasis)
		if err != nil {
			return nil, err
		}
		out = append(out, Unconfirmed{Agreement: g, Since: g.ConfirmBy(rules), ClauseOut: code != ""})
	}
	return out, nil
}

// ConfirmBy is the day by which an agreement is to be confirmed; a day that the
// month has not (31 February) is the last that it has.
func (g Agreement) ConfirmBy(r Rules) string {
	at := g.DecidedAt
	if g.ConfirmedAt != nil {
		at = g.ConfirmedAt
	}
	if at == nil {
		return ""
	}
	return monthsAfter(at.In(vietnam()), r.ConfirmMonths).Format(dayLayout)
}

// monthsAfter is the same day n months on, or the month's last where it has no
// such day, as PostgreSQL counts (manual, 9.9 Date/Time Functions).
func monthsAfter(t time.Time, n int) time.Time {
	y, m, d := t.Date()
	last := time.Date(y, m+time.Month(n)+1, 0, 0, 0, 0, 0, t.Location())
	return time.Date(last.Year(), last.Month(), min(d, last.Day()), 0, 0, 0, 0, t.Location())
}

// remindBefore are the days before an end at which letters go out.
var remindBefore = []int{30, 7, 1}

// An end that a letter is due for: the nearest of the days not sent yet, unless
// the agreement was decided after that day, or another goes on for it.
const endingSQL = agreementColumns + ` g
 where state in ('active', 'suspended') and ends between $1::date and $1::date + $2::int
   and (decided_at at time zone interval '7 hours')::date <= ends - $2::int
   and not exists (select from agreement.reminder r where r.agreement_id = g.id and r.ends = g.ends and r.days <= $2::int)
   and not exists (select from agreement.agreement n where n.replaces = g.id and n.state = 'active' and n.starts <= g.ends + 1)
 order by id
 limit 200
   for update skip locked`

const remindedSQL = `insert into agreement.reminder (agreement_id, ends, days, sent_at) values ($1, $2::date, $3, $4)`

// RemindOfEnds has both sides told of agreements that end in 30, 7 and 1 days,
// once each; when it was late, of the nearest of these only. It is run on time,
// and by several at once.
func (a *Agreements) RemindOfEnds(ctx context.Context) error {
	for i := len(remindBefore) - 1; i >= 0; i-- { // the nearest first: it stands for those before it
		for {
			n, err := a.remindOfEnds(ctx, remindBefore[i])
			if err != nil {
				return fmt.Errorf("remind of agreements that end in %d days: %w", remindBefore[i], err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// remindOfEnds reminds of some agreements, and says of how many.
func (a *Agreements) remindOfEnds(ctx context.Context, before int) (int, error) {
	n := 0
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		list, err := pg.All[Agreement](ctx, tx, endingSQL, a.today(), before)
		if err != nil {
			return err
		}
		for _, g := range list {
			if _, err := tx.Exec(ctx, remindedSQL, g.ID, g.Ends, before, a.Now().UTC()); err != nil {
				return err
			}
			for _, toAgency := range []bool{false, true} {
				if err := a.Remind(ctx, tx, Notice{Agreement: g, What: "ending", ToAgency: toAgency}); err != nil {
					return err
				}
			}
		}
		n = len(list)
		return nil
	})
	return n, err
}

const runningOfSQL = agreementColumns + `
 where application_id = $1 and state in ('requested', 'active', 'suspended')
 order by id
   for update`

// EndOf ends the agreements and requests of an application that goes out of
// service, inside the transaction that takes it out. Their agencies are told.
func (a *Agreements) EndOf(ctx context.Context, tx pgx.Tx, who auth.Principal, application uuid.UUID) error {
	list, err := pg.All[Agreement](ctx, tx, runningOfSQL, application)
	if err != nil {
		return fmt.Errorf("list agreements of application %s: %w", application, err)
	}
	for _, g := range list {
		step := change{from: []string{g.State}, to: Ended, verb: "end", what: "application-gone", toAgency: true}
		if _, err := a.change(ctx, tx, who, g, step); err != nil {
			return err
		}
	}
	return nil
}
