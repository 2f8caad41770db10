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

// Refusal says why a request is refused, and by which clause (Decree 194/2025
// art. 16: in writing, with the reason and the clause).
type Refusal struct {
	Reason     string `json:"reason"`
	LegalBasis string `json:"legal_basis"` // id of the LegalBasis that restricts
}

// Refuse refuses a request in writing. It fails as Approve does, and with
// Invalid without a reason and a clause in force.
func (a *Agreements) Refuse(ctx context.Context, who auth.Principal, id uuid.UUID, r Refusal) (Agreement, error) {
	return a.decide(ctx, who, id, r.Reason, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		wrong := problem.Errorf(problem.Invalid, "a refusal needs its reason and its clause").Coded("refusal-invalid")
		reason := strings.TrimSpace(r.Reason)
		if reason == "" {
			wrong.Wrong("reason", "reason-missing", "say why")
		}
		code, err := a.citable(ctx, tx, r.LegalBasis)
		if err != nil {
			return Agreement{}, err
		}
		if code != "" {
			wrong.Wrong("legal_basis", code, "name the clause that restricts")
		}
		if len(wrong.Fields) > 0 {
			return Agreement{}, wrong
		}
		return a.change(ctx, tx, who, g, change{from: []string{Requested}, to: Refused, verb: "refuse", what: "refused", inPlaceOf: by.inPlaceOf,
			text: reason, basis: &r.LegalBasis, decides: true})
	})
}

// Suspend stops the calls under an agreement until it is resumed. It fails as
// Approve does, and with Invalid without a reason.
func (a *Agreements) Suspend(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return a.decide(ctx, who, id, reason, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if strings.TrimSpace(reason) == "" {
			return Agreement{}, reasonMissing()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Active}, to: Suspended, verb: "suspend", what: "suspended",
			text: strings.TrimSpace(reason), inPlaceOf: by.inPlaceOf})
	})
}

// Resume puts a suspended agreement in force again. It fails as Approve does.
func (a *Agreements) Resume(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return a.decide(ctx, who, id, note, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if by.asks {
			return Agreement{}, ownRequest()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Suspended}, to: Active, verb: "resume", what: "resumed",
			text: strings.TrimSpace(note), inPlaceOf: by.inPlaceOf})
	})
}

// End ends an agreement for good, or withdraws a request. The application's
// owner may, as well as who may decide; it fails as Approve does, and with
// Invalid without a reason.
func (a *Agreements) End(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return a.locked(ctx, who, id, reason, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if !by.own && by.refused != nil {
			return Agreement{}, by.refused
		}
		if strings.TrimSpace(reason) == "" {
			return Agreement{}, reasonMissing()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Requested, Active, Suspended}, to: Ended, verb: "end", what: "ended",
			text: strings.TrimSpace(reason), toAgency: by.own, inPlaceOf: by.inPlaceOf})
	})
}

// decide runs a steward's step on the locked agreement.
func (a *Agreements) decide(ctx context.Context, who auth.Principal, id uuid.UUID, text string, do step) (Agreement, error) {
	return a.locked(ctx, who, id, text, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		if by.refused != nil {
			return Agreement{}, by.refused
		}
		return do(tx, g, by)
	})
}

// side is where who does a step stands.
type side struct {
	own       bool      // acts for the application
	asks      bool      // that, or works on it, or asked: who does not decide here
	refused   error     // why who does not decide; nil: who does
	inPlaceOf uuid.UUID // the steward whose decisions who takes; uuid.Nil: their own
}

// step changes the locked agreement.
type step func(tx pgx.Tx, g Agreement, by side) (Agreement, error)

// locked does a step on the locked agreement, which who must be able to see.
// What other rooms know is asked before: a transaction that waits for a second
// connection can wait for others that do the same.
func (a *Agreements) locked(ctx context.Context, who auth.Principal, id uuid.UUID, text string, do step) (Agreement, error) {
	if who.Person == uuid.Nil {
		return Agreement{}, problem.Errorf(problem.Forbidden, "an agreement is decided by a person").Coded("person-needed")
	}
	if longText(text) {
		return Agreement{}, problem.Errorf(problem.Invalid, "the text is too long").Coded("refusal-invalid").
			Wrong("reason", "words-too-long", "at most 2,000 characters, no control characters")
	}
	g, by, err := a.see(ctx, who, id)
	if err != nil {
		return Agreement{}, err
	}
	if by.inPlaceOf, by.refused, err = a.acting(ctx, who, g); err != nil {
		return Agreement{}, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		found, err := pg.One[Agreement](ctx, tx, lockSQL, id)
		if err != nil {
			return fmt.Errorf("lock agreement %s: %w", id, err)
		}
		g, err = do(tx, found, by)
		return err
	})
	return g, err
}

