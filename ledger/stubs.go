package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
)

var errStub = errors.New("ledger: being written")

// Run is the sequencer. It returns when ctx ends.
func (l *Ledger) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Report is what Verify found.
type Report struct {
	Checkpoint string    `json:"checkpoint"` // the signed note verified against
	Size       int64     `json:"size"`       // entries it covers
	SignedAt   time.Time `json:"signed_at"`
	Checked    int64     `json:"checked"`  // entries read
	Unsigned   int64     `json:"unsigned"` // numbered after the checkpoint
	Waiting    int64     `json:"waiting"`  // not yet numbered
	Erased     int64     `json:"erased"`
	Findings   []Finding `json:"findings"` // empty: the log is whole
}

// Finding is one thing wrong.
type Finding struct {
	Code   string    `json:"code"`
	Seq    int64     `json:"seq"`
	Last   int64     `json:"last"`
	ID     uuid.UUID `json:"id"`
	Kind   string    `json:"kind"`
	TextVI string    `json:"text_vi"`
	TextEN string    `json:"text_en"`
}

// OK reports whether nothing was found.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// Verify checks the whole log against the last signed checkpoint in Dir.
// progress, when not nil, hears how many entries of how many are done.
func (l *Ledger) Verify(ctx context.Context, progress func(done, all int64)) (Report, error) {
	return Report{}, errStub
}

// Routes adds /ledger/checkpoint, /ledger/tile/…, /ledger/proof/{id}, /ledger/key.
func (l *Ledger) Routes(r *mux.Router) {}

// ExchangeFilter narrows a list; zero fields do not.
type ExchangeFilter struct {
	Agency, Application, Version, Person, Agreement uuid.UUID
	Status                                          int
	Since                                           time.Time
	Limit                                           int    // 1..100, 0 means 20
	After                                           string // cursor: Next of the page before
}

// ExchangePage is one page, newest first.
type ExchangePage struct {
	Items []ExchangeEntry `json:"items"`
	Next  string          `json:"next"`
}

// ExchangeEntry is an exchange with its place in the log.
type ExchangeEntry struct {
	Exchange
	Seq    *int64 `json:"seq"`    // nil: not numbered yet
	Erased bool   `json:"erased"` // the payload is gone; only what is left is filled in
}

// ListExchanges gives exchanges.
func (l *Ledger) ListExchanges(ctx context.Context, who auth.Principal, f ExchangeFilter) (ExchangePage, error) {
	return ExchangePage{}, errStub
}

// ActFilter narrows a list; zero fields do not.
type ActFilter struct {
	Agency, About, Person uuid.UUID
	Verb                  string
	Since                 time.Time
	Limit                 int
	After                 string
}

// ActPage is one page, newest first.
type ActPage struct {
	Items []ActEntry `json:"items"`
	Next  string     `json:"next"`
}

// ActEntry is an administrative act with its place in the log.
type ActEntry struct {
	ID            uuid.UUID      `json:"id"`
	At            time.Time      `json:"at"`
	Verb          string         `json:"verb"`
	AgencyID      uuid.UUID      `json:"agency_id"`
	About         uuid.UUID      `json:"about"`
	PersonID      uuid.UUID      `json:"person_id"`
	ApplicationID uuid.UUID      `json:"application_id"`
	Name          string         `json:"name"`
	TraceID       string         `json:"trace_id,omitempty"`
	Detail        map[string]any `json:"detail,omitempty"`
	Seq           *int64         `json:"seq"`
}

// ListActs gives administrative acts.
func (l *Ledger) ListActs(ctx context.Context, who auth.Principal, f ActFilter) (ActPage, error) {
	return ActPage{}, errStub
}

// Usage is how often an operation was called on one day (UTC).
type Usage struct {
	Day       time.Time `json:"day"`
	VersionID uuid.UUID `json:"version_id"`
	Operation string    `json:"operation"`
	Calls     int64     `json:"calls"`
	Refused   int64     `json:"refused"` // of those, answered 4xx or 5xx
}

// UsageOf counts an application's calls by day and operation.
func (l *Ledger) UsageOf(ctx context.Context, who auth.Principal, application uuid.UUID, since time.Time) ([]Usage, error) {
	return nil, errStub
}
