package ledger

import (
	"time"

	"github.com/google/uuid"
)

// Exchange is one call through the gateway, as the ledger keeps it. Its JSON
// is the payload of its entry, so a field may be added but never renamed.
type Exchange struct {
	ID       uuid.UUID `json:"id"` // UUIDv7, made by the gateway; a second delivery changes nothing
	At       time.Time `json:"at"` // UTC, when the call arrived
	TraceID  string    `json:"trace_id,omitempty"`
	Node     string    `json:"node,omitempty"`     // the gateway node that served it
	AgencyID uuid.UUID `json:"agency_id,omitzero"` // whose service was called
	APIID    uuid.UUID `json:"api_id,omitzero"`
	// VersionID is uuid.Nil when no route matched.
	VersionID     uuid.UUID `json:"version_id,omitzero"`
	ApplicationID uuid.UUID `json:"application_id,omitzero"` // uuid.Nil: nobody was recognised
	PersonID      uuid.UUID `json:"person_id,omitzero"`      // who was signed in at the application, else uuid.Nil
	AgreementID   uuid.UUID `json:"agreement_id,omitzero"`   // uuid.Nil: open, or refused before one was found
	Revision      int       `json:"revision,omitempty"`      // of the agreement
	Purpose       string    `json:"purpose,omitempty"`
	Operation     string    `json:"operation,omitempty"` // the operation's id, never the path called: it may name a person
	Template      string    `json:"template,omitempty"`  // prefix and path template, with the names of parameters, not their values
	Access        string    `json:"access,omitempty"`    // open, restricted, personal
	Method        string    `json:"method,omitempty"`
	Credential    string    `json:"credential,omitempty"` // key, token, or "" for none
	Status        int       `json:"status"`               // as answered; 0 when the answer never began
	Code          string    `json:"code,omitempty"`       // of the problem, when the gateway refused
	Outcome       string    `json:"outcome"`              // complete, refused, broken, unknown (the node stopped in between)
	Micros        int64     `json:"micros"`               // how long it took, in microseconds
	RequestBytes  int64     `json:"request_bytes"`
	ResponseBytes int64     `json:"response_bytes"`
	RequestHash   string    `json:"request_hash,omitempty"`  // SHA-256 of the body, hex
	ResponseHash  string    `json:"response_hash,omitempty"` // SHA-256 of the body as answered, hex
	Subject       string    `json:"subject,omitempty"`       // keyed hash of the person asked about, hex
	Address       string    `json:"address,omitempty"`       // keyed hash of the caller's address
	Fields        []string  `json:"fields,omitempty"`        // the agreed fields that the answer was cut to
	Masks         []string  `json:"masks,omitempty"`         // of what those cover, what left masked: "/path mask"
	Canary        bool      `json:"canary,omitempty"`        // it went to the version's canary
}
