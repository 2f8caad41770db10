// Package pgtest answers where a test's database comes from: a transaction
// that is rolled back, or a database of its own cloned from a migrated
// template. The server is the one at LGSP_TEST_DATABASE_URL, else a private
// one that ends with the test process.
package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"lgsp/internal/devdb"
	"lgsp/internal/pg"
	"lgsp/migrations"
)

// FastSettings trade durability for speed; for throw-away servers only.
var FastSettings = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=256MB", "max_connections=200"}

// Tx is a transaction on the migrated schema, rolled back when the test ends.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	pool, err := shared()
	if err != nil {
		t.Fatalf("no test database: %v", err)
	}
	tx, err := pool.Begin(context.Background())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

// New is a migrated database of the test's own, dropped when the test ends.
// Take it to commit, to LISTEN, or to race; else take Tx.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(context.Background(), NewURL(t))
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// NewURL is New for a test that opens its connections itself.
func NewURL(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	admin, err := server()
	if err != nil {
		t.Fatalf("no test database: %v", err)
	}
	template, err := migrated()
	if err != nil {
		t.Fatalf("migrate template: %v", err)
	}
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(ctx)
	name := "test_" + randomHex()
	if _, err := conn.Exec(ctx, "create database "+name+" template "+template+" strategy file_copy"); err != nil {
		t.Fatalf("clone template: %v", err)
	}
	t.Cleanup(func() { drop(admin, name) })
	return withDatabase(admin, name)
}

// shared is the pool that transactions of one test process come from.
var shared = sync.OnceValues(func() (*pgxpool.Pool, error) {
	admin, err := server()
	if err != nil {
		return nil, err
	}
	template, err := migrated()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	// One database for all rolled-back transactions on this schema: nothing
	// is ever committed to it.
	name := strings.Replace(template, "template", "rollback", 1)
	if err := once(ctx, conn, name, func() error {
		_, err := conn.Exec(ctx, "create database "+name+" template "+template+" strategy file_copy")
		return err
	}); err != nil {
		return nil, err
	}
	return pg.Open(ctx, withDatabase(admin, name)+"&pool_max_conns=8")
})

// migrated gives the name of the template database, made once per server and
// schema.
var migrated = sync.OnceValues(func() (string, error) {
	admin, err := server()
	if err != nil {
		return "", err
	}
	sum, err := schemaSum()
	if err != nil {
		return "", err
	}
	name := "template_" + sum
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return name, once(ctx, conn, name, func() error {
		if _, err := conn.Exec(ctx, "create database "+name); err != nil {
			return err
		}
		if _, err := migrations.Up(ctx, withDatabase(admin, name)); err != nil {
			_, _ = conn.Exec(ctx, "drop database "+name)
			return err
		}
		return nil
	})
})

// once runs build under a lock of the server unless the database is there.
func once(ctx context.Context, conn *pgx.Conn, name string, build func() error) error {
	if _, err := conn.Exec(ctx, `select pg_advisory_lock(hashtext($1))`, "pgtest"); err != nil {
		return err
	}
	defer conn.Exec(ctx, `select pg_advisory_unlock(hashtext($1))`, "pgtest") //nolint:errcheck // ends with the connection anyway
	var n int
	if err := conn.QueryRow(ctx, `select count(*) from pg_database where datname = $1`, name).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return nil
	}
	return build()
}

func schemaSum() (string, error) {
	h := sha256.New()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := migrations.Files.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// server is the address of the test server's administrative database.
var server = sync.OnceValues(func() (string, error) {
	if url := os.Getenv("LGSP_TEST_DATABASE_URL"); url != "" {
		return url, nil
	}
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	s, err := devdb.Start(context.Background(), devdb.Config{Dir: dir, Settings: FastSettings})
	if err != nil {
		return "", err
	}
	return s.URL, nil
})

// Dir makes a directory for a throw-away server: in memory where there is room
// for it (a database of a test's own is a thousand small files, which a disk
// takes a second to copy), else in /tmp. Whoever asks removes it.
func Dir() (string, error) {
	const memory, room = "/dev/shm", 4 << 30
	parent := "/tmp"
	var s syscall.Statfs_t
	if err := syscall.Statfs(memory, &s); err == nil && s.Bavail*uint64(s.Bsize) >= room {
		parent = memory
	}
	dir, err := os.MkdirTemp(parent, "lgsp-pgtest-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711) // the server may run as another user
}

func drop(admin, name string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return // the server is gone, and the database with it
	}
	defer conn.Close(ctx)
	_, _ = conn.Exec(ctx, "drop database "+name+" with (force)")
}

func withDatabase(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		return admin
	}
	u.Path = "/" + name
	return u.String()
}

func randomHex() string {
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
