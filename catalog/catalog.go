// Package catalog answers what is on offer: the APIs of the agencies with
// their versions, documents, operations and plans, and the open datasets.
package catalog

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/internal/pg"
)

// The states of a version, in the order a version goes through them.
const (
	Draft      = "draft"
	Review     = "review"
	Sandbox    = "sandbox"
	Published  = "published"
	Deprecated = "deprecated"
	Retired    = "retired"
)

// The kinds of access to an operation.
const (
	Open       = "open"       // anyone, with no credential
	Restricted = "restricted" // under an agreement, with an API key or a token
	Personal   = "personal"   // personal data: under an agreement, with a token only
)

// Catalog reads and writes what is on offer.
type Catalog struct {
	DB  pg.DB
	Now func() time.Time // time.Now outside tests

	// May asks the policy; it returns a Forbidden or NotFound problem.
	May auth.MayFunc

	// Agencies gives the agencies with those ids; an unknown id is left out.
	// AgencyBySlug fails with NotFound.
	Agencies     func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Agency, error)
	AgencyBySlug func(ctx context.Context, slug string) (Agency, error)

	// Names gives what persons are called; who is unknown is left out.
	Names func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error)

	// Expose makes a version callable through the gateway as it now stands,
	// Withdraw ends that, and Record writes the act to the ledger. All run
	// inside the transaction that changes the version: all of it happens or none.
	Expose   func(ctx context.Context, tx pgx.Tx, e Exposure) error
	Withdraw func(ctx context.Context, tx pgx.Tx, e Ended) error
	Record   auth.RecordFunc

	// ExposeSandbox makes a version's sandbox callable as the version now stands,
	// and ConcealSandbox ends that, inside the same transaction; nil: there are none.
	ExposeSandbox  func(ctx context.Context, tx pgx.Tx, e Exposure) error
	ConcealSandbox func(ctx context.Context, tx pgx.Tx, version uuid.UUID) error

	// CallersOf gives the applications that called a version since then, or
	// hold agreements on it; nil: it is not known.
	CallersOf func(ctx context.Context, version uuid.UUID, since time.Time) ([]Caller, error)

	// CheckTraffic says, as Invalid, what the gateway could not do of a
	// version's traffic; it asks nobody. Document reads the version's OpenAPI
	// document as JSON. Unchecked, when set, finds what of a document the
	// gateway could not hold calls to.
	CheckTraffic func(traffic json.RawMessage, operations []Operation, document func() ([]byte, error)) error

	Unchecked func(document []byte, operations []Doc) []Finding

	// TrafficAddresses, when set, gives the addresses that a version's traffic,
	// once it was found well, sends calls to beside the version's own.
	TrafficAddresses func(traffic json.RawMessage) ([]TrafficAddress, error)

	// KeepClientKey keeps what the gateway shows the systems behind a version,
	// inside the same transaction, two empty texts: nothing, and gives the
	// certificate's fingerprint; Invalid for what it cannot show.
	KeepClientKey func(ctx context.Context, tx pgx.Tx, version uuid.UUID, certificate, key string) (string, error)

	// Fetch reads documents from public addresses, and looks whether links work;
	// it refuses all others.
	Fetch *http.Client

	// TellOfLinks has an agency told of links that do not work, once tx commits.
	TellOfLinks func(ctx context.Context, tx pgx.Tx, n LinkNotice) error

	// Loopback are the only host:port of this machine that may be approved as
	// upstreams: the demo's simulators. Empty elsewhere.
	Loopback []string

	// AskIntake has WorkIntake called for an intake once tx commits, and WhoLater
	// gives who asked for that, with the roles they have by then.
	AskIntake func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	WhoLater  func(ctx context.Context, person uuid.UUID, level string) (auth.Principal, error)

	// Beside is the search engine that is asked first; nil: PostgreSQL alone.
	Beside *Beside

	// RequestDue is how long a request for data may wait until it is decided.
	RequestDue time.Duration
	// Terms are how long a review may take, and how old a public dataset may
	// become.
	Terms Terms

	// Places is the slug of the public dataset that lists where communes are; "":
	// none. See PlaceList.
	Places string

	// Files is where uploaded files lie.
	Files FileStore

	// Turn does what holds a connection while it asks for others, for as many at
	// once as leave enough of them; nil: at once.
	Turn func(ctx context.Context, do func() error) error

	asIf     bool    // everything is undone, see Foresee
	prepares bool    // what is changed is prepared, see Prepare
	written  indexed // only in the copy that Reindex works with
	places   placeBook
	grouped  grouped
	claimed  sync.Map // ids of uploads that are being written or read
	uses     uses     // counted, and not written down yet
}

// Agency is the owner of what is on offer, as readers see it.
type Agency struct {
	ID      uuid.UUID `json:"id"`
	Slug    string    `json:"slug"`
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
	Contact Contact   `json:"-"`
}

// Contact is who answers for an agency's data; any part may be "".
type Contact struct{ Name, Email, Phone string }

