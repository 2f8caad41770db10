package quota

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"lgsp/internal/certtest"
	"lgsp/internal/redistest"
)

// newNode is a node's limiter on a Redis, with a clock of its own. It waits for
// the Redis however slow the machine is.
func newNode(t testing.TB, address string, wrong time.Duration) (*Limiter, *Redis) {
	t.Helper()
	r, err := NewRedis(address, func() time.Time { return time.Now().Add(wrong) })
	if err != nil {
		t.Fatal(err)
	}
	r.Within = 10 * time.Second
	t.Cleanup(func() { _ = r.Close() })
	return &Limiter{Shared: r}, r
}

func clientOf(t testing.TB, s *redistest.Server) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// halfDay is a window of which nothing comes back while a test runs.
func halfDay(name string, calls int) Window {
	return Window{Name: name, Calls: calls, Length: MaxLength}
}

// hammer lets 8 goroutines a node take until each has been refused 20 times, and
// says how many calls were taken in all.
func hammer(t *testing.T, nodes []*Limiter, takes ...Take) int {
	t.Helper()
	var group sync.WaitGroup
	var taken atomic.Int64
	for i, l := range nodes {
		for range 8 {
			group.Go(func() {
				now := time.Now().Add(time.Duration(i-1) * 17 * time.Minute) // as each node's clock has it
				for refused := 0; refused < 20 && taken.Load() < 5000; {
					mine := append([]Take(nil), takes...)
					if answers := l.Take(t.Context(), mine, now, nil); answers[len(answers)-1].OK {
						taken.Add(1)
					} else {
						refused++
					}
				}
			})
		}
	}
	group.Wait()
	return int(taken.Load())
}

// TestSharedExactly: nodes whose clocks are wrong by minutes admit together
// exactly what a limit allows, and a call that one window refuses takes nothing
// from another.
func TestSharedExactly(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var nodes []*Limiter
	var stores []*Redis
	for i := range 3 {
		l, r := newNode(t, "redis://"+server.Addr, time.Duration(i-1)*17*time.Minute)
		nodes, stores = append(nodes, l), append(stores, r)
	}
	narrow, wide := Take{Key: numbered(1), Window: halfDay("narrow", 300)}, Take{Key: numbered(2), Window: halfDay("wide", 500)}
	if got := hammer(t, nodes, wide, narrow); got != 300 {
		t.Errorf("the narrow one let %d through, want 300", got)
	}
	if got, err := stores[0].Look(t.Context(), wide); err != nil || got.Remaining != 200 {
		t.Errorf("the wide one has %+v left, %v; want 200: refused calls take nothing", got, err)
	}
	if got := hammer(t, nodes, wide); got != 200 {
		t.Errorf("the wide one let %d more through, want 200", got)
	}
	for _, r := range stores {
		if !r.Up() || r.Fallbacks() != 0 {
			t.Errorf("up %v, fallbacks %d", r.Up(), r.Fallbacks())
		}
	}
}

// TestSharedIsItsModel: any calls against any windows, through any node, and
// given back through another.
func TestSharedIsItsModel(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	a, _ := newNode(t, "redis://"+server.Addr, -time.Hour)
	b, _ := newNode(t, "redis://"+server.Addr, time.Hour)
	windows := []Window{halfDay("a", 5), halfDay("b", 12), halfDay("c", 40)}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 5))
		m := &model{queues: map[Key][]time.Time{}, counts: map[counted]int{}}
		var under [][]Take
		if err := clientOf(t, server).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		for step := range 200 {
			l := []*Limiter{a, b}[random.IntN(2)]
			if len(under) > 0 && random.IntN(3) == 0 {
				i := random.IntN(len(under))
				l.Return(t.Context(), under[i], noon)
				m.giveBack(under[i], noon)
				under = append(under[:i], under[i+1:]...)
			}
			takes := someTakes(random, windows)
			full, ok := m.take(takes, noon)
			answers := l.Take(t.Context(), takes, noon, nil)
			want := len(takes)
			if !ok {
				want = full + 1
			} else {
				under = append(under, takes)
			}
			if len(answers) != want || answers[want-1].OK != ok {
				t.Fatalf("seed %d, step %d: got %+v, want %d of which the last is OK %v", seed, step, answers, want, ok)
			}
			for i, answer := range answers {
				if left := m.left(takes[i], noon); ok && answer.Remaining != left || answer.Reset > MaxLength+time.Second || !ok && i == full && answer.Remaining != 0 {
					t.Fatalf("seed %d, step %d: got %+v, want %d left", seed, step, answer, left)
				}
			}
		}
	}
}

