// Package devdb answers where a database comes from when none is configured:
// a private PostgreSQL, real and on a Unix socket, run as a child.
package devdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser owns the private database; only the socket's directory guards it.
const superuser = "lgsp"

// maxSocketPath is what a Unix socket's path may measure, in bytes (unix(7)).
const maxSocketPath = 100

// Config says where the database lives.
type Config struct {
	Dir      string   // holds postgres/; made when missing
	Settings []string // name=value, given to the server with -c
}

// Server is a running private PostgreSQL.
type Server struct {
	URL  string // of the database lgsp
	Dir  string // its data directory
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
}

// Start finds PostgreSQL, makes the data directory at the first start, and
// runs the server until Stop. A server left behind by a killed parent is
// stopped first. The caller must hold a lock on Config.Dir.
func Start(ctx context.Context, c Config) (*Server, error) {
	place, err := locate(c.Dir)
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(c.Dir, place.data)
	if err != nil {
		return nil, err
	}
	if err := place.make(); err != nil {
		return nil, err
	}
	if err := initialise(ctx, bin, place); err != nil {
		return nil, err
	}
	if err := stopLeftover(ctx, bin, place); err != nil {
		return nil, err
	}
	s, err := launch(bin, place, c.Settings)
	if err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx, place); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// Stop ends the server: open transactions are rolled back, everything
// committed is written (PostgreSQL manual, fast shutdown).
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // gone already is as good
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown; recovery at the next start
		<-s.done
	}
}

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// URL is the address of the private database of dir, whether its server runs
// or not.
func URL(dir string) (string, error) {
	p, err := locate(dir)
	return p.url(), err
}

// place is where one private server keeps its things, and who runs it.
type place struct {
	data   string // data directory
	socket string // directory of the socket
	log    string
	owner  *owner // nil: whoever runs us
}

// locate decides on directories. Under root the server runs as another user,
// who may not reach a clone under /root; then data goes to /var/lib/lgsp.
func locate(dir string) (place, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return place{}, fmt.Errorf("find data directory: %w", err)
	}
	sum := sha256.Sum256([]byte(abs))
	short := hex.EncodeToString(sum[:6])
	root := filepath.Join(abs, "postgres")
	p := place{}
	if os.Geteuid() == 0 {
		if p.owner, err = findOwner(); err != nil {
			return place{}, err
		}
		if !reachable(abs) {
			root = filepath.Join("/var/lib/lgsp", short)
		}
	}
	p.data, p.log, p.socket = filepath.Join(root, "data"), filepath.Join(root, "postgres.log"), filepath.Join(root, "socket")
	if len(p.socket) > maxSocketPath-len("/.s.PGSQL.5432") {
		p.socket = filepath.Join(runtimeDir(), short)
	}
	return p, nil
}

func (p place) url() string {
	return fmt.Sprintf("postgres://%s@/lgsp?host=%s", superuser, p.socket)
}

func runtimeDir() string {
	if os.Geteuid() == 0 {
		return "/run/lgsp"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && len(dir) < 60 {
		return filepath.Join(dir, "lgsp")
	}
	return filepath.Join("/tmp", fmt.Sprintf("lgsp-%d", os.Geteuid()))
}

// reachable reports whether every parent of dir lets other users pass.
func reachable(dir string) bool {
	for p := filepath.Dir(dir); ; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if p == filepath.Dir(p) {
			return true
		}
	}
}

