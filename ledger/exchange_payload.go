package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// payload is what canonical makes of the exchange's entry, written at once: a
// gateway delivers thousands of exchanges a second, and each would otherwise be
// encoded, read again, sorted and written a second time. Members stand in the
// order of their names.
func (e Exchange) payload() (string, error) {
	w := memberWriter{}
	w.out.Grow(1024)
	w.text("access", e.Access)
	w.text("address", e.Address)
	w.id("agency_id", e.AgencyID)
	w.id("agreement_id", e.AgreementID)
	w.id("api_id", e.APIID)
	w.id("application_id", e.ApplicationID)
	w.always("at", e.At.Format(time.RFC3339Nano))
	if e.Canary {
		w.name("canary")
		w.out.WriteString("true")
	}
	w.text("code", e.Code)
	w.text("credential", e.Credential)
	w.texts("fields", e.Fields)
	w.always("id", e.ID.String())
	w.always("kind", kindExchange)
	w.texts("masks", e.Masks)
	w.text("method", e.Method)
	w.number("micros", e.Micros)
	w.text("node", e.Node)
	w.text("operation", e.Operation)
	w.always("outcome", e.Outcome)
	w.id("person_id", e.PersonID)
	w.text("purpose", e.Purpose)
	w.number("request_bytes", e.RequestBytes)
	w.text("request_hash", e.RequestHash)
	w.number("response_bytes", e.ResponseBytes)
	w.text("response_hash", e.ResponseHash)
	if e.Revision != 0 {
		w.number("revision", int64(e.Revision))
	}
	w.number("status", int64(e.Status))
	w.text("subject", e.Subject)
	w.text("template", e.Template)
	w.text("trace_id", e.TraceID)
	w.id("version_id", e.VersionID)
	w.out.WriteByte('}')
	if w.wrong == nil && w.out.Len() > maxPayload {
		w.wrong = fmt.Errorf("payload of %d bytes is larger than %d", w.out.Len(), maxPayload)
	}
	return w.out.String(), w.wrong
}

// columns are those that columnsOf reads in the payload.
func (e Exchange) columns() columns {
	return columns{ID: e.ID, Kind: kindExchange, At: e.At, AgencyID: e.AgencyID, ApplicationID: e.ApplicationID,
		PersonID: e.PersonID, AgreementID: e.AgreementID, VersionID: e.VersionID,
		Operation: e.Operation, Status: int32(e.Status), TraceID: e.TraceID}
}

// memberWriter writes the members of one object, in the order it is given them.
type memberWriter struct {
	out   strings.Builder
	wrong error
}

func (w *memberWriter) name(name string) {
	if w.out.Len() == 0 {
		w.out.WriteString(`{"`)
	} else {
		w.out.WriteString(`,"`)
	}
	w.out.WriteString(name)
	w.out.WriteString(`":`)
}

// text and id leave out what is empty, as the tags of Exchange do; always does not.
func (w *memberWriter) text(name, value string) {
	if value != "" {
		w.always(name, value)
	}
}

func (w *memberWriter) id(name string, value uuid.UUID) {
	if value != uuid.Nil {
		w.always(name, value.String())
	}
}

func (w *memberWriter) always(name, value string) {
	w.name(name)
	writeString(&w.out, value)
}

func (w *memberWriter) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.name(name)
	for i, value := range values {
		if i == 0 {
			w.out.WriteByte('[')
		} else {
			w.out.WriteByte(',')
		}
		writeString(&w.out, value)
	}
	w.out.WriteByte(']')
}

// number refuses what a double may not hold exactly, as canonical does.
func (w *memberWriter) number(name string, value int64) {
	if value >= 1<<53 || value <= -1<<53 {
		w.wrong = fmt.Errorf("whole number %d is beyond 2^53", value)
	}
	w.name(name)
	var digits [20]byte
	w.out.Write(strconv.AppendInt(digits[:0], value, 10))
}
