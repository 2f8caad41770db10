// Package agreement answers on what terms an application may call a service:
// requests, decisions and their clock, legal bases, grants to the gateway.
package agreement

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// The states of an agreement. That one has run out is not a state: its last
// day has passed (InForce).
const (
	Requested = "requested"
	Active    = "active"
	Refused   = "refused"
	Suspended = "suspended"
	Ended     = "ended"
)

// Agreement is the terms between an application and one version of an API.
// What was agreed is what the gateway enforces, so titles are kept as they
// were when it was asked for.
type Agreement struct {
	ID       uuid.UUID `json:"id"`
	Revision int       `json:"revision"` // +1 at each change
	State    string    `json:"state"`

	ApplicationID   uuid.UUID `json:"application_id"`
	ApplicationName string    `json:"application_name"`
	OwnerName       string    `json:"owner_name"` // of the application: a person or an agency
	OwnerPersonID   uuid.UUID `json:"owner_person_id,omitzero"`
	OwnerAgencyID   uuid.UUID `json:"owner_agency_id,omitzero"`
	RequesterID     uuid.UUID `json:"requester_id"`
	RequesterName   string    `json:"requester_name"`

	AgencyID  uuid.UUID `json:"agency_id"` // the owner of the service: its stewards decide
	VersionID uuid.UUID `json:"version_id"`
	ServiceVI string    `json:"service_vi"` // API and version, as people read them
	ServiceEN string    `json:"service_en"`

	Operations    []Operation `json:"operations"`
	Bounds        []Bounds    `json:"bounds"`  // of those that have some
	Purpose       string      `json:"purpose"` // code; the call names it in LGSP-Purpose when there are several
	PurposeText   string      `json:"purpose_text"`
	LegalBasis    string      `json:"legal_basis"`    // id of a LegalBasis
	Subjects      string      `json:"subjects"`       // whom or what the data is about
	VolumePerDay  int         `json:"volume_per_day"` // calls expected on a day, 0: not said
	RetentionDays *int        `json:"retention_days"` // how long what is got is kept, 0: not at all; null: not said
	Onward        string      `json:"onward"`         // to whom it goes on, "": to nobody
	Starts        string      `json:"starts"`         // first day, YYYY-MM-DD, Vietnamese calendar day
	Ends          string      `json:"ends"`           // last day, inclusive
	Note          string      `json:"note"`
	Replaces      *uuid.UUID  `json:"replaces"` // the running agreement that ends when this one is approved
	Plan          string      `json:"plan"`
	RatePerMinute int         `json:"rate_per_minute"`
	QuotaPerDay   int         `json:"quota_per_day"`
	QuotaPerMonth int         `json:"quota_per_month"` // 0: none

	RequestedAt  time.Time  `json:"requested_at"`
	DueAt        time.Time  `json:"due_at"` // until when the steward should decide
	DecidedAt    *time.Time `json:"decided_at"`
	DecidedBy    *uuid.UUID `json:"decided_by"` // nil: the plan, by itself
	Reason       string     `json:"reason"`     // of the refusal, suspension or end
	RefusalBasis string     `json:"refusal_basis"`

	WaitsSince  *time.Time `json:"waits_since"`  // the requester has a question to answer
	DueWas      *time.Time `json:"due_was"`      // the clock stands still meanwhile: until when it should have been decided; null: it runs
	FirstBy     *uuid.UUID `json:"first_by"`     // who of two persons approved first
	FirstFor    *uuid.UUID `json:"first_for"`    // in whose place; nil: in the own
	FirstAt     *time.Time `json:"first_at"`     //
	FirstTerms  *Terms     `json:"first_terms"`  // what the second would put in force; null: none waits
	FirstNote   string     `json:"first_note"`   // the first one's
	ConfirmedAt *time.Time `json:"confirmed_at"` // when a steward last said that it is still needed
}

// Operation is one agreed operation and the fields of its answer.
type Operation struct {
	ID      string  `json:"id"` // as in the OpenAPI document: operationId
	Method  string  `json:"method"`
	Path    string  `json:"path"`
	TitleVI string  `json:"title_vi"`
	TitleEN string  `json:"title_en"`
	Access  string  `json:"access"` // restricted, personal
	Fields  []Field `json:"fields"`

	Sensitive []Sensitive `json:"sensitive,omitempty"` // of what the fields cover
}

