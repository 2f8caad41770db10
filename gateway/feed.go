package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

const (
	checkEvery    = 5 * time.Second        // without a notice
	gatherFor     = 10 * time.Millisecond  // notices that come together make one load
	auditEvery    = time.Minute            // what auth knows, without a notice
	changesLast   = 24 * time.Hour         // in gateway.change
	drainPatience = 5 * time.Second        // for the ledger, at the end
	saveEvery     = 500 * time.Millisecond // quota
	loadPatience  = 5 * time.Minute        // for the database, with everything
	askPatience   = 20 * time.Second       // for the database, with anything else
)

// within does something with a deadline: a database that is there no more, and
// does not say so, is given up and reached anew.
func within(ctx context.Context, most time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return do(ctx)
}

// feed follows what changes, over one connection that also listens.
type feed struct {
	node    *Node
	conn    *pgx.Conn
	horizon string         // transactions from here on may not have been seen
	seen    map[int64]bool // changes at or above the horizon that are applied
	audited time.Time      // when auth was last asked for everything
	audit   time.Duration  // how long that took
	common  *interned
}

// authChange is what auth said that changed.
type authChange struct {
	all          bool        // anything
	applications []uuid.UUID // the keys of these
}

// hear adds a notice: "credential" or "revoked" is anything, "credential ID" the
// keys of one application; any other payload is not auth's.
func (a *authChange) hear(payload string) {
	kind, application, named := strings.Cut(payload, " ")
	id, err := uuid.Parse(application)
	switch {
	case kind == "credential" && named && err == nil:
		if !slices.Contains(a.applications, id) {
			a.applications = append(a.applications, id)
		}
	case kind == "credential", kind == "revoked":
		a.all = true
	}
}

const listenSQL = `listen gateway`

// follow loads everything, and then what changes, until ctx ends or the
// connection fails.
func (n *Node) follow(ctx context.Context) error {
	held, err := n.DB.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("reach database: %w", err)
	}
	defer held.Release()
	f := &feed{node: n, conn: held.Conn()}
	defer f.conn.Close(context.WithoutCancel(ctx)) // it listens: not to be used again
	if _, err := f.conn.Exec(ctx, listenSQL); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := within(ctx, loadPatience, f.loadAll); err != nil {
		return err
	}
	for {
		said, err := f.wait(ctx)
		if err != nil {
			return err
		}
		if err := within(ctx, askPatience, func(ctx context.Context) error { return f.loadChanges(ctx, said) }); err != nil {
			return err
		}
	}
}

// wait returns after a notice and those that come within gatherFor of it, or
// after checkEvery, with what auth said.
func (f *feed) wait(ctx context.Context) (authChange, error) {
	var said authChange
	var until time.Time
	for patience := checkEvery; patience > 0; {
		notice, err := f.notice(ctx, patience)
		if err != nil {
			return authChange{}, err
		}
		if notice == nil {
			break
		}
		said.hear(notice.Payload)
		now := f.node.Now()
		if until.IsZero() {
			until = now.Add(gatherFor)
		}
		patience = until.Sub(now)
	}
	return said, nil
}

func (f *feed) notice(ctx context.Context, patience time.Duration) (*pgNotice, error) {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	notice, err := f.conn.WaitForNotification(short)
	var timeout net.Error
	switch {
	case err == nil:
		return &pgNotice{Payload: notice.Payload}, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return nil, nil
	}
	return nil, fmt.Errorf("wait for notices: %w", err)
}

type pgNotice struct{ Payload string }

const (
	horizonSQL    = `select pg_snapshot_xmin(pg_current_snapshot())::text`
	changesSQL    = `select id, kind, object_id from gateway.change where xid >= $1::text::xid8 order by id`
	lastChangeSQL = `select coalesce(max(id), 0) from gateway.change`
	routesSQL     = `
select version_id, r.document, coalesce(k.certificate, '') as certificate, coalesce(k.sealed, '') as sealed, coalesce(k.seal_version, 0) as seal_version
  from gateway.route r left join gateway.client_key k using (version_id)
 where $1::uuid[] is null or version_id = any($1)`
	grantsSQL = `
select agreement_id, revision, application_id, version_id, purpose, state, starts, ends, rate_per_minute, quota_per_day, quota_per_month, operations
  from gateway.grant
 where $1::uuid[] is null or agreement_id = any($1)`
)

type routeRow struct {
	clientKey
	Document []byte
}

type grantRow struct {
	AgreementID   uuid.UUID
	Revision      int
	ApplicationID uuid.UUID
	VersionID     uuid.UUID
	Purpose       string
	State         string
	Starts        time.Time
	Ends          time.Time
	RatePerMinute int
	QuotaPerDay   int
	QuotaPerMonth int
	Operations    []byte
}

