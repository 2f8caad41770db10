package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
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

// named is an ID for a name.
func named(name string) (id ID) {
	copy(id[:], name)
	return id
}

func outcome(t *testing.T, j *Journal, id string) {
	t.Helper()
	if err := j.Outcome(named(id), []byte(id)); err != nil {
		t.Fatal(err)
	}
}

func intend(t *testing.T, j *Journal, id string) {
	t.Helper()
	ticket, err := j.Intent(named(id), []byte(id+"?"))
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
			got = append(got, text(r))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func text(r Delivered) string {
	s := string(r.Record)
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
	if files, _ := filepath.Glob(filepath.Join(dir, "*.journal")); len(files) != 1 {
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
			got = append(got, text(r))
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
	name := j.path(j.number)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content = bytes.Replace(content, []byte("second"), []byte("altered"[:6]), 1)
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
	d := &drainer{journal: j, at: j.drain, open: map[ID]intent{}, deliver: func(context.Context, []Delivered) error { return errors.New("away") }}
	if _, _, err := d.step(t.Context()); err == nil {
		t.Fatal("a failed delivery passed")
	}
	var got []Delivered
	d.deliver = func(_ context.Context, records []Delivered) error { got = records; return nil }
	if _, _, err := d.step(t.Context()); err != nil || len(got) != 1 {
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
		_, err = j.Intent(named(fmt.Sprint(i)), []byte("x"))
	}
	if !errors.Is(err, ErrFull) {
		t.Errorf("intent: got %v, want ErrFull", err)
	}
	if err := j.Outcome(named("x"), []byte("x")); !errors.Is(err, ErrFull) || j.Figures().Lost != 1 {
		t.Errorf("outcome: got %v, %d lost", err, j.Figures().Lost)
	}
}

func TestUnwritable(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	intend(t, j, "a")
	if err := j.current.file.Close(); err != nil { // as a disk that fails
		t.Fatal(err)
	}
	ticket, err := j.Intent(named("b"), []byte("b"))
	if err == nil {
		err = ticket.Wait(t.Context())
	}
	if err == nil {
		t.Error("an intent passed that is not on disk")
	}
	if _, err := j.Intent(named("c"), []byte("c")); err == nil {
		t.Error("the next intent was taken while the disk fails")
	}
	if (&Journal{Dir: "/proc/nowhere"}).Open() == nil {
		t.Error("a directory that cannot be made was opened")
	}
	if err := (&Journal{}).Outcome(named("a"), []byte("a")); !errors.Is(err, ErrClosed) {
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
				seen[text(r)]++
			}
			return nil
		})
	}()
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("%d-%d", g, i)
				ticket, err := j.Intent(named(id), []byte(id+"?"))
				if err == nil {
					err = ticket.Wait(t.Context())
				}
				if err == nil {
					err = j.Outcome(named(id), []byte(id))
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

// FuzzReadFrame: a frame is taken only with its own checksum, and within what
// is there; a reader that skips what is damaged comes to an end.
func FuzzReadFrame(f *testing.F) {
	good := frame{kind: kindOutcome, id: named("a"), record: []byte("record")}
	seed := make([]byte, good.size())
	good.put(seed)
	f.Add(seed)
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, data []byte) {
		for len(data) > 0 {
			got, ok := readFrame(data)
			if !ok {
				data = data[skip(data):]
				continue
			}
			again := make([]byte, got.size())
			got.put(again)
			if !bytes.HasPrefix(data, again) {
				t.Fatalf("%x was taken", data)
			}
			data = data[got.size():]
		}
	})
}

