package upstream

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// newPool is a pool of hosts a, b, c … of these weights, by the clock of the bubble.
func newPool(t testing.TB, weights ...int) (*Pool, *[]Change) {
	t.Helper()
	var list []Address
	for i, weight := range weights {
		list = append(list, Address{URL: fmt.Sprintf("http://%c", 'a'+i), Weight: weight})
	}
	p, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	changes := &[]Change{}
	p.Now, p.Changed = time.Now, func(c Change) { *changes = append(*changes, c) }
	return p, changes
}

// calls makes n calls one after the other, of which those to bad hosts fail,
// and tells where they went.
func calls(p *Pool, n int, bad string) string {
	var went strings.Builder
	for range n {
		try, ok := p.Pick()
		if !ok {
			went.WriteByte('-')
			continue
		}
		went.WriteString(try.Target().Host)
		what := Answered
		if strings.Contains(bad, try.Target().Host) {
			what = Failed
		}
		p.Done(try, what)
	}
	return went.String()
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		list []Address
		want Target
	}{
		{"one", []Address{{"http://a.vn", 1}}, Target{Scheme: "http", Host: "a.vn", HostPort: "a.vn:80"}},
		{"a path and a port", []Address{{"https://a.vn:8443/goc/%C4%91/", 100}}, Target{Scheme: "https", Host: "a.vn:8443", Path: "/goc/%C4%91", HostPort: "a.vn:8443"}},
		{"none", nil, Target{}},
		{"too many", slices.Repeat([]Address{{"http://a.vn", 1}}, MaxAddresses+1), Target{}},
		{"no weight", []Address{{"http://a.vn", 0}}, Target{}},
		{"too heavy", []Address{{"http://a.vn", MaxWeight + 1}}, Target{}},
		{"a file", []Address{{"file:///etc", 1}}, Target{}},
		{"a user", []Address{{"http://u@a.vn", 1}}, Target{}},
		{"a query", []Address{{"http://a.vn?x=1", 1}}, Target{}},
		{"the second is no address", []Address{{"http://a.vn", 1}, {"", 1}}, Target{}},
	} {
		p, err := New(tt.list)
		if tt.want == (Target{}) {
			if err == nil {
				t.Errorf("%s: taken", tt.name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		try, ok := p.Pick()
		got := try.Target()
		if secured := got.TLS != nil; !ok || secured != (got.Scheme == "https") {
			t.Errorf("%s: TLS %v to %s", tt.name, secured, got.Scheme)
		}
		if got.TLS = nil; got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		weights []int
		n       int
		want    map[string]int
	}{
		{[]int{1}, 5, map[string]int{"a": 5}},
		{[]int{1, 1}, 10, map[string]int{"a": 5, "b": 5}},
		{[]int{5, 1, 1}, 70, map[string]int{"a": 50, "b": 10, "c": 10}},
		{[]int{100, 50}, 30, map[string]int{"a": 20, "b": 10}},
		{[]int{100, 99}, 199, map[string]int{"a": 100, "b": 99}},
	} {
		p, _ := newPool(t, tt.weights...)
		went := calls(p, tt.n, "")
		for host, want := range tt.want {
			if got := strings.Count(went, host); got != want {
				t.Errorf("%v: %s got %d calls of %d, want %d", tt.weights, host, got, tt.n, want)
			}
		}
		if len(tt.weights) == 3 && strings.Contains(went, "aaaaaa") {
			t.Errorf("%v: %s is not smooth", tt.weights, went)
		}
	}
}

// TestTimesOut follows an address out and back, by the bubble's clock.
func TestTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, changes := newPool(t, 1, 1)
		if got := calls(p, 12, "a"); strings.Count(got, "a") != failuresOfOne || !strings.HasSuffix(got, "bbbbbb") {
			t.Errorf("failing: calls went %s", got)
		}
		if got := p.Standings(); len(got) != 2 || !got[0].Out || got[1].Out || !got[0].Until.Equal(time.Now().Add(time.Second)) {
			t.Errorf("standings: %+v", got)
		}
		for _, spell := range []time.Duration{1, 2, 4, 8, 16, 30, 30} { // one trial after each, which fails
			time.Sleep(spell*time.Second - time.Nanosecond)
			if got := calls(p, 4, "a"); got != "bbbb" {
				t.Errorf("before %d s are over: calls went %s", spell, got)
			}
			time.Sleep(time.Nanosecond)
			if got := calls(p, 6, "a"); strings.Count(got, "a") != 1 {
				t.Errorf("after %d s: calls went %s", spell, got)
			}
		}
		time.Sleep(30 * time.Second)
		if got := calls(p, 8, ""); strings.Count(got, "a") < 4 {
			t.Errorf("it answers again: calls went %s", got)
		}
		if p.Standings() != nil {
			t.Errorf("all in: %+v", p.Standings())
		}
		calls(p, 6, "a") // soon after: not forgiven
		if got := time.Until(p.Standings()[0].Until); got != 30*time.Second {
			t.Errorf("out again soon: for %s", got)
		}
		time.Sleep(30 * time.Second)
		calls(p, 2, "")
		time.Sleep(forgiven + 1)
		calls(p, 6, "a")
		if got := time.Until(p.Standings()[0].Until); got != time.Second {
			t.Errorf("out again long after: for %s", got)
		}
		out, back := Change{Host: "a", Fit: 1}, Change{Host: "a", Back: true, Fit: 2}
		if want := []Change{out, back, out, back, out}; !slices.Equal(*changes, want) {
			t.Errorf("changes: got %+v, want %+v", *changes, want)
		}
	})
}

func TestOneAnswerBreaksTheRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, 1)
		for range 5 {
			calls(p, failuresOfLast-1, "a")
			calls(p, 1, "")
		}
		if p.Standings() != nil {
			t.Error("out although it answered in between")
		}
	})
}

// TestTheLastOne: the last address goes out late, and then the pool is down
// but for one trial at a time.
func TestTheLastOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, changes := newPool(t, 1, 1)
		calls(p, 6, "a")
		if got := calls(p, failuresOfLast+2, "b"); got != strings.Repeat("b", failuresOfLast)+"--" {
			t.Errorf("calls went %s", got)
		}
		if got := p.Wait(); got != time.Second {
			t.Errorf("wait %s", got)
		}
		time.Sleep(time.Second)
		trial, ok := p.Pick()
		second, both := p.Pick() // the other address is due too
		if !ok || !both || trial.Target() == second.Target() {
			t.Fatal("no trials")
		}
		if got := calls(p, 3, ""); got != "---" {
			t.Errorf("beside the trials calls went %s", got)
		}
		p.Done(trial, Left) // says nothing, and the next call is a trial
		p.Done(second, Failed)
		if got := calls(p, 3, trial.Target().Host); got != trial.Target().Host+"--" {
			t.Errorf("after a trial whose caller left, calls went %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := calls(p, 4, "a"); !strings.Contains(got, "bb") {
			t.Errorf("b is back: calls went %s", got)
		}
		last := (*changes)[len(*changes)-1]
		if last.Host != "b" || !last.Back || last.Fit != 1 || (*changes)[1] != (Change{Host: "b"}) {
			t.Errorf("changes %+v", *changes)
		}
	})
}

// TestLateFailures: calls that began before an address went out, and fail when
// it is back or out, are not held against it again.
func TestLateFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPool(t, 1)
		var hanging []Try
		for range 50 {
			try, _ := p.Pick()
			hanging = append(hanging, try)
		}
		for _, try := range hanging {
			p.Done(try, Failed)
		}
		if got := p.Wait(); got != time.Second {
			t.Errorf("50 failures at once keep it out for %s", got)
		}
		time.Sleep(time.Second)
		calls(p, 1, "")
		for _, try := range hanging {
			p.Done(try, Failed)
		}
		if p.Standings() != nil {
			t.Error("late failures took it out again")
		}
	})
}

func TestOther(t *testing.T) {
	t.Parallel()
	p, _ := newPool(t, 100, 1)
	for range 300 {
		first, _ := p.Pick()
		if other, ok := p.Other(first); !ok || other.Target() == first.Target() {
			t.Fatalf("%+v after %+v", other.Target(), first.Target())
		}
	}
	alone, _ := newPool(t, 1)
	first, _ := alone.Pick()
	if _, ok := alone.Other(first); ok {
		t.Error("another address than the only one")
	}
}

// TestServers runs callers at once against real servers, one of which dies and
// comes back: no two trials at once, and every address is used at the end.
func TestServers(t *testing.T) {
	t.Parallel()
	var dead atomic.Bool
	var reached [2]atomic.Int32
	var list []Address
	for i := range reached {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			reached[i].Add(1)
			if i == 0 && dead.Load() {
				panic(http.ErrAbortHandler)
			}
		}))
		t.Cleanup(s.Close)
		list = append(list, Address{URL: s.URL, Weight: 1})
	}
	p, err := New(list)
	if err != nil {
		t.Fatal(err)
	}
	var skipped atomic.Int64
	p.Now = func() time.Time { return time.Now().Add(time.Duration(skipped.Load())) }
	run := func(calls int) (failed int32) {
		var bad atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range calls {
					try, ok := p.Pick()
					if !ok {
						bad.Add(1)
						continue
					}
					what := Answered
					res, err := http.Get(try.Target().Scheme + "://" + try.Target().Host)
					if err != nil {
						what = Failed
						bad.Add(1)
					} else {
						_, _ = io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
					p.Done(try, what)
				}
			})
		}
		group.Wait()
		return bad.Load()
	}
	if failed := run(20); failed != 0 || reached[0].Load() != 80 || reached[1].Load() != 80 {
		t.Errorf("all well: %d failed, %d and %d reached", failed, reached[0].Load(), reached[1].Load())
	}
	dead.Store(true)
	if failed := run(50); failed < failuresOfOne || failed > 8+failuresOfOne+1 { // eight may be on their way, and a second may pass
		t.Errorf("one dead: %d of 400 failed", failed)
	}
	dead.Store(false)
	skipped.Add(int64(longestOut))
	if failed := run(5); failed != 0 { // one of them is the trial
		t.Errorf("it is tried: %d failed", failed)
	}
	before := reached[0].Load()
	if failed := run(20); failed != 0 || reached[0].Load()-before != 80 {
		t.Errorf("it is back: %d failed, %d of 160 reached it", failed, reached[0].Load()-before)
	}
}

func BenchmarkPick(b *testing.B) {
	for _, weights := range [][]int{{1}, {1, 1}, {100, 99, 1, 1, 1, 1, 1, 1}} {
		b.Run(fmt.Sprintf("addresses=%d", len(weights)), func(b *testing.B) {
			p, _ := newPool(b, weights...)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					try, _ := p.Pick()
					p.Done(try, Answered)
				}
			})
		})
	}
}
