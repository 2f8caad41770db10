package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/certtest"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// certificatePEM and keyPEM are the two halves of a pair as people paste them.
func certificatePEM(ders ...[]byte) string {
	var text strings.Builder
	for _, der := range ders {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return text.String()
}

func keyPEM(t testing.TB, pair tls.Certificate) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// careful starts an upstream that asks for a certificate of ca's, shows one of
// ca's, and tells who called and by which protocol.
func careful(t *testing.T, ca certtest.CA, protocols string) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(rw, r.TLS.PeerCertificates[0].Subject.CommonName+" "+r.Proto)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Server(time.Now())}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}
	s.EnableHTTP2 = strings.Contains(protocols, HTTP2)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// keep sets the version's client key and exposes the version.
func (w *world) keep(keys *ClientKeys, certificate, key string) {
	w.t.Helper()
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := keys.Keep(ctx, tx, w.route.Version, certificate, key); err != nil {
			return err
		}
		return Expose(ctx, tx, w.route)
	})
}

// TestMutualTLS: an upstream is believed by the authorities that its agency
// names, and shown the certificate that its agency set, whatever protocol it
// speaks; a node that starts with the database away does the same.
func TestMutualTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := &ClientKeys{DB: w.db, Now: w.now, Seals: w.seals}
	ca, other := certtest.NewCA(t, time.Now()), certtest.NewCA(t, time.Now())
	mine := ca.Client(time.Now(), pkix.Name{CommonName: "cổng"})
	settle := func(what string, status int, body string) {
		t.Helper()
		w.until(what, func() bool {
			got := w.do("POST", "/ho-so", "X-API-Key", w.key)
			return got.status == status && (body == "" || got.body == body)
		})
	}
	w.route.Operations[2].Access = Open
	for _, protocol := range []string{HTTP1, HTTP2, ""} {
		s := careful(t, ca, HTTP2)
		w.route.Traffic = Traffic{Protocol: protocol}
		speaks := map[string]string{HTTP1: "HTTP/1.1", HTTP2: "HTTP/2.0", "": "HTTP/2.0"}[protocol]
		w.expose(Upstream{s.URL, 1})
		w.keep(keys, "", "")
		settle(protocol+" an authority nobody named", 502, "")
		w.route.Traffic.TLS.CA = certificatePEM(other.Certificate.Raw, ca.Certificate.Raw)
		w.keep(keys, "", "")
		settle(protocol+" no certificate", 502, "")
		w.keep(keys, certificatePEM(mine.Certificate[0]), keyPEM(t, mine))
		settle(protocol+" mutual", 200, "cổng "+speaks)
		w.route.Traffic.TLS.ServerName = "khac.gov.vn"
		w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
		settle(protocol+" another name", 502, "")
		w.route.Traffic.TLS.ServerName = "localhost"
		w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
		settle(protocol+" its name", 200, "cổng "+speaks)
		w.route.Traffic.TLS.CA = certificatePEM(other.Certificate.Raw)
		w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
		settle(protocol+" another authority", 502, "")
		w.route.Traffic.TLS = UpstreamTLS{CA: certificatePEM(ca.Certificate.Raw)}
		w.commit(func(ctx context.Context, tx pgx.Tx) error { return Expose(ctx, tx, w.route) })
		settle(protocol+" again", 200, "cổng "+speaks)
	}
	if err := w.node.keep(); err != nil {
		t.Fatal(err)
	}
	n := &Node{DataDir: w.node.DataDir, Now: w.now, ClientSeals: w.seals}
	if err := n.restore(); err != nil {
		t.Fatal(err)
	}
	try, _ := n.current.Load().byVersion[w.route.Version].pool.Pick()
	if c := try.Target().TLS; len(c.Certificates) != 1 || !bytes.Equal(c.Certificates[0].Certificate[0], mine.Certificate[0]) {
		t.Error("the snapshot on disk shows no certificate")
	}
	w.commit(func(ctx context.Context, tx pgx.Tx) error {
		return Withdraw(ctx, tx, End{Version: w.route.Version, At: time.Now()})
	})
	if got, err := keys.Of(t.Context(), w.route.Version); err != nil || got != (ClientCertificate{}) {
		t.Errorf("the key of a version that ended: %+v, %v", got, err)
	}
}

