package agreement

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Reply is the requester's answer to a steward's question.
type Reply struct {
	Text    string   `json:"text"`    // 1 to 2,000 characters
	Amended *Request `json:"amended"` // what is asked for from now on, of the same application and version; null: the same as before
}

const waitSQL = `update agreement.agreement set waits_since = $2, due_at = $3, revision = revision + 1 where id = $1`

// Ask puts a question to the requester. The request waits for the answer, and
// its clock stands still until then. It fails as Refuse does, with Invalid
// without a text, and with Conflict while another question waits.
func (a *Agreements) Ask(ctx context.Context, who auth.Principal, id uuid.UUID, text string) (Agreement, error) {
	return a.decide(ctx, who, id, text, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		switch {
		case by.own:
			return Agreement{}, ownRequest()
		case strings.TrimSpace(text) == "":
			return Agreement{}, questionMissing()
		case g.State != Requested:
			return Agreement{}, notWhile(g, Requested)
		case g.WaitsSince != nil:
			return Agreement{}, problem.Errorf(problem.Conflict, "a question waits for its answer").Coded("question-waits")
		}
		now := a.Now().UTC()
		g.WaitsSince = &now
		return a.wait(ctx, tx, who, g, change{verb: "ask", what: "asked", text: strings.TrimSpace(text), inPlaceOf: by.inPlaceOf})
	})
}

// Answer answers a question, and changes what is asked for when the answer says
// so: what a first of two persons approved is then void. The clock goes on: the
// working days that were left when the question was asked are left again. It
// fails with NotFound unless who stands on the asking side, with Invalid
// without a text, as Request does for what is amended, and with Conflict when
// no question waits.
func (a *Agreements) Answer(ctx context.Context, who auth.Principal, id uuid.UUID, reply Reply) (Agreement, error) {
	g, err := a.Get(ctx, who, id)
	if err != nil {
		return Agreement{}, err
	}
	var draft *Agreement
	if reply.Amended != nil { // before the transaction: other rooms are asked
		if draft, err = a.amended(ctx, who, g, *reply.Amended); err != nil {
			return Agreement{}, err
		}
	}
	return a.locked(ctx, who, id, reply.Text, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		switch {
		case !by.own:
			return Agreement{}, problem.Errorf(problem.Forbidden, "the asking side answers").Coded("not-asked")
		case strings.TrimSpace(reply.Text) == "":
			return Agreement{}, questionMissing()
		case g.State != Requested:
			return Agreement{}, notWhile(g, Requested)
		case g.WaitsSince == nil:
			return Agreement{}, problem.Errorf(problem.Conflict, "no question waits").Coded("no-question")
		}
		due, err := a.dueAfterWait(ctx, tx, g)
		if err != nil {
			return Agreement{}, err
		}
		step := change{verb: "answer", what: "answered", text: strings.TrimSpace(reply.Text), toAgency: true}
		if draft != nil {
			step.what = "amended"
			if err := a.setTerms(ctx, tx, g, draft.Terms()); err != nil {
				return Agreement{}, err
			}
			if _, err := tx.Exec(ctx, amendSQL, g.ID, draft.Note, draft.Replaces, draft.Plan); err != nil {
				return Agreement{}, fmt.Errorf("amend agreement %s: %w", g.ID, err)
			}
		}
		g.WaitsSince, g.DueAt = nil, due
		return a.wait(ctx, tx, who, g, step)
	})
}

const amendSQL = `
update agreement.agreement
   set note = $2, replaces = $3, plan = $4, first_by = null, first_for = null, first_at = null, first_terms = null, first_note = ''
 where id = $1`

// amended is what a request becomes.
func (a *Agreements) amended(ctx context.Context, who auth.Principal, g Agreement, r Request) (*Agreement, error) {
	if r.ApplicationID != g.ApplicationID || r.VersionID != g.VersionID {
		return nil, problem.Errorf(problem.Invalid, "another application or version is another request").Coded("request-invalid").
			Wrong("application", "amends-other", "of the same application and version")
	}
	draft, _, err := a.draft(ctx, who, r)
	return &draft, err
}

// wait keeps since when a request waits, if it does, and until when it should be
// decided: the row, the event, the ledger and the notice.
func (a *Agreements) wait(ctx context.Context, tx pgx.Tx, who auth.Principal, g Agreement, c change) (Agreement, error) {
	if _, err := tx.Exec(ctx, waitSQL, g.ID, g.WaitsSince, g.DueAt); err != nil {
		return Agreement{}, fmt.Errorf("%s about agreement %s: %w", c.verb, g.ID, err)
	}
	g, err := pg.One[Agreement](ctx, tx, getSQL, g.ID)
	if err != nil {
		return Agreement{}, fmt.Errorf("read agreement: %w", err)
	}
	return g, a.log(ctx, tx, who, g, c)
}

const offBetweenSQL = `select to_char(day, 'YYYY-MM-DD') as day from agreement.holiday where day between $1::date and $2::date + 120`

// dueAfterWait is until when a request that waited since WaitsSince should be
// decided when its answer comes now.
func (a *Agreements) dueAfterWait(ctx context.Context, tx pgx.Tx, g Agreement) (time.Time, error) {
	days, err := pg.All[struct{ Day string }](ctx, tx, offBetweenSQL, g.WaitsSince.In(vietnam()).Format(dayLayout), a.today())
	if err != nil {
		return time.Time{}, fmt.Errorf("read holidays: %w", err)
	}
	off := make(map[string]bool, len(days))
	for _, d := range days {
		off[d.Day] = true
	}
	return afterWait(g.DueAt, *g.WaitsSince, a.Now(), off), nil
}

// afterWait leaves as many working days from the answer on as there were left
// at the question, one at least; what was late by then stays late, and a wait
// within a day changes nothing.
func afterWait(due, asked, answered time.Time, off map[string]bool) time.Time {
	sameDay := asked.In(vietnam()).Format(dayLayout) == answered.In(vietnam()).Format(dayLayout)
	if sameDay || !asked.Before(due) {
		return due
	}
	left := 0
	for endOfWorkingDay(asked, left, off).Before(due) {
		left++
	}
	return endOfWorkingDay(answered, max(left, 1), off)
}

func questionMissing() error {
	return problem.Errorf(problem.Invalid, "say it in words").Coded("question-invalid").Wrong("text", "text-missing", "1 to 2,000 characters")
}

// longText reports whether a text is longer than what people write, or holds
// control characters.
func longText(text string) bool {
	return utf8.RuneCountInString(text) > maxText || !plain(text)
}
