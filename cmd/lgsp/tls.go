package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/sync/errgroup"
)

// tlsFiles are the PEM files that LGSP_TLS_CERT, LGSP_TLS_KEY and LGSP_MTLS_CA
// name, and what was last read of them that holds together; or in place of the
// first two, where their like is got.
type tlsFiles struct {
	cert, key, ca string     // paths, "": not set
	certifier     *certifier // nil: LGSP_ACME_HOSTS is not set
	seen          [sha256.Size]byte
	current       atomic.Pointer[tlsState]
}

// tlsState is what is in use of the files.
type tlsState struct {
	certificate *tls.Certificate // nil: none by file
	clientCAs   *x509.CertPool   // nil: nobody certifies clients
}

// lookEvery is how often the files are looked at.
const lookEvery = 10 * time.Second

// openTLS reads the files for the first time, and tells every mistake.
func openTLS(c config) (*tlsFiles, error) {
	f := &tlsFiles{cert: c.TLSCert, key: c.TLSKey, ca: c.MTLSCA}
	var err error
	if len(c.ACMEHosts) > 0 {
		f.certifier, err = newCertifier(c)
	}
	return f, errors.Join(err, f.reload())
}

// reload reads the files and, when they have changed and hold together, puts
// them into use. It fails once for each wrong content; what was in use stays.
func (f *tlsFiles) reload() error {
	var texts [3][]byte
	var wrong []error
	for i, file := range []struct{ setting, path string }{{"LGSP_TLS_CERT", f.cert}, {"LGSP_TLS_KEY", f.key}, {"LGSP_MTLS_CA", f.ca}} {
		if file.path == "" {
			continue
		}
		var err error
		if texts[i], err = os.ReadFile(file.path); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", file.setting, err))
		}
	}
	seen := sha256.Sum256(fmt.Appendf(bytes.Join(texts[:], []byte{0}), "%v", wrong))
	if seen == f.seen {
		return nil
	}
	f.seen = seen
	state := &tlsState{}
	if f.cert != "" && len(wrong) == 0 {
		pair, err := tls.X509KeyPair(texts[0], texts[1])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("LGSP_TLS_CERT: %s with the key %s: %w", f.cert, f.key, err))
		}
		state.certificate = &pair
	}
	if f.ca != "" && len(wrong) == 0 {
		pool, err := readPool(texts[2])
		if err != nil {
			wrong = append(wrong, fmt.Errorf("LGSP_MTLS_CA: %s: %w", f.ca, err))
		}
		state.clientCAs = pool
	}
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	f.current.Store(state)
	return nil
}

// readPool reads certificates, every one of them: one that is skipped would be
// missed only when its clients are refused.
func readPool(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a block %s is no certificate: %w", block.Type, err)
		}
		pool.AddCert(certificate)
		text = rest
	}
	if pool.Equal(x509.NewCertPool()) {
		return nil, errors.New("it holds no certificate")
	}
	return pool, nil
}

// watch looks at the files until ctx ends, and after what is got instead.
// Connections that are open stay as they are; new ones get the new certificate.
func (f *tlsFiles) watch(ctx context.Context) error {
	if f != nil && f.certifier != nil {
		var group errgroup.Group
		group.Go(func() error { return f.certifier.watch(ctx) })
		defer group.Wait() // it gives no error
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for f != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		before := f.current.Load()
		if err := f.reload(); err != nil {
			slog.ErrorContext(ctx, "new certificate files cannot be used; the old ones stay", "err", err)
		} else if f.current.Load() != before {
			slog.InfoContext(ctx, "new certificate files are in use", "expires", time.Unix(int64(f.expires()), 0).UTC())
		}
	}
	return nil
}

// state is what is in use: nothing in a command that serves nothing.
func (f *tlsFiles) state() tlsState {
	if f == nil {
		return tlsState{}
	}
	return *f.current.Load()
}

// isSecured reports whether doors speak TLS.
func (f *tlsFiles) isSecured() bool {
	return f.state().certificate != nil || f != nil && f.certifier != nil
}

// expires is when the certificate in use does, of several the first, in Unix
// seconds; 0 without one.
func (f *tlsFiles) expires() float64 {
	if f != nil && f.certifier != nil {
		if at := f.certifier.earliest(); !at.IsZero() {
			return float64(at.Unix())
		}
		return 0
	}
	certificate := f.state().certificate
	if certificate == nil {
		return 0
	}
	return float64(certificate.Leaf.NotAfter.Unix())
}

// clientCAs are those that certify clients; nil when there are none.
func (f *tlsFiles) clientCAs() *x509.CertPool { return f.state().clientCAs }

// server is how a door speaks TLS, nil when it does not: TLS 1.2 or 1.3, with
// the ciphers that Go holds to be safe. ask says whether clients are asked for
// a certificate; the handshake proves that they hold the key of one they show,
// and it is judged where it is used.
func (f *tlsFiles) server(ask tls.ClientAuthType) *tls.Config {
	if !f.isSecured() {
		return nil
	}
	if f.certifier != nil {
		return &tls.Config{
			MinVersion: tls.VersionTLS12, ClientAuth: ask, GetCertificate: f.certifier.certificate,
			NextProtos: []string{acme.ALPNProto}, // a door adds what it speaks
		}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: ask,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.state().certificate, nil },
	}
}