// asking reports where who stands on the asking side, and whether they see the
// agreement from there: who only asked, and works on the application no
// longer, does not, but decides nothing either.
func (a *Agreements) asking(ctx context.Context, who auth.Principal, g Agreement) (side, bool, error) {
	yes := func(ask func(context.Context, auth.Principal, uuid.UUID) error) (bool, error) {
		err := ask(ctx, who, g.ApplicationID)
		var refused *problem.Error
		if err != nil && !errors.As(err, &refused) {
			return false, err // not known: nobody may decide on a guess
		}
		return err == nil, nil
	}
	var by side
	var sees bool
	var err error
	by.own = slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool {
		return m.Agency != uuid.Nil && m.Agency == g.OwnerAgencyID
	})
	if !by.own {
		if by.own, err = yes(a.OwnsApplication); err != nil {
			return side{}, false, err
		}
	}
	if sees = by.own; !sees {
		if sees, err = yes(a.WorksOn); err != nil {
			return side{}, false, err
		}
	}
	by.asks = sees || who.Person != uuid.Nil && (who.Person == g.RequesterID || who.Person == g.OwnerPersonID)
	return by, sees, nil
}

func ownRequest() error {
	return problem.Errorf(problem.Forbidden, "nobody decides what they asked for themselves").Coded("own-request")
}

func reasonMissing() error {
	return problem.Errorf(problem.Invalid, "say why").Coded("refusal-invalid").Wrong("reason", "reason-missing", "say why")
}

func noAgreement(id uuid.UUID) error {
	return problem.Errorf(problem.NotFound, "no agreement %s", id).Coded("agreement-unknown")
}

// change is a step from one state to another.
type change struct {
	from     []string
	to       string
	verb     string  // of the act in the ledger: agreement.verb
	what     string  // of the event and the notice
	text     string  // note or reason
	basis    *string // of a refusal
	decides  bool    // it answers the request
	toAgency bool    // the asking side did it: tell the deciding one
	quiet    bool    // tell nobody: another step is told

	first     *approval // the first of two persons'
	inPlaceOf uuid.UUID // the steward in whose place it is done; uuid.Nil: in the own
}

// notWhile is Conflict: the agreement is not in one of the states.
func notWhile(g Agreement, states ...string) error {
	return problem.Errorf(problem.Conflict, "agreement %s is %s, not %s", g.ID, g.State, strings.Join(states, " or ")).Coded("not-while-" + g.State)
}

const changeSQL = `
update agreement.agreement
   set state = $2, revision = revision + 1,
       reason = case when $2 in ('active', 'requested') then '' else $3 end,
       waits_since = null, due_was = null,
       due_at = case when due_was is null then due_at else greatest(due_was, $6::timestamptz + interval '1 second') end,
       first_by = case when $8 then $7::uuid else first_by end, first_for = case when $8 then nullif($9::uuid, '00000000-0000-0000-0000-000000000000') else first_for end,
       first_at = case when $8 then $6 else first_at end, first_terms = case when $8 then $10::jsonb end,
       first_note = case when $8 then $3 else first_note end,
       refusal_basis = coalesce($4, refusal_basis),
       decided_at = case when $5 then $6 else decided_at end,
       decided_by = case when $5 then nullif($7::uuid, '00000000-0000-0000-0000-000000000000') else decided_by end
 where id = $1`

// change takes one locked agreement from one state to the next: the row, the
// event, the ledger, the gateway and the notice, all or none.
func (a *Agreements) change(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, c change) (Agreement, error) {
	if !slices.Contains(c.from, g.State) {
		return Agreement{}, notWhile(g, c.from...)
	}
	var first *Terms
	if c.first != nil {
		first = &c.first.terms
	}
	_, err := tx.Exec(ctx, changeSQL, g.ID, c.to, c.text, c.basis, c.decides, a.Now().UTC(), who.Person, c.first != nil, c.inPlaceOf, first)
	if pg.IsUnique(err, "agreement_one_in_force") {
		return Agreement{}, problem.Errorf(problem.Conflict, "another agreement for this purpose covers some of the same days").Coded("already-agreed", "ends", g.Ends)
	} else if err != nil {
		return Agreement{}, fmt.Errorf("%s agreement %s: %w", c.verb, g.ID, err)
	}
	was := g.State
	if g, err = pg.One[Agreement](ctx, tx, getSQL, g.ID); err != nil {
		return Agreement{}, fmt.Errorf("read agreement: %w", err)
	}
	if err := a.log(ctx, tx, who, g, c); err != nil {
		return Agreement{}, err
	}
	if was == Requested && g.State != Active {
		return g, nil // the gateway never knew of it
	}
	granted, err := g.granted()
	if err != nil {
		return Agreement{}, err
	}
	return g, a.Grant(ctx, tx, granted)
}

