// Package pg answers how the rooms talk to PostgreSQL: one connection type,
// rows as structs, constraint names as facts, notices at commit.
package pg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// DB is a pool, a connection or a transaction. Begin on a transaction makes a
// savepoint, so a method that opens its own transaction also runs inside
// another's.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

// defaultConns is how many connections a pool opens at most, unless the url
// says pool_max_conns. The default of pgxpool, four on a small machine, is soon
// gone: two always listen.
const defaultConns = 24

// Open gives a pool on the database at url and checks that it answers.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	pool, err := Pool(url)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	return pool, nil
}

// Pool gives a pool on the database at url, which need not answer yet. Times
// are read as UTC, whatever the zone of the server or of this machine; ids go
// as 16 bytes, not as text through database/sql's Valuer.
func Pool(url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse database url: %w", err)
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = defaultConns
	}
	if config.ConnConfig.ConnectTimeout <= 0 || config.ConnConfig.ConnectTimeout > maxConnect {
		config.ConnConfig.ConnectTimeout = maxConnect
	}
	config.PingTimeout = maxPing
	config.ConnConfig.Tracer = patience{}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap())
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
			Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config) // of the first connections, of which there are none
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

// One gives the single row of a query as a T, whose fields are named like the
// columns. It returns pgx.ErrNoRows or pgx.ErrTooManyRows when there is not
// exactly one.
func One[T any](ctx context.Context, db DB, sql string, args ...any) (T, error) {
	rows, _ := db.Query(ctx, sql, args...) // the error comes back from Collect
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
}

// All gives every row of a query as a T; an empty answer is an empty slice.
func All[T any](ctx context.Context, db DB, sql string, args ...any) ([]T, error) {
	rows, _ := db.Query(ctx, sql, args...) // the error comes back from Collect
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// IsUnique reports whether err is a violation of the unique or exclusion
// constraint (or unique index) of that name.
func IsUnique(err error, constraint string) bool {
	return violates(err, constraint, "23505", "23P01")
}

// IsCheck reports whether err is a violation of the check constraint of that name.
func IsCheck(err error, constraint string) bool { return violates(err, constraint, "23514") }

// IsForeign reports whether err is a violation of the foreign key of that name.
func IsForeign(err error, constraint string) bool { return violates(err, constraint, "23503") }

func violates(err error, constraint string, codes ...string) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.ConstraintName != constraint {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

const notifySQL = `select pg_notify($1, $2)`

// Notify tells the listeners of channel about payload when the transaction
// commits. A payload is at most 8,000 bytes (PostgreSQL manual, NOTIFY).
func Notify(ctx context.Context, db DB, channel string, payload any) error {
	if _, err := db.Exec(ctx, notifySQL, channel, fmt.Sprint(payload)); err != nil {
		return fmt.Errorf("notify %s: %w", channel, err)
	}
	return nil
}
