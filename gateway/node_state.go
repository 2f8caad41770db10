package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/upstream"
)

// How often a node tells how it stands, for how long the database may take it,
// and after which silence it is called silent.
const (
	tellEvery    = 5 * time.Second
	tellPatience = 3 * time.Second
	SilentAfter  = 30 * time.Second
)

// NodeState is how a node stands, as it told the others.
type NodeState struct {
	Node      string         `json:"node"` // host name and listening address
	At        time.Time      `json:"at"`   // when it told this
	StartedAt time.Time      `json:"started_at"`
	Release   string         `json:"release"`
	Ready     bool           `json:"ready"`            // it serves calls
	Config    int64          `json:"config"`           // the last change that is in force there
	Fresh     time.Time      `json:"fresh,omitzero"`   // when the change feed last answered it
	Stale     bool           `json:"stale"`            // too long ago: restricted and personal-data calls are refused
	KeptAt    time.Time      `json:"kept_at,omitzero"` // of the snapshot on its disk; the zero Time: there is none
	Routes    int            `json:"routes"`           // API versions served
	Corrupt   int            `json:"corrupt"`          // routes and agreements that cannot be read
	Journal   int64          `json:"journal"`          // bytes of evidence that are not delivered, or not yet removed
	Limit     int64          `json:"limit"`            // bytes of evidence at which personal-data calls are refused
	Unsynced  int64          `json:"unsynced"`         // lines that a power failure would lose
	Lost      int64          `json:"lost"`             // lines that could not be written since the start
	Versions  []VersionState `json:"versions"`         // by prefix
}

// VersionState is how the addresses of a version do, as one node finds.
type VersionState struct {
	Version   uuid.UUID      `json:"version"`
	Prefix    string         `json:"prefix"`
	Down      bool           `json:"down"`    // none of its own addresses gets calls
	Known     bool           `json:"known"`   // of one that is down: that was found a moment ago
	Answers   bool           `json:"answers"` // something answered well since the node told it before
	Addresses []AddressState `json:"addresses"`
}

// AddressState is how one address does, as one node finds.
type AddressState struct {
	Part string `json:"part"` // main, canary, mirror
	upstream.State
}

// Trouble reports whether an address gets no calls.
func (v VersionState) Trouble() bool {
	return slices.ContainsFunc(v.Addresses, func(a AddressState) bool { return a.Out || a.Sick })
}

// knownFor is how long after the time of a trial that nobody made an address
// that is out is still known to be.
const knownFor = time.Minute

// teller is what a node remembers between two tellings.
type teller struct {
	node     *Node
	name     string // the node's
	started  time.Time
	answered map[*upstream.Pool]uint64
}

// state is how the node stands now.
func (t *teller) state() NodeState {
	n := t.node
	s := NodeState{Node: t.name, At: n.Now().UTC(), StartedAt: t.started, Release: n.Release, Limit: or(n.Evidence, 1<<30)}
	figures := n.journal.Figures()
	s.Journal, s.Unsynced, s.Lost = figures.Bytes, figures.Unsynced, figures.Lost
	if file, err := os.Stat(filepath.Join(n.DataDir, keptFile)); err == nil {
		s.KeptAt = file.ModTime().UTC()
	}
	current := n.current.Load()
	if current == nil {
		return s
	}
	s.Ready, s.Config, s.Fresh, s.Stale = true, current.version, time.Unix(0, n.fresh.Load()).UTC(), n.stale(n.Now())
	s.Routes, s.Corrupt = len(current.routes), len(current.corrupt)
	before := t.answered
	t.answered = make(map[*upstream.Pool]uint64, len(current.routes))
	for _, v := range current.routes {
		t.answered[v.pool] = v.pool.Answered()
		s.Versions = append(s.Versions, v.state(s.At, t.answered[v.pool] > before[v.pool]))
	}
	slices.SortFunc(s.Versions, func(a, b VersionState) int { return strings.Compare(a.Prefix, b.Prefix) })
	return s
}

func (v *version) state(now time.Time, answers bool) VersionState {
	s := VersionState{Version: v.Version, Prefix: v.prefix, Down: v.pool.Down(), Answers: answers}
	add := func(part string, pool *upstream.Pool) {
		for _, a := range pool.States() {
			s.Addresses = append(s.Addresses, AddressState{part, a})
		}
	}
	add("main", v.pool)
	s.Known = s.Down && slices.ContainsFunc(s.Addresses, func(a AddressState) bool { return a.Sick || now.Before(a.Until.Add(knownFor)) })
	if v.canary != nil {
		add("canary", v.canary.pool)
	}
	if v.mirror != nil {
		add("mirror", v.mirror.pool)
	}
	return s
}

const (
	tellNodeSQL = `
insert into gateway.node (node, at, state) values ($1, $2, $3)
on conflict (node) do update set at = excluded.at, state = excluded.state`
	leaveNodeSQL = `delete from gateway.node where node = $1`
)

// tellAlways tells how the node stands, until ctx ends. A node without a name
// tells nothing.
func (n *Node) tellAlways(ctx context.Context) error {
	if n.Name == "" {
		return nil
	}
	t := &teller{node: n, name: n.Name, started: n.Now().UTC()}
	return t.always(ctx)
}

// always tells until ctx ends; then the node takes its leave, so that nobody
// looks for it.
func (t *teller) always(ctx context.Context) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	silent := false
	for {
		err := within(ctx, tellPatience, t.tell)
		if err != nil && !silent && ctx.Err() == nil {
			slog.ErrorContext(ctx, "the node does not get through with how it stands; told once", "err", err)
		}
		silent = err != nil
		select {
		case <-ctx.Done():
			return within(context.WithoutCancel(ctx), tellPatience, func(ctx context.Context) error {
				_, _ = t.node.DB.Exec(ctx, leaveNodeSQL, t.name) // the database may be away; silence says the same
				return nil
			})
		case <-tick.C:
		}
	}
}

func (t *teller) tell(ctx context.Context) error {
	s := t.state()
	body, err := json.Marshal(s)
	if err == nil {
		_, err = t.node.DB.Exec(ctx, tellNodeSQL, s.Node, s.At, body)
	}
	if err != nil {
		return fmt.Errorf("tell how node %s stands: %w", s.Node, err)
	}
	return nil
}
