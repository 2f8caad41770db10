package agreement

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Approval is a steward's yes.
type Approval struct {
	Text       string      `json:"text"`       // a note for the requester, at most 2,000 characters
	Revision   int         `json:"revision"`   // of the request as it was read: refused when it has changed since; 0: whichever, which a second approval does not allow
	Conditions *Conditions `json:"conditions"` // null: as asked for, or as the first of two persons approved
}

// Conditions narrow what was asked for; they never widen it.
type Conditions struct {
	Operations    []Wanted `json:"operations"`      // null: as asked for
	Bounds        []Bounds `json:"bounds"`          // beside those asked for; of what both bind, values among those asked for
	Ends          string   `json:"ends"`            // an earlier last day, YYYY-MM-DD; "": as asked for
	RatePerMinute int      `json:"rate_per_minute"` // fewer calls a minute; 0: as asked for
	QuotaPerDay   int      `json:"quota_per_day"`   // fewer calls a day; 0: as asked for
	QuotaPerMonth int      `json:"quota_per_month"` // fewer calls a month; 0: as asked for
}

// Approve is ApproveWith a note alone.
func (a *Agreements) Approve(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return a.ApproveWith(ctx, who, id, Approval{Text: note})
}

// ApproveWith puts a request in force, under conditions when there are any.
// Where its agency wants two persons for personal data, the first approval
// only waits for the second, which is another person's and of the same terms;
// whoever gives other conditions is the first again. It fails with NotFound
// for an agreement that who may not see, with Forbidden when who may not
// decide for the agency, asked for it themselves, or approved it first, with
// Invalid when a condition widens it, and with Conflict unless it is requested
// and as it was read, its period is not over, its clause is in force, its
// application is in service, and nothing else is agreed for the same days. The
// agreement that it replaces ends, or runs until the day before.
func (a *Agreements) ApproveWith(ctx context.Context, who auth.Principal, id uuid.UUID, yes Approval) (Agreement, error) {
	if g, err := a.Get(ctx, who, id); err == nil && g.State == Requested && a.MayDecide(ctx, who, g) == nil {
		if err := a.inService(ctx, g); err != nil {
			return Agreement{}, err
		}
	}
	var offer Offer
	if yes.Conditions != nil && len(yes.Conditions.Bounds) > 0 {
		g, err := a.Get(ctx, who, id)
		if err != nil {
			return Agreement{}, err
		}
		if offer, err = a.Offer(ctx, g.VersionID); err != nil {
			return Agreement{}, err
		}
	}
	return a.decide(ctx, who, id, yes.Text, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if by.asks {
			return Agreement{}, ownRequest()
		}
		if yes.Revision != 0 && yes.Revision != g.Revision {
			return Agreement{}, problem.Errorf(problem.Conflict, "revision %d was read, it is %d", yes.Revision, g.Revision).Coded("changed-meanwhile")
		}
		terms, err := a.termsOf(g, yes.Conditions, offer)
		if err != nil {
			return Agreement{}, err
		}
		given := approval{note: strings.TrimSpace(yes.Text), terms: terms, read: yes.Revision, inPlaceOf: by.inPlaceOf}
		if g.State == Requested && personal(terms.Operations) {
			rules, err := a.rulesOf(ctx, tx, g.AgencyID)
			if err != nil {
				return Agreement{}, err
			}
			if rules.TwoPersons {
				return a.approveAsOneOfTwo(ctx, tx, who, g, given)
			}
		}
		return a.approve(ctx, tx, who, g, given)
	})
}

// termsOf are those that an approval is of.
func (a *Agreements) termsOf(g Agreement, c *Conditions, offer Offer) (Terms, error) {
	switch {
	case g.State != Requested:
		return g.Terms(), nil // refused later, by its state
	case c == nil && g.FirstTerms != nil:
		return *g.FirstTerms, nil
	case c == nil:
		return g.Terms(), nil
	}
	return a.narrowed(g, *c, offer)
}

