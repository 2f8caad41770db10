package agreement

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The bounds of what is written about a clause.
const (
	maxDocument   = 300 // characters
	maxClause     = 2000
	mostClockDays = 60
	clockDecide   = "decide"
)

var (
	basisID      = regexp.MustCompile(`^[a-z0-9-]{2,55}$`)
	basisVersion = regexp.MustCompile(`-v[0-9]+$`)
)

// NewBasis is a clause that is to be cited.
type NewBasis struct {
	ID string `json:"id"` // lower-case letters, digits and hyphens, like nd-194-2025-d16
	BasisText
	Reason string `json:"reason"`
}

const (
	addBasisSQL = `
insert into agreement.legal_basis (id, document_vi, document_en, article_vi, article_en, text_vi, text_en, valid_from, valid_to,
                                   confirmed, source, clock, working_days, follows, version)
values ($1, $2, $3, $4, $5, $6, $7, $8::date, $9::date, $10, $11, nullif($12, ''), nullif($13, 0), nullif($14, ''), $15)`
	lockBasisSQL    = `select id from agreement.legal_basis where id = $1 for update`
	endBasisSQL     = `update agreement.legal_basis set valid_to = $2::date where id = $1 and (valid_to is null or valid_to > $2::date)`
	confirmBasisSQL = `update agreement.legal_basis set confirmed = $2, source = $3 where id = $1`
	withdrawSQL     = `update agreement.legal_basis set valid_to = $2::date, withdrawn_at = $3, withdrawn_why = $4 where id = $1`
)

// AddBasis adds a clause, to be cited from its first day. It fails with what
// May says of legal-basis.edit, Invalid field by field, and Conflict when the id
// is taken.
func (a *Agreements) AddBasis(ctx context.Context, who auth.Principal, n NewBasis) (LegalBasis, error) {
	if err := a.May(ctx, who, "legal-basis.edit", uuid.Nil); err != nil {
		return LegalBasis{}, err
	}
	e := problem.Errorf(problem.Invalid, "the clause is not right").Coded("fields-wrong")
	n.ID = strings.TrimSpace(n.ID)
	if !basisID.MatchString(n.ID) || basisVersion.MatchString(n.ID) {
		e.Wrong("id", "basis-id", "2 to 55 lower-case letters, digits and hyphens, without a version at its end")
	}
	n.tidy()
	n.check(e)
	n.Reason = oneLine(n.Reason)
	if checkReason(e, n.Reason); len(e.Fields) > 0 {
		return LegalBasis{}, e
	}
	var b LegalBasis
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		err := a.insertBasis(ctx, tx, n, "", 1)
		if pg.IsUnique(err, "legal_basis_pkey") {
			return problem.Errorf(problem.Conflict, "the id %s is taken", n.ID).Coded("basis-taken").Wrong("id", "basis-taken", "is taken")
		} else if err != nil {
			return err
		}
		b, err = a.keptBasis(ctx, tx, who, basisChange{id: n.ID, what: "added", reason: n.Reason})
		return err
	})
	return b, err
}

func (a *Agreements) insertBasis(ctx context.Context, tx pgx.Tx, n NewBasis, follows string, version int) error {
	clock := ""
	if n.WorkingDays > 0 {
		clock = clockDecide
	}
	_, err := tx.Exec(ctx, addBasisSQL, n.ID, n.DocumentVI, n.DocumentEN, n.ArticleVI, n.ArticleEN, n.TextVI, n.TextEN, n.ValidFrom, n.ValidTo,
		n.Confirmed, n.Source, clock, n.WorkingDays, follows, version)
	if err != nil {
		return fmt.Errorf("insert legal basis %s: %w", n.ID, err)
	}
	return nil
}

