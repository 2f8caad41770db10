package gateway

import (
	"time"

	"github.com/google/uuid"
)

// Exchange is one call through the gateway, as the ledger keeps it: who, under
// which agreement, what came of it. It holds no query, no body, no credential
// and no subject in clear: the subject and the caller's address are keyed hashes.
type Exchange struct {
	ID          uuid.UUID     `json:"id"` // version 7
	Trace       string        `json:"trace"`
	At          time.Time     `json:"at"`
	Agency      uuid.UUID     `json:"agency"`
	API         uuid.UUID     `json:"api"`
	Version     uuid.UUID     `json:"version"`
	Operation   string        `json:"operation"`   // Operation.ID; "" when none matched
	Access      string        `json:"access"`      // of the operation: open, restricted, personal
	Application uuid.UUID     `json:"application"` // uuid.Nil: not known
	Person      uuid.UUID     `json:"person"`      // whom the token is of; uuid.Nil: the application itself, or not known
	Credential  string        `json:"credential"`  // none, api_key, token; "" when the call was refused before it was read
	Agreement   uuid.UUID     `json:"agreement"`   // uuid.Nil: none
	Revision    int           `json:"revision"`
	Purpose     string        `json:"purpose"`
	Fields      []string      `json:"fields"`  // the agreed fields of the answer; [""]: all of it, [] or nil: none or no agreement
	Subject     string        `json:"subject"` // SubjectHash of the number, "" unless the operation is personal
	Address     string        `json:"address"` // keyed hash of the caller's address (IPv6: of its /64)
	Method      string        `json:"method"`
	Template    string        `json:"template"` // prefix and path template, never the path itself
	Status      int           `json:"status"`   // 499: the caller left; 0: Unknown
	Code        string        `json:"code"`     // of the problem, when the gateway answered with one
	BytesIn     int64         `json:"bytes_in"`
	BytesOut    int64         `json:"bytes_out"`
	Duration    time.Duration `json:"duration_ns"`
	RequestSum  string        `json:"request_sum"` // SHA-256, hex, of method, target and body as forwarded
	AnswerSum   string        `json:"answer_sum"`  // SHA-256, hex, of the body that left
	Complete    bool          `json:"complete"`    // the whole answer was handed to the connection
	Unknown     bool          `json:"unknown"`     // the node stopped between intent and outcome
}