// approveAsOneOfTwo keeps the first approval, or puts the request in force with the second.
func (a *Agreements) approveAsOneOfTwo(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, given approval) (Agreement, error) {
	if g.FirstTerms == nil || !reflect.DeepEqual(*g.FirstTerms, given.terms) {
		if err := a.stillFits(ctx, tx, g, given.terms); err != nil {
			return Agreement{}, err
		}
		return a.change(ctx, tx, who, g, change{from: []string{Requested}, to: Requested, verb: "approve-first", what: "approved-first",
			text: given.note, first: &given, inPlaceOf: given.inPlaceOf, toAgency: true})
	}
	first := []uuid.UUID{*g.FirstBy}
	if g.FirstFor != nil {
		first = append(first, *g.FirstFor)
	}
	if slices.Contains(first, who.Person) || slices.Contains(first, given.inPlaceOf) {
		return Agreement{}, problem.Errorf(problem.Forbidden, "the second approval is another person's").Coded("second-person")
	}
	if given.read == 0 {
		return Agreement{}, problem.Errorf(problem.Invalid, "a second approval says what it read").Coded("revision-missing").
			Wrong("revision", "revision-missing", "the revision that was read")
	}
	return a.approve(ctx, tx, who, g, given)
}

// approval is what is approved, and in whose place.
type approval struct {
	note      string
	terms     Terms
	read      int       // the revision that was read, 0: not said
	inPlaceOf uuid.UUID // uuid.Nil: in the own
}

// approve puts a locked request in force for who may: a steward, or the plan,
// which is nobody.
func (a *Agreements) approve(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, given approval) (Agreement, error) {
	step := change{from: []string{Requested}, to: Active, verb: "approve", what: "approved", text: given.note, decides: true, inPlaceOf: given.inPlaceOf}
	if g.State != Requested {
		return a.change(ctx, tx, who, g, step)
	}
	if err := a.stillFits(ctx, tx, g, given.terms); err != nil {
		return Agreement{}, err
	}
	if g.Replaces != nil {
		if err := a.takeOver(ctx, tx, who, g, given); err != nil {
			return Agreement{}, err
		}
	}
	if !reflect.DeepEqual(g.Terms(), given.terms) {
		step.what = "approved-narrower"
		if err := a.setTerms(ctx, tx, g, given.terms); err != nil {
			return Agreement{}, err
		}
	}
	return a.change(ctx, tx, who, g, step)
}

// stillFits fails with Conflict when time has overtaken a request: its last day
// has passed, or its clause has gone out of force.
func (a *Agreements) stillFits(ctx context.Context, tx pgx.Tx, g Agreement, terms Terms) error {
	if terms.Ends < a.today() {
		return periodOver(terms.Ends)
	}
	return a.basisHolds(ctx, tx, terms.LegalBasis)
}

func periodOver(ends string) error {
	return problem.Errorf(problem.Conflict, "the period ended on %s", ends).Coded("period-over", "ends", dayInWords(ends))
}

const shortenSQL = `update agreement.agreement set ends = $2::date where id = $1`

// takeOver ends the agreement that g replaces: now, when g is in force at once,
// else with the day before g's first, so that there is no gap and no day that
// both cover.
func (a *Agreements) takeOver(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, given approval) error {
	old, err := pg.One[Agreement](ctx, tx, lockSQL, *g.Replaces)
	if err != nil {
		return fmt.Errorf("lock agreement %s: %w", *g.Replaces, err)
	}
	if old.State != Active && old.State != Suspended {
		return nil
	}
	step := change{from: []string{Active, Suspended}, to: Ended, verb: "end", what: "replaced", text: g.ID.String(), inPlaceOf: given.inPlaceOf, quiet: true}
	if g.Starts > a.today() && old.Starts < g.Starts {
		starts, err := time.Parse(dayLayout, g.Starts)
		if err != nil {
			return fmt.Errorf("first day of agreement %s: %w", g.ID, err)
		}
		step.to, step.verb, step.what = old.State, "renew", "renewed"
		if before := starts.AddDate(0, 0, -1).Format(dayLayout); before < old.Ends {
			if _, err := tx.Exec(ctx, shortenSQL, old.ID, before); err != nil {
				return fmt.Errorf("shorten agreement %s: %w", old.ID, err)
			}
		}
	}
	_, err = a.change(ctx, tx, who, old, step)
	return err
}