// TestSharedFillsSteadily by the server's clock, and says truly when.
func TestSharedFillsSteadily(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l, _ := newNode(t, "redis://"+server.Addr, 0)
	take := Take{Key: numbered(1), Window: Window{Name: "2s", Calls: 8, Length: 2 * time.Second}}
	begun, taken := time.Now(), 0
	for time.Since(begun) < 3*time.Second {
		answer := l.Take(t.Context(), []Take{take}, noon, nil)[0]
		if answer.OK {
			taken++
			continue
		}
		if answer.Retry > 250*time.Millisecond || answer.Reset > 2*time.Second || answer.Reset < time.Second {
			t.Fatalf("got %+v", answer)
		}
		time.Sleep(answer.Retry)
		if again := l.Take(t.Context(), []Take{take}, noon, nil)[0]; !again.OK {
			t.Fatalf("after %s as told: got %+v", answer.Retry, again)
		}
		taken++
	}
	if most := 8 + int(time.Since(begun)/(250*time.Millisecond)); taken > most || taken < most/2 {
		t.Errorf("%d calls in %s, want %d", taken, time.Since(begun), most)
	}
}

// TestSharedKey: what is kept, for how long, and what becomes of it when the
// rate is another or it is not ours.
func TestSharedKey(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l, r := newNode(t, "redis://"+server.Addr, 0)
	client := clientOf(t, server)
	take := func(calls int) Take { return Take{Key: numbered(1), Window: minute(calls)} }
	name := numbered(1).text()
	one := []Take{take(30)}
	for range 2 {
		l.Take(t.Context(), one, noon, nil)
	}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 || keys[0] != name || !strings.HasPrefix(name, "lgsp:{rate}:") {
		t.Errorf("kept: %q, %v", keys, err)
	}
	if ttl, err := client.PTTL(t.Context(), name).Result(); err != nil || ttl <= 2*time.Second || ttl > 4*time.Second {
		t.Errorf("two calls of 30 a minute are kept for %s, %v; want 4 s", ttl, err)
	}
	var clear, gap int64
	text, err := client.Get(t.Context(), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(text, &clear, &gap); err != nil || gap != 2_000_000 || clear%1_000_000 == 0 && clear%1000 == 0 {
		t.Errorf("kept %q, %v: microseconds are lost", text, err)
	}
	look := func(want int, what string, w Take) {
		t.Helper()
		if got, err := r.Look(t.Context(), w); err != nil || !got.OK || got.Remaining != want {
			t.Errorf("%s: got %+v, %v; want %d left", what, got, err, want)
		}
	}
	look(28, "as it was", take(30))
	look(298, "under a wider plan two calls stay taken", take(300))
	look(0, "under a narrow one as many as it has", take(1))
	l.Return(t.Context(), one, noon)
	look(29, "one given back", take(30))
	l.Return(t.Context(), one, noon)
	l.Return(t.Context(), one, noon)
	if n, err := client.Exists(t.Context(), name).Result(); err != nil || n != 0 {
		t.Errorf("as at first, and still kept: %d, %v", n, err)
	}
	for _, strange := range []string{"", "x", "12", "-5 5", "1e99 3", "5 5 5"} {
		if err := client.Set(t.Context(), name, strange, 0).Err(); err != nil {
			t.Fatal(err)
		}
		look(30, "kept "+strange, take(30))
		l.Return(t.Context(), one, noon)
	}
	if err := client.Set(t.Context(), name, "9000000000000000 2000000", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got := l.Take(t.Context(), []Take{take(30)}, noon, nil)[0]; got.OK || got.Reset != time.Minute || got.Retry != 2*time.Second {
		t.Errorf("the server's clock was put back by years: got %+v, want a full bucket and no more", got)
	}
	fast := Take{Key: numbered(7), Window: Window{Calls: 7_000, Length: time.Minute}} // a gap of 8571.4 µs
	if got := gapOf(fast.Window); got != 8572 {
		t.Errorf("gap: got %d", got)
	}
}

// TestSharedCallerGone: whether the call was taken is known although its caller left.
func TestSharedCallerGone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l, r := newNode(t, "redis://"+server.Addr, 0)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	takes := []Take{{Key: numbered(1), Window: halfDay("", 10)}}
	if got := l.Take(gone, takes, noon, nil); !got[0].OK || got[0].Remaining != 9 || !r.Up() {
		t.Errorf("got %+v, up %v", got, r.Up())
	}
	l.Return(gone, takes, noon)
	if got := l.Look(gone, takes[0], noon); got.Remaining != 10 {
		t.Errorf("given back: got %+v", got)
	}
}

// TestSharedAway: while the store is away each node counts by itself, and gives
// back to itself; when it is back it is used again within 2 s, with nothing of
// what was counted meanwhile.
func TestSharedAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var nodes []*Limiter
	var stores []*Redis
	for i := range 3 {
		l, r := newNode(t, "redis://"+server.Addr, time.Duration(i-1)*17*time.Minute)
		nodes, stores = append(nodes, l), append(stores, r)
	}
	take := Take{Key: numbered(1), Window: halfDay("", 200)}
	stop := make(chan struct{})
	var before sync.WaitGroup
	for _, l := range nodes { // other calls are under way when it ends
		before.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.Take(t.Context(), []Take{{Key: numbered(2), Window: halfDay("", 100_000)}}, noon, nil)
				}
			}
		})
	}
	if got := hammer(t, nodes, take); got != 200 {
		t.Errorf("together: %d, want 200", got)
	}
	server.Kill()
	for _, r := range stores {
		for r.Up() {
			time.Sleep(time.Millisecond)
		}
	}
	close(stop)
	before.Wait()
	if got := hammer(t, nodes, take); got != 600 {
		t.Errorf("each by itself: %d, want 3 times 200", got)
	}
	takes := []Take{{Key: numbered(3), Window: halfDay("", 200)}}
	nodes[0].Take(t.Context(), takes, noon, nil)
	server.Restart()
	back := time.Now()
	for _, l := range nodes {
		waitUp(t, l, back)
	}
	if got := hammer(t, nodes, take); got != 200 {
		t.Errorf("together again: %d, want 200", got)
	}
	nodes[0].Return(t.Context(), takes, noon)
	if got, err := stores[0].Look(t.Context(), takes[0]); err != nil || got.Remaining != 200 {
		t.Errorf("what was taken here was given back there: %+v, %v", got, err)
	}
	if got := nodes[0].Rates.Look(takes[0].Key, takes[0].Window, noon); got.Remaining != 200 {
		t.Errorf("what was taken here was not given back here: %+v", got)
	}
	for _, r := range stores {
		if r.Fallbacks() < 200 {
			t.Errorf("%d fallbacks are told", r.Fallbacks())
		}
	}
}