// API is a data service of an agency (dcat:DataService, DCAT 3 §6.7). Its
// address is /{agency slug}/{slug}.
type API struct {
	ID            uuid.UUID `json:"id"`
	AgencyID      uuid.UUID `json:"agency_id"`
	Agency        Agency    `json:"agency" db:"-"`
	Slug          string    `json:"slug"`
	TitleVI       string    `json:"title_vi"`
	TitleEN       string    `json:"title_en"`
	DescriptionVI string    `json:"description_vi"`
	DescriptionEN string    `json:"description_en"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
	Versions      []Version `json:"versions" db:"-"` // newest first; only those the reader may see
}

// Version is one version of an API. Its address at the gateway is
// /{agency slug}/{API slug}/{number}, see Prefix.
type Version struct {
	ID          uuid.UUID `json:"id"`
	APIID       uuid.UUID `json:"api_id"`
	APISlug     string    `json:"api_slug"`
	AgencyID    uuid.UUID `json:"agency_id"`
	Agency      Agency    `json:"agency" db:"-"`
	Number      string    `json:"number"` // v1, v2 …
	State       string    `json:"state"`
	TitleVI     string    `json:"title_vi"` // of the API
	TitleEN     string    `json:"title_en"`
	UpstreamURL string    `json:"upstream_url"` // "" until chosen; shown to the agency's own people only
	// Upstreams are all addresses that calls are shared out to; UpstreamURL is the first.
	Upstreams   []UpstreamShare `json:"upstreams"`
	Traffic     json.RawMessage `json:"-"`        // as SetTraffic took it, an object; for the agency's own people only
	PlanSlug    string          `json:"plan"`     // "" until chosen
	Findings    []Finding       `json:"findings"` // what is wrong with the document, worst first
	CreatedAt   time.Time       `json:"created_at"`
	UpdatedAt   time.Time       `json:"updated_at"`
	PublishedAt *time.Time      `json:"published_at"` // set exactly while State is published or later
	Sunset      *time.Time      `json:"sunset"`       // when a deprecated version ends, or a retired one did (RFC 8594)

	DeprecatedAt *time.Time `json:"deprecated_at"`    // since when its end is announced (RFC 9745)
	SuccessorID  *uuid.UUID `json:"successor_id"`     // the version to move to
	Successor    string     `json:"successor" db:"-"` // its Prefix, or ""
	DocsURL      string     `json:"docs_url"`         // where the agency writes about the end, or ""
	Sandbox      bool       `json:"sandbox"`          // it can be tried with synthetic data; see HasSandbox
	Promise      Promise    `json:"promise"`          // of how it answers
}

// Prefix is the version's address at the gateway, under the gateway's origin.
func (v Version) Prefix() string { return "/" + v.Agency.Slug + "/" + v.APISlug + "/" + v.Number }

// Operation is one method and path template of a version: what its document
// says of it, and how its agency marked it.
type Operation struct {
	ID        uuid.UUID `json:"id"`
	VersionID uuid.UUID `json:"version_id"`
	Slug      string    `json:"slug"`   // in the URL of its page; unique in the version
	Method    string    `json:"method"` // upper case
	Path      string    `json:"path"`   // template, as in the document: /thu-tuc/{maTTHC}
	Mark
	Doc Doc `json:"doc"` // parameters, bodies, answers and their fields
}

// Mark is how the agency marked an operation. Access is "" until it did.
type Mark struct {
	Access         string `json:"access"`         // open, restricted, personal
	Classification string `json:"classification"` // public, internal, confidential
	SubjectIn      string `json:"subject_in"`     // personal only: path, query, header, body
	SubjectName    string `json:"subject_name"`   // the parameter's name, or a JSON pointer into the body
}

// Doc is what an operation's document says; Parameter is one input of it beside
// the body; Field is one field of an answer; Finding is one thing found in a
// document.
type (
	Doc       = spec.Operation
	Parameter = spec.Parameter
	Body      = spec.Body
	Field     = spec.Field
	Finding   = spec.Finding
)

// Plan is a rate, a quota and how access is decided.
type Plan struct {
	Slug          string `json:"slug"`
	TitleVI       string `json:"title_vi"`
	TitleEN       string `json:"title_en"`
	RatePerMinute int    `json:"rate_per_minute"` // calls
	QuotaPerDay   int    `json:"quota_per_day"`   // calls
	QuotaPerMonth int    `json:"quota_per_month"` // calls; 0: none
	Decision      string `json:"decision"`        // open, automatic, approval
}

// Exposure is everything the gateway must know of one version.
type Exposure struct {
	VersionID  uuid.UUID
	AgencyID   uuid.UUID
	AgencySlug string
	APIID      uuid.UUID
	APISlug    string
	Number     string
	State      string
	Upstreams  []UpstreamShare // at least one, but of a sandbox
	Plan       Plan
	Traffic    json.RawMessage // an object
	Operations []Operation
	Document   func() ([]byte, error) // OpenAPI as JSON; asked for within the transaction only
	Deprecated *time.Time             // since when its end is announced
	Sunset     *time.Time
	Successor  string // Prefix of the version to move to, or ""
	Docs       string // where the agency writes about the end, or ""
}

// Ended is what the gateway must know of a version whose calls end.
type Ended struct {
	VersionID uuid.UUID
	At        time.Time
	Successor string // as in Exposure
	Docs      string
}
