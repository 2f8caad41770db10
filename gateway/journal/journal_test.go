package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j := &Journal{Dir: dir, Segment: 512, Max: 1 << 20, Sync: 5 * time.Millisecond}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func outcome(t *testing.T, j *Journal, id string) {
	t.Helper()
	if err := j.Outcome(id, id); err != nil {
		t.Fatal(err)
	}
}

func intend(t *testing.T, j *Journal, id string) {
	t.Helper()
	ticket, err := j.Intent(id, id+"?")
	if err != nil {
		t.Fatal(err)
	}
	if err := ticket.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// drained closes the journal and gives what it delivers.
func drained(t *testing.T, j *Journal) []string {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := j.Drain(t.Context(), func(_ context.Context, records []Delivered) error {
		for _, r := range records {
			got = append(got, text(t, r))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func text(t *testing.T, r Delivered) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(r.Record, &s); err != nil {
		t.Fatal(err)
	}
	if r.Unknown {
		s += " unknown"
	}
	return s
}

// crash leaves the directory as a killed process does: nothing more written.
func crash(t *testing.T, j *Journal) {
	t.Helper()
	end := time.Now().Add(5 * time.Second)
	for j.Figures().Unsynced > 0 && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	var want []string
	for i := range 50 { // over several files
		id := fmt.Sprint("call-", i)
		if i%2 == 0 {
			intend(t, j, id)
		}
		outcome(t, j, id)
		want = append(want, id)
	}
	if got := drained(t, j); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(files) != 1 {
		t.Errorf("delivered files stay: %v", files)
	}
	again := open(t, dir)
	if got := drained(t, again); len(got) != 0 {
		t.Errorf("delivered twice without a crash: %v", got)
	}
}

func TestCrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	intend(t, j, "a")
	intend(t, j, "b")
	outcome(t, j, "b")
	outcome(t, j, "c")
	crash(t, j)
	if got, want := drained(t, open(t, dir)), []string{"b", "c", "a? unknown"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := drained(t, open(t, dir)); len(got) != 0 {
		t.Errorf("and again: %v", got)
	}
}

func TestCrashWhileDelivering(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	intend(t, j, "slow")
	for i := range 20 {
		outcome(t, j, fmt.Sprint("call-", i))
	}
	ctx, stop := context.WithCancel(t.Context())
	var got []string
	err := j.Drain(ctx, func(_ context.Context, records []Delivered) error {
		for _, r := range records {
			got = append(got, text(t, r))
		}
		if len(got) == 20 {
			stop()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || len(got) != 20 {
		t.Fatalf("got %v, %v", got, err)
	}
	crash(t, j)
	next := open(t, dir)
	outcome(t, next, "after")
	again := drained(t, next)
	if !slices.Contains(again, "slow? unknown") || !slices.Contains(again, "after") {
		t.Errorf("got %v", again)
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	outcome(t, j, "first")
	outcome(t, j, "second")
	outcome(t, j, "third")
	crash(t, j)
	name := j.path(j.current)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content = []byte(strings.Replace(string(content), `"record":"second"`, `"record":"altered"`, 1) + "0000 torn")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	next := open(t, dir)
	if got, want := drained(t, next), []string{"first", "third"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := next.Figures().Damaged; got != 1 {
		t.Errorf("%d lines counted as damaged, want 1", got)
	}
}

func TestFailedDeliveryComesAgain(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	intend(t, j, "a")
	outcome(t, j, "a")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	d := &drainer{journal: j, at: j.drain, open: map[string]intent{}, deliver: func(context.Context, []Delivered) error { return errors.New("away") }}
	if _, err := d.step(t.Context()); err == nil {
		t.Fatal("a failed delivery passed")
	}
	var got []Delivered
	d.deliver = func(_ context.Context, records []Delivered) error { got = records; return nil }
	if _, err := d.step(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	j := &Journal{Dir: t.TempDir(), Segment: 512, Max: 300, Sync: time.Millisecond}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	var err error
	for i := 0; err == nil && i < 100; i++ {
		_, err = j.Intent(fmt.Sprint(i), "x")
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("intent: got %v, want ErrFull", err)
	}
	if err := j.Outcome("x", "x"); !errors.Is(err, ErrFull) || j.Figures().Lost != 1 {
		t.Errorf("outcome: got %v, %d lost", err, j.Figures().Lost)
	}
}

func TestUnwritable(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	intend(t, j, "a")
	if err := j.file.Close(); err != nil { // as a disk that fails
		t.Fatal(err)
	}
	ticket, err := j.Intent("b", "b")
	if err == nil {
		err = ticket.Wait(t.Context())
	}
	if err == nil {
		t.Error("an intent passed that is not on disk")
	}
	if _, err := j.Intent("c", "c"); err == nil {
		t.Error("the next intent was taken while the disk fails")
	}
	if (&Journal{Dir: "/proc/nowhere"}).Open() == nil {
		t.Error("a directory that cannot be made was opened")
	}
	if err := (&Journal{}).Outcome("a", "a"); !errors.Is(err, ErrClosed) {
		t.Errorf("before Open: got %v", err)
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	var mu sync.Mutex
	seen := map[string]int{}
	done := make(chan error, 1)
	go func() {
		done <- j.Drain(t.Context(), func(_ context.Context, records []Delivered) error {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range records {
				seen[text(t, r)]++
			}
			return nil
		})
	}()
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("%d-%d", g, i)
				ticket, err := j.Intent(id, id+"?")
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				if err == nil {
					err = j.Outcome(id, id)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(seen) != 400 {
		t.Errorf("%d calls delivered, want 400", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

// FuzzDecode: a line is taken only with its own checksum.
func FuzzDecode(f *testing.F) {
	good, err := encode(Line{ID: "a"}, "record")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:len(good)-1])
	f.Add([]byte("00000000 {}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if got, ok := decode(line); ok && got.ID == "" {
			t.Fatalf("%q was taken", line)
		}
	})
}

// TestNextFileCannotBeBegun: once it can, the journal takes lines again.
func TestNextFileCannotBeBegun(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	taken := j.path(j.current + 1)
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	var ticket Ticket
	var err error
	for i := 0; err == nil && i < 100; i++ {
		if ticket, err = j.Intent(fmt.Sprint(i), "x"); err == nil {
			err = ticket.Wait(t.Context())
		}
	}
	if err == nil {
		t.Fatal("more than a file's lines were taken, and there is no second file")
	}
	if err := os.Remove(taken); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(5 * time.Second)
	for err != nil && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		if ticket, err = j.Intent("after", "x"); err == nil {
			err = ticket.Wait(t.Context())
		}
	}
	if err != nil {
		t.Errorf("the disk is well again, and the journal says %v", err)
	}
}

// TestLostOutcome: an intent whose outcome was never written does not keep the
// files behind it for ever.
func TestLostOutcome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := &Journal{Dir: dir, Segment: 256, Max: 2048, Sync: time.Millisecond}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	unknown := make(chan string, 10)
	go func() {
		_ = j.Drain(t.Context(), func(_ context.Context, records []Delivered) error { // ends with the test
			for _, r := range records {
				if r.Unknown {
					unknown <- text(t, r)
				}
			}
			return nil
		})
	}()
	intend(t, j, "lost")
	end := time.Now().Add(5 * time.Second)
	for i := 0; i < 200 && time.Now().Before(end); i++ {
		if err := j.Outcome(fmt.Sprint(i), "x"); err != nil { // full until the files before are gone
			i--
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case got := <-unknown:
		if got != "lost? unknown" {
			t.Errorf("got %s", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("the intent is never delivered")
	}
	if held := j.Figures().Bytes; held > j.Max {
		t.Errorf("%d bytes are kept", held)
	}
}

// TestFailedSync: what was written beside a sync that failed is delivered with
// the rest, not only with the next file.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	j := &Journal{Dir: t.TempDir(), Segment: 1 << 20, Max: 1 << 22, Sync: time.Millisecond, Flush: func(f *os.File) error {
		if failing.Load() {
			return errors.New("the disk fails")
		}
		return f.Sync()
	}}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	failing.Store(true)
	ticket, err := j.Intent("a", "a?")
	if err == nil {
		err = ticket.Wait(t.Context())
	}
	if err == nil {
		t.Fatal("an intent passed that is not on disk")
	}
	failing.Store(false)
	outcome(t, j, "a")
	outcome(t, j, "b")
	if got := drained(t, j); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("delivered: got %v, want a and b", got)
	}
}
