package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
)

// How often it is looked whether upstreams are down; after which time without a
// word of it an outage is no longer known to go on; after which time of it the
// agency is told; and when a node that is silent is forgotten.
const (
	watchEvery  = 10 * time.Second
	outageKnown = 2 * time.Minute
	outageTold  = 5 * time.Minute
	nodeForgot  = 7 * 24 * time.Hour
)

// Outage is a time in which the system behind a version gave no answer: every
// node that knew anything of it found none of its addresses fit for calls.
type Outage struct {
	VersionID uuid.UUID
	Began     time.Time
	Seen      time.Time  // when it was known to be down last
	Ended     *time.Time // nil: it is down, or nobody has called since
	ToldAt    *time.Time // when its agency was told; nil: it was not
}

// IsDown reports whether it goes on at that time, as far as is known.
func (o Outage) IsDown(now time.Time) bool { return o.Ended == nil && now.Sub(o.Seen) < outageKnown }

// Until is to when it is known to have lasted.
func (o Outage) Until() time.Time {
	if o.Ended != nil {
		return *o.Ended
	}
	return o.Seen
}

// Nodes is what is known of all nodes together.
type Nodes struct {
	DB  pg.DB
	Now func() time.Time // time.Now outside tests
	May auth.MayFunc

	// Tell has the version's agency told, once tx commits, of an outage that has
	// lasted for five minutes, and again when it has ended.
	Tell func(ctx context.Context, tx pgx.Tx, o Outage) error
}

const nodesSQL = `select state from gateway.node order by node`

// List is how all nodes stand, by name, for the operator and the auditor; silent
// ones among them, until they have been for a week. It fails with what May returned.
func (n *Nodes) List(ctx context.Context, who auth.Principal) ([]NodeState, error) {
	if err := n.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return nil, err
	}
	return readNodes(ctx, n.DB, nodesSQL)
}

func readNodes(ctx context.Context, db pg.DB, sql string, args ...any) ([]NodeState, error) {
	rows, err := pg.All[struct{ State []byte }](ctx, db, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read how nodes stand: %w", err)
	}
	list := make([]NodeState, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal(row.State, &list[i]); err != nil {
			return nil, fmt.Errorf("read how a node stands: %w", err)
		}
	}
	return list, nil
}

const outagesSQL = `
select version_id, began, seen, ended, told_at
  from gateway.outage
 where version_id = any($1) and coalesce(ended, seen) >= $2
 order by version_id, began`

// Outages are those of versions that reach into the time since then, by version,
// the oldest first. Whoever asks has seen that the reader may look the versions up.
func (n *Nodes) Outages(ctx context.Context, versions []uuid.UUID, since time.Time) ([]Outage, error) {
	list, err := pg.All[Outage](ctx, n.DB, outagesSQL, versions, since)
	if err != nil {
		return nil, fmt.Errorf("read outages of %d versions: %w", len(versions), err)
	}
	return list, nil
}

// Watch writes down when upstreams go down and come back, until ctx ends. Any
// number of processes may run it; they take turns.
func (n *Nodes) Watch(ctx context.Context) error {
	for {
		if err := n.look(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "outages of upstreams are not written down", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

const (
	lockWatchSQL   = `select pg_try_advisory_xact_lock(hashtext('gateway outages'))`
	heardNodesSQL  = `select state from gateway.node where at > $1 order by node`
	forgetNodesSQL = `delete from gateway.node where at < $1`
	openOutagesSQL = `select version_id, began, seen, ended, told_at from gateway.outage where ended is null order by version_id`
	beginOutageSQL = `insert into gateway.outage (version_id, began, seen, told_at) values ($1, $2, $2, $3)`
	seeOutageSQL   = `update gateway.outage set seen = $3, told_at = $4 where version_id = $1 and began = $2`
	endOutageSQL   = `update gateway.outage set ended = $3 where version_id = $1 and began = $2`
)

// look compares what the nodes found with what is written down.
func (n *Nodes) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchEvery)
	defer cancel()
	return pgx.BeginFunc(ctx, n.DB, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, lockWatchSQL).Scan(&mine); err != nil || !mine {
			return err
		}
		now := n.Now().UTC().Truncate(time.Microsecond) // as PostgreSQL keeps it
		if _, err := tx.Exec(ctx, forgetNodesSQL, now.Add(-nodeForgot)); err != nil {
			return fmt.Errorf("forget silent nodes: %w", err)
		}
		nodes, err := readNodes(ctx, tx, heardNodesSQL, now.Add(-SilentAfter))
		if err != nil {
			return err
		}
		open, err := pg.All[Outage](ctx, tx, openOutagesSQL)
		if err != nil {
			return fmt.Errorf("read open outages: %w", err)
		}
		found := findings(nodes)
		for _, o := range open {
			if err := n.goOn(ctx, tx, o, now, found[o.VersionID]); err != nil {
				return err
			}
			delete(found, o.VersionID)
		}
		for version, what := range found {
			if what == foundDown {
				if _, err := tx.Exec(ctx, beginOutageSQL, version, now, nil); err != nil {
					return fmt.Errorf("begin outage of version %s: %w", version, err)
				}
			}
		}
		return nil
	})
}

// What the nodes together found of a version.
type finding int

const (
	foundNothing finding = iota // no node asked it anything
	foundDown                   // some node knows it to be down, and no other speaks against
	foundUp                     // some node had an answer
)

// findings are those of the versions that some node found something of.
func findings(nodes []NodeState) map[uuid.UUID]finding {
	found := map[uuid.UUID]finding{}
	for _, node := range nodes {
		for _, v := range node.Versions {
			switch {
			case !v.Down && v.Answers:
				found[v.Version] = foundUp
			case v.Down && v.Known:
				found[v.Version] = max(found[v.Version], foundDown)
			}
		}
	}
	return found
}

// goOn ends an open outage, writes down that it lasts, or leaves it as it is
// when nothing is known. One that was lost sight of and is there again is another.
func (n *Nodes) goOn(ctx context.Context, tx pgx.Tx, o Outage, now time.Time, found finding) error {
	lost := now.Sub(o.Seen) >= outageKnown
	var err error
	switch {
	case found == foundUp, found == foundDown && lost:
		ended := now
		if lost {
			ended = o.Seen
		}
		if _, err = tx.Exec(ctx, endOutageSQL, o.VersionID, o.Began, ended); err != nil {
			return fmt.Errorf("end outage of version %s: %w", o.VersionID, err)
		}
		if found == foundDown {
			_, err = tx.Exec(ctx, beginOutageSQL, o.VersionID, now, o.ToldAt)
		} else if o.ToldAt != nil {
			o.Ended = &now
			return n.Tell(ctx, tx, o)
		}
	case found == foundDown:
		o.Seen = now
		if o.ToldAt == nil && now.Sub(o.Began) >= outageTold {
			o.ToldAt = &now
			if err := n.Tell(ctx, tx, o); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, seeOutageSQL, o.VersionID, o.Began, now, o.ToldAt)
	}
	if err != nil {
		return fmt.Errorf("write down outage of version %s: %w", o.VersionID, err)
	}
	return nil
}