// loadAll makes the snapshot anew.
func (f *feed) loadAll(ctx context.Context) error {
	begun := f.node.Now()
	if err := f.conn.QueryRow(ctx, horizonSQL).Scan(&f.horizon); err != nil {
		return fmt.Errorf("read horizon: %w", err)
	}
	f.seen, f.common = nil, newInterned()
	s := newSnapshot()
	if err := f.loadRoutes(ctx, s, nil); err != nil {
		return err
	}
	if err := f.loadEnded(ctx, s, nil); err != nil {
		return err
	}
	if err := f.loadSandboxes(ctx, s, nil); err != nil {
		return err
	}
	agreements := 0
	err := f.eachGrant(ctx, s, nil, func(g *grant) { s.grants.put(g); agreements++ })
	if err != nil {
		return err
	}
	if err := f.askAuth(ctx, s); err != nil {
		return err
	}
	if err := f.conn.QueryRow(ctx, lastChangeSQL).Scan(&s.version); err != nil {
		return fmt.Errorf("read last change: %w", err)
	}
	f.node.fresh.Store(begun.UnixNano()) // first: who is ready is not stale
	f.node.current.Store(s)
	f.node.forgetEditions()
	f.node.leaveUpstreams(s)
	slog.InfoContext(ctx, "gateway configuration loaded", "routes", len(s.routes), "agreements", agreements,
		"keys", s.keys.count(), "corrupt", len(s.corrupt), "dur_ms", f.node.Now().Sub(begun).Milliseconds())
	return nil
}

// loadChanges puts a new snapshot in force when something changed.
func (f *feed) loadChanges(ctx context.Context, said authChange) error {
	begun := f.node.Now()
	var horizon string
	if err := f.conn.QueryRow(ctx, horizonSQL).Scan(&horizon); err != nil {
		return fmt.Errorf("read horizon: %w", err)
	}
	routes, agreements, err := f.changes(ctx)
	if err != nil {
		return err
	}
	// An audit that takes long is made seldom: it is to cost a two-hundredth of
	// the time at most.
	said.all = said.all || begun.Sub(f.audited) > max(auditEvery, 200*f.audit)
	if len(routes)+len(agreements)+len(said.applications) > 0 || said.all {
		next := *f.node.current.Load()
		next.corrupt = maps.Clone(next.corrupt)
		if err := f.apply(ctx, &next, routes, agreements); err != nil {
			return err
		}
		if err := f.applyAuth(ctx, &next, said); err != nil {
			return err
		}
		for id := range f.seen {
			next.version = max(next.version, id)
		}
		f.node.current.Store(&next)
		if len(routes) > 0 {
			f.node.forgetEditions()
		}
		if len(routes) > 0 || said.all {
			f.node.leaveUpstreams(&next)
		}
		f.node.Metrics.loads.Observe(f.node.Now().Sub(begun).Seconds())
	}
	f.horizon = horizon
	f.node.fresh.Store(begun.UnixNano())
	return nil
}

// applyAuth loads what auth said that changed.
func (f *feed) applyAuth(ctx context.Context, s *snapshot, said authChange) error {
	if said.all {
		return f.askAuth(ctx, s)
	}
	if len(said.applications) == 0 {
		return nil
	}
	list, err := f.node.CredentialsOf(ctx, said.applications)
	if err != nil {
		return fmt.Errorf("read credentials of %d applications: %w", len(said.applications), err)
	}
	s.keys = s.keys.with(said.applications, list)
	return f.askSigners(ctx, s, said.applications)
}

// changes lists the objects that changed, each once.
func (f *feed) changes(ctx context.Context) (routes, agreements []uuid.UUID, err error) {
	type change struct {
		ID       int64
		Kind     string
		ObjectID uuid.UUID
	}
	list, err := pg.All[change](ctx, f.conn, changesSQL, f.horizon)
	if err != nil {
		return nil, nil, fmt.Errorf("read changes: %w", err)
	}
	seen, listed := make(map[int64]bool, len(list)), map[uuid.UUID]bool{}
	for _, c := range list {
		seen[c.ID] = true
		if f.seen[c.ID] || listed[c.ObjectID] {
			continue
		}
		listed[c.ObjectID] = true
		if c.Kind == "route" {
			routes = append(routes, c.ObjectID)
		} else {
			agreements = append(agreements, c.ObjectID)
		}
	}
	f.seen = seen
	return routes, agreements, nil
}

