package gateway

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/websocket"
)

// TestWebSocket joins a caller and an upstream that speak it, where the version
// lets them, and leaves one record with what passed.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.WebSocket = true })
	server := websocket.Server{Handshake: func(_ *websocket.Config, r *http.Request) error {
		if r.Header.Get("X-Api-Key") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("Lgsp-Agency") == "" {
			t.Errorf("the upstream saw %v", r.Header)
		}
		return nil
	}, Handler: func(c *websocket.Conn) {
		for {
			var text string
			if websocket.Message.Receive(c, &text) != nil {
				return
			}
			_ = websocket.Message.Send(c, strings.ToUpper(text))
		}
	}}
	w.streams(server.ServeHTTP)
	trace := fmt.Sprintf("%032x", 0x3eb)
	at := strings.Replace(w.server.URL, "http://", "ws://", 1) + w.route.Prefix() + "/danh-muc/1"
	config, err := websocket.NewConfig(at, "https://anyone.test")
	if err != nil {
		t.Fatal(err)
	}
	config.Header.Set("Traceparent", traceparent(trace))
	config.Header.Set("X-Api-Key", w.key)
	config.Header.Set("Cookie", "a=b")
	c, err := websocket.DialConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		want := fmt.Sprint("Xin chào ", i, strings.Repeat("x", i*100))
		var got string
		if err := websocket.Message.Send(c, want); err != nil {
			t.Fatal(err)
		}
		if err := websocket.Message.Receive(c, &got); err != nil || got != strings.ToUpper(want) {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = c.Close()
	if e := w.recorded(trace); e.Status != 101 || e.BytesIn < 400_000 || e.BytesOut < 400_000 || !e.Complete || e.Application != w.app {
		t.Errorf("recorded %+v", e)
	}
}

// TestWebSocketHoldsAPlace of those at the upstream until it ends.
func TestWebSocketHoldsAPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.WebSocket, tr.Concurrency.Calls = true, 1 })
	w.streams(websocket.Server{Handler: func(c *websocket.Conn) { _, _ = io.Copy(c, c) }}.ServeHTTP)
	c, err := websocket.Dial(strings.Replace(w.server.URL, "http://", "ws://", 1)+w.route.Prefix()+"/danh-muc/1", "", "https://anyone.test")
	if err != nil {
		t.Fatal(err)
	}
	w.figures(1, 0)
	if got := w.do("GET", "/danh-muc/1"); got.status != 503 || got.code != "queue-full" {
		t.Errorf("beside it: got %d %s", got.status, got.code)
	}
	_ = c.Close()
	w.figures(0, 0)
}

// TestUpgradeRefused: nothing becomes a tunnel that the version does not let,
// that agreed fields hold, that asks for another protocol, or that an upstream
// begins by itself.
func TestUpgradeRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.traffic(func(tr *Traffic) { tr.WebSocket = true })
	w.streams(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/goc/danh-muc/unasked" && r.URL.Path != "/goc/danh-muc/other" {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(rw, `{"tong":1,"upgrade":"`+r.Header.Get("Upgrade")+`"}`)
			return
		}
		c, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		protocol := map[bool]string{true: "websocket", false: "x"}[r.URL.Path == "/goc/danh-muc/unasked"]
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\nsecret", protocol)
	})
	const asks = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	token := "Authorization: Bearer " + w.token("1") + "\r\n"
	for _, tt := range []struct{ name, path, headers, want string }{
		{"an upstream by itself", "/danh-muc/unasked", "", `502 upstream-upgrade`},
		{"an upstream, to something else", "/danh-muc/other", asks, `502 upstream-upgrade`},
		{"another protocol", "/danh-muc/1", "Connection: Upgrade\r\nUpgrade: h2c\r\n", `200 {"tong":1,"upgrade":""}`},
		{"no Connection", "/danh-muc/1", strings.TrimPrefix(asks, "Connection: Upgrade\r\n"), `200 {"tong":1,"upgrade":""}`},
		{"agreed fields", "/ho-so", asks + "X-API-Key: " + w.key + "\r\n", `200 {"tong":1}`},
		{"a person's data", "/nguoi/079", asks + token, `200 {}`},
	} {
		if got := w.dialogue(tt.path, tt.headers); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	w.traffic(func(tr *Traffic) { tr.WebSocket = false })
	if got := w.dialogue("/danh-muc/1", asks); got != `200 {"tong":1,"upgrade":""}` {
		t.Errorf("where the version does not let it: got %s", got)
	}
}

// dialogue sends one raw request and gives the status, and the body or a
// problem's code.
func (w *world) dialogue(path, headers string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if !strings.Contains(headers, "Connection:") {
		headers += "Connection: close\r\n"
	}
	fmt.Fprintf(c, "GET %s%s HTTP/1.1\r\nHost: h\r\n%s\r\n", w.route.Prefix(), path, headers)
	return brief(w.t, c)
}

// TestExposeRefusesTraffic that no node could serve.
func TestExposeRefusesTraffic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, traffic := range map[string]Traffic{
		"a limit of nobody":      {Limits: []Limit{{Per: "moon", Calls: 1, Window: "1s"}}},
		"no calls":               {Limits: []Limit{{Per: "api", Window: "1s"}}},
		"a window of a year":     {Limits: []Limit{{Per: "api", Calls: 1, Window: "year"}}},
		"the same twice":         {Limits: []Limit{{Per: "api", Calls: 1, Window: "60s"}, {Per: "api", Calls: 2, Window: "1m"}}},
		"too many limits":        {Limits: make([]Limit, 9)},
		"a negative size":        {RequestBytes: -1},
		"a size beyond 16 GiB":   {RequestBytes: 17 << 30},
		"an answer in a day":     {Timeouts: Timeouts{AnswerSeconds: 86_400}},
		"a negative whole":       {Timeouts: Timeouts{WholeSeconds: -1}},
		"a whole of two days":    {Timeouts: Timeouts{WholeSeconds: 2 * 86_400}},
		"a negative answer time": {Timeouts: Timeouts{AnswerSeconds: -1}},
	} {
		r := w.route
		r.Traffic = traffic
		err := pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error { return Expose(context.Background(), tx, r) })
		if err == nil || !strings.Contains(fmt.Sprint(err), " ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
