package gateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/keyring"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ClientKeys are the certificates that the gateway shows the systems behind
// versions, and their private keys, which leave the table for a node's memory only.
type ClientKeys struct {
	DB    pg.DB
	Now   func() time.Time // time.Now outside tests
	Seals keyring.Ring
}

// ClientCertificate is what a version's upstreams are shown; the zero one is none.
type ClientCertificate struct {
	Certificate string    `json:"certificate"` // PEM, with those that vouch for it
	Subject     string    `json:"subject"`     // RFC 4514
	Fingerprint string    `json:"fingerprint"` // SHA-256, hex
	NotAfter    time.Time `json:"not_after"`   // UTC
}

// SealedClientKeys is what the keys are called where what is stored under a
// version of the platform's secret is counted.
const SealedClientKeys = "upstream_client_key"

const (
	maxClientPEM    = 32 << 10 // bytes of a certificate with its chain, or of a key
	leastModulus    = 2048     // bits of an RSA key
	setClientKeySQL = `
insert into gateway.client_key (version_id, certificate, sealed, seal_version, set_at) values ($1, $2, $3, $4, $5)
on conflict (version_id) do update
   set certificate = excluded.certificate, sealed = excluded.sealed, seal_version = excluded.seal_version, set_at = excluded.set_at`
	endClientKeySQL = `delete from gateway.client_key where version_id = $1`
)

// Keep keeps the certificate and key, both PEM, of a version, in place of what
// it had, or with two empty texts forgets that; it gives the certificate's
// fingerprint. It fails with Invalid for what does not fit together, is over,
// or is weaker than TLS is used with. The caller exposes the version anew, so
// that nodes hear of it.
func (k *ClientKeys) Keep(ctx context.Context, tx pgx.Tx, version uuid.UUID, certificate, key string) (string, error) {
	if certificate == "" && key == "" {
		if _, err := tx.Exec(ctx, endClientKeySQL, version); err != nil {
			return "", fmt.Errorf("forget client key of %s: %w", version, err)
		}
		return "", nil
	}
	pair, err := k.pair(certificate, key)
	if err != nil {
		return "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		return "", fmt.Errorf("encode client key of %s: %w", version, err)
	}
	sealed, by, err := k.Seals.Seal(private, version[:])
	if err != nil {
		return "", fmt.Errorf("client key of %s: %w", version, err)
	}
	if _, err := tx.Exec(ctx, setClientKeySQL, version, chainPEM(pair), sealed, by, k.Now().UTC()); err != nil {
		return "", fmt.Errorf("keep client key of %s: %w", version, err)
	}
	return fingerprint(pair.Certificate[0]), nil
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// pair reads a certificate and its key; Invalid says which of the two is wrong.
func (k *ClientKeys) pair(certificate, key string) (tls.Certificate, error) {
	wrong := func(field, code string, err error) (tls.Certificate, error) {
		return tls.Certificate{}, problem.Errorf(problem.Invalid, "the %s cannot be used", field).Coded(code).Wrong(field, code, code).Because(err)
	}
	if len(certificate) > maxClientPEM || len(key) > maxClientPEM {
		return wrong("certificate", "client-certificate-invalid", errors.New("over 32 KiB"))
	}
	chain, err := certificatesOf(certificate)
	if err != nil {
		return wrong("certificate", "client-certificate-invalid", err)
	}
	if now := k.Now(); now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		return wrong("certificate", "client-certificate-over", nil)
	}
	block, _ := pem.Decode([]byte(key))
	if block == nil || strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
		return wrong("key", "client-key-invalid", errors.New("no PEM block in the clear"))
	}
	pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
	if err != nil {
		return wrong("key", "client-key-mismatch", err)
	}
	switch private := pair.PrivateKey.(type) {
	case *ecdsa.PrivateKey, ed25519.PrivateKey:
		return pair, nil
	case *rsa.PrivateKey:
		if private.N.BitLen() >= leastModulus {
			return pair, nil
		}
	}
	return wrong("key", "client-key-weak", nil)
}