// apply loads what changed into a snapshot that shares its maps with an older one.
func (f *feed) apply(ctx context.Context, s *snapshot, routes, agreements []uuid.UUID) error {
	if len(routes) > 0 {
		s.routes, s.byVersion, s.former = maps.Clone(s.routes), maps.Clone(s.byVersion), maps.Clone(s.former)
		maps.DeleteFunc(s.former, func(_ string, v *version) bool { return slices.Contains(routes, v.Version) })
		for _, id := range routes {
			if old := s.byVersion[id]; old != nil && s.routes[old.prefix] == old {
				delete(s.routes, old.prefix)
			}
			delete(s.byVersion, id)
			delete(s.corrupt, id)
		}
		if err := f.loadRoutes(ctx, s, routes); err != nil {
			return err
		}
		if err := f.loadEnded(ctx, s, routes); err != nil {
			return err
		}
		if err := f.loadSandboxes(ctx, s, routes); err != nil {
			return err
		}
	}
	if len(agreements) == 0 {
		return nil
	}
	for _, id := range agreements {
		delete(s.corrupt, id)
	}
	var list []*grant
	if err := f.eachGrant(ctx, s, agreements, func(g *grant) { list = append(list, g) }); err != nil {
		return err
	}
	s.grants = s.grants.copyFor(list)
	for _, g := range list {
		s.grants.put(g)
	}
	return nil
}

// loadRoutes puts the routes of these versions, nil: all, into the snapshot.
// One that cannot be served is left out, and said.
func (f *feed) loadRoutes(ctx context.Context, s *snapshot, versions []uuid.UUID) error {
	rows, err := pg.All[routeRow](ctx, f.conn, routesSQL, versions)
	if err != nil {
		return fmt.Errorf("read routes: %w", err)
	}
	for _, row := range rows {
		v, err := decodeRoute(row.Document)
		if err == nil && v.Version != row.VersionID {
			err = errors.New("the document is another version's")
		}
		if err == nil {
			err = v.shows(row.clientKey, f.node.ClientSeals)
		}
		if err != nil {
			slog.ErrorContext(ctx, "route cannot be read and is not served", "version_id", row.VersionID, "err", err)
			s.corrupt[row.VersionID] = true
			continue
		}
		f.node.attach(v)
		f.node.attachCache(v, versions != nil)
		s.routes[v.prefix], s.byVersion[v.Version] = v, v
		s.formerly(v)
	}
	return nil
}

// eachGrant gives these agreements, nil: all, one after the other. One that
// cannot be read becomes one that is over, and is said: its calls are refused.
func (f *feed) eachGrant(ctx context.Context, s *snapshot, agreements []uuid.UUID, each func(*grant)) error {
	rows, err := f.conn.Query(ctx, grantsSQL, agreements)
	if err != nil {
		return fmt.Errorf("read grants: %w", err)
	}
	var row grantRow
	_, err = pgx.ForEachRow(rows, []any{&row.AgreementID, &row.Revision, &row.ApplicationID, &row.VersionID, &row.Purpose, &row.State, &row.Starts, &row.Ends,
		&row.RatePerMinute, &row.QuotaPerDay, &row.QuotaPerMonth, &row.Operations}, func() error {
		g, err := f.common.grant(row)
		if err != nil {
			slog.ErrorContext(ctx, "agreement cannot be read and is not in force", "agreement_id", row.AgreementID, "err", err)
			s.corrupt[row.AgreementID] = true
		}
		each(g)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read grants: %w", err)
	}
	return nil
}

// askAuth loads what auth knows of keys, applications and tokens.
func (f *feed) askAuth(ctx context.Context, s *snapshot) error {
	begun := f.node.Now()
	if f.node.Refresh != nil {
		if err := f.node.Refresh(ctx); err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
	}
	list, err := f.node.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("read credentials: %w", err)
	}
	disabled, err := f.node.Disabled(ctx)
	if err != nil {
		return fmt.Errorf("read disabled applications: %w", err)
	}
	revoked, err := f.node.Revoked(ctx)
	if err != nil {
		return fmt.Errorf("read revoked tokens: %w", err)
	}
	notBefore, err := f.node.NotBefore(ctx)
	if err != nil {
		return fmt.Errorf("read moments of revocation: %w", err)
	}
	s.keys = newKeys(list)
	s.disabled = make(map[uuid.UUID]bool, len(disabled))
	for _, id := range disabled {
		s.disabled[id] = true
	}
	s.revoked = make(map[string]bool, len(revoked))
	for _, id := range revoked {
		s.revoked[id] = true
	}
	s.notBefore = notBefore
	if err := f.askSigners(ctx, s, nil); err != nil {
		return err
	}
	f.audited = f.node.Now()
	f.audit = f.audited.Sub(begun)
	return nil
}

// askSigners loads the public keys of these applications, nil: of all.
func (f *feed) askSigners(ctx context.Context, s *snapshot, applications []uuid.UUID) error {
	if f.node.SigningKeys == nil {
		return nil
	}
	list, err := f.node.SigningKeys(ctx, applications)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	if applications == nil {
		s.signers = newSigners(list, s.signers)
	} else {
		s.signers = s.signers.with(applications, list)
	}
	return nil
}
