package gateway

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/gateway/check"
	"lgsp/internal/pg"
)

// The directions of what is not as described.
const (
	inRequest = "request"
	inAnswer  = "answer"
)

// The bounds of what is counted and kept.
const (
	maxDriftRows  = 200    // of a version
	maxDriftKnown = 10_000 // of all, in a node until they are saved
	driftLasts    = 90 * 24 * time.Hour
)

// Drift is a place where the calls of a version are not as its document
// describes them. It holds nothing of a call but the last one's trace.
type Drift struct {
	Operation string    `json:"operation"` // its slug
	Direction string    `json:"direction"` // request, answer
	Place     string    `json:"place"`     // in the document: query/ma, body/items/*/ma, status
	Code      string    `json:"code"`      // required, type, not-named …
	FirstAt   time.Time `json:"first_at"`
	LastAt    time.Time `json:"last_at"`
	Count     int64     `json:"count"` // of answers, those that were looked at
	TraceID   string    `json:"trace_id"`
}

// drift counts what is not as described, until it is saved.
type drift struct {
	mu      sync.Mutex
	known   map[driftKey]*driftCount
	version map[uuid.UUID]int // rows of each
}

type driftKey struct {
	version                           uuid.UUID
	operation, direction, place, code string
}

type driftCount struct {
	first, last time.Time
	count       int64
	trace       string
}

// counted is what findings of a call are counted under.
type counted struct {
	version              uuid.UUID
	operation, direction string
	trace                string
	at                   time.Time
}

func (c *call) counted(direction string) counted {
	return counted{c.version.Version, c.operation.ID, direction, c.exchange.Trace, c.now.UTC()}
}

// tellOwner counts what of a call is not as described, for its version's owner.
func (n *Node) tellOwner(of counted, findings []check.Finding) {
	result := "as-described"
	if len(findings) > 0 {
		result = "not-as-described"
		n.drift.add(of, findings)
	}
	n.Metrics.checked.WithLabelValues(of.direction, result).Inc()
}

func (d *drift) add(of counted, findings []check.Finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range findings {
		d.put(driftKey{of.version, of.operation, of.direction, f.Place, f.Code}, driftCount{of.at, of.at, 1, of.trace})
	}
}

// put adds to a row, or makes one while there is room.
func (d *drift) put(key driftKey, more driftCount) {
	row := d.known[key]
	if row == nil {
		if d.known == nil {
			d.known, d.version = map[driftKey]*driftCount{}, map[uuid.UUID]int{}
		}
		if len(d.known) < maxDriftKnown && d.version[key.version] < maxDriftRows {
			d.known[key] = &more
			d.version[key.version]++
		}
		return
	}
	row.count += more.count
	if more.first.Before(row.first) {
		row.first = more.first
	}
	if more.last.After(row.last) {
		row.last, row.trace = more.last, more.trace
	}
}

const saveDriftSQL = `
insert into gateway.drift as d (version_id, operation, direction, place, code, first_at, last_at, count, trace_id)
select u.version, u.operation, u.direction, u.place, u.code, u.first, u.last, u.count, u.trace
  from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::text[])
       as u (version, operation, direction, place, code, first, last, count, trace)
  join gateway.route r on r.version_id = u.version and (r.drift_cleared_at is null or r.drift_cleared_at < u.first)
 order by u.version, u.operation, u.direction, u.place, u.code
    on conflict (version_id, operation, direction, place, code) do update
   set count = d.count + excluded.count, first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at),
       trace_id = case when excluded.last_at > d.last_at then excluded.trace_id else d.trace_id end`

// boundDriftSQL keeps, of versions with too many rows, those seen most often.
const boundDriftSQL = `
delete from gateway.drift d
 using (select version_id, operation, direction, place, code,
               row_number() over (partition by version_id order by count desc, last_at desc, operation, direction, place, code) as place_in_list
          from gateway.drift where version_id = any($1)) as o
 where o.place_in_list > $2 and d.version_id = o.version_id and d.operation = o.operation and d.direction = o.direction
   and d.place = o.place and d.code = o.code`