const insertEventSQL = `
insert into agreement.event (agreement_id, at, person_id, name, what, text, revision, for_id, for_name)
values ($1, $2, nullif($3::uuid, '00000000-0000-0000-0000-000000000000'), $4, $5, $6, $7,
  nullif($8::uuid, '00000000-0000-0000-0000-000000000000'), $9)`

// log keeps what was done: in the history, in the ledger, and as a notice.
func (a *Agreements) log(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, c change) error {
	name := who.Name // of the plan, which decides by itself
	if who.Person != uuid.Nil {
		var err error
		if name, err = a.NameOf(ctx, tx, who.Person); err != nil {
			return err
		}
	}
	instead := ""
	if c.inPlaceOf != uuid.Nil {
		var err error
		if instead, err = a.NameOf(ctx, tx, c.inPlaceOf); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, insertEventSQL, g.ID, a.Now().UTC(), who.Person, name, c.what, c.text, g.Revision, c.inPlaceOf, instead); err != nil {
		return fmt.Errorf("insert event of agreement %s: %w", g.ID, err)
	}
	act := auth.Act{Who: who, Verb: "agreement." + c.verb, Agency: g.AgencyID, About: g.ID, Detail: map[string]any{
		"revision": g.Revision, "state": g.State, "application": g.ApplicationID, "version": g.VersionID, "operations": g.wanted(),
		"purpose": g.Purpose, "legal_basis": g.LegalBasis, "starts": g.Starts, "ends": g.Ends, "text": c.text,
		"subjects": g.Subjects, "volume_per_day": g.VolumePerDay, "retention_days": g.RetentionDays, "onward": g.Onward,
		"rate_per_minute": g.RatePerMinute, "quota_per_day": g.QuotaPerDay, "quota_per_month": g.QuotaPerMonth}}
	if len(g.Bounds) > 0 {
		act.Detail["bounds"] = g.Bounds
	}
	if c.inPlaceOf != uuid.Nil {
		act.Detail["in_place_of"] = c.inPlaceOf
	}
	if c.basis != nil {
		act.Detail["refusal_basis"] = *c.basis
	}
	if err := a.Record(ctx, tx, act); err != nil {
		return err
	}
	if a.Notify == nil || c.quiet {
		return nil
	}
	return a.Notify(ctx, tx, Notice{Agreement: g, What: c.what, Text: c.text, ToAgency: c.toAgency})
}

func (g Agreement) wanted() []Wanted {
	out := []Wanted{}
	for _, operation := range g.Operations {
		want := Wanted{Operation: operation.ID, Fields: []string{}}
		for _, field := range operation.Fields {
			want.Fields = append(want.Fields, field.Path)
		}
		want.Open = operation.open()
		out = append(out, want)
	}
	return out
}

// granted is the agreement as the gateway enforces it: from the first moment
// of its first day to the last of its last, in Vietnam.
func (g Agreement) granted() (Granted, error) {
	starts, err := midnight(g.Starts)
	if err != nil {
		return Granted{}, fmt.Errorf("first day of agreement %s: %w", g.ID, err)
	}
	ends, err := midnight(g.Ends)
	if err != nil {
		return Granted{}, fmt.Errorf("last day of agreement %s: %w", g.ID, err)
	}
	return Granted{
		AgreementID: g.ID, Revision: g.Revision, State: g.State, ApplicationID: g.ApplicationID, AgencyID: g.AgencyID,
		VersionID: g.VersionID, Purpose: g.Purpose, Operations: g.wanted(), Masked: g.masked(), Bounds: g.Terms().Bounds, Plan: g.Plan, RatePerMinute: g.RatePerMinute,
		QuotaPerDay: g.QuotaPerDay, QuotaPerMonth: g.QuotaPerMonth, NotBefore: starts, NotAfter: ends.Add(24 * time.Hour),
	}, nil
}
