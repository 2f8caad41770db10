package main

import (
	"context"
	"crypto/tls"
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

	"lgsp/gateway"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

// ask gives the status of an address, 0: nobody is there, and whether the
// answer ended its connection.
func ask(t *testing.T, client *http.Client, address string) (status int, closes bool) {
	t.Helper()
	res, err := client.Get(address)
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // its end is what counts
	return res.StatusCode, res.Close
}

// TestDoorsLetGo: a node that is told to stop says at the operator's door that
// it is not ready while its other doors are open for the notice; each of their
// answers ends its connection. The operator's door is the last to be shut.
func TestDoorsLetGo(t *testing.T) {
	t.Parallel()
	listeners := make([]net.Listener, 3)
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	ops, plain, ours := "http://"+listeners[0].Addr().String()+"/readyz", "http://"+listeners[1].Addr().String(), "http://"+listeners[2].Addr().String()
	p := &platform{config: config{notice: 500 * time.Millisecond, Drain: 5 * time.Second}, metrics: prometheus.NewRegistry()}
	ready := func(context.Context) error {
		if p.stopping.Load() {
			return errStopping
		}
		return nil
	}
	ctx, stop := context.WithCancel(t.Context())
	ending, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- p.keep(ctx, ready, listeners[0], []door{
			{listeners[1], secured(server(http.NotFoundHandler()), nil)},
			{listeners[2], (&gateway.Node{Now: time.Now}).Server(nil)},
			{},
		}, func() error { <-ending; return errors.New("of the services") })
	}()
	client := &http.Client{Transport: &http.Transport{}}
	for status := 0; status != 200; status, _ = ask(t, client, ops) {
		time.Sleep(time.Millisecond)
	}
	for _, address := range []string{plain, ours} {
		if status, closes := ask(t, client, address); status < 400 || closes {
			t.Errorf("before: %s: got %d, closes %v", address, status, closes)
		}
	}
	stop()
	began := time.Now()
	for !p.stopping.Load() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // each door has heard of it
	for range 2 {
		for _, address := range []string{plain, ours} {
			if status, closes := ask(t, client, address); status < 400 || !closes {
				t.Errorf("letting go: %s: got %d, closes %v", address, status, closes)
			}
		}
		if status, _ := ask(t, client, ops); status != http.StatusServiceUnavailable {
			t.Errorf("letting go: /readyz is %d", status)
		}
	}
	for _, address := range []string{plain, ours} {
		for status := 1; status != 0; status, _ = ask(t, client, address) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	if took := time.Since(began); took < p.config.notice || took > p.config.Drain {
		t.Errorf("the doors were shut after %s", took)
	}
	if status, _ := ask(t, client, ops); status != http.StatusServiceUnavailable {
		t.Errorf("the doors are shut: /readyz is %d", status)
	}
	close(ending)
	if err := <-ended; err == nil || err.Error() != "of the services" {
		t.Errorf("ended with %v", err)
	}
	if status, _ := ask(t, client, ops); status != 0 {
		t.Errorf("at the end: /readyz is %d", status)
	}
}

// TestDoorFails: a door that cannot be served any more shuts the others.
func TestDoorFails(t *testing.T) {
	t.Parallel()
	listeners := make([]net.Listener, 3)
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	_ = listeners[1].Close()
	p := &platform{config: config{Drain: time.Second}, metrics: prometheus.NewRegistry()}
	err := p.keep(t.Context(), func(context.Context) error { return nil }, listeners[0], []door{
		{listeners[1], secured(server(http.NotFoundHandler()), nil)},
		{listeners[2], (&gateway.Node{Now: time.Now}).Server(nil)},
	}, func() error { return nil })
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
}

// TestDoorOfNetHTTP2LetsGo: over HTTP/2 a GOAWAY says what Connection: close
// says over HTTP/1.1.
func TestDoorOfNetHTTP2LetsGo(t *testing.T) {
	t.Parallel()
	files, ca := newTLSFiles(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := secured(server(http.NotFoundHandler()), files.server(tls.NoClientCert))
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	c := newStream(t, l.Addr().String(), ca)
	get := []string{":method", "GET", ":scheme", "https", ":authority", "localhost", ":path", "/"}
	if err := c.ask(1, get...); err != nil || c.answer(1) != "404" {
		t.Fatal(err)
	}
	s.Drain()
	if err := c.ask(3, get...); err != nil {
		t.Fatal(err)
	}
	if got := []string{c.answer(3), c.answer(5)}; got[0] != "404" && got[0] != "gone" || got[1] != "gone" {
		t.Errorf("got %v", got)
	}
}

// TestOneAddressDoesNotTakeADoor: who opens connections without end takes a
// part of a door, and others come in; the metrics tell.
func TestOneAddressDoesNotTakeADoor(t *testing.T) {
	t.Parallel()
	d, err := openDoors(config{
		PortalAddr: "127.0.0.1:0", GatewayAddr: "127.0.0.1:0", MTLSAddr: "127.0.0.1:0", OpsAddr: "127.0.0.1:0",
		MaxConns: 60, MaxPerAddress: 50,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	s := (&gateway.Node{Now: time.Now}).Server(nil)
	go func() { _ = s.Serve(d.gateway) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	from := func(address string) net.Conn {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).Dial("tcp", d.gateway.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	for range 50 {
		from("127.0.0.2")
	}
	if n, err := from("127.0.0.2").Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("one too many: read %d, %v", n, err)
	}
	other := from("127.0.0.1")
	_, _ = io.WriteString(other, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	if n, err := other.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("somebody else: read %d, %v", n, err)
	}
	for range 9 {
		from("127.0.0.3")
	}
	if n, err := from("127.0.0.4").Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("one too many of all: read %d, %v", n, err)
	}
	registry := prometheus.NewPedanticRegistry()
	d.tell(registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []float64
	for _, family := range families {
		for _, m := range family.Metric {
			if labels := fmt.Sprint(m.Label); strings.Contains(labels, `"gateway"`) {
				got = append(got, m.GetGauge().GetValue()+m.GetCounter().GetValue())
			}
		}
	}
	if want := []float64{60, 60, 1, 1}; !slices.Equal(got, want) { // open; at most; refused by address, of all
		t.Errorf("metrics: got %v, want %v", got, want)
	}
}

// TestWaitingConnectionsGiveWay: connections that are kept open for a next
// request do not shut the gateway's door to others.
func TestWaitingConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	d, err := openDoors(config{GatewayAddr: "127.0.0.1:0", MaxConns: 10, MaxPerAddress: 10})
	if err != nil {
		t.Fatal(err)
	}
	gate := (&platform{node: &gateway.Node{Now: time.Now}}).gatewayDoor(d.gateway)
	go func() { _ = gate.server.Serve(gate.Listener) }() // ends with Close
	t.Cleanup(func() { _ = gate.server.Close() })
	for i := range 50 {
		c, err := net.Dial("tcp", d.gateway.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n") // a door that is shut breaks it off
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("connection %d: read %d, %v", i+1, n, err)
		}
	}
}

// TestBoundsFitTheOpenFiles: what the doors let in leaves files for what is
// behind them.
func TestBoundsFitTheOpenFiles(t *testing.T) {
	t.Parallel()
	three := config{PortalAddr: ":1", GatewayAddr: ":2", MTLSAddr: ":3"}
	for _, tt := range []struct {
		name  string
		c     config
		files int
		inAll int
		ofOne int
		wrong string
	}{
		{"many files", three, 1 << 20, 20_000, 2_000, ""},
		{"what the unit file allows", three, 131_072, 20_000, 2_000, ""},
		{"few files", three, 20_000, 5_000, 1_250, ""},
		{"few files and one door", config{GatewayAddr: ":2"}, 20_000, 10_000, 2_000, ""},
		{"next to none", three, 8, 2, 1, ""},
		{"set", config{GatewayAddr: ":2", MaxConns: 30_000, MaxPerAddress: 10}, 60_000, 30_000, 10, ""},
		{"set in all", config{GatewayAddr: ":2", MaxConns: 100}, 60_000, 100, 25, ""},
		{"set beyond what there is", config{GatewayAddr: ":2", MTLSAddr: ":3", MaxConns: 30_000}, 60_000, 0, 0, "LGSP_MAX_CONNECTIONS: 30000 at each of 2 doors, and as many behind them, are 90000 open files, and the process may have 60000"},
	} {
		b, err := tt.c.boundsWithin(tt.files)
		if tt.wrong != "" {
			if err == nil || !strings.HasPrefix(err.Error(), tt.wrong) {
				t.Errorf("%s: got %v", tt.name, err)
			}
			continue
		}
		if err != nil || b.InAll != tt.inAll || b.OfOne != tt.ofOne {
			t.Errorf("%s: got %d and %d, %v, want %d and %d", tt.name, b.InAll, b.OfOne, err, tt.inAll, tt.ofOne)
		}
	}
}

// TestReadyWithoutDatabase: a gateway node alone is ready while the database is
// away, for it goes on with what it knows; the whole platform is not.
func TestReadyWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	away, err := pg.Open(t.Context(), pgtest.NewURL(t))
	w.must(err)
	away.Close()
	p := &platform{node: w.node, db: &database{Pool: away}}
	if err := p.ready(t.Context()); err == nil {
		t.Error("the platform is ready without its database")
	}
	if err := p.readyToServe(t.Context()); err != nil {
		t.Errorf("the node is not ready: %v", err)
	}
	p.stopping.Store(true)
	if err := p.readyToServe(t.Context()); !errors.Is(err, errStopping) {
		t.Errorf("a node that stops: got %v", err)
	}
}