func (p place) make() error {
	for _, dir := range []string{p.data, p.socket} {
		if err := os.MkdirAll(filepath.Dir(dir), 0o711); err != nil {
			return fmt.Errorf("make %s: %w", filepath.Dir(dir), err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		if err := p.owner.take(dir); err != nil {
			return err
		}
	}
	// Parents that we made ourselves, LGSP_DATA_DIR among them, must let the
	// server's user pass; what they hold is 0600 or 0700.
	if p.owner != nil {
		for _, dir := range []string{filepath.Dir(p.data), filepath.Dir(filepath.Dir(p.data)), filepath.Dir(p.socket)} {
			if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o001 == 0 {
				if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
					return fmt.Errorf("open %s to the database's user: %w", dir, err)
				}
			}
		}
	}
	return nil
}

func initialise(ctx context.Context, bin string, p place) error {
	version, err := os.ReadFile(filepath.Join(p.data, "PG_VERSION"))
	if err == nil {
		return sameVersion(ctx, bin, strings.TrimSpace(string(version)), p.data)
	}
	if left, _ := os.ReadDir(p.data); len(left) > 0 {
		return fmt.Errorf("%s holds something that is not a PostgreSQL data directory; move it away and start again", p.data)
	}
	out, err := p.command(ctx, filepath.Join(bin, "initdb"), "-D", p.data, "-U", superuser,
		"--auth=trust", "--encoding=UTF8", "--locale="+locale).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", p.data, err, lastLine(out))
	}
	return nil
}

func sameVersion(ctx context.Context, bin, have, data string) error {
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return fmt.Errorf("ask %s/postgres for its version: %w", bin, err)
	}
	if major := majorOf(string(out)); major != have {
		return fmt.Errorf("%s was made by PostgreSQL %s, but this machine has %s: install PostgreSQL %s, "+
			"or move the data with pg_upgrade", data, have, major, have)
	}
	return nil
}

// majorOf reads "postgres (PostgreSQL) 15.18 (Debian …)" as "15".
func majorOf(version string) string {
	for _, word := range strings.Fields(version) {
		if word[0] >= '0' && word[0] <= '9' {
			major, _, _ := strings.Cut(word, ".")
			return major
		}
	}
	return ""
}

// stopLeftover ends a server whose parent was killed. Nobody else can own it:
// the caller holds the lock on the directory.
func stopLeftover(ctx context.Context, bin string, p place) error {
	if _, err := os.Stat(filepath.Join(p.data, "postmaster.pid")); err != nil {
		return nil
	}
	ctl := filepath.Join(bin, "pg_ctl")
	running := func() bool { return p.command(ctx, ctl, "status", "-D", p.data).Run() == nil }
	if !running() {
		return nil // a stale file; the server removes it itself
	}
	out, err := p.command(ctx, ctl, "stop", "-D", p.data, "-m", "fast", "-w").CombinedOutput()
	if err != nil && running() { // it may have been stopping already
		return fmt.Errorf("stop the PostgreSQL left in %s: %w: %s", p.data, err, lastLine(out))
	}
	return nil
}

func launch(bin string, p place, settings []string) (*Server, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.log, err)
	}
	defer log.Close()
	args := []string{"-D", p.data, "-k", p.socket, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700",
		"-c", "port=5432", "-c", "timezone=UTC", "-c", "jit=off"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	s := &Server{
		URL:  p.url(),
		Dir:  p.data,
		done: make(chan struct{}),
	}
	s.cmd = p.command(context.Background(), filepath.Join(bin, "postgres"), args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := startChild(s.cmd, s.done); err != nil {
		return nil, fmt.Errorf("start %s/postgres: %w", bin, err)
	}
	return s, nil
}

// waitReady connects until it works, and makes the database at the first start.
func (s *Server) waitReady(ctx context.Context, p place) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	admin := strings.Replace(s.URL, "@/lgsp?", "@/postgres?", 1)
	for {
		conn, err := pgx.Connect(ctx, admin)
		if err == nil {
			defer conn.Close(ctx)
			return createDatabase(ctx, conn)
		}
		select {
		case <-s.done:
			return fmt.Errorf("PostgreSQL ended at start; its last words are in %s: %s", p.log, lastWords(p.log))
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not answer on %s: %w", p.socket, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func createDatabase(ctx context.Context, conn *pgx.Conn) error {
	var n int
	if err := conn.QueryRow(ctx, `select count(*) from pg_database where datname = 'lgsp'`).Scan(&n); err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if n > 0 {
		return nil
	}
	if _, err := conn.Exec(ctx, `create database lgsp`); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

func (p place) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/" // the working directory may be closed to the server's user
	p.owner.run(cmd)
	return cmd
}

func lastWords(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return lastLine(text)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
