// Package redistest answers where a test's Redis comes from: a server of its
// own, that keeps nothing on disk and ends with the test.
package redistest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lgsp/internal/childtest"
)

// Server is a Redis that runs until the test ends, or is killed.
type Server struct {
	Addr string // host:port; the same after a restart

	t     testing.TB
	dir   string
	args  []string
	child *os.Process
	ended chan struct{} // closed when the child has
}

// Start starts a redis-server, with more settings as its command line takes them.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir(), args: args}
	t.Cleanup(s.Kill)
	for range 10 { // another program may take the port first
		s.Addr = freeAddress(t)
		if s.run() {
			return s
		}
	}
	s.failed()
	return nil
}

// Restart starts the server again where it was, with nothing in it.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	if !s.run() {
		s.failed()
	}
}

// Kill ends the server without a word to its clients.
func (s *Server) Kill() {
	if s.child == nil {
		return
	}
	_ = s.child.Kill() // it may have ended by itself
	<-s.ended
	s.child = nil
}

// Freeze keeps the server from doing anything, as a machine does that hangs;
// Thaw lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(what os.Signal) {
	s.t.Helper()
	if err := s.child.Signal(what); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) failed() {
	s.t.Helper()
	log, err := os.ReadFile(s.logFile())
	s.t.Fatalf("redis-server does not start: %s (%v)", log, err)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// run starts the server and reports whether it takes commands.
func (s *Server) run() bool {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command("redis-server", append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", s.dir, "--logfile", s.logFile()}, s.args...)...)
	s.ended = make(chan struct{})
	if err := childtest.Start(cmd, s.ended); err != nil {
		s.t.Fatalf("%v (scripts/need redis installs it)", err)
	}
	s.child = cmd.Process
	for range 2000 { // ten seconds
		time.Sleep(5 * time.Millisecond)
		select {
		case <-s.ended:
			s.child = nil
			return false
		default:
		}
		if s.answers() {
			return true
		}
	}
	s.Kill()
	return false
}

// answers reports whether the server takes commands.
func (s *Server) answers() bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer time.AfterFunc(time.Second, func() { _ = conn.Close() }).Stop()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	buf := make([]byte, 64)
	n, err := conn.Read(buf)
	return err == nil && (strings.HasPrefix(string(buf[:n]), "+PONG") || strings.HasPrefix(string(buf[:n]), "-NOAUTH"))
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