// waitUp calls until the node asks the store again, which it does within 2 s.
func waitUp(t *testing.T, l *Limiter, since time.Time) {
	t.Helper()
	r := l.Shared.(*Redis)
	for probe := (Take{Key: numbered(99), Window: halfDay("", 1_000_000)}); !r.Up(); time.Sleep(5 * time.Millisecond) {
		l.Take(t.Context(), []Take{probe}, noon, nil)
		if after := time.Since(since); after > 20*time.Second {
			t.Fatalf("after %s the store is not asked yet", after)
		}
	}
}

// TestSharedAwayForLong: the client's own caution at a server that is away for
// long does not keep it away for longer.
func TestSharedAwayForLong(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	var clock atomic.Int64
	r, err := NewRedis("redis://"+server.Addr, func() time.Time { return time.Now().Add(time.Duration(clock.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	l := &Limiter{Shared: r}
	server.Kill()
	for range 300 { // seconds
		l.Take(t.Context(), []Take{{Key: numbered(1), Window: halfDay("", 10)}}, noon, nil)
		clock.Add(int64(time.Second))
	}
	server.Restart()
	r.Within = 10 * time.Second
	waitUp(t, l, time.Now())
}

// TestSharedHangs: a store that gives no answer costs the calls under way 50 ms
// once, and then one call a second.
func TestSharedHangs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	r, err := NewRedis("redis://"+server.Addr, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	l := &Limiter{Shared: r}
	server.Freeze()
	const callers = 8
	var group sync.WaitGroup
	var waited, calls atomic.Int64
	var longest atomic.Int64
	begun := time.Now()
	for range callers {
		group.Go(func() {
			for time.Since(begun) < 3*time.Second {
				at := time.Now()
				l.Take(t.Context(), []Take{{Key: numbered(1), Window: halfDay("", 10)}}, noon, nil)
				calls.Add(1)
				if took := time.Since(at); took >= answerWithin {
					waited.Add(1)
					longest.Store(max(longest.Load(), int64(took)))
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	group.Wait()
	if n := waited.Load(); n < 3 || n > callers+3 {
		t.Errorf("%d of %d calls in 3 s waited, want one a second, and up to %d at first", n, calls.Load(), callers)
	}
	if d := time.Duration(longest.Load()); d > 500*time.Millisecond {
		t.Errorf("one call waited %s", d)
	}
	if r.Up() || r.Fallbacks() != calls.Load() {
		t.Errorf("up %v, %d of %d calls fell back", r.Up(), r.Fallbacks(), calls.Load())
	}
	server.Thaw()
	waitUp(t, l, time.Now())
}

// TestSharedInACluster: the keys of a call lie together, wherever its first node is.
func TestSharedInACluster(t *testing.T) {
	t.Parallel()
	first := redistest.Start(t, "--cluster-enabled", "yes")
	second := redistest.Start(t, "--cluster-enabled", "yes")
	a, b := clientOf(t, first), clientOf(t, second)
	host, port, _ := strings.Cut(second.Addr, ":")
	do := func(c *redis.Client, args ...any) {
		t.Helper()
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
	}
	do(a, "cluster", "addslotsrange", 0, 8191)
	do(b, "cluster", "addslotsrange", 8192, 16383)
	do(a, "cluster", "meet", host, port)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		one, two := a.ClusterInfo(t.Context()).Val(), b.ClusterInfo(t.Context()).Val()
		if strings.Contains(one, "cluster_state:ok") && strings.Contains(two, "cluster_state:ok") && strings.Contains(one, "known_nodes:2") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no cluster: %s %s", one, two)
		}
	}
	takes := []Take{{Key: numbered(1), Window: halfDay("a", 50)}, {Key: numbered(2), Window: halfDay("b", 60)}, {Key: numbered(3), Window: halfDay("c", 70)}}
	l, r := newNode(t, "redis://"+first.Addr+"?addr="+second.Addr, 0)
	other, _ := newNode(t, "redis://"+second.Addr+"?addr="+first.Addr, 0)
	if got := hammer(t, []*Limiter{l, other}, takes...); got != 50 || !r.Up() {
		t.Errorf("got %d, up %v; want 50 of both nodes together", got, r.Up())
	}
}

// TestSharedOverTLS with a user and a password.
func TestSharedOverTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t, time.Now())
	dir, pair := t.TempDir(), ca.Server(time.Now())
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := redistest.Start(t) // gives a free port for TLS, too
	plain.Kill()
	_, port, _ := strings.Cut(plain.Addr, ":")
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", filepath.Join(dir, "cert"), "--tls-key-file", filepath.Join(dir, "key"),
		"--tls-ca-cert-file", filepath.Join(dir, "cert"), "--tls-auth-clients", "no", "--requirepass", "mat-khau")
	options, err := redisOptions("rediss://default:mat-khau@" + plain.Addr)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	for _, trusted := range []bool{true, false} {
		options.TLSConfig = &tls.Config{ServerName: options.TLSConfig.ServerName, MinVersion: options.TLSConfig.MinVersion}
		if trusted {
			options.TLSConfig.RootCAs = roots
		}
		r := &Redis{now: time.Now, client: redis.NewUniversalClient(options), Within: 10 * time.Second}
		got, err := r.Take(t.Context(), []Take{{Key: numbered(1), Window: halfDay("", 10)}}, nil)
		if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); trusted && (err != nil || !got[0].OK) || !trusted && !untrusted {
			t.Errorf("its authority is known %v: got %+v, %v", trusted, got, err)
		}
		_ = r.Close()
	}
	wrong, r := newNode(t, "redis://default:sai@"+plain.Addr, 0)
	if got := wrong.Take(t.Context(), []Take{{Key: numbered(1), Window: halfDay("", 10)}}, noon, nil); !got[0].OK || r.Up() {
		t.Errorf("a server that takes no plain text: got %+v, up %v", got, r.Up())
	}
}

func TestCheckRedisURL(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"redis://localhost": true, "redis://localhost:6379/2": true, "rediss://an:hunter2@db.example.vn:6380": true,
		"redis://:hunter2@10.0.0.5:6379?addr=10.0.0.6:6379&addr=10.0.0.7:6379": true, "redis://[::1]:6379": true,
		"": false, "localhost:6379": false, "redis://": false, "http://:hunter2@localhost": false, "redis://:hunter2@local host": false,
		"redis://:hunter2@localhost/x": false, "redis://:hunter2@localhost/1/2": false, "redis://:hunter2@localhost?max_retries=9": false,
		"unix:///run/redis.sock": false, "redis://:hunter2@localhost:x": false,
	} {
		err := CheckRedisURL(address)
		if (err == nil) != ok {
			t.Errorf("%s: got %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the mistake shows a password: %v", err)
		}
		if r, err := NewRedis(address, time.Now); (err == nil) != ok {
			t.Errorf("%s: got %v", address, err)
		} else if err == nil {
			_ = r.Close()
		}
	}
}

// BenchmarkShared is a call against three windows, on the loopback.
func BenchmarkShared(b *testing.B) {
	server := redistest.Start(b)
	l, r := newNode(b, "redis://"+server.Addr, 0)
	takes := []Take{{Key: numbered(1), Window: halfDay("a", 1e9)}, {Key: numbered(2), Window: halfDay("b", 1e9)}, {Key: numbered(3), Window: halfDay("c", 1e9)}}
	room := make([]Answer, 4)
	b.ReportAllocs()
	for b.Loop() {
		l.Take(b.Context(), takes, noon, room)
	}
	if !r.Up() {
		b.Error("the store went away")
	}
}

// TestSharedRights: the rights and the size that docs/operators.md names.
func TestSharedRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := clientOf(t, server)
	if err := admin.Do(t.Context(), "acl", "setuser", "lgsp", "on", ">mat-khau", "~lgsp:*", "+eval", "+evalsha", "+time", "+get", "+set", "+del", "+select").Err(); err != nil {
		t.Fatal(err)
	}
	l, r := newNode(t, "redis://lgsp:mat-khau@"+server.Addr+"/1", 0)
	takes := []Take{{Key: numbered(1), Window: halfDay("a", 10)}, {Key: numbered(2), Window: halfDay("b", 10)}}
	l.Take(t.Context(), takes, noon, nil)
	l.Take(t.Context(), takes, noon, nil)
	l.Return(t.Context(), takes, noon)
	if got, err := r.Look(t.Context(), takes[0]); err != nil || got.Remaining != 9 || r.Fallbacks() != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	l.Return(t.Context(), takes, noon)
	if !r.Up() {
		t.Error("a right is missing")
	}
	l, _ = newNode(t, "redis://"+server.Addr, 0)
	l.Take(t.Context(), takes, noon, nil)
	if size, err := admin.MemoryUsage(t.Context(), takes[0].Key.text()).Result(); err != nil || size > 250 {
		t.Errorf("a key takes %d bytes, %v", size, err)
	}
}
