package files_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog"
	"lgsp/catalog/files"
	"lgsp/internal/problem"
	"lgsp/internal/s3test"
)

// place is a store as a test sees it, and what lies in it.
type place struct {
	catalog.FileStore
	dir    string
	server *s3test.Server // nil: on disk
	now    time.Time      // of what lies there
}

// each runs a test on every kind of store.
func each(t *testing.T, test func(t *testing.T, s place)) {
	t.Parallel()
	t.Run("disk", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		test(t, place{FileStore: files.Disk{Dir: dir}, dir: dir, now: time.Now()})
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		test(t, newBucket(t))
	})
}

func newBucket(t *testing.T) place {
	t.Helper()
	server, dir := s3test.Start(t), t.TempDir()
	s, err := files.NewS3(server.URL("province/one"), s3test.Secret, files.Disk{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return place{FileStore: s, dir: dir, server: server, now: time.Now()}
}

// lies lists what is kept, offered or on its way in, and on this machine.
func (s place) lies(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, s.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.server != nil {
		for _, name := range s.server.Objects() {
			names = append(names, strings.TrimPrefix(strings.TrimPrefix(name, "province/one/"), "files/"))
		}
	}
	return names
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// keep brings a text into the store.
func (s place) keep(t *testing.T, text string) string {
	t.Helper()
	ctx := t.Context()
	file, err := s.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(file.Name())
	if _, err = io.Copy(file, strings.NewReader(text)); err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	offered, err := s.Offer(ctx, file.Name())
	if err == nil {
		err = errors.Join(s.Keep(ctx, offered, hashOf(text)), s.Drop(ctx, offered))
	}
	if err != nil {
		t.Fatal(err)
	}
	return hashOf(text)
}

func (s place) read(t *testing.T, hash string) string {
	t.Helper()
	file, err := s.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAKeptFileIsReadFromAnywhere(t *testing.T) {
	each(t, func(t *testing.T, s place) {
		text := strings.Repeat("một hai ba bốn năm\n", 20_000)
		hash := s.keep(t, text)
		if again := s.keep(t, text); again != hash || s.read(t, hash) != text {
			t.Error("kept twice it is another")
		}
		if got := s.lies(t); !slices.Equal(got, []string{hash}) {
			t.Errorf("there lie %v", got)
		}
		file, err := s.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := iotest.TestReader(file, []byte(text)); err != nil {
			t.Error(err)
		}
		size := int64(len(text))
		for _, tt := range []struct{ offset, want int64 }{{-5, size - 5}, {0, size}, {-size, 0}} {
			at, err := file.Seek(tt.offset, io.SeekEnd)
			if err != nil || at != tt.want {
				t.Fatalf("%d from the end is %d, error %v", tt.offset, at, err)
			}
			rest, err := io.ReadAll(file)
			if err != nil || string(rest) != text[at:] {
				t.Errorf("from %d on: %d bytes, error %v", at, len(rest), err)
			}
		}
		if _, err := file.Seek(-1, io.SeekStart); err == nil {
			t.Error("there is something before the beginning")
		}
		if _, err := s.Open(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what was never kept: %v", err)
		}
	})
}

func TestWhatIsDroppedLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, s place) {
		file, err := s.Scratch()
		if err != nil {
			t.Fatal(err)
		}
		offered, err := s.Offer(t.Context(), file.Name())
		if err == nil {
			err = errors.Join(file.Close(), os.Remove(file.Name()))
		}
		for dropped := errors.New("not yet"); err == nil && dropped != nil; {
			if dropped = s.Drop(t.Context(), offered); dropped != nil && !problem.Is(dropped, problem.Unavailable) {
				err = dropped
			}
		}
		if got := s.lies(t); err != nil || len(got) != 0 {
			t.Errorf("there lie %v, error %v", got, err)
		}
	})
}

// TestAFileComesInPieces: of any size, also larger than what is sent at once.
func TestAFileComesInPieces(t *testing.T) {
	each(t, func(t *testing.T, s place) {
		ctx, id := t.Context(), uuid.Must(uuid.NewV7())
		whole := bytes.Repeat([]byte("0123456789abcde\n"), 40<<20/16)
		at, err := s.Received(ctx, id)
		if at != 0 || err != nil {
			t.Fatalf("before it came: %d, error %v", at, err)
		}
		size := int64(len(whole))
		for _, piece := range [][]byte{whole[:3], whole[3:100], whole[100 : 35<<20]} {
			n, err := s.Receive(ctx, id, at, size-at, bytes.NewReader(piece))
			if err != nil || n != int64(len(piece)) {
				t.Fatalf("of %d bytes at %d %d came, error %v", len(piece), at, n, err)
			}
			at += n
		}
		broken := io.MultiReader(bytes.NewReader(whole[at:at+9]), iotest.ErrReader(io.ErrUnexpectedEOF))
		gone, cancel := context.WithCancel(ctx)
		cancel() // who sent has gone, and what came stays
		n, err := s.Receive(gone, id, at, size-at, broken)
		if n != 9 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("of a piece that broke off %d bytes came, error %v", n, err)
		}
		at += n
		tooLong := bytes.NewReader(append(slices.Clone(whole[at:]), 'x'))
		if n, err := s.Receive(ctx, id, at, size-at, tooLong); n != 0 || !errors.Is(err, files.ErrTooLong) {
			t.Errorf("of what is too long %d bytes came, error %v", n, err)
		}
		if now, err := s.Received(ctx, id); now != at || err != nil {
			t.Errorf("it stands at %d, error %v, want %d", now, err, at)
		}
		if n, err := s.Receive(ctx, id, at, size-at, bytes.NewReader(whole[at:])); n != size-at || err != nil {
			t.Errorf("the rest: %d bytes, error %v", n, err)
		}
		other := uuid.Must(uuid.NewV7()) // too long by a byte, which comes after what was sent on already
		if n, err := s.Receive(ctx, other, 0, size-1, bytes.NewReader(whole)); n != 0 || !errors.Is(err, files.ErrTooLong) {
			t.Errorf("of what is too long %d bytes came, error %v", n, err)
		}
		if at, err := s.Received(ctx, other); at != 0 || err != nil {
			t.Errorf("of what is too long %d bytes are kept, error %v", at, err)
		}
		if err := s.Forget(ctx, other); err != nil {
			t.Error(err)
		}
		path, release, err := s.Local(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%d bytes came, error %v", len(got), err)
		}
		release()
		if err := s.Forget(ctx, id); err != nil {
			t.Error(err)
		}
		if got := s.lies(t); len(got) != 0 {
			t.Errorf("there lie %v", got)
		}
	})
}

