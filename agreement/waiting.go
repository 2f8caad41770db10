package agreement

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Term is until when a request should be decided, and how far off that is.
type Term struct {
	DueAt       time.Time `json:"due_at"`
	WorkingDays int       `json:"working_days"` // that the clause gives; 0: not known
	Basis       string    `json:"basis"`        // id of the LegalBasis that sets it, or ""
	Confirmed   bool      `json:"confirmed"`    // false: the province's target, not law
	Left        int       `json:"left"`         // working days after today until it is over; 0 on its last day
	Overdue     bool      `json:"overdue"`
	Late        int       `json:"late"` // working days that have begun since it was over
}

// Waiting is a request that waits for its decision, with its term.
type Waiting struct {
	Agreement
	Term Term `json:"term"`
}

// WaitingFilter narrows the list of what waits; zero fields do not.
type WaitingFilter struct {
	Agency  uuid.UUID // uuid.Nil: all agencies
	Overdue bool      // only what is over
	Limit   int       // 1 to 100; 0 is 20
	After   string    // Next of the page before
	Narrow            // of one agency's only
}

// WaitingPage is one page of what waits, the nearest term first.
type WaitingPage struct {
	Items []Waiting `json:"items"`
	Next  string    `json:"next"` // "" at the end
}

// waitingRow is a request by its clock.
type waitingRow struct {
	ID    uuid.UUID
	DueAt time.Time
	Basis string
	Days  int
	Law   bool
}

const waitingColumns = `
select a.id, a.due_at, coalesce(a.clock_basis, '') as basis, coalesce(a.clock_days, 0) as days, coalesce(b.confirmed, false) as law
  from agreement.agreement a left join agreement.legal_basis b on b.id = a.clock_basis
 where a.state = 'requested'`

const (
	waitingAtDesk = waitingColumns + `
   and a.agency_id = $1 and a.due_at <= $2 and (a.due_at, a.id) > ($3, $4)
   and ($6::uuid is null or a.version_id = $6)
   and ($7::uuid is null or a.owner_person_id = $7 or a.owner_agency_id = $7)`
	waitingInAgencySQL = waitingAtDesk + `
 order by a.due_at, a.id
 limit $5`
	waitingSoughtSQL = waitingAtDesk + `
   and a.sought like agreement.fold($8) and ($9 = '%' or a.sought like agreement.fold($9)) and ($10 = '%' or a.sought like agreement.fold($10)) and ($11 = '%' or a.sought like agreement.fold($11))
 order by a.due_at, a.id
 limit $5`
	waitingSQL = waitingColumns + `
   and a.due_at <= $1 and (a.due_at, a.id) > ($2, $3)
 order by a.due_at, a.id
 limit $4`
	byIDsSQL = agreementColumns + ` where id = any($1)`
)

// WaitingRequests lists what waits for a decision in an agency, or in all, by
// its clock: the most overdue first. It fails with Invalid for a bad page or too
// long a search, and
// with what May says of agreement.read.
func (a *Agreements) WaitingRequests(ctx context.Context, who auth.Principal, f WaitingFilter) (WaitingPage, error) {
	if err := a.May(ctx, who, "agreement.read", f.Agency); err != nil {
		return WaitingPage{}, err
	}
	limit, _, err := Filter{Limit: f.Limit}.page()
	if err != nil {
		return WaitingPage{}, err
	}
	after, id, err := clockCursor(f.After)
	if err != nil {
		return WaitingPage{}, err
	}
	words, err := f.words()
	if err != nil {
		return WaitingPage{}, err
	}
	until := a.Now()
	if !f.Overdue {
		until = until.AddDate(100, 0, 0)
	}
	var rows []waitingRow
	if f.Agency == uuid.Nil {
		rows, err = pg.All[waitingRow](ctx, a.DB, waitingSQL, until, after, id, limit+1)
	} else {
		sql, args := waitingInAgencySQL, []any{f.Agency, until, after, id, limit + 1, known(f.Service), known(f.Owner)}
		if f.Text != "" {
			sql, args = waitingSoughtSQL, append(args, words...)
		}
		rows, err = pg.All[waitingRow](ctx, a.DB, sql, args...)
	}
	if err != nil {
		return WaitingPage{}, fmt.Errorf("list what waits: %w", err)
	}
	page := WaitingPage{}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = last.DueAt.UTC().Format(time.RFC3339Nano) + "_" + last.ID.String()
	}
	page.Items, err = a.withTerms(ctx, rows)
	return page, err
}

// clockCursor reads the cursor of a page by the clock: a moment and an id.
func clockCursor(text string) (time.Time, uuid.UUID, error) {
	if text == "" {
		return time.Time{}, uuid.Nil, nil
	}
	at, last, _ := strings.Cut(text, "_")
	due, dueErr := time.Parse(time.RFC3339Nano, at)
	id, idErr := uuid.Parse(last)
	if dueErr != nil || idErr != nil || due.Year() < 1 || due.Year() > 9999 {
		return time.Time{}, uuid.Nil, problem.Errorf(problem.Invalid, "after is not a cursor that a page gave")
	}
	return due, id, nil
}