// TestClientKeysAreSealed: the key is in no table in the clear, is of no other
// version, and outlives a version of the platform's secret when it is sealed anew.
func TestClientKeysAreSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inUse := 1
	current := func() int { return inUse }
	first, second := bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 32)
	keys := &ClientKeys{DB: w.db, Now: w.now, Seals: keyring.New(map[int][]byte{1: first, 2: second}, current)}
	mine := certtest.SelfSigned(t, time.Now())
	w.keep(keys, certificatePEM(mine.Certificate[0]), keyPEM(t, mine))
	got, err := keys.Of(t.Context(), w.route.Version)
	if err != nil || got.Subject != "CN=self" || got.Fingerprint != fingerprint(mine.Certificate[0]) || !got.NotAfter.Equal(mine.Leaf.NotAfter) {
		t.Errorf("got %+v, %v", got, err)
	}
	stored := func() clientKey {
		var k clientKey
		k.VersionID = w.route.Version
		err := w.db.QueryRow(t.Context(), `select certificate, sealed, seal_version from gateway.client_key`).Scan(&k.Certificate, &k.Sealed, &k.SealVersion)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	der, _ := x509.MarshalPKCS8PrivateKey(mine.PrivateKey)
	before := stored()
	if bytes.Contains(before.Sealed, der[len(der)-32:]) {
		t.Error("the key is stored in the clear")
	}
	if _, err := before.open(keys.Seals); err != nil {
		t.Errorf("its own: %v", err)
	}
	stolen := before
	stolen.VersionID = uuid.Max
	if _, err := stolen.open(keys.Seals); err == nil {
		t.Error("another version opens it")
	}
	inUse = 2
	if lost, err := keys.Reseal(t.Context()); err != nil || lost != 0 {
		t.Fatalf("reseal: %d lost, %v", lost, err)
	}
	if counts, err := keys.StoredUnder(t.Context()); err != nil || len(counts) != 1 || counts[2] != 1 {
		t.Errorf("stored under %v, %v", counts, err)
	}
	only := keyring.New(map[int][]byte{2: second}, current)
	if _, err := stored().open(only); err != nil {
		t.Errorf("without version 1: %v", err)
	}
	inUse = 3
	keys.Seals = keyring.New(map[int][]byte{3: first}, current)
	if lost, err := keys.Reseal(t.Context()); err != nil || lost != 1 {
		t.Errorf("without version 2: %d lost, %v", lost, err)
	}
	w.until("the version is out", func() bool { return w.node.Health().Out == 1 }) // the node has no such seal
}

// TestClientKeysRefused: what cannot be shown is told by the field that is wrong.
func TestClientKeysRefused(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ca := certtest.NewCA(t, now)
	mine, old := ca.Client(now, pkix.Name{CommonName: "x"}), ca.Client(now.AddDate(-1, 0, 0), pkix.Name{CommonName: "x"})
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: mine.Leaf.NotBefore, NotAfter: mine.Leaf.NotAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &weak.PublicKey, weak)
	if err != nil {
		t.Fatal(err)
	}
	good, key := certificatePEM(mine.Certificate[0]), keyPEM(t, mine)
	keys := &ClientKeys{Now: time.Now, Seals: keyring.Of(pepper)}
	for _, tt := range []struct{ name, certificate, key, code string }{
		{"no certificate", "", key, "client-certificate-invalid"},
		{"no key", good, "", "client-key-invalid"},
		{"no PEM", "x", key, "client-certificate-invalid"},
		{"a key for a certificate", key, key, "client-certificate-invalid"},
		{"something behind it", good + "x", key, "client-certificate-invalid"},
		{"too large", good + strings.Repeat("\n", maxClientPEM), key, "client-certificate-invalid"},
		{"over", certificatePEM(old.Certificate[0]), keyPEM(t, old), "client-certificate-over"},
		{"a locked key", good, strings.ReplaceAll(key, "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "client-key-invalid"},
		{"another's key", good, keyPEM(t, old), "client-key-mismatch"},
		{"a weak key", certificatePEM(der), keyPEM(t, tls.Certificate{PrivateKey: weak}), "client-key-weak"},
	} {
		_, err := keys.Keep(t.Context(), nil, uuid.Max, tt.certificate, tt.key)
		var told *problem.Error
		if !errors.As(err, &told) || told.Code != tt.code || len(told.Fields) != 1 || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