func TestSweepLeavesWhatIsKeptOrWanted(t *testing.T) {
	each(t, func(t *testing.T, s place) {
		ctx, kept := t.Context(), s.keep(t, "kept")
		wanted, forgotten := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
		for _, id := range []uuid.UUID{wanted, forgotten} {
			if _, err := s.Receive(ctx, id, 0, 4, strings.NewReader("1234")); err != nil {
				t.Fatal(err)
			}
		}
		file, err := s.Scratch()
		if err == nil {
			_, err = s.Offer(ctx, file.Name())
		}
		if err != nil {
			t.Fatal(err)
		}
		known := func(_ context.Context, id uuid.UUID) (bool, error) { return id == wanted, nil }
		before := s.lies(t)
		if err := s.Sweep(ctx, s.now.Add(-time.Hour), known); err != nil || !slices.Equal(s.lies(t), before) {
			t.Errorf("of what is young there is left %v, error %v", s.lies(t), err)
		}
		away := errors.New("away")
		if err := s.Sweep(ctx, s.now.Add(time.Hour), func(context.Context, uuid.UUID) (bool, error) { return false, away }); !errors.Is(err, away) {
			t.Errorf("the database is away: %v", err)
		}
		if err := s.Sweep(ctx, s.now.Add(time.Hour), known); err != nil {
			t.Fatal(err)
		}
		got := s.lies(t)
		if len(got) != 2 || got[0] != kept || !strings.HasPrefix(got[1], "partial/"+wanted.String()) {
			t.Errorf("there lie %v", got)
		}
	})
}

// TestTwoNodesTakeNoPieceTwice: who was late is told, and nothing is mixed.
func TestTwoNodesTakeNoPieceTwice(t *testing.T) {
	t.Parallel()
	s, ctx, id := newBucket(t), t.Context(), uuid.Must(uuid.NewV7())
	results := make(chan error, 4)
	for i := range cap(results) {
		go func() {
			_, err := s.Receive(ctx, id, 0, 1<<20, bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 1<<20)))
			results <- err
		}()
	}
	taken := 0
	for range cap(results) {
		if err := <-results; err == nil {
			taken++
		} else if !errors.Is(err, files.ErrTaken) {
			t.Error(err)
		}
	}
	path, release, err := s.Local(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	body, err := os.ReadFile(path)
	if err != nil || taken != 1 || len(body) != 1<<20 || bytes.Count(body, body[:1]) != len(body) {
		t.Errorf("%d were taken, %d bytes, error %v", taken, len(body), err)
	}
}

