package agreement

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

var errStub = errors.New("agreement: being written")

// Wanted is an operation, by its id, and the paths of the fields of its answer.
type Wanted struct {
	Operation string   `json:"operation"`
	Fields    []string `json:"fields"`
}

// Request is what is asked for.
type Request struct {
	ApplicationID uuid.UUID  `json:"application_id"`
	VersionID     uuid.UUID  `json:"version_id"`
	Operations    []Wanted   `json:"operations"`
	Purpose       string     `json:"purpose"`      // code of a Purpose
	PurposeText   string     `json:"purpose_text"` // what for, in the requester's words
	LegalBasis    string     `json:"legal_basis"`  // id of a LegalBasis
	Starts        string     `json:"starts"`       // YYYY-MM-DD
	Ends          string     `json:"ends"`         // YYYY-MM-DD, inclusive
	Note          string     `json:"note"`
	Replaces      *uuid.UUID `json:"replaces"`
}

// Refusal says why a request is refused, and by which clause.
type Refusal struct {
	Reason     string `json:"reason"`
	LegalBasis string `json:"legal_basis"`
}

// Request asks for an agreement.
func (a *Agreements) Request(ctx context.Context, who auth.Principal, r Request) (Agreement, error) {
	return Agreement{}, errStub
}

// Approve puts a request in force.
func (a *Agreements) Approve(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return Agreement{}, errStub
}

// Refuse refuses a request in writing.
func (a *Agreements) Refuse(ctx context.Context, who auth.Principal, id uuid.UUID, r Refusal) (Agreement, error) {
	return Agreement{}, errStub
}

// Suspend stops the calls under an agreement until it is resumed.
func (a *Agreements) Suspend(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return Agreement{}, errStub
}

// Resume puts a suspended agreement in force again.
func (a *Agreements) Resume(ctx context.Context, who auth.Principal, id uuid.UUID, note string) (Agreement, error) {
	return Agreement{}, errStub
}

// End ends an agreement, or withdraws a request, for good.
func (a *Agreements) End(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (Agreement, error) {
	return Agreement{}, errStub
}

// Get gives one agreement.
func (a *Agreements) Get(ctx context.Context, who auth.Principal, id uuid.UUID) (Agreement, error) {
	return Agreement{}, errStub
}

// Filter narrows a list; zero fields do not.
type Filter struct {
	Agency      uuid.UUID // Inbox only
	Application uuid.UUID
	Version     uuid.UUID
	State       string
	Limit       int    // 1..100, 0 means 20
	After       string // cursor: Next of the page before
}

// Page is one page of agreements, newest first.
type Page struct {
	Items []Agreement `json:"items"`
	Next  string      `json:"next"`
}

// Mine lists the agreements of who's own applications.
func (a *Agreements) Mine(ctx context.Context, who auth.Principal, f Filter) (Page, error) {
	return Page{}, errStub
}

// Inbox lists the agreements on an agency's services, for those who may read them.
func (a *Agreements) Inbox(ctx context.Context, who auth.Principal, f Filter) (Page, error) {
	return Page{}, errStub
}

// Event is one thing that happened to an agreement.
type Event struct {
	At       time.Time `json:"at"`
	PersonID uuid.UUID `json:"person_id"`
	Name     string    `json:"name"`
	What     string    `json:"what"` // requested, approved, refused, suspended, resumed, ended
	Text     string    `json:"text"`
	Revision int       `json:"revision"`
}

// History lists what happened to an agreement, oldest first.
func (a *Agreements) History(ctx context.Context, who auth.Principal, id uuid.UUID) ([]Event, error) {
	return nil, errStub
}

// InForce reports whether application has an agreement on version in force now.
func (a *Agreements) InForce(ctx context.Context, application, version uuid.UUID) (bool, error) {
	return false, errStub
}

// Purpose is one of the purposes an agreement may be for.
type Purpose struct {
	Code    string `json:"code"`
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
}

// Purposes lists them.
func (a *Agreements) Purposes(ctx context.Context) ([]Purpose, error) { return nil, errStub }

// LegalBasis is a clause that agreements, refusals and clocks cite.
type LegalBasis struct {
	ID         string  `json:"id"`
	DocumentVI string  `json:"document_vi"`
	DocumentEN string  `json:"document_en"`
	ArticleVI  string  `json:"article_vi"`
	ArticleEN  string  `json:"article_en"`
	TextVI     string  `json:"text_vi"`
	TextEN     string  `json:"text_en"`
	ValidFrom  *string `json:"valid_from"` // YYYY-MM-DD; nil: not known here
	ValidTo    *string `json:"valid_to"`
	Confirmed  bool    `json:"confirmed"` // the clause was read; else never shown as law
	Source     string  `json:"source"`
}

// LegalBases lists those that can be cited now.
func (a *Agreements) LegalBases(ctx context.Context) ([]LegalBasis, error) { return nil, errStub }

// Summary is a request in plain words, for the steward who decides.
type Summary struct {
	Who            string
	Service        string
	Operations     []SummaryOperation
	Purpose        string
	Why            string
	Basis          LegalBasis
	BasisConfirmed bool
	From, Until    string // dd/mm/yyyy
	Days           int
	Personal       bool // at least one operation gives personal data
	Due            time.Time
	DueIsTarget    bool // the clock's own basis is unconfirmed: the province's target, not law
	Overdue        bool
}

// SummaryOperation is one operation of a Summary.
type SummaryOperation struct {
	Title    string
	Personal bool
	Fields   []string // titles
}

// Summary puts an agreement in plain words, in locale "vi" or "en".
func (a *Agreements) Summary(ctx context.Context, g Agreement, locale string) (Summary, error) {
	return Summary{}, errStub
}
