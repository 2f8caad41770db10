package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// End is how a version's calls end.
type End struct {
	Version   uuid.UUID
	At        time.Time // from when they are answered 410
	Successor string    // as in Route
	Docs      string
}

const (
	// endSQL keeps what tells a call of the version from one of nobody's; what
	// it was forwarded, stored, checked or probed with is gone.
	endSQL = `
with gone as (delete from gateway.route where version_id = $1 returning version_id, prefix, document)
insert into gateway.ended (version_id, prefix, document)
select version_id, prefix, (document - 'traffic' - 'described' - 'upstreams') || $2::jsonb
  from gone
    on conflict (version_id) do update set prefix = excluded.prefix, document = excluded.document`

	// unendSQL is for a version that is exposed again.
	unendSQL = `delete from gateway.ended where version_id = $1`

	endedSQL = `select version_id, document from gateway.ended where $1::uuid[] is null or version_id = any($1)`
)

// Withdraw ends a version's calls when tx commits: they are answered 410 from
// e.At on. Its client key is forgotten. It is no error when the version was
// not exposed.
func Withdraw(ctx context.Context, tx pgx.Tx, e End) error {
	at := e.At.UTC()
	told, err := json.Marshal(struct {
		Sunset    *time.Time `json:"sunset"`
		Successor string     `json:"successor"`
		Docs      string     `json:"docs"`
	}{&at, e.Successor, e.Docs})
	if err != nil {
		return fmt.Errorf("encode end of version %s: %w", e.Version, err)
	}
	if _, err := tx.Exec(ctx, endSQL, e.Version, told); err != nil {
		return fmt.Errorf("withdraw version %s: %w", e.Version, err)
	}
	if _, err := tx.Exec(ctx, endClientKeySQL, e.Version); err != nil {
		return fmt.Errorf("forget client key of %s: %w", e.Version, err)
	}
	return changed(ctx, tx, "route", e.Version)
}

type endedRow struct {
	VersionID uuid.UUID
	Document  []byte
}

// loadEnded puts the versions of these that have ended, nil: all, into the
// snapshot in place of what was there of them.
func (f *feed) loadEnded(ctx context.Context, s *snapshot, versions []uuid.UUID) error {
	rows, err := pg.All[endedRow](ctx, f.conn, endedSQL, versions)
	if err != nil {
		return fmt.Errorf("read versions that ended: %w", err)
	}
	s.ended = maps.Clone(s.ended)
	maps.DeleteFunc(s.ended, func(_ string, v *version) bool { return slices.Contains(versions, v.Version) })
	for _, row := range rows {
		v, err := decodeRoute(row.Document)
		if err != nil {
			slog.ErrorContext(ctx, "a version that ended cannot be read: its calls are answered 404", "version_id", row.VersionID, "err", err)
			continue
		}
		v.over = true
		s.ended[v.prefix] = v
		s.formerly(v)
	}
	return nil
}

// life tells callers of a version that is to end, and refuses when it has, by
// this node's own clock.
func (c *call) life() error {
	v := c.version
	c.moved()
	if v.Deprecated == nil && v.Sunset == nil {
		return nil
	}
	docs, own := or(v.Docs, c.node.docs(v)), &c.answer.own
	if v.Deprecated != nil {
		own.Set("Deprecation", "@"+itoa(v.Deprecated.Unix())) // RFC 9745
		own.Add("Link", "<"+docs+`>; rel="deprecation"; type="text/html"`)
	}
	if v.Sunset != nil {
		own.Set("Sunset", v.Sunset.UTC().Format(http.TimeFormat)) // RFC 8594
		own.Add("Link", "<"+docs+`>; rel="sunset"; type="text/html"`)
	}
	successor := ""
	if v.Successor != "" {
		successor = c.node.GatewayURL + v.Successor
		own.Add("Link", "<"+successor+`>; rel="successor-version"`) // RFC 5829
	}
	if !v.over && (v.Sunset == nil || c.now.Before(*v.Sunset)) {
		return nil
	}
	at := v.Sunset.UTC().Format(time.DateOnly)
	over := problem.Errorf(problem.Gone, "this version ended on %s", at).Coded("version-ended", "at", at)
	if successor != "" {
		over = problem.Errorf(problem.Gone, "this version ended on %s; go on at %s", at, successor).Coded("version-succeeded", "at", at, "successor", successor)
	}
	over.Extra = map[string]any{"sunset": v.Sunset.UTC().Format(time.RFC3339), "documentation": docs}
	if successor != "" {
		over.Extra["successor"] = successor
	}
	return over
}