// Field is one field of an operation's answer.
type Field struct {
	Path    string `json:"path"` // JSON Pointer, * for each element of an array
	TitleVI string `json:"title_vi"`
	TitleEN string `json:"title_en"`
}

// Offer is what can be asked for of one version that is published or
// deprecated: its operations that need an agreement.
type Offer struct {
	VersionID     uuid.UUID
	AgencyID      uuid.UUID
	ServiceVI     string // API and version, as people read them
	ServiceEN     string
	State         string // of the version: published, or deprecated, which can be renewed only
	Plan          string // slug
	RatePerMinute int
	QuotaPerDay   int
	QuotaPerMonth int         // 0: none
	Decision      string      // of the plan: open, automatic, approval
	Operations    []Operation // with every field of their 2xx JSON answers

	// Boundable are the parameters and fields that can be bound, without
	// values, by operation.
	Boundable map[string]Bounds
}

// Applicant is the application that asks, and whose it is.
type Applicant struct {
	ApplicationID uuid.UUID
	Name          string
	OwnerName     string
	OwnerPerson   uuid.UUID // uuid.Nil when an agency owns it
	OwnerAgency   uuid.UUID // uuid.Nil when a person owns it
	Disabled      bool      // out of service
}

// Wanted is an operation, by its id, and the paths of the fields of its answer.
type Wanted struct {
	Operation string   `json:"operation"`
	Fields    []string `json:"fields"`
	Open      []string `json:"open,omitempty"` // sensitive values of these fields that are wanted unmasked; an automatic plan leaves them to a steward
}

// Granted is what the gateway must know of one agreement.
type Granted struct {
	AgreementID   uuid.UUID
	Revision      int
	State         string // active, suspended, ended
	ApplicationID uuid.UUID
	AgencyID      uuid.UUID
	VersionID     uuid.UUID
	Purpose       string
	Operations    []Wanted
	Masked        []Masked // of the fields of these operations
	Bounds        []Bounds
	Plan          string
	RatePerMinute int
	QuotaPerDay   int
	QuotaPerMonth int       // 0: none
	NotBefore     time.Time // UTC
	NotAfter      time.Time // UTC, exclusive
}

// Notice is what someone should be told about an agreement.
type Notice struct {
	Agreement Agreement
	What      string // what the last event is called (Event.What), or ending
	Text      string // what was said with it
	ToAgency  bool   // tell the deciding agency's stewards, else the application's owner
}

// Agreements asks for, decides and shows agreements.
type Agreements struct {
	DB  pg.DB
	Now func() time.Time

	// EscalateAfter is how many working days a request may be overdue before
	// the operators are told; 0 is 1.
	EscalateAfter int

	// May asks the policy; it returns a Forbidden or NotFound problem.
	May auth.MayFunc

	// Offer is what can be asked for of a version, or a NotFound problem.
	Offer func(ctx context.Context, version uuid.UUID) (Offer, error)

	// Applicant is an application and its owner, or a NotFound problem.
	Applicant func(ctx context.Context, application uuid.UUID) (Applicant, error)

	// OwnsApplication is nil when who owns the application, by themselves, in its
	// team or through their agency, WorksOn when they do or are a developer of the
	// team; else a problem.
	OwnsApplication func(ctx context.Context, who auth.Principal, application uuid.UUID) error
	WorksOn         func(ctx context.Context, who auth.Principal, application uuid.UUID) error

	// OwnApplications lists the applications that who works on.
	OwnApplications func(ctx context.Context, who auth.Principal) ([]uuid.UUID, error)

	// NameOf is the name of a person inside the transaction that keeps it; an
	// account that is being deleted has none any more, and one that is named
	// here is deleted after.
	NameOf func(ctx context.Context, tx pgx.Tx, person uuid.UUID) (string, error)

	// Holders are the persons who hold a role in an agency.
	Holders func(ctx context.Context, role string, agency uuid.UUID) ([]uuid.UUID, error)

	// Record writes the act to the ledger, Grant tells the gateway, Notify
	// tells people (nil: nobody is told). All run inside the deciding
	// transaction, so that all of it happens or none.
	Record auth.RecordFunc
	Grant  func(ctx context.Context, tx pgx.Tx, g Granted) error
	Notify func(ctx context.Context, tx pgx.Tx, n Notice) error

	// Remind has a letter written that an agreement ends, once tx commits, and
	// again until it is sent.
	Remind func(ctx context.Context, tx pgx.Tx, n Notice) error
}