// chainPEM is the certificates of a pair, and nothing else that stood there.
func chainPEM(pair tls.Certificate) string {
	var text bytes.Buffer
	for _, der := range pair.Certificate {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}) // a buffer takes it
	}
	return text.String()
}

func clientCertificate(text string) (ClientCertificate, error) {
	chain, err := certificatesOf(text)
	if err != nil {
		return ClientCertificate{}, fmt.Errorf("read client certificate: %w", err)
	}
	return ClientCertificate{Certificate: text, Subject: chain[0].Subject.String(), Fingerprint: fingerprint(chain[0].Raw), NotAfter: chain[0].NotAfter.UTC()}, nil
}

const clientCertificateSQL = `select certificate from gateway.client_key where version_id = $1`

// Of gives what a version's upstreams are shown; the zero one when it is nothing.
func (k *ClientKeys) Of(ctx context.Context, version uuid.UUID) (ClientCertificate, error) {
	var text string
	err := k.DB.QueryRow(ctx, clientCertificateSQL, version).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return ClientCertificate{}, nil
	} else if err != nil {
		return ClientCertificate{}, fmt.Errorf("read client certificate of %s: %w", version, err)
	}
	return clientCertificate(text)
}

const clientKeysUnderSQL = `select seal_version as version, count(*)::int as n from gateway.client_key group by seal_version`

// StoredUnder counts the keys by the version of the secret that sealed them.
func (k *ClientKeys) StoredUnder(ctx context.Context) (map[int]int, error) {
	type row struct{ Version, N int }
	list, err := pg.All[row](ctx, k.DB, clientKeysUnderSQL)
	if err != nil {
		return nil, fmt.Errorf("count client keys: %w", err)
	}
	counts := make(map[int]int, len(list))
	for _, r := range list {
		counts[r.Version] = r.N
	}
	return counts, nil
}

const (
	oldClientKeysSQL    = `select version_id, certificate, sealed, seal_version from gateway.client_key where seal_version < $1 for update`
	resealClientKeySQL  = `update gateway.client_key set sealed = $2, seal_version = $3 where version_id = $1`
	exposedOfVersionSQL = `select exists (select from gateway.route where version_id = $1)`
)

// Reseal seals the keys anew, by the current version of the secret, and lets
// nodes load them. What cannot be opened any more stays, and is counted.
func (k *ClientKeys) Reseal(ctx context.Context) (int, error) {
	lost := 0
	err := pgx.BeginFunc(ctx, k.DB, func(tx pgx.Tx) error {
		list, err := pg.All[clientKey](ctx, tx, oldClientKeysSQL, k.Seals.Current())
		if err != nil {
			return fmt.Errorf("list what old keys have sealed: %w", err)
		}
		for _, old := range list {
			private, err := k.Seals.Open(old.Sealed, old.SealVersion, old.VersionID[:])
			if err != nil {
				lost++
				continue
			}
			sealed, by, err := k.Seals.Seal(private, old.VersionID[:])
			if err != nil {
				return fmt.Errorf("client key of %s: %w", old.VersionID, err)
			}
			if _, err := tx.Exec(ctx, resealClientKeySQL, old.VersionID, sealed, by); err != nil {
				return fmt.Errorf("seal client key of %s anew: %w", old.VersionID, err)
			}
			exposed := false
			if err := tx.QueryRow(ctx, exposedOfVersionSQL, old.VersionID).Scan(&exposed); err != nil {
				return fmt.Errorf("look for version %s: %w", old.VersionID, err)
			}
			if exposed {
				if err := changed(ctx, tx, "route", old.VersionID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return lost, err
}

// clientKey is a certificate and its sealed key; the zero one is none.
type clientKey struct {
	VersionID   uuid.UUID
	Certificate string
	Sealed      []byte
	SealVersion int
}

// open is the key as TLS takes it.
func (k clientKey) open(seals keyring.Ring) (tls.Certificate, error) {
	private, err := seals.Open(k.Sealed, k.SealVersion, k.VersionID[:])
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client key: %w", err)
	}
	pair, err := tls.X509KeyPair([]byte(k.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("client key: %w", err)
	}
	return pair, nil
}
