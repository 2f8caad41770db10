package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// Exchange is one call through the gateway, as the ledger keeps it: who, under
// which agreement, what came of it. It holds no query, no body, no credential
// and no subject in clear: the subject and the caller's address are keyed hashes.
type Exchange struct {
	ID          uuid.UUID        `json:"id"` // version 7
	Trace       string           `json:"trace"`
	At          time.Time        `json:"at"`
	Agency      uuid.UUID        `json:"agency"`
	API         uuid.UUID        `json:"api"`
	Version     uuid.UUID        `json:"version"`
	Operation   string           `json:"operation"`   // Operation.ID; "" when none matched
	Access      string           `json:"access"`      // of the operation: open, restricted, personal
	Application uuid.UUID        `json:"application"` // uuid.Nil: not known
	Person      uuid.UUID        `json:"person"`      // whom the token is of; uuid.Nil: the application itself, or not known
	Credential  string           `json:"credential"`  // none, api_key, token, foreign_token, signature; "" when the call was refused before it was read
	Agreement   uuid.UUID        `json:"agreement"`   // uuid.Nil: none
	Revision    int              `json:"revision"`
	Purpose     string           `json:"purpose"`
	Fields      []string         `json:"fields"`          // the agreed fields of the answer; [""]: all of it, [] or nil: none or no agreement
	Masks       []project.Masked `json:"masks,omitempty"` // of what those cover, what left masked
	Subject     string           `json:"subject"`         // SubjectHash of the number, "" unless the operation is personal
	Address     string           `json:"address"`         // keyed hash of the caller's address (IPv6: of its /64)
	Method      string           `json:"method"`
	Template    string           `json:"template"` // prefix and path template, never the path itself
	Status      int              `json:"status"`   // 499: the caller left; 0: Unknown; of a SOAP fault, the problem's
	Code        string           `json:"code"`     // of the problem, when the gateway answered with one
	BytesIn     int64            `json:"bytes_in"`
	BytesOut    int64            `json:"bytes_out"`
	Duration    time.Duration    `json:"duration_ns"`
	RequestSum  Sum              `json:"request_sum"` // of method, target and body as forwarded
	AnswerSum   Sum              `json:"answer_sum"`  // of the body that left; none of an open operation's, which is the same for everybody
	Complete    bool             `json:"complete"`    // the whole answer was handed to the connection
	Unknown     bool             `json:"unknown"`     // the node stopped between intent and outcome

	Canary bool `json:"canary,omitempty"` // a canary's address answered it, or was the last that was asked; not said of stored answers
}

// Sum is a SHA-256; the zero Sum is none. As text it is hex, "" for none.
type Sum [sha256.Size]byte

// String is the sum as text.
func (s Sum) String() string {
	if s == (Sum{}) {
		return ""
	}
	return hex.EncodeToString(s[:])
}

// MarshalText is of encoding.TextMarshaler.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is of encoding.TextUnmarshaler.
func (s *Sum) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Sum{}
		return nil
	}
	if n, err := hex.Decode(s[:], text[:min(len(text), 2*len(s))]); err != nil || n != len(s) || len(text) != 2*len(s) {
		return errors.New("this is no SHA-256 in hex")
	}
	return nil
}
