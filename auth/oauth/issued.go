package oauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/ory/fosite"
)

// issued is the record of an access token. No token leaves before its record
// is committed.
type issued struct {
	id, client    uuid.UUID
	person, grant uuid.UUID // uuid.Nil: an application for itself
	at            time.Time
	audience      string
	scopes        string // separated by spaces
}

// register commits records, all that come together in one transaction: a
// commit is a disk's turn, and a transaction each would leave no time for
// anything else. While one batch is committed the next gathers.
type register struct {
	server *Server

	mu      sync.Mutex
	writing bool
	next    *batch
}

type batch struct {
	records []issued
	done    chan struct{}
	err     error // read it once done is closed
}

const (
	batchMost     = 1000            // records of one statement
	writePatience = 5 * time.Second // for the database
)

// keep returns once the record is committed.
func (g *register) keep(ctx context.Context, record issued) error {
	g.mu.Lock()
	if g.next == nil || len(g.next.records) == batchMost {
		if g.next != nil { // so many wait already that the database must be away
			g.mu.Unlock()
			return fosite.ErrTemporarilyUnavailable.WithHint("Too many tokens are being issued at once; try again in a moment.")
		}
		g.next = &batch{done: make(chan struct{})}
	}
	mine := g.next
	mine.records = append(mine.records, record)
	if !g.writing {
		g.writing = true
		go g.write()
	}
	g.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write commits batches until none waits.
func (g *register) write() {
	for {
		g.mu.Lock()
		b := g.next
		g.next = nil
		if b == nil {
			g.writing = false
			g.mu.Unlock()
			return
		}
		g.mu.Unlock()
		b.err = g.insert(b.records)
		close(b.done)
	}
}

const keepIssuedSQL = `
insert into auth.issued_token (jti, issued_at, client_id, person_id, grant_id, audience, scopes)
select jti, issued_at, client_id, person_id, grant_id, audience, string_to_array(scopes, ' ')
  from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[])
    as r (jti, issued_at, client_id, person_id, grant_id, audience, scopes)`

func (g *register) insert(records []issued) error {
	ctx, cancel := context.WithTimeout(context.Background(), writePatience) // of nobody's request alone
	defer cancel()
	return insertIssued(ctx, g.server.store, records)
}

// insertIssued adds records in the transaction of ctx, or in one of its own.
func insertIssued(ctx context.Context, s *store, records []issued) error {
	n := len(records)
	ids, clients, persons, grants := make([]pgtype.UUID, n), make([]pgtype.UUID, n), make([]pgtype.UUID, n), make([]pgtype.UUID, n)
	times, audiences, scopes := make([]time.Time, n), make([]string, n), make([]string, n)
	for i, r := range records {
		ids[i], clients[i], persons[i], grants[i] = asUUID(r.id), asUUID(r.client), asUUID(r.person), asUUID(r.grant)
		times[i], audiences[i], scopes[i] = r.at, r.audience, r.scopes
	}
	if _, err := s.db(ctx).Exec(ctx, keepIssuedSQL, ids, times, clients, persons, grants, audiences, scopes); err != nil {
		return fmt.Errorf("record %d tokens: %w", n, err)
	}
	return nil
}

// asUUID spares pgx the way through text; uuid.Nil is null.
func asUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: id != uuid.Nil} }
