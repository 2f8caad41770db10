package devdb

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestDataSurvivesStopAndKill(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := Config{Dir: publicDir(t)}
	s := start(t, c)
	run(t, s, `create table kept (n int)`)
	run(t, s, `insert into kept values (1)`)
	s.Stop()

	s = start(t, c)
	run(t, s, `insert into kept values (2)`)
	kill(t, s) // the whole machine stops at once

	s = start(t, c)
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var n int
	if err := conn.QueryRow(ctx, `select count(*) from kept`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != 2 {
		t.Errorf("kept rows: got %d, want 2", n)
	}
}

func TestLeftoverServerIsReplaced(t *testing.T) {
	t.Parallel()
	c := Config{Dir: publicDir(t)}
	left := start(t, c) // its parent was killed, so nobody stopped it
	s := start(t, c)
	run(t, s, `select 1`)
	select {
	case <-left.Done():
	case <-time.After(10 * time.Second):
		t.Error("the server left behind still runs")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, file, content, want string
	}{
		{name: "another version's data", file: "PG_VERSION", content: "9\n", want: "was made by PostgreSQL 9"},
		{name: "somebody else's folder", file: "photo.jpg", content: "x", want: "not a PostgreSQL data directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := publicDir(t)
			p, err := locate(dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.make(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(p.data, tt.file), []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Start(t.Context(), Config{Dir: dir})
			if err == nil {
				s.Stop()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to say %q", err, tt.want)
			}
			if _, err := os.Stat(filepath.Join(p.data, tt.file)); err != nil {
				t.Errorf("what was there is gone: %v", err)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	long, err := locate("/" + strings.Repeat("d", 120))
	if err != nil {
		t.Fatal(err)
	}
	if len(long.socket) > maxSocketPath {
		t.Errorf("socket path %q is too long for a socket", long.socket)
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	clone := filepath.Join(closed, "clone", ".lgsp")
	p, err := locate(clone)
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(clone, "postgres", "data")
	if os.Geteuid() == 0 { // the server runs as another user, who cannot pass a closed folder
		want = filepath.Join("/var/lib/lgsp", filepath.Base(filepath.Dir(p.data)), "data")
	}
	if p.data != want {
		t.Errorf("data below a closed folder: got %q, want %q", p.data, want)
	}
}

func TestMajorOf(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)": "15",
		"postgres (PostgreSQL) 17rc1":                          "17rc1",
		"nothing":                                              "",
	} {
		if got := majorOf(version); got != want {
			t.Errorf("%q: got %q, want %q", version, got, want)
		}
	}
}

// publicDir is a folder that the server's user can reach.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "lgsp-devdb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func run(t *testing.T, s *Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatal(err)
	}
}

// kill ends a server and its children without a chance to write anything.
func kill(t *testing.T, s *Server) {
	t.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
}
