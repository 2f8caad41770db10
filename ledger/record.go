package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/telemetry"
)

// The kinds of entries.
const (
	kindExchange = "exchange"
	kindAct      = "act"
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
	return insert(ctx, tx, []entry{{payload, c}})
}

// Exchanges keeps exchanges, all or none. One whose id is there already stays
// as it was, so a delivery can be repeated.
func (l *Ledger) Exchanges(ctx context.Context, batch []Exchange) error {
	entries := make([]entry, len(batch))
	for i, e := range batch {
		e.At = e.At.UTC().Truncate(time.Microsecond) // as PostgreSQL keeps it
		payload, err := e.payload()
		if err != nil {
			return err
		}
		entries[i] = entry{payload, e.columns()}
	}
	return insert(ctx, l.DB, entries)
}

// entry is one to be inserted: its canonical payload, and what that says.
type entry struct {
	payload string
	columns columns
}

const insertEntriesSQL = `
insert into ledger.entry (id, kind, at, payload, nonce, leaf, agency_id, application_id, person_id,
  agreement_id, version_id, about, operation, status, trace_id)
select e.id, e.kind, e.at, e.payload, e.nonce, e.leaf,
  nullif(e.agency_id, '00000000-0000-0000-0000-000000000000'),
  nullif(e.application_id, '00000000-0000-0000-0000-000000000000'),
  nullif(e.person_id, '00000000-0000-0000-0000-000000000000'),
  nullif(e.agreement_id, '00000000-0000-0000-0000-000000000000'),
  nullif(e.version_id, '00000000-0000-0000-0000-000000000000'),
  nullif(e.about, '00000000-0000-0000-0000-000000000000'),
  e.operation, e.status, e.trace_id
  from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::bytea[], $6::bytea[], $7::uuid[], $8::uuid[],
    $9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[], $13::text[], $14::int[], $15::text[])
    as e (id, kind, at, payload, nonce, leaf, agency_id, application_id, person_id, agreement_id, version_id,
      about, operation, status, trace_id)
on conflict (id) do nothing`

func insert(ctx context.Context, db pg.DB, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	var rows struct {
		id, agency, application, person, agreement, version, about []uuid.UUID
		kind, payload, operation, trace                            []string
		at                                                         []time.Time
		nonce, leaf                                                [][]byte
		status                                                     []int32
	}
	for _, e := range entries {
		c := e.columns
		nonce := make([]byte, 32)
		rand.Read(nonce) // never fails (crypto/rand)
		rows.payload, rows.nonce, rows.leaf = append(rows.payload, e.payload), append(rows.nonce, nonce), append(rows.leaf, commitment(nonce, e.payload))
		rows.id, rows.kind, rows.at = append(rows.id, c.ID), append(rows.kind, c.Kind), append(rows.at, c.At)
		rows.agency, rows.application, rows.person = append(rows.agency, c.AgencyID), append(rows.application, c.ApplicationID), append(rows.person, c.PersonID)
		rows.agreement, rows.version, rows.about = append(rows.agreement, c.AgreementID), append(rows.version, c.VersionID), append(rows.about, c.About)
		rows.operation, rows.status, rows.trace = append(rows.operation, c.Operation), append(rows.status, c.Status), append(rows.trace, c.TraceID)
	}
	_, err := db.Exec(ctx, insertEntriesSQL, rows.id, rows.kind, rows.at, rows.payload, rows.nonce, rows.leaf, rows.agency,
		rows.application, rows.person, rows.agreement, rows.version, rows.about, rows.operation, rows.status, rows.trace)
	if err != nil {
		return fmt.Errorf("insert %d ledger entries: %w", len(entries), err)
	}
	return nil
}

// commitment is the data of an entry's leaf: SHA-256(nonce ‖ payload).
func commitment(nonce []byte, payload string) []byte {
	h := sha256.New()
	h.Write(nonce)
	h.Write([]byte(payload))
	return h.Sum(nil)
}
