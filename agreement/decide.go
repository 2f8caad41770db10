package agreement

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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

// Approve puts a request in force. It fails with NotFound for an agreement
// that who may not see, with Forbidden when who may not decide for the agency
// or asked for it themselves, and with Conflict unless it is requested, its
// period is not over, and nothing else is agreed for the same days. The
// agreement that it replaces ends.
func (a *Agreements) Approve(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return a.decide(ctx, who, id, note, func(tx pgx.Tx, g Agreement, own bool) (Agreement, error) {
		if own {
			return Agreement{}, ownRequest()
		}
		return a.approve(ctx, tx, who, g, strings.TrimSpace(note))
	})
}

// approve is Approve for who may: a steward, or the plan, which is nobody.
func (a *Agreements) approve(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, note string) (Agreement, error) {
	if g.State == Requested && g.Ends < a.today() {
		return Agreement{}, problem.Errorf(problem.Conflict, "the period ended on %s", g.Ends).Coded("period-over", "ends", g.Ends)
	}
	if g.State == Requested && g.Replaces != nil {
		old, err := pg.One[Agreement](ctx, tx, lockSQL, *g.Replaces)
		if err != nil {
			return Agreement{}, fmt.Errorf("lock agreement %s: %w", *g.Replaces, err)
		}
		if old.State == Active || old.State == Suspended {
			end := change{from: []string{Active, Suspended}, to: Ended, verb: "end", what: "replaced", text: g.ID.String()}
			if _, err := a.change(ctx, tx, who, old, end); err != nil {
				return Agreement{}, err
			}
		}
	}
	return a.change(ctx, tx, who, g, change{from: []string{Requested}, to: Active, verb: "approve", what: "approved", text: note, decides: true})
}

// Refuse refuses a request in writing. It fails as Approve does, and with
// Invalid without a reason and a clause in force.
func (a *Agreements) Refuse(ctx context.Context, who auth.Principal, id uuid.UUID, r Refusal) (Agreement, error) {
	return a.decide(ctx, who, id, r.Reason, func(tx pgx.Tx, g Agreement, _ bool) (Agreement, error) {
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
		return a.change(ctx, tx, who, g, change{from: []string{Requested}, to: Refused, verb: "refuse", what: "refused",
			text: reason, basis: &r.LegalBasis, decides: true})
	})
}

// Suspend stops the calls under an agreement until it is resumed. It fails as
// Approve does, and with Invalid without a reason.
func (a *Agreements) Suspend(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return a.decide(ctx, who, id, reason, func(tx pgx.Tx, g Agreement, _ bool) (Agreement, error) {
		if strings.TrimSpace(reason) == "" {
			return Agreement{}, reasonMissing()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Active}, to: Suspended, verb: "suspend", what: "suspended", text: strings.TrimSpace(reason)})
	})
}

// Resume puts a suspended agreement in force again. It fails as Approve does.
func (a *Agreements) Resume(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return a.decide(ctx, who, id, note, func(tx pgx.Tx, g Agreement, own bool) (Agreement, error) {
		if own {
			return Agreement{}, ownRequest()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Suspended}, to: Active, verb: "resume", what: "resumed", text: strings.TrimSpace(note)})
	})
}

// End ends an agreement for good, or withdraws a request. The application's
// owner may, as well as who may decide; it fails as Approve does, and with
// Invalid without a reason.
func (a *Agreements) End(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return a.locked(ctx, who, id, reason, func(tx pgx.Tx, g Agreement, own bool) (Agreement, error) {
		if !own {
			if err := a.May(ctx, who, "agreement.decide", g.AgencyID); err != nil {
				return Agreement{}, err
			}
		}
		if strings.TrimSpace(reason) == "" {
			return Agreement{}, reasonMissing()
		}
		return a.change(ctx, tx, who, g, change{from: []string{Requested, Active, Suspended}, to: Ended, verb: "end", what: "ended",
			text: strings.TrimSpace(reason), toAgency: own})
	})
}

// decide runs a steward's step on the locked agreement.
func (a *Agreements) decide(ctx context.Context, who auth.Principal, id uuid.UUID, text string, do step) (Agreement, error) {
	return a.locked(ctx, who, id, text, func(tx pgx.Tx, g Agreement, own bool) (Agreement, error) {
		if err := a.May(ctx, who, "agreement.decide", g.AgencyID); err != nil {
			return Agreement{}, err
		}
		return do(tx, g, own)
	})
}

// step changes the locked agreement; own tells that who does it stands on the
// asking side.
type step func(tx pgx.Tx, g Agreement, own bool) (Agreement, error)

