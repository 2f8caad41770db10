package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/sync/errgroup"

	"lgsp/internal/egress"
)

// certifier gets the doors' certificates from an authority by ACME (RFC 8555).
// That a name is ours it shows at the doors themselves, by tls-alpn-01 (RFC
// 8737). A certificate is renewed when a third of its life is left, 30 days
// before its end at most.
type certifier struct {
	manager *autocert.Manager
	hosts   []string

	mu      sync.Mutex
	expires map[string]time.Time // of the certificate in use, by host
}

// readACME reads the settings of the certifier, which is off without names.
func (r *settingsReader) readACME(c *config) {
	hosts := strings.FieldsFunc(r.env["LGSP_ACME_HOSTS"], func(at rune) bool { return at == ',' || at == ' ' })
	if len(hosts) == 0 {
		for _, name := range []string{"LGSP_ACME_EMAIL", "LGSP_ACME_DIRECTORY", "LGSP_ACME_CA"} {
			if r.env[name] != "" {
				r.wrong(name, "set LGSP_ACME_HOSTS too: it is about how their certificates are got")
			}
		}
		return
	}
	c.ACMEHosts = hosts
	takes(r, "LGSP_ACME_HOSTS", strings.Join(hosts, ", "))
	if c.TLSCert != "" || c.TLSKey != "" {
		r.wrong("LGSP_ACME_HOSTS", "set together with LGSP_TLS_CERT; keep one")
	}
	for _, host := range c.ACMEHosts {
		if !isHostName(host) {
			r.wrong("LGSP_ACME_HOSTS", "%q is not a name such as api.du-lieu.example.vn, in lower case", host)
		}
	}
	c.ACMEEmail = r.text("LGSP_ACME_EMAIL", "")
	if address, err := mail.ParseAddress(c.ACMEEmail); c.ACMEEmail != "" && (err != nil || address.Address != c.ACMEEmail) {
		r.wrong("LGSP_ACME_EMAIL", "%q is not an address of mail", c.ACMEEmail)
	}
	c.ACMEDirectory = r.text("LGSP_ACME_DIRECTORY", acme.LetsEncryptURL)
	r.checkURL("LGSP_ACME_DIRECTORY", c.ACMEDirectory, "https")
	c.ACMECA = r.text("LGSP_ACME_CA", "")
}

// isHostName reports whether a name can be certified as it is written.
func isHostName(name string) bool {
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return len(labels) > 1 && len(name) <= 253 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// certified looks whether the doors' public names are among those that
// certificates are got for: at one that is not, nobody would be let in.
func (r *settingsReader) certified(c config, settings ...string) {
	origins := map[string]string{"LGSP_PORTAL_URL": c.PortalURL, "LGSP_GATEWAY_URL": c.GatewayURL, "LGSP_MTLS_URL": c.MTLSURL}
	for _, name := range settings {
		u, err := url.Parse(origins[name])
		if len(c.ACMEHosts) == 0 || err != nil || origins[name] == "" {
			continue
		}
		if !slices.Contains(c.ACMEHosts, u.Hostname()) {
			r.wrong(name, "%q is not among LGSP_ACME_HOSTS", u.Hostname())
		}
	}
}

// certifiesPortal is certified for the portal's name, which a gateway node alone
// has nothing to do with.
func (c config) certifiesPortal() error {
	r := &settingsReader{}
	r.certified(c, "LGSP_PORTAL_URL")
	return errors.Join(r.errors...)
}

// newCertifier makes the certifier that the settings tell of. It asks nobody yet.
func newCertifier(c config) (*certifier, error) {
	fetch := egress.Fetch{Allow: c.EgressAllow}
	if c.ACMECA != "" {
		text, err := os.ReadFile(c.ACMECA)
		if err != nil {
			return nil, fmt.Errorf("LGSP_ACME_CA: %w", err)
		}
		if fetch.CAs, err = readPool(text); err != nil {
			return nil, fmt.Errorf("LGSP_ACME_CA: %s: %w", c.ACMECA, err)
		}
	}
	return &certifier{
		manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(c.DataDir, "acme")),
			HostPolicy: autocert.HostWhitelist(c.ACMEHosts...), Email: c.ACMEEmail,
			Client: &acme.Client{DirectoryURL: c.ACMEDirectory, HTTPClient: fetch.Client(30 * time.Second), UserAgent: "lgsp"},
		},
		hosts: c.ACMEHosts, expires: map[string]time.Time{},
	}, nil
}

