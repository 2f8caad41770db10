// Package s3test answers where a test's S3 server comes from: versitygw, which
// checks signatures and keeps objects in a folder, built from a module of its
// own under test/s3. It ends with the test.
package s3test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"lgsp/internal/childtest"
)

// What a server takes, and the name of the bucket that it begins with.
const (
	Key    = "lgsp-test"
	Secret = "not-so-secret"
	Bucket = "datasets"
)

// Server is an S3 server that runs until the test ends, or is killed.
type Server struct {
	Addr   string // host:port; the same after a restart
	Client *minio.Client

	t     testing.TB
	dir   string
	child *os.Process
	ended chan struct{} // closed when the child has
}

// program builds the server where the build cache keeps it, and gives its path.
var program = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	find := exec.Command("go", "tool", "-n", "versitygw")
	find.Dir = filepath.Join(filepath.Dir(here), "../../test/s3")
	path, err := find.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build versitygw: %w: %s", err, path)
	}
	return lastLine(string(path)), nil
})

// lastLine leaves out what go says of modules that it had to fetch.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// Start starts a server with an empty bucket.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	for range 10 { // another program may take the port first
		s.Addr = freeAddress(t)
		client, err := minio.New(s.Addr, &minio.Options{Creds: credentials.NewStaticV4(Key, Secret, ""), Region: "us-east-1", MaxRetries: 1})
		if err != nil {
			t.Fatal(err)
		}
		s.Client = client
		if s.run() {
			break
		}
	}
	if s.child == nil {
		s.failed()
	}
	if err := s.Client.MakeBucket(context.Background(), Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// URL is the address of the bucket as LGSP_S3_URL takes it, with a prefix in it.
func (s *Server) URL(prefix string) string {
	return "s3+http://" + Key + "@" + s.Addr + "/" + Bucket + "/" + prefix
}

// Objects are the names in the bucket, in order.
func (s *Server) Objects() []string {
	s.t.Helper()
	var names []string
	for o := range s.Client.ListObjectsIter(context.Background(), Bucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			s.t.Fatal(o.Err)
		}
		names = append(names, o.Key)
	}
	return names
}

// Restart starts the server again where it was, with what was in it.
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
func (s *Server) Freeze() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	for range 1000 { // its threads stop one after the other
		facts, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.child.Pid))
		if err != nil || strings.Contains(string(facts), ") T ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

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
	s.t.Fatalf("versitygw does not start: %s (%v)", log, err)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "log") }

// run starts the server and reports whether it answers.
func (s *Server) run() bool {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	for _, dir := range []string{"data", "facts"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			s.t.Fatal(err)
		}
	}
	cmd := exec.Command(path, "--port", s.Addr, "--quiet", "--keep-alive", "posix", "--sidecar", filepath.Join(s.dir, "facts"), filepath.Join(s.dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+Key, "ROOT_SECRET_KEY="+Secret)
	cmd.Stdout, cmd.Stderr = log, log
	s.ended = make(chan struct{})
	if err := childtest.Start(cmd, s.ended); err != nil {
		s.t.Fatal(err)
	}
	s.child = cmd.Process
	for range 1000 { // ten seconds
		time.Sleep(10 * time.Millisecond)
		select {
		case <-s.ended:
			s.child = nil
			return false
		default:
		}
		if _, err := s.Client.ListBuckets(context.Background()); err == nil {
			return true
		}
	}
	s.Kill()
	return false
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