// withTerms reads the agreements of rows, in their order, and counts their terms.
func (a *Agreements) withTerms(ctx context.Context, rows []waitingRow) ([]Waiting, error) {
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	list, err := pg.All[Agreement](ctx, a.DB, byIDsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d requests that wait: %w", len(ids), err)
	}
	byID := make(map[uuid.UUID]Agreement, len(list))
	for _, g := range list {
		byID[g.ID] = g
	}
	terms, err := a.terms(ctx, rows)
	if err != nil {
		return nil, err
	}
	items := []Waiting{}
	for i, row := range rows {
		if g, there := byID[row.ID]; there && g.State == Requested { // else it was decided just now
			items = append(items, Waiting{g, terms[i]})
		}
	}
	return items, nil
}

// terms counts the terms of rows, by one look into the calendar.
func (a *Agreements) terms(ctx context.Context, rows []waitingRow) ([]Term, error) {
	now := a.Now()
	first, last := now, now
	for _, row := range rows {
		if row.DueAt.Before(first) {
			first = row.DueAt
		}
		if row.DueAt.After(last) {
			last = row.DueAt
		}
	}
	days, err := a.calendarOf(ctx, a.DB, first, last)
	if err != nil {
		return nil, err
	}
	terms := make([]Term, len(rows))
	for i, row := range rows {
		terms[i] = Term{DueAt: row.DueAt, WorkingDays: row.Days, Basis: row.Basis, Confirmed: row.Law,
			Left: days.left(now, row.DueAt), Overdue: !now.Before(row.DueAt), Late: days.late(now, row.DueAt)}
	}
	return terms, nil
}

const termSQL = `
select a.id, a.due_at, coalesce(a.clock_basis, '') as basis, coalesce(a.clock_days, 0) as days, coalesce(b.confirmed, false) as law
  from agreement.agreement a left join agreement.legal_basis b on b.id = a.clock_basis
 where a.id = $1`

// TermOf gives the term of a request, or of what was decided: then it tells how
// far off the term is today, not how it was when it was decided.
func (a *Agreements) TermOf(ctx context.Context, id uuid.UUID) (Term, error) {
	row, err := pg.One[waitingRow](ctx, a.DB, termSQL, id)
	if err != nil {
		return Term{}, fmt.Errorf("read the term of agreement %s: %w", id, err)
	}
	terms, err := a.terms(ctx, []waitingRow{row})
	if err != nil {
		return Term{}, err
	}
	return terms[0], nil
}

// WaitingCount is how much waits in an agency.
type WaitingCount struct {
	Agency  uuid.UUID `json:"agency"`
	Waiting int       `json:"waiting"`
	Overdue int       `json:"overdue"`
}

const waitingInAllSQL = `
select '00000000-0000-0000-0000-000000000000'::uuid as agency, count(*) as waiting, count(*) filter (where due_at <= $1) as overdue
  from agreement.agreement
 where state = 'requested'`

// WaitingInAll counts what waits in all agencies. It fails with what May says
// of agreement.read of the whole platform.
func (a *Agreements) WaitingInAll(ctx context.Context, who auth.Principal) (WaitingCount, error) {
	if err := a.May(ctx, who, "agreement.read", uuid.Nil); err != nil {
		return WaitingCount{}, err
	}
	count, err := pg.One[WaitingCount](ctx, a.DB, waitingInAllSQL, a.Now())
	if err != nil {
		return WaitingCount{}, fmt.Errorf("count what waits in all: %w", err)
	}
	return count, nil
}

const waitingCountsSQL = `
select agency_id as agency, count(*) as waiting, count(*) filter (where due_at <= $2) as overdue
  from agreement.agreement
 where state = 'requested' and agency_id = any($1)
 group by agency_id`

// WaitingCounts counts what waits in agencies that who may read; the others are
// left out.
func (a *Agreements) WaitingCounts(ctx context.Context, who auth.Principal, agencies []uuid.UUID) (map[uuid.UUID]WaitingCount, error) {
	var may []uuid.UUID
	for _, agency := range agencies {
		if a.May(ctx, who, "agreement.read", agency) == nil {
			may = append(may, agency)
		}
	}
	rows, err := pg.All[WaitingCount](ctx, a.DB, waitingCountsSQL, may, a.Now())
	if err != nil {
		return nil, fmt.Errorf("count what waits: %w", err)
	}
	counts := make(map[uuid.UUID]WaitingCount, len(rows))
	for _, row := range rows {
		counts[row.Agency] = row
	}
	return counts, nil
}