// hello is what a client would say to be shown a host's certificate, of the one
// kind that is got: P-256.
func hello(host string) *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
}

// certificate is what a client is shown: nothing where there is none, and it
// waits for none, so that nobody holds a handshake open or has the authority
// asked. Without a name it is the first host's.
func (a *certifier) certificate(said *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(said.SupportedProtos, []string{acme.ALPNProto}) {
		return a.manager.GetCertificate(said) // the authority looks whether we know what it told us
	}
	host := strings.ToLower(strings.TrimSuffix(said.ServerName, "."))
	if host == "" {
		host = a.hosts[0]
	}
	if a.expiry(host).IsZero() {
		return nil, nil // becomes the alert unrecognized_name
	}
	return a.manager.GetCertificate(hello(host)) // it is in memory
}

// expiry is when the certificate of a host ends; the zero time: there is none.
func (a *certifier) expiry(host string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.expires[host]
}

// earliest is when the first certificate ends; the zero time while one is missing.
func (a *certifier) earliest() time.Time {
	var first time.Time
	for i, host := range a.hosts {
		if at := a.expiry(host); i == 0 || at.Before(first) {
			first = at
		}
	}
	return first
}

// watch gets the certificates, and looks after them until ctx ends.
func (a *certifier) watch(ctx context.Context) error {
	var group errgroup.Group
	for _, host := range a.hosts {
		group.Go(func() error { return a.keep(ctx, host) })
	}
	return group.Wait()
}

// The pauses before the authority is asked again that gave no certificate: it
// counts what fails (Let's Encrypt: five an hour), and so these grow.
const (
	firstPause = time.Minute
	lastPause  = time.Hour
)

// keep gets a host's certificate, and tells when there is a new one and when
// none comes.
func (a *certifier) keep(ctx context.Context, host string) error {
	overdue := time.Time{} // the end of the certificate that this was told of
	for pause, next := firstPause, time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(next):
		}
		leaf, err := a.get(ctx, host)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			slog.ErrorContext(ctx, "no certificate from the authority; trying again", "host", host, "in", pause, "err", err)
			next, pause = pause, min(3*pause, lastPause)
			continue
		}
		next, pause = lookEvery, firstPause
		if !leaf.NotAfter.Equal(a.expiry(host)) {
			a.mu.Lock()
			a.expires[host] = leaf.NotAfter
			a.mu.Unlock()
			slog.InfoContext(ctx, "a certificate is in use", "host", host, "expires", leaf.NotAfter)
		}
		if late := leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 6); time.Now().After(late) && !overdue.Equal(leaf.NotAfter) {
			overdue = leaf.NotAfter
			slog.ErrorContext(ctx, "a certificate is not renewed", "host", host, "expires", leaf.NotAfter)
		}
	}
}

// get is the certificate of a host: from memory, the disk, or the authority,
// which may take minutes; nobody waits for it longer than for ctx.
func (a *certifier) get(ctx context.Context, host string) (*x509.Certificate, error) {
	type answer struct {
		certificate *tls.Certificate
		err         error
	}
	got := make(chan answer, 1)
	go func() {
		certificate, err := a.manager.GetCertificate(hello(host))
		got <- answer{certificate, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case a := <-got:
		if a.err != nil {
			return nil, a.err
		}
		return a.certificate.Leaf, nil
	}
}