// SucceedBasis adds the next version of a clause whose wording or validity
// changes; the version before ends on the day before. Agreements that cite it go
// on, and are flagged from that day. It fails as AddBasis does, with NotFound,
// and Conflict when the clause is followed already.
func (a *Agreements) SucceedBasis(ctx context.Context, who auth.Principal, id string, n NewBasis) (LegalBasis, error) {
	if err := a.May(ctx, who, "legal-basis.edit", uuid.Nil); err != nil {
		return LegalBasis{}, err
	}
	n.tidy()
	e := problem.Errorf(problem.Invalid, "the clause is not right").Coded("fields-wrong")
	if n.check(e); n.ValidFrom == nil {
		e.Wrong("valid_from", "basis-first-day", "a new version needs its first day")
	}
	n.Reason = oneLine(n.Reason)
	if checkReason(e, n.Reason); len(e.Fields) > 0 {
		return LegalBasis{}, e
	}
	var b LegalBasis
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		old, err := a.lockBasis(ctx, tx, id)
		if err != nil {
			return err
		}
		if old.FollowedBy != "" {
			return problem.Errorf(problem.Conflict, "%s is followed by %s", id, old.FollowedBy).Coded("basis-followed", "by", old.FollowedBy)
		}
		if old.ValidFrom != nil && *old.ValidFrom >= *n.ValidFrom {
			return problem.Errorf(problem.Invalid, "the version before begins on %s", *old.ValidFrom).Coded("fields-wrong").
				Wrong("valid_from", "basis-before", "begins before the version that it follows", "day", *old.ValidFrom)
		}
		n.ID = basisVersion.ReplaceAllString(id, "") + "-v" + strconv.Itoa(old.Version+1)
		if _, err := tx.Exec(ctx, endBasisSQL, id, dayBefore(*n.ValidFrom)); err != nil {
			return fmt.Errorf("end legal basis %s: %w", id, err)
		}
		if err := a.insertBasis(ctx, tx, n, id, old.Version+1); err != nil {
			return err
		}
		if _, err := a.keptBasis(ctx, tx, who, basisChange{id: id, what: "succeeded", reason: n.Reason}); err != nil {
			return err
		}
		b, err = a.keptBasis(ctx, tx, who, basisChange{id: n.ID, what: "added", reason: n.Reason})
		return err
	})
	return b, err
}

// Confirmation says whether a clause was read, and how.
type Confirmation struct {
	Confirmed bool   `json:"confirmed"`
	Source    string `json:"source"` // which text was read, and where
	Reason    string `json:"reason"`
}

// ConfirmBasis says that the text of a clause was read, or that it was not. It
// fails with what May says, Invalid without source and reason, and NotFound.
func (a *Agreements) ConfirmBasis(ctx context.Context, who auth.Principal, id string, c Confirmation) (LegalBasis, error) {
	c.Source, c.Reason = oneLine(c.Source), oneLine(c.Reason)
	e := problem.Errorf(problem.Invalid, "say how it is known").Coded("fields-wrong")
	checkWords(e, "source", c.Source, maxSource)
	checkReason(e, c.Reason)
	what := map[bool]string{true: "confirmed", false: "corrected"}[c.Confirmed]
	return a.changeBasis(ctx, who, basisChange{id: id, what: what, reason: c.Reason, wrong: e}, func(tx pgx.Tx, _ LegalBasis) error {
		_, err := tx.Exec(ctx, confirmBasisSQL, id, c.Confirmed, c.Source)
		return err
	})
}

// Withdrawal takes a clause out.
type Withdrawal struct {
	LastDay string `json:"last_day"` // YYYY-MM-DD, the last day it can be cited; "" is yesterday: at once
	Reason  string `json:"reason"`
}

// WithdrawBasis takes a clause out: after its last day nothing new cites it. What
// was agreed under it is not ended: it is flagged, and its steward decides; a
// request that cites it can be refused, and no longer approved. It fails with
// what May says, Invalid without a reason, NotFound, and Conflict when it is
// withdrawn already.
func (a *Agreements) WithdrawBasis(ctx context.Context, who auth.Principal, id string, w Withdrawal) (LegalBasis, error) {
	yesterday := dayBefore(a.today())
	if w.LastDay = strings.TrimSpace(w.LastDay); w.LastDay == "" {
		w.LastDay = yesterday
	}
	w.Reason = oneLine(w.Reason)
	e := problem.Errorf(problem.Invalid, "say why").Coded("fields-wrong")
	if _, err := time.Parse(dayLayout, w.LastDay); err != nil {
		e.Wrong("last_day", "day-invalid", "a day like 2026-12-31")
	} else if w.LastDay < yesterday {
		e.Wrong("last_day", "basis-last-day", "has passed: what was cited since would have stood on nothing")
	}
	checkReason(e, w.Reason)
	return a.changeBasis(ctx, who, basisChange{id: id, what: "withdrawn", reason: w.Reason, wrong: e}, func(tx pgx.Tx, b LegalBasis) error {
		if b.WithdrawnAt != nil {
			return problem.Errorf(problem.Conflict, "%s is withdrawn already", id).Coded("basis-withdrawn")
		}
		if b.ValidTo != nil && *b.ValidTo < w.LastDay {
			w.LastDay = *b.ValidTo
		}
		_, err := tx.Exec(ctx, withdrawSQL, id, w.LastDay, a.Now().UTC(), w.Reason)
		return err
	})
}

// basisChange is what a change of a clause is called, and why; wrong is what
// its form lacks.
type basisChange struct {
	id, what, reason string
	wrong            *problem.Error
}

