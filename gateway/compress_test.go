package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// plain is the body of a reply, by its coding.
func plain(t *testing.T, coding string, body io.Reader) io.Reader {
	t.Helper()
	switch coding {
	case "":
		return body
	case "gzip":
		r, err := gzip.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		return r
	case "zstd":
		r, err := zstd.NewReader(body)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	t.Fatalf("coding %q", coding)
	return nil
}

// TestCompress says which answers are compressed, and what becomes of their fields.
func TestCompress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.Compress = true })
	w.put(func(g *Grant) { g.Operations[0].Fields = []string{""} })
	body := `{"a":"` + strings.Repeat("Quảng Ngãi ", 200) + `"}`
	json, both, key := "Content-Type: application/json\n", "Accept-Encoding: gzip, zstd", "X-API-Key: "+w.key
	for i, tt := range []struct {
		name, method, target string
		send, answer         string
		status               int
		body                 string
		coding               string
		varies               bool
	}{
		{name: "gzip", send: "Accept-Encoding: gzip", answer: json, coding: "gzip", varies: true},
		{name: "zstd", send: "Accept-Encoding: zstd", answer: json, coding: "zstd", varies: true},
		{name: "zstd rather than gzip", send: both, answer: json, coding: "zstd", varies: true},
		{name: "gzip rather than zstd", send: "Accept-Encoding: zstd;q=0.5, gzip", answer: json, coding: "gzip", varies: true},
		{name: "not asked for", answer: json, varies: true},
		{name: "forbidden", send: "Accept-Encoding: gzip;q=0, zstd;q=0.0", answer: json, varies: true},
		{name: "another coding", send: "Accept-Encoding: br", answer: json, varies: true},
		{name: "text", send: both, answer: "Content-Type: text/csv; charset=utf-8", coding: "zstd", varies: true},
		{name: "geo", send: both, answer: "Content-Type: application/geo+json", coding: "zstd", varies: true},
		{name: "a picture", send: both, answer: "Content-Type: image/png"},
		{name: "no type", send: both, answer: "Content-Type:"},
		{name: "a type that cannot be read", send: both, answer: "Content-Type: text/;;"},
		{name: "small", send: both, answer: json, body: strings.Repeat("x", smallest-1)},
		{name: "small, and its length is not said", send: both, answer: json + "X-Flush: 1", body: "{}", coding: "zstd", varies: true},
		{name: "compressed by the upstream", send: both, answer: json + "Content-Encoding: br"},
		{name: "not to be changed", send: both, answer: json + "Cache-Control: max-age=60, no-transform"},
		{name: "a part", send: both + "\nRange: bytes=0-1", answer: json + "Content-Range: bytes 0-1/9", status: 206},
		{name: "a part was asked for", send: both + "\nRange: bytes=0-1", answer: json, varies: true},
		{name: "an error", send: both, answer: json, status: 404, coding: "zstd", varies: true},
		{name: "nothing", send: both, answer: json, status: 204},
		{name: "HEAD", method: "HEAD", send: both, answer: json + fmt.Sprintf("Content-Length: %d", len(body)), coding: "zstd", varies: true},
		{name: "HEAD of a small one", method: "HEAD", send: both, answer: json + "Content-Length: 10"},
		{name: "a key", send: both + "\n" + key, answer: json},
		{name: "a key and an agreement", target: "/ho-so", send: both + "\n" + key, answer: json},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := or(tt.body, body)
			w.answers(func(rw http.ResponseWriter, r *http.Request) {
				h := rw.Header()
				h["Etag"], h["Accept-Ranges"], h["Content-Digest"] = []string{`"a"`}, []string{"bytes"}, []string{"sha-256=:x:"}
				for line := range strings.Lines(tt.answer) {
					name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
					h.Set(name, strings.TrimSpace(value))
				}
				rw.WriteHeader(or(tt.status, 200))
				if r.Method != "HEAD" && tt.status != 204 {
					_, _ = io.WriteString(rw, want[:1])
					if h.Get("X-Flush") != "" {
						_ = http.NewResponseController(rw).Flush()
					}
					_, _ = io.WriteString(rw, want[1:])
				}
			})
			trace := fmt.Sprintf("%032x", 0xc000+i)
			headers := []string{"Traceparent", traceparent(trace)}
			if !strings.Contains(tt.send, "Accept-Encoding") {
				headers = append(headers, "Accept-Encoding", "identity")
			}
			for line := range strings.Lines(tt.send) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				headers = append(headers, name, value)
			}
			got := w.do(or(tt.method, "GET"), or(tt.target, "/danh-muc/1"), headers...)
			ours := tt.coding != ""
			encoding := got.header.Get("Content-Encoding")
			if tt.answer != json+"Content-Encoding: br" && encoding != tt.coding {
				t.Fatalf("got %d under %q, want %q: %v", got.status, encoding, tt.coding, got.header)
			}
			if varies := strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Encoding"); varies != tt.varies {
				t.Errorf("Vary: %v", got.header.Values("Vary"))
			}
			tag := map[bool]string{true: `W/"a"`, false: `"a"`}[ours]
			if got.header.Get("Etag") != tag || (got.header.Get("Accept-Ranges") == "") != ours || (got.header.Get("Content-Digest") == "") != ours {
				t.Errorf("got %v", got.header)
			}
			if got.header.Get("Content-Length") == fmt.Sprint(len(want)) && ours {
				t.Error("the length is that of what was not sent")
			}
			if e := w.recorded(trace); e.BytesOut != int64(len(got.body)) {
				t.Errorf("recorded %d bytes of %d", e.BytesOut, len(got.body))
			}
			if tt.method == "HEAD" || tt.status == 204 {
				return
			}
			if text, err := io.ReadAll(plain(t, tt.coding, strings.NewReader(got.body))); err != nil || string(text) != want {
				t.Errorf("got %d bytes of %d, %v", len(text), len(want), err)
			}
		})
	}
}

