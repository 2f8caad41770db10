package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ExchangeFilter narrows a list; zero fields do not.
type ExchangeFilter struct {
	Agency, Application, Version, Person, Agreement uuid.UUID
	Status                                          int    // 429; or 4 for all of 400 to 499
	Trace                                           string // the trace id that a problem told
	Since                                           time.Time
	Limit                                           int    // 1 to 100; 0 is 20
	After                                           string // Next of the page before
}

// ExchangePage is one page, newest first.
type ExchangePage struct {
	Items []ExchangeEntry `json:"items"`
	Next  string          `json:"next"` // "" at the end
}

// ExchangeEntry is an exchange with its place in the log.
type ExchangeEntry struct {
	Exchange
	Seq    *int64 `json:"seq"`    // nil: not numbered yet
	Erased bool   `json:"erased"` // the payload is gone; only what can be looked up is left
}

const (
	exchangeColumns = `
select id, kind, at, payload, nonce, leaf, coalesce(seq, -1) as seq, erased_at, agency_id, application_id, person_id,
       agreement_id, version_id, about, operation, status, trace_id, request_ref
  from ledger.entry`

	exchangeFilter = `
   and ($1::uuid is null or agency_id = $1)
   and ($2::uuid is null or application_id = $2)
   and ($3::uuid is null or version_id = $3)
   and ($4::uuid is null or person_id = $4)
   and ($5::uuid is null or agreement_id = $5)
   and ($6::int = 0 or status = $6 or status / 100 = $6)
   and ($7 = '' or trace_id = $7)
   and ($8::timestamptz is null or at >= $8)
   and ($9::uuid is null or id < $9)
 order by id desc
 limit $10`

	listExchangesSQL = exchangeColumns + `
 where kind = 'exchange'` + exchangeFilter

	// listOwnSQL is of one application, with its calls of sandboxes.
	listOwnSQL = exchangeColumns + `
 where kind in ('exchange', 'sandbox')` + exchangeFilter
)

// ListExchanges gives calls, newest first: those of an application to its
// owner, also those of sandboxes, those of an agency's services to its stewards and publishers, all to
// the auditor. It fails with Invalid for a bad page, and with what May
// returned.
func (l *Ledger) ListExchanges(ctx context.Context, who auth.Principal, f ExchangeFilter) (ExchangePage, error) {
	limit, after, err := page(f.Limit, f.After)
	if err != nil {
		return ExchangePage{}, err
	}
	if err := l.mayRead(ctx, who, f.Agency, f.Application); err != nil {
		return ExchangePage{}, err
	}
	sql := listExchangesSQL
	if f.Application != uuid.Nil {
		sql = listOwnSQL
	}
	rows, err := pg.All[entryRow](ctx, l.DB, sql, known(f.Agency), known(f.Application), known(f.Version),
		known(f.Person), known(f.Agreement), f.Status, f.Trace, since(f.Since), known(after), limit+1)
	if err != nil {
		return ExchangePage{}, fmt.Errorf("list exchanges: %w", err)
	}
	out := ExchangePage{Items: []ExchangeEntry{}}
	for i, row := range rows {
		if i == limit {
			out.Next = rows[i-1].ID.String()
			break
		}
		entry, err := row.exchange()
		if err != nil {
			return ExchangePage{}, err
		}
		out.Items = append(out.Items, entry)
	}
	return out, nil
}

// mayRead lets those who work on an application read its calls, and whom the policy
// lets read an agency's.
func (l *Ledger) mayRead(ctx context.Context, who auth.Principal, agency, application uuid.UUID) error {
	if application != uuid.Nil && l.WorksOn(ctx, who, application) == nil {
		return nil
	}
	return l.May(ctx, who, "exchange.read", agency)
}

func (e entryRow) exchange() (ExchangeEntry, error) {
	out := ExchangeEntry{Erased: e.ErasedAt != nil, Exchange: Exchange{
		ID: e.ID, At: e.At, TraceID: e.TraceID, AgencyID: orNil(e.AgencyID), VersionID: orNil(e.VersionID),
		ApplicationID: orNil(e.ApplicationID), AgreementID: orNil(e.AgreementID), Operation: e.Operation, Status: int(e.Status)}}
	if e.Payload != nil {
		if err := json.Unmarshal([]byte(*e.Payload), &out.Exchange); err != nil {
			return ExchangeEntry{}, fmt.Errorf("read exchange %s: %w", e.ID, err)
		}
	}
	out.Sandbox = e.Kind == kindSandbox
	if e.Seq >= 0 {
		out.Seq = &e.Seq
	}
	return out, nil
}

// page checks a page's bounds. Ids are in order of time (RFC 9562 §5.7), so
// the last id of a page is where the next one begins.
func page(limit int, after string) (int, uuid.UUID, error) {
	if limit == 0 {
		limit = 20
	}
	if limit < 1 || limit > 100 {
		return 0, uuid.Nil, problem.Errorf(problem.Invalid, "limit is 1 to 100")
	}
	if after == "" {
		return limit, uuid.Nil, nil
	}
	id, err := uuid.Parse(after)
	if err != nil {
		return 0, uuid.Nil, problem.Errorf(problem.Invalid, "after is not a cursor that a page gave")
	}
	return limit, id, nil
}

// known is nil for uuid.Nil, which a filter leaves out.
func known(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

func since(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
