package gateway

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"lgsp/gateway/upstream"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// UpstreamTLS is what upstreams of https show, where it is not what any public
// host does. What they are shown is a ClientCertificate.
type UpstreamTLS struct {
	CA         string `json:"ca,omitempty"`          // authorities in PEM, 1 to 16, in place of the machine's
	ServerName string `json:"server_name,omitempty"` // whom the certificate is for, in place of the address's host
}

const maxAuthorities = 16

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

func (t UpstreamTLS) check(wrong *problem.Error) {
	if t.CA != "" {
		if list, err := certificatesOf(t.CA); err != nil || len(list) > maxAuthorities {
			wrong.Wrong("tls/ca", "traffic-ca", "no 1 to 16 certificates in PEM", "most", itoa(maxAuthorities))
		}
	}
	if _, err := netip.ParseAddr(t.ServerName); t.ServerName != "" && err != nil && (len(t.ServerName) > 253 || !nameForm.MatchString(t.ServerName)) {
		wrong.Wrong("tls/server_name", "traffic-server-name", "no host name in lower case")
	}
}

// certificatesOf reads certificates in PEM: at least one, and nothing but them.
func certificatesOf(text string) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(list) == 0 || strings.TrimSpace(string(rest)) != "" {
				return nil, errors.New("it is not certificates in PEM")
			}
			return list, nil
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a block %q is no certificate", block.Type)
		}
		list = append(list, one)
	}
}

// secure puts what the version says of TLS into its pool, which nobody uses yet.
func (t UpstreamTLS) secure(pool *upstream.Pool) error {
	if t == (UpstreamTLS{}) {
		return nil
	}
	var roots *x509.CertPool
	if t.CA != "" {
		list, err := certificatesOf(t.CA)
		if err != nil {
			return err
		}
		roots = x509.NewCertPool()
		for _, one := range list {
			roots.AddCert(one)
		}
	}
	for _, to := range pool.Targets() {
		if to.TLS == nil {
			continue
		}
		to.TLS.RootCAs = roots
		to.TLS.ServerName = or(t.ServerName, to.TLS.ServerName)
	}
	return nil
}

// shows lets the version's upstreams see its certificate; the zero key is none.
func (v *version) shows(k clientKey, seals keyring.Ring) error {
	v.shown = k
	if k.Certificate == "" {
		return nil
	}
	pair, err := k.open(seals)
	if err != nil {
		return err
	}
	for _, to := range v.targets() {
		if to.TLS != nil {
			to.TLS.Certificates = append(to.TLS.Certificates[:0:0], pair)
		}
	}
	return nil
}

// reaches reports whether a version's calls go to the addresses of its pool in
// the same way as another's to those of the other pool, so that one pool and its
// connections do for both; a nil pool has none.
func (v *version) reaches(pool *upstream.Pool, other *version, others *upstream.Pool) bool {
	return pool != nil && others != nil && pool.Has(others.Addresses()) && v.Traffic.TLS == other.Traffic.TLS && v.Traffic.Health == other.Traffic.Health && v.shown.Certificate == other.shown.Certificate
}