// TestCompressOff: nothing is compressed of a version that does not say so.
func TestCompressOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := strings.Repeat("x", 5000)
	w.answers(answers(200, body))
	got := w.do("GET", "/danh-muc/1", "Accept-Encoding", "gzip")
	if got.header.Get("Content-Encoding") != "" || got.body != body || strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Encoding") {
		t.Errorf("got %v", got.header)
	}
}

// TestCompressUnchanged: a 304 has the tag of what was sent.
func TestCompressUnchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.Compress = true })
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Etag", `"a"`)
		rw.WriteHeader(304)
	})
	for coding, want := range map[string]string{"gzip": `W/"a"`, "identity": `"a"`} {
		got := w.do("GET", "/danh-muc/1", "Accept-Encoding", coding, "If-None-Match", `W/"a"`)
		if got.status != 304 || got.header.Get("Etag") != want || !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Accept-Encoding") || got.header.Get("Content-Encoding") != "" {
			t.Errorf("%s: got %d %v", coding, got.status, got.header)
		}
	}
}

// TestCompressedStreams: each part of a compressed answer arrives when the
// upstream has sent it, and one that broke off has no end.
func TestCompressedStreams(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"gzip", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.traffic(func(tr *Traffic) { tr.Compress = true })
			release := make(chan bool)
			t.Cleanup(func() { close(release) })
			w.answers(func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Content-Type", "text/event-stream")
				for part := 0; <-release; part++ {
					fmt.Fprintf(rw, "part %d\n", part)
					_ = http.NewResponseController(rw).Flush()
				}
				if r.URL.Path == "/goc/danh-muc/gay" {
					panic(http.ErrAbortHandler)
				}
			})
			for _, path := range []string{"/danh-muc/1", "/danh-muc/gay"} {
				go func() { release <- true }()
				r, _ := http.NewRequest("GET", w.server.URL+w.route.Prefix()+path, nil)
				r.Header.Set("Accept-Encoding", coding)
				res, err := w.server.Client().Do(r)
				if err != nil || res.Header.Get("Content-Encoding") != coding {
					t.Fatalf("got %v, %v", res, err)
				}
				text := plain(t, coding, res.Body)
				for part := range 3 {
					if part > 0 {
						release <- true
					}
					got := make([]byte, 7)
					if _, err := io.ReadFull(text, got); err != nil || string(got) != fmt.Sprintf("part %d\n", part) {
						t.Fatalf("got %q, %v", got, err)
					}
				}
				release <- false
				rest, err := io.ReadAll(text)
				if len(rest) > 0 || (err == nil) != (path == "/danh-muc/1") {
					t.Errorf("%s: at the end: %q, %v", path, rest, err)
				}
				_ = res.Body.Close()
			}
		})
	}
}

