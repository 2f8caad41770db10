package gateway

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/gateway/journal"
)

// TestRawRequests sends what no client library does: each makes exactly one
// request upstream, or none.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, prefix := strings.TrimPrefix(w.server.URL, "http://"), w.route.Prefix()
	const end = "Connection: close\r\n\r\n"
	for _, tt := range []struct {
		name, raw string
		status    int
		reached   int
		path      string
	}{
		{"origin form", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: " + host + "\r\n" + end, 200, 1, "/goc/danh-muc/1"},
		{"absolute form", "GET http://evil.test" + prefix + "/danh-muc/2 HTTP/1.1\r\nHost: " + host + "\r\n" + end, 200, 1, "/goc/danh-muc/2"},
		{"absolute form with dots", "GET http://evil.test" + prefix + "/../../danh-muc/2 HTTP/1.1\r\nHost: x\r\n" + end, 400, 0, ""},
		{"absolute form without path", "GET http://evil.test HTTP/1.1\r\nHost: x\r\n" + end, 404, 0, ""},
		{"dots not cleaned by the client", "GET " + prefix + "/danh-muc/../ho-so HTTP/1.1\r\nHost: x\r\n" + end, 400, 0, ""},
		{"backslash", "GET " + prefix + "\\..\\ho-so HTTP/1.1\r\nHost: x\r\n" + end, 400, 0, ""},
		{"length and chunks", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0, ""},
		{"two lengths", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + end + "xx", 400, 0, ""},
		{"odd transfer encoding", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n" + end, 501, 0, ""},
		{"space before a colon", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n" + end, 400, 0, ""},
		{"body shorter than said", "POST " + prefix + "/tra-cuu HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.token("1") + "\r\nContent-Length: 100\r\n" + end + "{", 400, 0, ""},
		{"upgrade to h2c", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n", 200, 1, "/goc/danh-muc/1"},
		{"no host", "GET " + prefix + "/danh-muc/1 HTTP/1.1\r\n" + end, 400, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.reachedCount()
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.WriteString(conn, tt.raw); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(tt.raw, "Length: 100") {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, conn)
			if res.StatusCode != tt.status || w.reachedCount()-before != tt.reached {
				t.Errorf("got %d and %d upstream requests, want %d and %d", res.StatusCode, w.reachedCount()-before, tt.status, tt.reached)
			}
			if tt.reached > 0 {
				if r, _ := w.last(); r.URL.Path != tt.path || r.Host == "evil.test" {
					t.Errorf("the upstream was asked for %s of %s", r.URL.Path, r.Host)
				}
			}
		})
	}
}

// TestCallerGone: who hangs up is answered nothing, and recorded as gone.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := make(chan struct{})
	w.answers(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	trace := fmt.Sprintf("%032x", 0xc1)
	fmt.Fprintf(conn, "GET %s/danh-muc/1 HTTP/1.1\r\nHost: x\r\nTraceparent: %s\r\n\r\n", w.route.Prefix(), traceparent(trace))
	<-asked
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, _ := io.ReadAll(conn); len(answer) != 0 {
		t.Errorf("got %s", answer)
	}
	if e := w.recorded(trace); e.Status != statusGone || e.Complete {
		t.Errorf("recorded %+v", e)
	}
}

// TestIntentOfACrash: a personal call the node did not outlive is delivered as
// one whose end is unknown.
func TestIntentOfACrash(t *testing.T) {
	t.Parallel()
	var got []Exchange
	var again []bool
	away := true
	n := &Node{Ship: func(_ context.Context, s Shipment) error {
		again = append(again, s.Again)
		if away {
			away = false
			return errors.New("away")
		}
		list, err := ReadShipment(s.Body)
		got = append(got, list...)
		return err
	}}
	old, err := json.Marshal(Exchange{Trace: "old", Operation: "nguoi"})
	if err != nil {
		t.Fatal(err)
	}
	whole := Exchange{Trace: "a", Operation: "nguoi", Subject: "s", Status: 200, Complete: true}
	records := []journal.Delivered{{Record: whole.appendTo(nil), Unknown: true}, {Record: []byte(`7`)}, {Record: whole.appendTo(nil)}, {Record: old}}
	for i, failed := range []bool{true, false, false} {
		if err := n.ship(t.Context(), records); (err != nil) != failed {
			t.Errorf("shipment %d: %v", i, err)
		}
	}
	if len(got) != 6 || !got[0].Unknown || got[0].Complete || got[0].Status != 0 || got[1].Unknown || got[1].Status != 200 || got[2].Trace != "old" {
		t.Errorf("got %+v", got)
	}
	if want := []bool{false, true, false}; !slices.Equal(again, want) {
		t.Errorf("shipped again: got %v, want %v", again, want)
	}
}

// FuzzReadShipment: what is no shipment is refused.
func FuzzReadShipment(f *testing.F) {
	e := filled(f)
	record := e.appendTo(nil)
	f.Add(append(binary.AppendUvarint(nil, uint64(len(record))), record...))
	f.Fuzz(func(t *testing.T, body []byte) {
		if list, err := ReadShipment(body); err == nil && len(list) > len(body) {
			t.Fatalf("%d exchanges of %d bytes", len(list), len(body))
		}
	})
}

// TestMetrics: the figures can be read, and grow.
func TestMetrics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do("GET", "/danh-muc/1")
	w.do("GET", "/nothing")
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(w.node.Metrics)
	w.until("counted", func() bool {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(families)
		return strings.Contains(text, "no-such-operation") && strings.Contains(text, "2xx") && strings.Contains(text, "lgsp_gateway_config_age_seconds")
	})
}

// brief reads an answer: its status, and its body or its problem's code.
func brief(t testing.TB, from io.Reader) string {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(from), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ Code string }
	if json.Unmarshal(body, &p) == nil && p.Code != "" {
		return fmt.Sprint(res.StatusCode, " ", p.Code)
	}
	return fmt.Sprint(res.StatusCode, " ", string(body))
}
