package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// traffic puts the world's route with this traffic in force.
func (w *world) traffic(change func(t *Traffic)) {
	w.t.Helper()
	change(&w.route.Traffic)
	text := func(t Traffic) string {
		text, err := json.Marshal(t)
		if err != nil {
			w.t.Fatal(err)
		}
		return string(text)
	}
	want := text(w.route.Traffic)
	w.exposed(func(v *version) bool { return text(v.Traffic) == want })
}

// endless gives so many bytes, all different, and hashes them.
type endless struct {
	left int64
	n    uint32
	sum  hash.Hash
}

func newEndless(size int64) *endless { return &endless{left: size, sum: sha256.New()} }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), e.left)]
	for i := range p {
		e.n = e.n*1664525 + 1013904223
		p[i] = byte(e.n >> 24)
	}
	e.left -= int64(len(p))
	e.sum.Write(p)
	return len(p), nil
}

// TestLargeBodies pass both ways in flat memory, as long as the version lets
// them, and stand in the record with their size and hash. It looks at the heap of
// the whole process, so nothing else runs beside it.
func TestLargeBodies(t *testing.T) {
	w := newWorld(t)
	const size = 96 << 20
	w.traffic(func(tr *Traffic) { tr.RequestBytes = size })
	w.put(func(g *Grant) {
		g.Operations = append(g.Operations, GrantedOperation{Operation: "gui", Fields: []string{""}})
	})
	var reached string
	w.streams(func(rw http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(rw).EnableFullDuplex()
		sum := sha256.New()
		rw.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.Copy(io.MultiWriter(sum, rw), r.Body)
		reached = fmt.Sprintf("%x", sum.Sum(nil))
	})
	for i, length := range []int64{size, -1} {
		trace := fmt.Sprintf("%032x", 0xb0d1+i)
		sent := newEndless(size)
		r, _ := http.NewRequest("POST", w.server.URL+w.route.Prefix()+"/ho-so", sent)
		r.ContentLength = length
		for name, value := range map[string]string{"X-API-Key": w.key, "Content-Type": "application/octet-stream", "Traceparent": traceparent(trace)} {
			r.Header.Set(name, value)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		res, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got := sha256.New()
		n, err := io.Copy(got, res.Body)
		_ = res.Body.Close()
		runtime.ReadMemStats(&after)
		want := fmt.Sprintf("%x", sent.sum.Sum(nil))
		if res.StatusCode != 200 || err != nil || n != size || fmt.Sprintf("%x", got.Sum(nil)) != want || reached != want {
			t.Fatalf("length %d: got %d and %d bytes, %v", length, res.StatusCode, n, err)
		}
		if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 24<<20 {
			t.Errorf("length %d: the heap grew by %d MiB", length, grown>>20)
		}
		line := sha256.New()
		fmt.Fprintf(line, "POST %s/ho-so?\n", w.route.Prefix())
		_, _ = io.Copy(line, newEndless(size))
		if e := w.recorded(trace); e.BytesIn != size || e.BytesOut != size || e.RequestSum.String() != fmt.Sprintf("%x", line.Sum(nil)) || e.AnswerSum.String() != want || !e.Complete {
			t.Errorf("length %d: recorded %+v", length, e)
		}
	}
}

// heap is what is in use of it, with nothing left to collect.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestBodiesRefused: a body that is too large, broken off or too slow is told
// so, whether it was to be held or sent on, and no part of it is the whole.
func TestBodiesRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.RequestBytes = 100_000 })
	w.put(func(g *Grant) {
		g.Operations = append(g.Operations, GrantedOperation{Operation: "gui", Fields: []string{""}})
	})
	took := make(chan error, 10)
	w.streams(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		took <- err
	})
	host := strings.TrimPrefix(w.server.URL, "http://")
	personal, key := "Authorization: Bearer "+w.token("1"), "X-API-Key: "+w.key
	for _, tt := range []struct {
		name, path, who, framing, body string
		status                         int
		code                           string
		reached                        bool
	}{
		{"a length over the limit", "/ho-so", key, "Content-Length: 100001", "", 413, "request-too-large", false},
		{"chunks over the limit", "/ho-so", key, "Transfer-Encoding: chunked", strings.Repeat("7530\r\n"+strings.Repeat("x", 30_000)+"\r\n", 4) + "0\r\n\r\n", 413, "request-too-large", true},
		{"chunks over the limit, held", "/tra-cuu", personal, "Transfer-Encoding: chunked", strings.Repeat("7530\r\n"+strings.Repeat("x", 30_000)+"\r\n", 4) + "0\r\n\r\n", 413, "request-too-large", false},
		{"broken off", "/ho-so", key, "Content-Length: 90000", "half", 400, "body-broken", true},
		{"broken off, held", "/tra-cuu", personal, "Content-Length: 100", "half", 400, "body-broken", false},
		{"malformed chunks", "/ho-so", key, "Transfer-Encoding: chunked", "zz\r\n", 400, "body-broken", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(10 * time.Second))
			before := w.reachedCount()
			fmt.Fprintf(c, "POST %s%s HTTP/1.1\r\nHost: h\r\n%s\r\n%s\r\nContent-Type: application/json\r\n\r\n%s", w.route.Prefix(), tt.path, tt.who, tt.framing, tt.body)
			if strings.HasPrefix(tt.name, "broken") {
				_ = c.(*net.TCPConn).CloseWrite()
			}
			answer, _ := io.ReadAll(c)
			if !bytes.HasPrefix(answer, fmt.Appendf(nil, "HTTP/1.1 %d ", tt.status)) || !bytes.Contains(answer, []byte(`"code":"`+tt.code+`"`)) {
				t.Errorf("got %.300s", answer)
			}
			if tt.reached {
				select {
				case err := <-took: // the caller may have its answer before
					if err == nil {
						t.Error("the upstream took a part for the whole")
					}
				case <-time.After(10 * time.Second):
					t.Error("the upstream was not reached")
				}
			} else if w.reachedCount() > before {
				t.Error("the upstream was reached")
			}
		})
	}
	if h := w.node.Health(); len(h.Failing) > 0 {
		t.Errorf("the upstream is blamed: %+v", h.Failing)
	}
}

// TestTimeoutsOfAVersion: what a version sets holds, and nobody else's.
func TestTimeoutsOfAVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.Timeouts = Timeouts{AnswerSeconds: 1, WholeSeconds: 6} })
	w.answers(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/goc/danh-muc/drops" {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(rw, "a")
				_ = http.NewResponseController(rw).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		}
		<-r.Context().Done()
	})
	began := time.Now()
	if got := w.do("GET", "/danh-muc/never"); got.code != "upstream-timeout" || time.Since(began) < 900*time.Millisecond || time.Since(began) > 5*time.Second {
		t.Errorf("got %d %s after %s", got.status, got.code, time.Since(began))
	}
	began = time.Now()
	res, err := w.server.Client().Get(w.server.URL + w.route.Prefix() + "/danh-muc/drops")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if took := time.Since(began); err == nil || took < 5900*time.Millisecond || took > 20*time.Second {
		t.Errorf("an answer by drops: %v after %s", err, took)
	}
}
