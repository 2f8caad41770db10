package auth

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"lgsp/internal/problem"
)

func asPEM(t testing.TB, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func publicPEM(t testing.TB, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	return asPEM(t, "PUBLIC KEY", der, err)
}

// selfSigned is a certificate that ended in 2001.
func selfSigned(t testing.TB, key crypto.Signer) string {
	t.Helper()
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: long, NotAfter: long}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	return asPEM(t, "CERTIFICATE", der, err)
}

// What openssl prints is kept as a JWK with its thumbprint as kid, the same
// that the JWK itself gets.
func TestReadPEM(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, "make key", err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	ok(t, "make key", err)
	for algorithm, key := range map[string]crypto.Signer{"ES256": p256, "PS256": long, "EdDSA": edwards} {
		for name, text := range map[string]string{
			"public key": publicPEM(t, key.Public()), "certificate": selfSigned(t, key),
			"with text before it, and CRLF": "subject=CN = may-chu\r\n" + strings.ReplaceAll(publicPEM(t, key.Public()), "\n", "\r\n") + "\r\n\r\n",
		} {
			got, err := ReadPEM(text)
			if err != nil || len(got) != 1 {
				t.Errorf("%s, %s: got %s, %v", algorithm, name, got, err)
				continue
			}
			jwk, err := ReadJWK(got[0])
			if err != nil || jwk.Algorithm != algorithm || !jwk.Key.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) {
				t.Errorf("%s, %s: got %+v, %v", algorithm, name, jwk, err)
			}
		}
	}
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "dev@x.vn")
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa"})
	ok(t, "create", err)
	set, err := ReadPEM(selfSigned(t, p256) + publicPEM(t, long.Public()))
	ok(t, "read", err)
	list, err := d.SetKeys(ctx, who, app.ID, set)
	ok(t, "set", err)
	keys, err := d.PublicKeys(ctx, app.ID)
	ok(t, "read", err)
	sum, err := ReadJWK([]byte(asJWKText(t, &p256.PublicKey)))
	ok(t, "thumbprint", err)
	if len(list) != 2 || !p256.PublicKey.Equal(keys[sum.KeyID]) {
		t.Errorf("kept: got %+v, want a key %s", list, sum.KeyID)
	}
}

func asJWKText(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	set, err := ReadPEM(publicPEM(t, key))
	ok(t, "read", err)
	return string(set[0])
}

func TestReadPEMRefuses(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ok(t, "make key", err)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	ok(t, "make key", err)
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	ok(t, "make key", err)
	good := publicPEM(t, p256.Public())
	pkcs8, err := x509.MarshalPKCS8PrivateKey(p256)
	private := asPEM(t, "PRIVATE KEY", pkcs8, err)
	sec1, err := x509.MarshalECPrivateKey(p256)
	ok(t, "write key", err)
	for name, tt := range map[string]struct{ text, code string }{
		"nothing":                    {"", "pem-form"},
		"no PEM":                     {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDhz may-chu", "pem-form"},
		"private":                    {private, "jwk-private"},
		"private, of RSA":            {asPEM(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short), nil), "jwk-private"},
		"private, of SEC 1":          {asPEM(t, "EC PRIVATE KEY", sec1, nil), "jwk-private"},
		"private, encrypted":         {strings.ReplaceAll(private, "PRIVATE", "ENCRYPTED PRIVATE"), "jwk-private"},
		"private, of OpenSSH":        {asPEM(t, "OPENSSH PRIVATE KEY", []byte("openssh-key-v1"), nil), "jwk-private"},
		"private, cut off":           {private[:90], "jwk-private"},
		"private behind a good one":  {good + private, "jwk-private"},
		"cut off":                    {good[:60], "pem-form"},
		"the second one is cut off":  {good + good[:60], "pem-form"},
		"without an end":             {strings.Replace(good, "-----END PUBLIC KEY-----", "", 1), "pem-form"},
		"a stray letter":             {strings.Replace(good, "\nM", "\n*M", 1), "pem-form"},
		"another end":                {strings.Replace(good, "END PUBLIC", "END RSA PUBLIC", 1), "pem-form"},
		"DER that is none":           {asPEM(t, "PUBLIC KEY", []byte{0x30, 0x03, 0x02, 0x01, 0x00}, nil), "pem-form"},
		"more DER behind it":         {asPEM(t, "PUBLIC KEY", append(decoded(t, good), 0), nil), "pem-form"},
		"a certificate that is none": {asPEM(t, "CERTIFICATE", decoded(t, good), nil), "pem-form"},
		"a key called certificate":   {strings.ReplaceAll(selfSigned(t, p256), "CERTIFICATE", "PUBLIC KEY"), "pem-form"},
		"PKCS #1":                    {asPEM(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&short.PublicKey), nil), "pem-type"},
		"parameters":                 {asPEM(t, "EC PARAMETERS", []byte{6, 8}, nil), "pem-type"},
		"a request":                  {asPEM(t, "CERTIFICATE REQUEST", []byte{0x30, 0}, nil), "pem-type"},
		"another curve":              {publicPEM(t, p384.Public()), "jwk-form"},
		"RSA 1024":                   {publicPEM(t, short.Public()), "jwk-form"},
		"RSA 1024 in a certificate":  {selfSigned(t, short), "jwk-form"},
		"for exchange":               {publicPEM(t, exchange.PublicKey()), "jwk-form"},
		"six":                        {strings.Repeat(good, 6), "jwk-many"},
		"more than 64 KiB":           {strings.Repeat("\n", maxPEM) + good, "pem-form"},
	} {
		_, err := ReadPEM(tt.text)
		if e := problem.Of(err); e == nil || e.Kind != problem.Invalid || len(e.Fields) != 1 || e.Fields[0].Code != tt.code || e.Fields[0].Name != "keys" {
			t.Errorf("%s: got %v, want %s", name, err, tt.code)
		}
	}
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	return block.Bytes
}

func FuzzReadPEM(f *testing.F) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(publicPEM(f, p256.Public()))
	f.Add(selfSigned(f, p256))
	f.Add("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n")
	f.Add("-----BEGIN -----\n-----END -----\n-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END X-----")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ReadPEM(text)
		if err != nil {
			if e := problem.Of(err); e == nil || e.Kind != problem.Invalid {
				t.Fatalf("%q: %v is not Invalid", text, err)
			}
			return
		}
		if len(keys) == 0 || len(keys) > maxKeys {
			t.Fatalf("%q gives %d keys", text, len(keys))
		}
		for _, key := range keys {
			var members map[string]json.RawMessage
			if jwk, err := ReadJWK(key); err != nil || !jwk.IsPublic() || json.Unmarshal(key, &members) != nil || members["d"] != nil {
				t.Errorf("%q gives %s: %v", text, key, err)
			}
		}
	})
}