const setTermsSQL = `
update agreement.agreement
   set operations = $2, purpose = $3, purpose_text = $4, legal_basis = $5, subjects = $6, volume_per_day = $7, retention_days = $8,
       onward = $9, starts = $10::date, ends = $11::date, rate_per_minute = $12, quota_per_day = $13, quota_per_month = $14,
       bounds = $15
 where id = $1`

// setTerms changes the terms of a locked request, and keeps those that it had.
func (a *Agreements) setTerms(ctx context.Context, tx pgx.Tx, g Agreement, t Terms) error {
	if err := a.keepTerms(ctx, tx, g); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, setTermsSQL, g.ID, t.Operations, t.Purpose, t.PurposeText, t.LegalBasis, t.Subjects, t.VolumePerDay, t.RetentionDays,
		t.Onward, t.Starts, t.Ends, t.RatePerMinute, t.QuotaPerDay, t.QuotaPerMonth, stored(t.Bounds))
	if pg.IsUnique(err, "agreement_one_requested") {
		return problem.Errorf(problem.Conflict, "the same is asked for already and not decided").Coded("already-requested")
	} else if err != nil {
		return fmt.Errorf("change the terms of agreement %s: %w", g.ID, err)
	}
	return nil
}

// narrowed gives a request's terms under conditions, or Invalid with each that
// asks for more than the request. The offer tells what can be bound.
func (a *Agreements) narrowed(g Agreement, c Conditions, offer Offer) (Terms, error) {
	wrong := problem.Errorf(problem.Invalid, "a condition does not narrow the request").Coded("conditions-invalid")
	t := g.Terms()
	if c.Operations != nil {
		t.Operations = checkOperations(wrong, c.Operations, Offer{Operations: g.Operations})
		t.Bounds = slices.DeleteFunc(slices.Clone(t.Bounds), func(b Bounds) bool {
			return !slices.ContainsFunc(t.Operations, func(o Operation) bool { return o.ID == b.Operation })
		})
	}
	if len(c.Bounds) > 0 {
		t.Bounds = narrowedBounds(wrong, t.Bounds, checkBounds(wrong, c.Bounds, t.Operations, offer))
	}
	if len(t.Bounds) == 0 {
		t.Bounds = nil
	}
	if c.Ends != "" {
		_, err := time.Parse(dayLayout, c.Ends)
		switch {
		case err != nil:
			wrong.Wrong("ends", "day-invalid", "a day like 2026-12-31")
		case c.Ends > g.Ends || c.Ends < g.Starts || c.Ends < a.today():
			wrong.Wrong("ends", "condition-ends", "a day of the period asked for that has not passed", "ends", dayInWords(g.Ends))
		}
		t.Ends = c.Ends
	}
	for _, limit := range []struct {
		field string
		value int
		of    *int
	}{{"rate_per_minute", c.RatePerMinute, &t.RatePerMinute}, {"quota_per_day", c.QuotaPerDay, &t.QuotaPerDay}, {"quota_per_month", c.QuotaPerMonth, &t.QuotaPerMonth}} {
		unlimited := limit.field == "quota_per_month" && *limit.of == 0
		switch {
		case limit.value == 0:
		case limit.value < 0 || limit.value > maxLimit || limit.value > *limit.of && !unlimited:
			wrong.Wrong(limit.field, "condition-limit", "fewer than were asked for", "limit", strconv.Itoa(*limit.of))
		default:
			*limit.of = limit.value
		}
	}
	if len(wrong.Fields) > 0 {
		return Terms{}, wrong
	}
	return t, nil
}

// maxLimit is what a column holds.
const maxLimit = 1<<31 - 1

// inService fails with Conflict when the application that asks is out of service.
func (a *Agreements) inService(ctx context.Context, g Agreement) error {
	by, err := a.Applicant(ctx, g.ApplicationID)
	var none *problem.Error
	if errors.As(err, &none) && none.Kind == problem.NotFound || err == nil && by.Disabled {
		return problem.Errorf(problem.Conflict, "application %s is out of service", g.ApplicationID).Coded("application-gone")
	}
	return err
}