// TestCompressedInFlatMemory: how much is sent makes no difference to what is held.
func TestCompressedInFlatMemory(t *testing.T) {
	// Not parallel: it measures the heap, which others would add to.
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.Compress = true })
	const size = 100 << 20
	line := []byte(strings.Repeat(`{"maHoSo":"H48.11-000138","trangThai":"dang_xu_ly"}`+"\n", 64))
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/x-ndjson")
		for sent := 0; sent < size; sent += len(line) {
			_, _ = rw.Write(line)
		}
	})
	for _, coding := range []string{"gzip", "zstd"} {
		before := heap()
		r, _ := http.NewRequest("GET", w.server.URL+w.route.Prefix()+"/danh-muc/1", nil)
		r.Header.Set("Accept-Encoding", coding)
		res, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, sum, most := plain(t, coding, res.Body), int64(0), uint64(0)
		for {
			n, err := io.CopyN(io.Discard, text, size/4)
			sum += n
			most = max(most, heap())
			if err != nil {
				break
			}
		}
		_ = res.Body.Close()
		if sum < size || most > before+24<<20 {
			t.Errorf("%s: %d bytes, the heap grew by %d MiB", coding, sum, (most-before)>>20)
		}
	}
	runtime.GC()
}

func TestCodingOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ accept, want string }{
		{"", ""}, {"gzip", "gzip"}, {"GZIP", "gzip"}, {"x-gzip", "gzip"}, {"zstd", "zstd"}, {"gzip, zstd", "zstd"}, {"br, deflate", ""}, {"*", "zstd"}, {"*;q=0", ""},
		{"gzip, *;q=0", "gzip"}, {"zstd;q=0, *", "gzip"}, {"gzip;q=0.8, zstd;q=0.7", "gzip"}, {"gzip;q=1.000", "gzip"}, {"gzip;q=1.001", ""}, {"gzip;q=0.001", "gzip"},
		{"gzip;q=0.0001", ""}, {"gzip; q=0.5", "gzip"}, {"gzip;Q=0.5", "gzip"}, {"gzip;q=", ""}, {"gzip;q=a", ""}, {"gzip;level=9", ""}, {"gzip;q=2", ""}, {"gzip;q=0,5", ""},
		{"identity", ""}, {"identity, gzip;q=0.5", ""}, {"identity;q=0.5, gzip", "gzip"}, {"identity;q=0", ""}, {"gzip;q=0|gzip", "gzip"},
	} {
		if got := codingOf(strings.Split(tt.accept, "|")); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.accept, got, tt.want)
		}
	}
}

// FuzzAcceptedCodings: a coding that is forbidden is not chosen, whatever
// stands before it.
func FuzzAcceptedCodings(f *testing.F) {
	for _, seed := range []string{"", "gzip", "gzip;q=0.5,zstd", "*", "*;q=0", "gzip;q=", ";;,;q=1", "gzip;q=0.0000", "identity;q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		q := acceptedCodings([]string{line})
		for _, weight := range []int{q.zstd, q.gzip, q.identity} {
			if weight < 0 || weight > 1000 {
				t.Errorf("weights %+v", q)
			}
		}
		if got := codingOf([]string{line, "gzip;q=0, zstd;q=0"}); got != "" {
			t.Errorf("got %s", got)
		}
		if acceptsGzip([]string{line, "gzip;q=0"}) {
			t.Error("gzip is forbidden")
		}
	})
}

// BenchmarkCompress compresses an answer of JSON as it is passed on.
func BenchmarkCompress(b *testing.B) {
	body := []byte(strings.Repeat(`{"maHoSo":"H48.11-000138","hoTen":"Nguyễn Văn An","trangThai":"dang_xu_ly"}`, 200))
	for _, coding := range []string{"gzip", "zstd"} {
		b.Run(coding, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				p := newPacker(coding, &out)
				if _, err := p.Write(body); err != nil || p.end() != nil {
					b.Fatal(err)
				}
				p.putBack()
			}
			b.ReportMetric(float64(out.Len())/float64(len(body)), "size")
		})
	}
}
