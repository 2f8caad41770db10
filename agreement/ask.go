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

// A term that was stopped is counted again at the answer, not whenever the
// calendar changes: it has no number of days of its own any more.
const waitSQL = `
update agreement.agreement
   set waits_since = $2, due_was = $3, due_at = $4, clock_days = case when due_at = $4 then clock_days end, revision = revision + 1
 where id = $1`

// Ask puts a question to the requester. The request waits for the answer, and
// its clock stands still until then where its term is the province's target; one
// that is late by then stays late. It fails as Refuse does, with Invalid
// without a text, and with Conflict while another question waits.
func (a *Agreements) Ask(ctx context.Context, who auth.Principal, id uuid.UUID, text string) (Agreement, error) {
	return a.decide(ctx, who, id, text, func(tx pgx.Tx, g Agreement, by side) (Agreement, error) {
		switch {
		case by.asks:
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
		if err := a.stopClock(ctx, tx, &g); err != nil {
			return Agreement{}, err
		}
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
		if err := a.startAgain(ctx, tx, &g); err != nil {
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
		g.WaitsSince = nil
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
	if _, err := tx.Exec(ctx, waitSQL, g.ID, g.WaitsSince, g.DueWas, g.DueAt); err != nil {
		return Agreement{}, fmt.Errorf("%s about agreement %s: %w", c.verb, g.ID, err)
	}
	g, err := pg.One[Agreement](ctx, tx, getSQL, g.ID)
	if err != nil {
		return Agreement{}, fmt.Errorf("read agreement: %w", err)
	}
	return g, a.log(ctx, tx, who, g, c)
}

// standsStill is how far off a term is written while its clock stands still.
const standsStill = 10 // years

// stopClock has the clock of a locked request stand still, unless it is late
// already, or its term is confirmed law, which no question of ours stops.
func (a *Agreements) stopClock(ctx context.Context, tx pgx.Tx, g *Agreement) error {
	term, err := pg.One[waitingRow](ctx, tx, termSQL, g.ID)
	if err != nil {
		return fmt.Errorf("read the term of agreement %s: %w", g.ID, err)
	}
	if now := a.Now(); !term.Law && now.Before(g.DueAt) {
		was := g.DueAt
		g.DueWas, g.DueAt = &was, now.UTC().AddDate(standsStill, 0, 0)
	}
	return nil
}

// startAgain has the clock of a locked request go on when its answer comes now.
func (a *Agreements) startAgain(ctx context.Context, tx pgx.Tx, g *Agreement) error {
	if g.DueWas == nil {
		return nil
	}
	if _, err := tx.Exec(ctx, shareCalendarSQL); err != nil {
		return fmt.Errorf("share the calendar: %w", err)
	}
	days, err := a.calendarOf(ctx, tx, *g.WaitsSince, a.Now().AddDate(0, 0, farAhead))
	if err != nil {
		return err
	}
	g.DueAt, g.DueWas = days.afterWait(*g.DueWas, *g.WaitsSince, a.Now()), nil
	return nil
}

// afterWait leaves as many working days from the answer on as there were left
// at the question, one at least; a wait within a day changes nothing.
func (c calendar) afterWait(due, asked, answered time.Time) time.Time {
	if dayOf(asked) == dayOf(answered) {
		return due
	}
	return c.end(answered, max(c.left(asked, due), 1))
}

func questionMissing() error {
	return problem.Errorf(problem.Invalid, "say it in words").Coded("question-invalid").Wrong("text", "text-missing", "1 to 2,000 characters")
}

// longText reports whether a text is longer than what people write, or holds
// control characters.
func longText(text string) bool {
	return utf8.RuneCountInString(text) > maxText || !plain(text)
}