// saveDrift adds what this node counted to what all nodes did.
func (n *Node) saveDrift(ctx context.Context) error {
	n.drift.mu.Lock()
	rows := n.drift.known
	n.drift.known, n.drift.version = nil, nil
	n.drift.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	err := saveDrift(ctx, n.DB, rows)
	if err != nil {
		n.drift.mu.Lock()
		defer n.drift.mu.Unlock()
		for key, row := range rows {
			n.drift.put(key, *row)
		}
	}
	return err
}

func saveDrift(ctx context.Context, db pg.DB, rows map[driftKey]*driftCount) error {
	var versions []uuid.UUID
	var texts [5][]string // operation, direction, place, code, trace
	var first, last []time.Time
	var counts []int64
	for key, row := range rows {
		versions = append(versions, key.version)
		for i, text := range []string{key.operation, key.direction, key.place, key.code, row.trace} {
			texts[i] = append(texts[i], text)
		}
		first, last, counts = append(first, row.first), append(last, row.last), append(counts, row.count)
	}
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, saveDriftSQL, versions, texts[0], texts[1], texts[2], texts[3], first, last, counts, texts[4]); err != nil {
			return fmt.Errorf("save drift: %w", err)
		}
		if _, err := tx.Exec(ctx, boundDriftSQL, versions, maxDriftRows); err != nil {
			return fmt.Errorf("bound drift: %w", err)
		}
		return nil
	})
}

// Drifts reads and clears what of a version's calls is not as its document
// describes it.
type Drifts struct {
	DB  pg.DB
	Now func() time.Time // time.Now outside tests

	// Agency gives whose version it is; NotFound to those who may not know of it.
	Agency func(ctx context.Context, who auth.Principal, version uuid.UUID) (uuid.UUID, error)
	May    auth.MayFunc
	Record auth.RecordFunc
}

const driftsSQL = `
select operation, direction, place, code, first_at, last_at, count, trace_id
  from gateway.drift
 where version_id = $1
 order by count desc, last_at desc, operation, direction, place, code`

// List gives where the calls of a version are not as described, the most often
// seen first. It fails with NotFound, and with what May says of api.edit.
func (d *Drifts) List(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Drift, error) {
	if _, err := d.owner(ctx, who, version); err != nil {
		return nil, err
	}
	list, err := pg.All[Drift](ctx, d.DB, driftsSQL, version)
	if err != nil {
		return nil, fmt.Errorf("list drift of %s: %w", version, err)
	}
	for i := range list {
		list[i].FirstAt, list[i].LastAt = list[i].FirstAt.UTC(), list[i].LastAt.UTC()
	}
	return list, nil
}

const (
	forgetDriftSQL = `delete from gateway.drift where version_id = $1`
	clearedSQL     = `update gateway.route set drift_cleared_at = $2 where version_id = $1`
)

// Clear forgets what was found so far, also what nodes have not saved yet. It
// fails as List does.
func (d *Drifts) Clear(ctx context.Context, who auth.Principal, version uuid.UUID) error {
	agency, err := d.owner(ctx, who, version)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, d.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, clearedSQL, version, d.Now().UTC()); err != nil {
			return fmt.Errorf("note that drift of %s is cleared: %w", version, err)
		}
		if _, err := tx.Exec(ctx, forgetDriftSQL, version); err != nil {
			return fmt.Errorf("forget drift of %s: %w", version, err)
		}
		return d.Record(ctx, tx, auth.Act{Who: who, Verb: "version.drift-clear", Agency: agency, About: version})
	})
}

func (d *Drifts) owner(ctx context.Context, who auth.Principal, version uuid.UUID) (uuid.UUID, error) {
	agency, err := d.Agency(ctx, who, version)
	if err != nil {
		return uuid.Nil, err
	}
	return agency, d.May(ctx, who, "api.edit", agency)
}

const sweepDriftSQL = `
delete from gateway.drift d
 where d.last_at < $1 or not exists (select from gateway.route r where r.version_id = d.version_id)`
