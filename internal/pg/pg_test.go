package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	pool, ctx := pgtest.New(t), t.Context()
	ids := []uuid.UUID{uuid.Must(uuid.NewV7()), uuid.Nil}
	type row struct {
		IDs []uuid.UUID `db:"ids"`
		At  time.Time
	}
	got, err := pg.One[row](ctx, pool, `select $1::uuid[] as ids, $2::timestamptz as at`,
		ids, time.Date(2026, 11, 23, 7, 0, 0, 0, time.FixedZone("", 7*60*60)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.IDs, ids) {
		t.Errorf("ids: got %v, want %v", got.IDs, ids)
	}
	if want := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC); got.At != want {
		t.Errorf("time: got %v, want %v", got.At, want)
	}
	if _, err := pg.Open(ctx, "postgres://nobody:hunter2@127.0.0.1:1/x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a database away: got %v, want an error without the password", err)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.Tx(t), t.Context()
	type row struct{ N int }
	all, err := pg.All[row](ctx, db, `select n from generate_series(1, 3) n order by n`)
	if err != nil || !slices.Equal(all, []row{{1}, {2}, {3}}) {
		t.Errorf("all: got %v, %v", all, err)
	}
	none, err := pg.All[row](ctx, db, `select 1 as n where false`)
	if err != nil || none == nil || len(none) != 0 {
		t.Errorf("none: got %#v, %v, want an empty list", none, err)
	}
	if _, err := pg.One[row](ctx, db, `select 1 as n where false`); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("one of none: got %v", err)
	}
	if _, err := pg.One[row](ctx, db, `select n from generate_series(1, 2) n`); !errors.Is(err, pgx.ErrTooManyRows) {
		t.Errorf("one of two: got %v", err)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		name, sql string
		is        func(error, string) bool
	}{
		{"unique", `insert into pg_temp.thing (id, n) values (1, 1)`, pg.IsUnique},
		{"check", `insert into pg_temp.thing (id, n) values (2, -1)`, pg.IsCheck},
		{"foreign", `insert into pg_temp.thing (id, n, above) values (2, 1, 9)`, pg.IsForeign},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Tx(t)
			for _, sql := range []string{
				`create temporary table thing (id int constraint thing_unique primary key, n int constraint thing_check check (n > 0),
				   above int constraint thing_foreign references thing (id)) on commit drop`,
				`insert into pg_temp.thing (id, n) values (1, 1)`,
			} {
				if _, err := db.Exec(ctx, sql); err != nil {
					t.Fatal(err)
				}
			}
			_, err := db.Exec(ctx, tt.sql)
			if !tt.is(err, "thing_"+tt.name) {
				t.Errorf("%v is not recognised", err)
			}
			if tt.is(err, "thing_other") || tt.is(nil, "thing_"+tt.name) || tt.is(errors.New("x"), "thing_"+tt.name) {
				t.Error("something else is taken for it")
			}
		})
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	pool, ctx := pgtest.New(t), t.Context()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `listen room`); err != nil {
		t.Fatal(err)
	}
	undone := errors.New("undone")
	for _, tt := range []struct {
		payload int
		end     error
	}{{1, undone}, {2, nil}} {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if err := pg.Notify(ctx, tx, "room", tt.payload); err != nil {
				return err
			}
			return tt.end
		})
		if !errors.Is(err, tt.end) {
			t.Fatal(err)
		}
	}
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	got, err := conn.Conn().WaitForNotification(wait)
	if err != nil {
		t.Fatal(err)
	}
	if got.Payload != "2" {
		t.Errorf("got %q: what was rolled back is told", got.Payload)
	}
}

func TestIsAway(t *testing.T) {
	t.Parallel()
	_, unreachable := pgx.Connect(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable")
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nothing":                     {nil, false},
		"nobody listens":              {unreachable, true},
		"too late":                    {fmt.Errorf("read: %w", context.DeadlineExceeded), true},
		"a socket that failed":        {fmt.Errorf("read: %w", &net.OpError{Op: "read", Err: syscall.ECONNRESET}), true},
		"a wrong password":            {fmt.Errorf("connect: %w", &pgconn.PgError{Code: "28P01"}), false},
		"a file that is not ours":     {fmt.Errorf("open: %w", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}), false},
		"a full disk of our own":      {fmt.Errorf("write: %w", syscall.ENOSPC), false},
		"the caller went":             {context.Canceled, false},
		"it shuts down":               {&pgconn.PgError{Code: "57P01"}, true},
		"it starts":                   {&pgconn.PgError{Code: "57P03"}, true},
		"no connection left":          {&pgconn.PgError{Code: "53300"}, true},
		"the connection broke":        {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		"a rule of the schema":        {&pgconn.PgError{Code: "23505"}, false},
		"a statement that was wrong":  {&pgconn.PgError{Code: "42703"}, false},
		"no row, which is an answer":  {pgx.ErrNoRows, false},
		"something else altogether":   {errors.New("no"), false},
		"the platform ended the wait": {&pgconn.PgError{Code: "57014"}, false},
	} {
		if got := pg.IsAway(tt.err); got != tt.want {
			t.Errorf("%s (%v): got %t", name, tt.err, got)
		}
	}
}