// locked does a step on the locked agreement, which who must be able to see.
// Whose the application is never changes and is asked before: a transaction
// that waits for a second connection can wait for others that do the same.
func (a *Agreements) locked(ctx context.Context, who auth.Principal, id uuid.UUID, text string, do step) (Agreement, error) {
	if who.Person == uuid.Nil {
		return Agreement{}, problem.Errorf(problem.Forbidden, "an agreement is decided by a person").Coded("person-needed")
	}
	if utf8.RuneCountInString(text) > maxText || !plain(text) {
		return Agreement{}, problem.Errorf(problem.Invalid, "the text is too long").Coded("refusal-invalid").
			Wrong("reason", "words-too-long", "at most 2,000 characters, no control characters")
	}
	g, own, err := a.see(ctx, who, id)
	if err != nil {
		return Agreement{}, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		found, err := pg.One[Agreement](ctx, tx, lockSQL, id)
		if err != nil {
			return fmt.Errorf("lock agreement %s: %w", id, err)
		}
		g, err = do(tx, found, own)
		return err
	})
	return g, err
}

// isOwn reports whether who stands on the asking side.
func (a *Agreements) isOwn(ctx context.Context, who auth.Principal, g Agreement) (bool, error) {
	mine := slices.ContainsFunc(who.Memberships, func(m auth.Membership) bool {
		return m.Agency != uuid.Nil && m.Agency == g.OwnerAgencyID
	})
	if mine || who.Person != uuid.Nil && (who.Person == g.RequesterID || who.Person == g.OwnerPersonID) {
		return true, nil
	}
	err := a.OwnsApplication(ctx, who, g.ApplicationID)
	var refused *problem.Error
	if err != nil && !errors.As(err, &refused) {
		return false, err // not known: nobody may decide on a guess
	}
	return err == nil, nil
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
}

const changeSQL = `
update agreement.agreement
   set state = $2, revision = revision + 1,
       reason = case when $2 = 'active' then '' else $3 end,
       refusal_basis = coalesce($4, refusal_basis),
       decided_at = case when $5 then $6 else decided_at end,
       decided_by = case when $5 then nullif($7::uuid, '00000000-0000-0000-0000-000000000000') else decided_by end
 where id = $1`

// change takes one locked agreement from one state to the next: the row, the
// event, the ledger, the gateway and the notice, all or none.
func (a *Agreements) change(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, c change) (Agreement, error) {
	if !slices.Contains(c.from, g.State) {
		return Agreement{}, problem.Errorf(problem.Conflict, "agreement %s is %s, not %s", g.ID, g.State, strings.Join(c.from, " or ")).
			Coded("not-while-" + g.State)
	}
	_, err := tx.Exec(ctx, changeSQL, g.ID, c.to, c.text, c.basis, c.decides, a.Now().UTC(), who.Person)
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
insert into agreement.event (agreement_id, at, person_id, name, what, text, revision)
values ($1, $2, nullif($3::uuid, '00000000-0000-0000-0000-000000000000'), $4, $5, $6, $7)`

// log keeps what was done: in the history, in the ledger, and as a notice.
func (a *Agreements) log(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, c change) error {
	name := who.Name // of the plan, which decides by itself
	if who.Person != uuid.Nil {
		var err error
		if name, err = a.NameOf(ctx, tx, who.Person); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, insertEventSQL, g.ID, a.Now().UTC(), who.Person, name, c.what, c.text, g.Revision); err != nil {
		return fmt.Errorf("insert event of agreement %s: %w", g.ID, err)
	}
	act := auth.Act{Who: who, Verb: "agreement." + c.verb, Agency: g.AgencyID, About: g.ID, Detail: map[string]any{
		"revision": g.Revision, "state": g.State, "application": g.ApplicationID, "version": g.VersionID, "operations": g.wanted(),
		"purpose": g.Purpose, "legal_basis": g.LegalBasis, "starts": g.Starts, "ends": g.Ends, "text": c.text,
		"subjects": g.Subjects, "volume_per_day": g.VolumePerDay, "retention_days": g.RetentionDays, "onward": g.Onward}}
	if c.basis != nil {
		act.Detail["refusal_basis"] = *c.basis
	}
	if err := a.Record(ctx, tx, act); err != nil {
		return err
	}
	if a.Notify == nil {
		return nil
	}
	return a.Notify(ctx, tx, Notice{Agreement: g, What: c.what, ToAgency: c.toAgency})
}

func (g Agreement) wanted() []Wanted {
	out := []Wanted{}
	for _, operation := range g.Operations {
		want := Wanted{Operation: operation.ID, Fields: []string{}}
		for _, field := range operation.Fields {
			want.Fields = append(want.Fields, field.Path)
		}
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
		VersionID: g.VersionID, Purpose: g.Purpose, Operations: g.wanted(), Plan: g.Plan, RatePerMinute: g.RatePerMinute,
		QuotaPerDay: g.QuotaPerDay, QuotaPerMonth: g.QuotaPerMonth, NotBefore: starts, NotAfter: ends.Add(24 * time.Hour),
	}, nil
}
