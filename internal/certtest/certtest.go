// Package certtest answers what certificate a test shows: authorities made for
// the test, and what they or their holders sign.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// CA is an authority.
type CA struct {
	t           testing.TB
	key         *ecdsa.PrivateKey
	Certificate *x509.Certificate
}

// NewCA makes an authority whose certificate is good for the day around at.
func NewCA(t testing.TB, at time.Time) CA {
	t.Helper()
	return newCA(t, at, nil)
}

// Between makes an authority that this one vouches for.
func (ca CA) Between(at time.Time) CA {
	ca.t.Helper()
	return newCA(ca.t, at, &ca)
}

func newCA(t testing.TB, at time.Time, by *CA) CA {
	t.Helper()
	made := sign(t, around(at, x509.Certificate{
		Subject: pkix.Name{CommonName: "Test CA " + rand.Text()}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}), by)
	return CA{t, made.PrivateKey.(*ecdsa.PrivateKey), made.Leaf}
}

// Server makes a certificate for localhost.
func (ca CA) Server(at time.Time) tls.Certificate {
	ca.t.Helper()
	return ca.Sign(around(at, x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}))
}

// Client makes a certificate that a client of this name shows.
func (ca CA) Client(at time.Time, subject pkix.Name, dns ...string) tls.Certificate {
	ca.t.Helper()
	return ca.Sign(around(at, x509.Certificate{
		Subject: subject, DNSNames: dns, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}))
}

// Sign makes a certificate with a new key.
func (ca CA) Sign(template x509.Certificate) tls.Certificate {
	ca.t.Helper()
	return sign(ca.t, template, &ca)
}

// Pool is the authority alone.
func (ca CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Certificate)
	return pool
}

// SelfSigned makes a certificate that only its holder vouches for.
func SelfSigned(t testing.TB, at time.Time) tls.Certificate {
	t.Helper()
	return sign(t, around(at, x509.Certificate{Subject: pkix.Name{CommonName: "self"}}), nil)
}

// around gives a template the day around at.
func around(at time.Time, template x509.Certificate) x509.Certificate {
	template.NotBefore, template.NotAfter = at.Add(-12*time.Hour), at.Add(12*time.Hour)
	return template
}

func sign(t testing.TB, template x509.Certificate, by *CA) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &CA{key: key, Certificate: &template}
	}
	raw, err := x509.CreateCertificate(rand.Reader, &template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

// Write puts a certificate and, when it is not "", its key into PEM files.
func Write(t testing.TB, made tls.Certificate, cert, key string) {
	t.Helper()
	write(t, cert, "CERTIFICATE", made.Certificate[0])
	if key == "" {
		return
	}
	raw, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, key, "PRIVATE KEY", raw)
}

func write(t testing.TB, path, kind string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}
