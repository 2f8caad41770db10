package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// columns are the parts of a payload that entries are looked up by. The
// operation of an act is its verb.
type columns struct {
	ID            uuid.UUID
	Kind          string
	At            time.Time
	AgencyID      uuid.UUID
	ApplicationID uuid.UUID
	PersonID      uuid.UUID
	AgreementID   uuid.UUID
	VersionID     uuid.UUID
	About         uuid.UUID
	Operation     string
	Status        int32
	TraceID       string
	RequestRef    string
}

// columnsOf takes the look-up columns out of a payload.
func columnsOf(payload string) (columns, error) {
	var p struct {
		ID            uuid.UUID `json:"id"`
		Kind          string    `json:"kind"`
		At            time.Time `json:"at"`
		AgencyID      uuid.UUID `json:"agency_id"`
		ApplicationID uuid.UUID `json:"application_id"`
		PersonID      uuid.UUID `json:"person_id"`
		AgreementID   uuid.UUID `json:"agreement_id"`
		VersionID     uuid.UUID `json:"version_id"`
		About         uuid.UUID `json:"about"`
		Operation     string    `json:"operation"`
		Verb          string    `json:"verb"`
		Status        int32     `json:"status"`
		TraceID       string    `json:"trace_id"`
		RequestRef    string    `json:"request_ref"`
	}
	if err := json.Unmarshal([]byte(payload), &p); err != nil {
		return columns{}, fmt.Errorf("read payload: %w", err)
	}
	operation := p.Operation
	if p.Kind == kindAct {
		operation = p.Verb
	}
	return columns{ID: p.ID, Kind: p.Kind, At: p.At, AgencyID: p.AgencyID, ApplicationID: p.ApplicationID,
		PersonID: p.PersonID, AgreementID: p.AgreementID, VersionID: p.VersionID, About: p.About,
		Operation: operation, Status: p.Status, TraceID: p.TraceID, RequestRef: p.RequestRef}, nil
}

// differing names the first column in which stored differs from what the
// payload says, or "".
func (c columns) differing(stored columns) string {
	for _, column := range []struct {
		name string
		same bool
	}{
		{"id", c.ID == stored.ID},
		{"kind", c.Kind == stored.Kind},
		{"at", c.At.Equal(stored.At)},
		{"agency_id", c.AgencyID == stored.AgencyID},
		{"application_id", c.ApplicationID == stored.ApplicationID},
		{"person_id", c.PersonID == stored.PersonID},
		{"agreement_id", c.AgreementID == stored.AgreementID},
		{"version_id", c.VersionID == stored.VersionID},
		{"about", c.About == stored.About},
		{"operation", c.Operation == stored.Operation},
		{"status", c.Status == stored.Status},
		{"trace_id", c.TraceID == stored.TraceID},
		{"request_ref", c.RequestRef == stored.RequestRef},
	} {
		if !column.same {
			return column.name
		}
	}
	return ""
}
