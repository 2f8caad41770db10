package gateway

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// logged is what the tests of this package logged.
var logged output

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	os.Exit(m.Run())
}

// output keeps what is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write is of io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// arena is a province that is attacked: bytes are sent on sockets to its served
// node, and whatever becomes of them is looked at.
type arena struct {
	*world
	nodes   []*Node
	secrets []string // that were sent, and are to stand nowhere
	traces  []string // of what was sent, each to be recorded once
	told    []string // the problems
	fill    *strings.Replacer
}

// attack is what a caller sends on one connection, and what is to come of it.
// In sent, {P} is the version's prefix, {K} a key, {T} a token.
type attack struct {
	name    string
	sent    string
	status  int
	code    string // of the problem; "": the call is answered
	reached int    // requests of the upstream
	cut     bool   // the caller sends its end
}

const (
	asked  = "cau-hoi-rieng-8841"  // in queries: to be recorded nowhere
	number = "079203000417"        // of a person
	letter = "noi-dung-thu-rieng7" // in bodies
)

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{world: newWorld(t)}
	a.nodes = []*Node{a.node}
	a.secrets = []string{a.key, a.token("1"), asked, number, letter}
	a.fill = strings.NewReplacer("{P}", a.route.Prefix(), "{K}", a.key, "{T}", a.token("1"), "{Q}", asked, "{N}", number, "{B}", letter)
	return a
}

// asks makes a request without a body; lines are more of its header.
func asks(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: gateway.test\r\n" + strings.Join(append(lines, "Connection: close", "", ""), "\r\n")
}

// keyed asks as the application does.
func keyed(target string, lines ...string) string {
	return asks("GET", target, append([]string{"X-API-Key: {K}"}, lines...)...)
}

// each tries attacks in order, and settles.
func (a *arena) each(t *testing.T, attacks []attack) {
	t.Helper()
	for _, at := range attacks {
		t.Run(at.name, func(t *testing.T) { a.try(t, a.server, at) })
	}
	a.settle()
}

// try sends an attack and judges the answer: it is the only one, it is right,
// and what should not reach the upstream did not.
func (a *arena) try(t *testing.T, to *site, at attack) (http.Header, string) {
	t.Helper()
	before, began := a.reachedCount(), time.Now()
	c, err := net.Dial("tcp", strings.TrimPrefix(to.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, a.fill.Replace(at.sent)) // refused, perhaps, before it is sent whole
	if at.cut {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	answer, err := io.ReadAll(c)
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		t.Fatalf("the connection stays open after %.200q", answer)
	}
	method, _, _ := strings.Cut(at.sent, " ")
	r := bufio.NewReader(bytes.NewReader(answer))
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v: %.200q", err, answer)
	}
	text, err := io.ReadAll(res.Body)
	if behind, _ := io.ReadAll(r); err != nil || len(behind) > 0 {
		t.Fatalf("%v; behind the answer: %.200q", err, behind)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if got := a.reachedCount() - before; got != at.reached {
		t.Errorf("the upstream got %d requests, want %d", got, at.reached)
	}
	trace := res.Header.Get("X-Request-Id")
	if res.StatusCode != at.status {
		t.Errorf("got %d, want %d: %.300s", res.StatusCode, at.status, text)
	}
	if at.code != "" && method != http.MethodHead {
		trace = a.judge(t, at, res.Header, text)
	}
	a.traces = append(a.traces, trace)
	return res.Header, string(text)
}

// judge holds a problem to what each says, and gives its trace.
func (a *arena) judge(t *testing.T, at attack, header http.Header, text []byte) string {
	t.Helper()
	var p struct {
		Type, Title, Detail, Code, Docs string
		Status                          int
		Request                         string `json:"request_id"`
		Trace                           string `json:"trace_id"`
	}
	if err := json.Unmarshal(text, &p); err != nil || header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %v, %.200s", header, text)
	}
	if p.Code != at.code || p.Status != at.status || p.Type == "" || p.Title == "" || p.Detail == "" || p.Docs == "" || p.Trace == "" ||
		p.Request != header.Get("X-Request-Id") || header.Get("Cache-Control") != "no-store" || bytes.ContainsAny(text, "<>") {
		t.Errorf("got %v %s, want %s", header, text, at.code)
	}
	if p.Code != "purpose-not-agreed" && p.Code != "field-not-agreed" { // which tell callers what they wrote
		a.told = append(a.told, string(text)+fmt.Sprint(header))
	}
	return p.Trace
}

// settle waits for the records: exactly one of each call, and no secret in
// journal, log, figures and problems.
func (a *arena) settle() {
	a.t.Helper()
	for _, trace := range a.traces {
		a.recorded(trace)
	}
	a.mu.Lock()
	count := map[string]int{}
	for _, e := range a.exchanges {
		count[e.Trace]++
	}
	total := len(a.exchanges)
	a.mu.Unlock()
	for _, trace := range a.traces {
		if count[trace] != 1 {
			a.t.Errorf("call %s is recorded %d times", trace, count[trace])
		}
	}
	if total != len(a.traces) {
		a.t.Errorf("%d records of %d calls", total, len(a.traces))
	}
	kept := a.journal()
	for _, e := range a.exchanges {
		if !strings.Contains(kept, string(e.ID[:])) || e.Code != "" && !strings.Contains(logged.String(), e.Trace) {
			a.t.Errorf("journal (%d bytes) or log were not collected", len(kept))
			break
		}
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(a.node.Metrics)
	figures, err := registry.Gather()
	if err != nil {
		a.t.Fatal(err)
	}
	for where, text := range map[string]string{"journal": kept, "log": logged.String(), "figures": fmt.Sprint(figures), "problems": strings.Join(a.told, "\n")} {
		for _, secret := range a.secrets {
			for _, spelling := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if at := strings.Index(text, spelling); at >= 0 {
					a.t.Errorf("%s: …%.200s…", where, text[max(0, at-80):])
				}
			}
		}
	}
}

// another starts one more node, changed first by change.
func (a *arena) another(change func(n *Node)) (*Node, *site) {
	a.t.Helper()
	n, s := a.startWith(a.t.TempDir(), change)
	a.nodes = append(a.nodes, n)
	return n, s
}

// journal is every byte of the nodes' journals.
func (a *arena) journal() string {
	a.t.Helper()
	var files []string
	for _, n := range a.nodes {
		found, err := filepath.Glob(filepath.Join(n.DataDir, "journal", "*"))
		if err != nil || len(found) == 0 {
			a.t.Fatalf("no journal: %v", err)
		}
		files = append(files, found...)
	}
	var all strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it is delivered, and gone
			a.t.Fatal(err)
		}
		all.WriteString(strings.TrimRight(string(text), "\x00"))
	}
	return all.String()
}

// exchangeBytes sends text on a connection, and gives all that comes back.
func (a *arena) exchangeBytes(t *testing.T, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(a.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, a.fill.Replace(text)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
