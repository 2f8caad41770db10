package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/telemetry"
)

// The kinds of entries.
const (
	kindExchange = "exchange"
	kindAct      = "act"
	kindSandbox  = "sandbox" // an exchange with a version's sandbox, which is counted nowhere
)

// actPayload is what the entry of an act commits to; that of an exchange is
// Exchange itself with its kind.
type actPayload struct {
	Kind          string         `json:"kind"`
	ID            uuid.UUID      `json:"id"`
	At            time.Time      `json:"at"`
	Verb          string         `json:"verb"`
	AgencyID      uuid.UUID      `json:"agency_id,omitzero"`
	About         uuid.UUID      `json:"about,omitzero"`
	PersonID      uuid.UUID      `json:"person_id,omitzero"`
	ApplicationID uuid.UUID      `json:"application_id,omitzero"`
	Name          string         `json:"name,omitempty"` // of an application, or of the platform's own hand
	TraceID       string         `json:"trace_id,omitempty"`
	Detail        map[string]any `json:"detail,omitempty"`
}

// Record writes an administrative act to the ledger inside tx, the
// transaction that does it, with the trace id of the request in ctx. A person
// is kept as an id alone, so that an account that is deleted leaves no name.
func (l *Ledger) Record(ctx context.Context, tx pgx.Tx, act auth.Act) error {
	p := actPayload{
		Kind: kindAct, ID: uuid.Must(uuid.NewV7()), At: l.Now().UTC().Truncate(time.Microsecond),
		Verb: act.Verb, AgencyID: act.Agency, About: act.About,
		PersonID: act.Who.Person, ApplicationID: act.Who.Application, Name: act.Who.Name,
		TraceID: telemetry.Trace(ctx), Detail: act.Detail,
	}
	if p.PersonID != uuid.Nil {
		p.Name = ""
	}
	payload, err := canonical(p)
	if err != nil {
		return err
	}
	c, err := columnsOf(payload)
	if err != nil {
		return err
	}
	return newEntry(payload, c).insert(ctx, tx)
}

// entry is the exchange as it is kept.
func (e Exchange) entry() (entry, error) {
	e.At = e.At.UTC().Truncate(time.Microsecond) // as PostgreSQL keeps it
	payload, err := e.payload()
	made := newEntry(payload, e.columns())
	made.micros, made.bytes, made.code = e.Micros, e.ResponseBytes, e.Code
	made.counts, made.failed, made.own = e.Measured()
	return made, err
}

// entry is one to be inserted: its canonical payload, what that says, and what
// the log commits to.
type entry struct {
	payload     string
	columns     columns
	nonce, leaf []byte

	micros, bytes int64  // of an exchange: how long it took, how large its answer was
	code          string // of its problem

	counts, failed, own bool // of an exchange, as Exchange.Measured says
}

func newEntry(payload string, c columns) entry {
	nonce := make([]byte, 32)
	rand.Read(nonce) // never fails (crypto/rand)
	return entry{payload: payload, columns: c, nonce: nonce, leaf: commitment(nonce, payload)}
}

const insertActSQL = `
insert into ledger.entry (id, kind, at, payload, nonce, leaf, agency_id, application_id, person_id, agreement_id, version_id, about, operation, status, trace_id, request_ref)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

// insert writes an act, to be numbered later.
func (e entry) insert(ctx context.Context, db pg.DB) error {
	if _, err := db.Exec(ctx, insertActSQL, e.row()...); err != nil {
		return fmt.Errorf("insert ledger entry %s: %w", e.columns.ID, err)
	}
	return nil
}

// entryColumns are those that row gives, in its order.
var entryColumns = []string{"id", "kind", "at", "payload", "nonce", "leaf", "agency_id", "application_id", "person_id", "agreement_id", "version_id", "about",
	"operation", "status", "trace_id", "request_ref"}

func (e entry) row() []any {
	c := e.columns
	return []any{stored(c.ID), c.Kind, c.At, e.payload, e.nonce, e.leaf, stored(c.AgencyID), stored(c.ApplicationID), stored(c.PersonID), stored(c.AgreementID),
		stored(c.VersionID), stored(c.About), c.Operation, c.Status, c.TraceID, c.RequestRef}
}

// stored is an id in the form that pgx encodes without detours; uuid.Nil is null.
func stored(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }

// commitment is the data of an entry's leaf: SHA-256(nonce ‖ payload).
func commitment(nonce []byte, payload string) []byte {
	sum := sha256.Sum256(append(append(make([]byte, 0, len(nonce)+len(payload)), nonce...), payload...))
	return sum[:]
}
