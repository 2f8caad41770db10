package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/gateway"
	"lgsp/internal/http1"
	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// nodeProgram is the argument that makes this program one data-plane node,
// wired as lgsp gateway is but for its dialer, which reaches the bench's own
// upstream on loopback, and its keys, which the bench made.
const nodeProgram = "node"

// nodeSettings are what the bench tells its node.
type nodeSettings struct {
	Database, DataDir, Address, Ops string
	Credentials                     []auth.GatewayCredential
	Pepper                          []byte
	Issuer, Key                     string // of tokens: PEM, and its kid is "bench"
	Cert, CertKey                   string // of TLS: PEM files, "": cleartext
	Strangers                       int    // API keys of others that the node holds too
}

func (s nodeSettings) tls() (*tls.Config, error) {
	if s.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(s.Cert, s.CertKey)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}, err
}

func (s nodeSettings) withStrangers() []auth.GatewayCredential {
	list := s.Credentials
	for range s.Strangers {
		key := auth.NewKey(auth.KindKey)
		list = append(list, auth.GatewayCredential{Lookup: key.Lookup, Hash: make([]byte, 32), PepperVersion: 1, Application: uuid.New(), Name: "stranger", Expires: time.Now().Add(time.Hour)})
	}
	return list
}

func runBenchNode(ctx context.Context, file string) error {
	var s nodeSettings
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	db, err := pg.Open(ctx, s.Database)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := publicKey(s.Key)
	if err != nil {
		return err
	}
	book := &ledger.Ledger{DB: db, Now: time.Now, Dir: filepath.Join(s.DataDir, "ledger"), Origin: "bench"}
	n := &gateway.Node{
		DB: db, Now: time.Now, GatewayURL: "http://" + s.Address, PortalURL: s.Issuer, Issuer: s.Issuer, DataDir: s.DataDir,
		Peppers: keyring.Of(s.Pepper), SubjectKey: make([]byte, 32), Dial: (&net.Dialer{}).DialContext,
		Credentials:   func(context.Context) ([]auth.GatewayCredential, error) { return s.withStrangers(), nil },
		CredentialsOf: func(context.Context, []uuid.UUID) ([]auth.GatewayCredential, error) { return s.Credentials, nil },
		Disabled:      func(context.Context) ([]uuid.UUID, error) { return nil, nil },
		Revoked:       func(context.Context) ([]string, error) { return nil, nil },
		NotBefore:     func(context.Context) (map[uuid.UUID]time.Time, error) { return nil, nil },
		Nonce:         func() string { return "" },
		Ship:          func(ctx context.Context, s gateway.Shipment) error { return book.Ship(ctx, ledger.Shipment(s)) },
		Metrics:       gateway.NewMetrics(),
	}
	keys := map[string]*ecdsa.PublicKey{"bench": key}
	v := &oauth.Verifier{Issuer: s.Issuer, Keys: func() map[string]*ecdsa.PublicKey { return keys }, Now: time.Now, Revoked: n.IsRevoked}
	n.Verify = func(ctx context.Context, p auth.Presented, audience string) (gateway.Token, error) {
		t, err := v.Verify(ctx, p, audience)
		if err != nil {
			return gateway.Token{}, err
		}
		application, err := uuid.Parse(t.Client)
		if err != nil {
			return gateway.Token{}, problem.Errorf(problem.Unauthorized, "the token names no application")
		}
		return gateway.Token{Application: application, ID: t.ID, Issued: t.Issued}, nil
	}
	secured, err := s.tls()
	if err != nil {
		return err
	}
	return serveNode(ctx, n, n.Server(secured), s)
}

func serveNode(ctx context.Context, n *gateway.Node, server *http1.Server, s nodeSettings) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(n.Metrics)
	routes := http.NewServeMux()
	routes.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	routes.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if n.Ready() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	servePprof(routes)
	go func() { _ = http.ListenAndServe(s.Ops, routes) }() // it ends with the process
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		return err
	}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- n.Run(working) }()
	err = server.Serve(l)
	stop()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, <-done)
}

func publicKey(text string) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the key is no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	ec, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is none of ECDSA")
	}
	return ec, nil
}

// upstreamProgram is the system behind every row: 1 KiB of JSON, or as many
// bytes as the path says (/n/10485760).
const upstreamProgram = "upstream"

func benchUpstream(ctx context.Context, address string) error {
	small := []byte(`{"maCay":"keo","ghiChu":"` + strings.Repeat("x", 997) + `"}`)
	large, rows := make([]byte, 16<<20), rowsOfTenKB()
	return serveUntil(ctx, address, func(w http.ResponseWriter, r *http.Request) {
		body := small
		if _, size, ok := strings.Cut(r.URL.Path, "/n/"); ok {
			n, _ := strconv.Atoi(size) // 0 for what is no number
			body = large[:min(n, len(large))]
		} else if strings.HasSuffix(r.URL.Path, rowsPath) {
			body = rows
		}
		if slow, ok := strings.CutPrefix(r.URL.RawQuery, "ms="); ok {
			n, _ := strconv.Atoi(slow)
			time.Sleep(time.Duration(n/2+rand.IntN(n+1)) * time.Millisecond) // about so many: all at once would be a burst
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // the caller may have gone
	})
}

// serveUntil serves a handler with our own server until ctx ends.
func serveUntil(ctx context.Context, address string, handler http.HandlerFunc) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s := &http1.Server{Handler: handler, HeadWithin: 10 * time.Second, Idle: time.Minute, Stall: time.Minute}
	go func() {
		<-ctx.Done()
		_ = s.Close()
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