// changeBasis does a change on the locked clause.
func (a *Agreements) changeBasis(ctx context.Context, who auth.Principal, c basisChange, do func(pgx.Tx, LegalBasis) error) (LegalBasis, error) {
	if err := a.May(ctx, who, "legal-basis.edit", uuid.Nil); err != nil {
		return LegalBasis{}, err
	}
	if len(c.wrong.Fields) > 0 {
		return LegalBasis{}, c.wrong
	}
	var b LegalBasis
	err := pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		was, err := a.lockBasis(ctx, tx, c.id)
		if err != nil {
			return err
		}
		if err := do(tx, was); err != nil {
			return fmt.Errorf("%s legal basis %s: %w", c.what, c.id, err)
		}
		b, err = a.keptBasis(ctx, tx, who, c)
		return err
	})
	return b, err
}

func (a *Agreements) lockBasis(ctx context.Context, tx pgx.Tx, id string) (LegalBasis, error) {
	if _, err := tx.Exec(ctx, lockBasisSQL, id); err != nil {
		return LegalBasis{}, fmt.Errorf("lock legal basis %s: %w", id, err)
	}
	return a.basis(ctx, tx, id)
}

// keptBasis reads a clause that was changed, and keeps the change in the
// register and in the ledger.
func (a *Agreements) keptBasis(ctx context.Context, tx pgx.Tx, who auth.Principal, c basisChange) (LegalBasis, error) {
	b, err := a.basis(ctx, tx, c.id)
	if err != nil {
		return LegalBasis{}, err
	}
	if err := a.register(ctx, tx, who, registered{registerBases, c.id, b.Version, c.what, c.reason, b.BasisText}); err != nil {
		return LegalBasis{}, err
	}
	verb := map[string]string{"added": "legal-basis.add", "succeeded": "legal-basis.succeed", "confirmed": "legal-basis.confirm",
		"corrected": "legal-basis.correct", "withdrawn": "legal-basis.withdraw"}[c.what]
	return b, a.Record(ctx, tx, auth.Act{Who: who, Verb: verb, Detail: map[string]any{"legal_basis": b.ID, "version": b.Version,
		"document": b.DocumentVI, "article": b.ArticleVI, "valid_from": b.ValidFrom, "valid_to": b.ValidTo, "confirmed": b.Confirmed,
		"source": b.Source, "working_days": b.WorkingDays, "reason": c.reason}})
}

// BasisHistory lists the last 100 changes of a clause, newest first, to who may
// platform.read.
func (a *Agreements) BasisHistory(ctx context.Context, who auth.Principal, id string) ([]Entry, error) {
	if err := a.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return nil, err
	}
	return a.entries(ctx, registerBases, id)
}

// tidy writes the texts in NFC, without blanks around them; "" is no day.
func (t *BasisText) tidy() {
	for _, text := range []*string{&t.DocumentVI, &t.DocumentEN, &t.ArticleVI, &t.ArticleEN, &t.TextVI, &t.TextEN, &t.Source} {
		*text = oneLine(*text)
	}
	for _, day := range []**string{&t.ValidFrom, &t.ValidTo} {
		if *day != nil && strings.TrimSpace(**day) == "" {
			*day = nil
		}
	}
}

// check says what is wrong with a clause.
func (t BasisText) check(e *problem.Error) {
	checkWords(e, "document_vi", t.DocumentVI, maxDocument)
	checkWords(e, "document_en", t.DocumentEN, maxDocument)
	checkWords(e, "article_vi", t.ArticleVI, maxDocument)
	checkWords(e, "article_en", t.ArticleEN, maxDocument)
	checkWords(e, "text_vi", t.TextVI, maxClause)
	checkWords(e, "text_en", t.TextEN, maxClause)
	checkWords(e, "source", t.Source, maxSource)
	days := true
	for name, day := range map[string]*string{"valid_from": t.ValidFrom, "valid_to": t.ValidTo} {
		if day == nil {
			continue
		}
		if _, err := time.Parse(dayLayout, *day); err != nil {
			e.Wrong(name, "day-invalid", "a day like 2026-12-31")
			days = false
		}
	}
	if days && t.ValidFrom != nil && t.ValidTo != nil && *t.ValidTo < *t.ValidFrom {
		e.Wrong("valid_to", "ends-before-starts", "the last day is before the first")
	}
	if t.WorkingDays < 0 || t.WorkingDays > mostClockDays {
		e.Wrong("working_days", "basis-clock", "0 to 60 working days")
	}
}

// dayBefore is the day before a day.
func dayBefore(day string) string {
	at, err := time.Parse(dayLayout, day)
	if err != nil {
		return day // it was checked
	}
	return at.AddDate(0, 0, -1).Format(dayLayout)
}