// FuzzReadLine: a line of an earlier version is taken only with its own checksum.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte("00000000 {}"))
	f.Add(line(`{"id":"0198a000-0000-7000-8000-000000000001","record":{"a":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, ok := readLine(text); ok && len(text) < len(got.record)+8 {
			t.Fatalf("%q was taken", text)
		}
	})
}

func line(text string) []byte {
	return fmt.Appendf(nil, "%08x %s", crc32.Checksum([]byte(text), castagnoli), text)
}

// TestLinesOfAnEarlierVersion: what it left undelivered is delivered first.
func TestLinesOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := ""
	for _, l := range []string{
		`{"id":"0198a000-0000-7000-8000-000000000001","intent":true,"record":"began"}`, `{"id":"0198a000-0000-7000-8000-000000000002","record":"ended"}`,
		`{"id":"0198a000-0000-7000-8000-000000000003","intent":true,"record":"begun"}`, `{"id":"0198a000-0000-7000-8000-000000000001","record":"done"}`,
	} {
		text += string(line(l)) + "\n"
	}
	if err := os.WriteFile(filepath.Join(dir, "000000000007.log"), []byte(text+"0000 torn\nhalf"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, dir)
	outcome(t, j, "new")
	if got, want := drained(t, j), []string{`"ended"`, `"done"`, `"begun" unknown`, "new"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.log")); len(files) != 0 {
		t.Errorf("files stay: %v", files)
	}
}

// TestKilled: what was taken is there without a sync and without a close.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := &Journal{Dir: dir, Segment: 4096, Max: 1 << 20, Sync: time.Hour}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 300 { // over several files, the last ones not cut to their size
		outcome(t, j, fmt.Sprint("call-", i))
		want = append(want, fmt.Sprint("call-", i))
	}
	if got := drained(t, open(t, dir)); !slices.Equal(got, want) {
		t.Errorf("got %d of %d: %v", len(got), len(want), got)
	}
	_ = j.Close()
}

// TestPowerFailure: pages that never reached the disk hide no record behind them.
func TestPowerFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := open(t, dir)
	for _, id := range []string{"first", "second", "third"} {
		outcome(t, j, id)
	}
	crash(t, j)
	name := j.path(j.number)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	clear(content[frameHead+5 : 2*(frameHead+5)+1])
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := drained(t, open(t, dir)), []string{"first", "third"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestGathered: records that come one after the other are not delivered one by one.
func TestGathered(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	deliveries, got := 0, 0
	done := make(chan error, 1)
	go func() {
		done <- j.Drain(t.Context(), func(_ context.Context, records []Delivered) error {
			deliveries, got = deliveries+1, got+len(records)
			return nil
		})
	}()
	const count = 100
	for i := range count {
		if err := j.Outcome(ID{byte(i)}, []byte("x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || got != count || deliveries > count/4 {
		t.Errorf("%d records in %d deliveries, %v", got, deliveries, err)
	}
}

// TestLargeDelivery: more than one window of records, intents among them.
func TestLargeDelivery(t *testing.T) {
	t.Parallel()
	j := &Journal{Dir: t.TempDir(), Segment: 8 << 20, Max: 1 << 30, Sync: 5 * time.Millisecond}
	if err := j.Open(); err != nil {
		t.Fatal(err)
	}
	record := bytes.Repeat([]byte("x"), 3001)
	const count = 5000
	for i := range count {
		id := ID{byte(i), byte(i >> 8)}
		if i%3 != 0 {
			if _, err := j.Intent(id, record); err != nil {
				t.Fatal(err)
			}
		}
		if i%3 != 1 {
			if err := j.Outcome(id, record); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	got := 0
	if err := j.Drain(t.Context(), func(_ context.Context, records []Delivered) error { got += len(records); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := count - (count+1)/3; got != want || j.Figures().Damaged != 0 {
		t.Errorf("got %d records, want %d; %d damaged", got, want, j.Figures().Damaged)
	}
}

// BenchmarkOutcome is what a call pays.
func BenchmarkOutcome(b *testing.B) {
	j := &Journal{Dir: b.TempDir(), Segment: 16 << 20, Max: 1 << 40, Sync: 200 * time.Millisecond}
	if err := j.Open(); err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	record := bytes.Repeat([]byte("x"), 500)
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Outcome(ID{}, record); err != nil {
			b.Fatal(err)
		}
	}
}

// TestNextFileCannotBeBegun: once it can, the journal takes lines again.
func TestNextFileCannotBeBegun(t *testing.T) {
	t.Parallel()
	j := open(t, t.TempDir())
	taken := j.path(j.number + 1)
	if err := os.Mkdir(taken, 0o700); err != nil {
		t.Fatal(err)
	}
	var ticket Ticket
	var err error
	for i := 0; err == nil && i < 100; i++ {
		if ticket, err = j.Intent(named(fmt.Sprint(i)), []byte("x")); err == nil {
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
		if ticket, err = j.Intent(named("after"), []byte("x")); err == nil {
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
					unknown <- text(r)
				}
			}
			return nil
		})
	}()
	intend(t, j, "lost")
	end := time.Now().Add(5 * time.Second)
	for i := 0; i < 200 && time.Now().Before(end); i++ {
		if err := j.Outcome(named(fmt.Sprint(i)), []byte("x")); err != nil { // full until the files before are gone
			i--
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case got := <-unknown:
		if got != "lost? unknown" {
			t.Errorf("got %s", got)
		}
	case <-time.After(30 * time.Second):
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
	ticket, err := j.Intent(named("a"), []byte("a?"))
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