// TestTheServerGoesAway: everything says so, within its time, and all is there
// when it is back.
func TestTheServerGoesAway(t *testing.T) {
	t.Parallel()
	s, ctx := newBucket(t), t.Context()
	text := strings.Repeat("0123456789", 2<<20)
	hash, id := s.keep(t, text), uuid.Must(uuid.NewV7())
	if _, err := s.Receive(ctx, id, 0, 8, strings.NewReader("1234")); err != nil {
		t.Fatal(err)
	}
	reading, err := s.Open(ctx, hash)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	head := make([]byte, 1000)
	if _, err := io.ReadFull(reading, head); err != nil {
		t.Fatal(err)
	}
	attempts := map[string]func() error{
		"open":     func() error { _, err := s.Open(ctx, hash); return err },
		"received": func() error { _, err := s.Received(ctx, id); return err },
		"receive":  func() error { _, err := s.Receive(ctx, id, 4, 4, strings.NewReader("5678")); return err },
		"local":    func() error { _, _, err := s.Local(ctx, id); return err },
		"forget":   func() error { return s.Forget(ctx, id) },
		"keep":     func() error { return s.Keep(ctx, "province/one/offered/x", hash) },
		"drop":     func() error { return s.Drop(ctx, "province/one/offered/x") },
		"offer":    func() error { _, err := s.Offer(ctx, os.Args[0]); return err },
		"sweep": func() error {
			return s.Sweep(ctx, s.now, func(context.Context, uuid.UUID) (bool, error) { return false, nil })
		},
	}
	s.server.Kill()
	for name, try := range attempts {
		began := time.Now()
		if err := try(); problem.Code(err) != "files-away" || !problem.Is(err, problem.Unavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	store := s.FileStore.(*files.S3)
	if state := store.State(); state.Up || state.Failed == 0 {
		t.Errorf("the state is %+v", state)
	}
	s.server.Restart()
	rest, err := io.ReadAll(reading)
	if err != nil || string(head)+string(rest) != text {
		t.Errorf("a download that was cut goes on with %d bytes, error %v", len(rest), err)
	}
	if got := s.read(t, hash); got != text || !store.State().Up {
		t.Errorf("%d bytes are there, state %+v", len(got), store.State())
	}
	if at, err := s.Received(ctx, id); at != 4 || err != nil {
		t.Errorf("the upload stands at %d, error %v", at, err)
	}
}

// TestAServerThatHangsIsNotWaitedForLong: ten seconds, and then the reader is told.
func TestAServerThatHangsIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	s, ctx := newBucket(t), t.Context()
	hash := s.keep(t, "text")
	s.server.Freeze()
	defer s.server.Thaw()
	began := time.Now()
	if _, err := s.Open(ctx, hash); problem.Code(err) != "files-away" {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took < 5*time.Second || took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
	asked, stop := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, stop)
	if _, err := s.Open(asked, hash); !errors.Is(err, context.Canceled) {
		t.Errorf("who left is told %v", err)
	}
}

func TestWhatTheServerRefusesIsSaidAtStart(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	for _, tt := range []struct{ name, url, secret, want string }{
		{"all is well", server.URL(""), s3test.Secret, ""},
		{"a wrong secret", server.URL(""), "wrong", "SignatureDoesNotMatch"},
		{"another key", strings.Replace(server.URL(""), s3test.Key, "nobody", 1), s3test.Secret, "access key"},
		{"no such bucket", strings.Replace(server.URL(""), s3test.Bucket, "nothing", 1), s3test.Secret, "NoSuchBucket"},
	} {
		s, err := files.NewS3(tt.url, tt.secret, files.Disk{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Check(t.Context())
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || problem.Code(err) != "") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	server.Kill()
	s, err := files.NewS3(server.URL(""), s3test.Secret, files.Disk{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); problem.Code(err) != "files-away" {
		t.Errorf("away: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		address, secret string
		ok              bool
	}{
		{"s3+https://key@s3.example.vn/bucket", "s", true},
		{"s3+https://key@s3.example.vn:9000/bucket/a/b?region=hn-1&lookup=dns", "s", true},
		{"s3+http://key@127.0.0.1:9000/bucket/?lookup=path", "s", true},
		{"s3+https://key@s3.example.vn/bucket", "", false},
		{"s3+https://key:hidden-word@s3.example.vn/bucket", "s", false},
		{"s3+https://s3.example.vn/hidden-word", "s", false},
		{"https://key@s3.example.vn/hidden-word", "s", false},
		{"s3+https://key@s3.example.vn", "s", false},
		{"s3+https://key@s3.example.vn/", "s", false},
		{"s3+https://key@s3.example.vn/a//hidden-word", "s", false},
		{"s3+https://key@s3.example.vn/a/../hidden-word", "s", false},
		{"s3+https://key@s3.example.vn/a?hidden-word=1", "s", false},
		{"s3+https://key@s3.example.vn/a?lookup=hidden-word", "s", false},
		{"s3+https://key@s3.example.vn/a?region=", "s", false},
		{"s3+https://key@s3.example.vn/a#hidden-word", "s", false},
		{"s3+https://key@%zz/hidden-word", "s", false},
	} {
		err := files.CheckS3(tt.address, tt.secret)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.address, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden-word") {
			t.Errorf("%s: the error repeats it: %v", tt.address, err)
		}
		if _, made := files.NewS3(tt.address, tt.secret, files.Disk{}); (made == nil) != tt.ok {
			t.Errorf("%s: made with %v", tt.address, made)
		}
	}
}
