package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// The public keys of RFC 9421, appendix B.1.
const (
	keyPSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`
	keyP256 = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`
	keyEd25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`
)

func publicKey(t testing.TB, text string) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

const bodyDigest = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"

// example is the request of appendix B.2.
func example() Request {
	return Request{Method: "POST", Origin: "https://example.com", Target: "/foo?param=Value&Pet=dog", Length: 18, Header: http.Header{
		"Date": {"Tue, 20 Apr 2021 02:07:55 GMT"}, "Content-Type": {"application/json"}, "Content-Digest": {bodyDigest},
	}}
}

// vectors are the signatures of requests in RFC 9421 by asymmetric algorithms.
var vectors = []struct{ name, key, algorithm, input, signature string }{
	{"B.2.1", keyPSS, "rsa-pss-sha512", `sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
		`sig-b21=:d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==:`},
	{"B.2.2", keyPSS, "rsa-pss-sha512", `sig-b22=("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"`,
		`sig-b22=:LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==:`},
	{"B.2.3", keyPSS, "rsa-pss-sha512", `sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`,
		`sig-b23=:bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==:`},
	{"B.2.6", keyEd25519, "", `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
		`sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`},
	{"4.3", keyP256, "", `sig1=("@method" "@authority" "@path" "content-digest" "content-type" "content-length");created=1618884475;keyid="test-key-ecc-p256"`,
		`sig1=:X5spyd6CFnAG5QnDyHfqoSNICd+BUP4LYMz2Q0JXlb//4Ijpzp+kve2w4NIyqeAuM7jTDX+sNalzA8ESSaHD3A==:`},
}

// TestVectors: what the RFC signs is right, and of any other request wrong. Its
// RSA signatures name no algorithm, which here is PS256's: they are looked at as
// if they had named theirs.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			s, err := Parse([]string{v.input}, []string{v.signature})
			if err != nil {
				t.Fatal(err)
			}
			key := publicKey(t, v.key)
			s.Algorithm = v.algorithm
			if err := s.Verify(key, example()); err != nil {
				t.Errorf("got %v", err)
			}
			for name, other := range map[string]crypto.PublicKey{"pss": publicKey(t, keyPSS), "p256": publicKey(t, keyP256), "ed25519": publicKey(t, keyEd25519)} {
				if other.(interface{ Equal(crypto.PublicKey) bool }).Equal(key) {
					continue
				}
				if err := s.Verify(other, example()); err == nil {
					t.Errorf("verified by %s", name)
				}
			}
			changed := map[string]func(*Request){
				"@method": func(r *Request) { r.Method = "PUT" }, "@authority": func(r *Request) { r.Origin = "https://example.org" },
				"@path": func(r *Request) { r.Target = "/bar?param=Value&Pet=dog" }, "@query": func(r *Request) { r.Target = "/foo?param=value&Pet=dog" },
				"date": func(r *Request) { r.Header.Set("Date", "Tue, 20 Apr 2021 02:07:56 GMT") }, "content-type": func(r *Request) { r.Header.Add("Content-Type", "text/plain") },
				"content-digest": func(r *Request) { r.Header.Del("Content-Digest") }, "content-length": func(r *Request) { r.Length = 19 },
			}
			for name, change := range changed {
				r := example()
				change(&r)
				if err := s.Verify(key, r); (err != nil) != s.Covers(name) {
					t.Errorf("%s is another: got %v", name, err)
				}
			}
			s.bytes[len(s.bytes)/2] ^= 1
			if err := s.Verify(key, example()); !errors.Is(err, ErrWrong) {
				t.Errorf("one bit changed: got %v", err)
			}
		})
	}
}

// TestSharedSecretIsNoKey: the RFC's HMAC (B.2.5) opens nothing.
func TestSharedSecretIsNoKey(t *testing.T) {
	t.Parallel()
	s, err := Parse([]string{`sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`}, []string{`sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:`})
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := base64.StdEncoding.DecodeString("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
	for _, key := range []crypto.PublicKey{secret, publicKey(t, keyEd25519), publicKey(t, keyP256), publicKey(t, keyPSS), nil} {
		if err := s.Verify(key, example()); !errors.Is(err, ErrWrong) {
			t.Errorf("%T: got %v", key, err)
		}
	}
}

// TestAlgorithms: the key decides; what the caller names can only be its own.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const input = `a=("@method" "@target-uri");created=1;alg="ALG"`
	base := func(input string) []byte {
		return []byte("\"@method\": POST\n\"@target-uri\": https://example.com/foo?param=Value&Pet=dog\n\"@signature-params\": " + strings.TrimPrefix(input, "a="))
	}
	verify := func(key crypto.PublicKey, input string, bytes []byte) error {
		s, err := Parse([]string{input}, []string{"a=:" + base64.StdEncoding.EncodeToString(bytes) + ":"})
		if err != nil {
			return err
		}
		return s.Verify(key, example())
	}
	unnamed := strings.Replace(input, `;alg="ALG"`, "", 1)
	sum := sha256.Sum256(base(unnamed))
	ps256, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(&private.PublicKey, unnamed, ps256); err != nil {
		t.Errorf("PS256: got %v", err)
	}
	if pkcs, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:]); err != nil || verify(&private.PublicKey, unnamed, pkcs) == nil {
		t.Error("RSA of PKCS #1 v1.5 is taken")
	}
	if salt, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 8}); err != nil || verify(&private.PublicKey, unnamed, salt) == nil {
		t.Error("a short salt is taken")
	}
	for _, key := range []crypto.PublicKey{&private.PublicKey, publicKey(t, keyP256), publicKey(t, keyEd25519)} {
		for _, algorithm := range []string{"none", "hmac-sha256", "rsa-v1_5-sha256", "ecdsa-p384-sha384", "HS256", "ES256"} {
			if err := verify(key, strings.Replace(input, "ALG", algorithm, 1), ps256); err == nil || errors.Is(err, ErrWrong) {
				t.Errorf("%T with %s: got %v", key, algorithm, err)
			}
		}
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	named := strings.Replace(input, "ALG", "ed25519", 1)
	if err := verify(edwards.Public(), named, ed25519.Sign(edwards, base(named))); err != nil {
		t.Errorf("ed25519 named: got %v", err)
	}
	der, err := ecdsa.SignASN1(rand.Reader, mustP256(t), sum[:])
	if err != nil || verify(publicKey(t, keyP256), unnamed, der) == nil || verify(publicKey(t, keyP256), unnamed, make([]byte, 64)) == nil {
		t.Error("ECDSA in ASN.1, or of zeros, is taken")
	}
}

// TestParse: what is not in the one spelling, or more than needed, is refused.
func TestParse(t *testing.T) {
	t.Parallel()
	const good, sig = `a=("@method");created=1;keyid="k"`, `a=:AAAA:`
	if s, err := Parse([]string{good}, []string{sig}); err != nil || s.Label != "a" || s.Created != 1 || s.KeyID != "k" || !s.Covers("@method") || s.Covers("@path") {
		t.Fatalf("got %+v, %v", s, err)
	}
	for _, tt := range []struct{ name, input, signature string }{
		{"nothing", "", ""},
		{"no signature", good, ""},
		{"another label", good, `b=:AAAA:`},
		{"two", good + `, b=("@path");created=1`, sig + `, b=:AAAA:`},
		{"two under one label", `a=(), ` + good, sig},
		{"a parameter twice", `a=("@method");created=9;created=1`, sig},
		{"a component twice", `a=("@method" "@method");created=1`, sig},
		{"a space more", `a=("@method"  "@path");created=1`, sig},
		{"a space before", ` ` + good, sig},
		{"a tab", "a=(\"@method\");\tcreated=1", sig},
		{"no list", `a="@method"`, sig},
		{"a token as component", `a=(method);created=1`, sig},
		{"upper case", `a=("Date");created=1`, sig},
		{"no name", `a=("");created=1`, sig},
		{"of the answer", `a=("@status");created=1`, `a="AAAA"`},
		{"sf", `a=("date";sf);created=1`, sig},
		{"bs", `a=("date";bs);created=1`, sig},
		{"key", `a=("date";key="a");created=1`, sig},
		{"req", `a=("@method";req);created=1`, sig},
		{"tr", `a=("date";tr);created=1`, sig},
		{"created as text", `a=("@method");created="1"`, sig},
		{"created before time", `a=("@method");created=-1`, sig},
		{"created as a part", `a=("@method");created=1.5`, sig},
		{"created as a date", `a=("@method");created=@1`, sig},
		{"a nonce that is a number", `a=("@method");nonce=1`, sig},
		{"an empty nonce", `a=("@method");nonce=""`, sig},
		{"a flag", `a=("@method");keyid`, sig},
		{"jku", `a=("@method");created=1;jku="https://evil.test"`, sig},
		{"signature as text", good, `a="AAAA"`},
		{"signature with parameters", good, `a=:AAAA:;b`},
		{"base64url", good, `a=:AA-_:`},
		{"base64 with bits left", good, `a=:AAB=:`},
		{"not ASCII", `a=("@method");keyid="ế"`, sig},
		{"too many components", `a=(` + strings.TrimSpace(manyComponents(33)) + `);created=1`, sig},
		{"too long", `a=("@method");keyid="` + strings.Repeat("k", maxInput) + `"`, sig},
		{"a signature too long", good, `a=:` + strings.Repeat("AAAA", maxSignature/4) + `:`},
	} {
		if s, err := Parse([]string{tt.input}, []string{tt.signature}); err == nil {
			t.Errorf("%s: taken as %+v", tt.name, s)
		}
	}
	for _, lines := range [][]string{nil, {good, good}} {
		if _, err := Parse(lines, []string{sig}); err == nil {
			t.Errorf("%d lines of Signature-Input are taken", len(lines))
		}
		if _, err := Parse([]string{good}, lines); err == nil {
			t.Errorf("%d lines of Signature are taken", len(lines))
		}
	}
}

// TestValues: components are what RFC 9421 §2 says they are.
func TestValues(t *testing.T) {
	t.Parallel()
	r := Request{Method: "GET", Origin: "HTTPS://API.Example:443", Target: "/a%20b?q=1&q=2&v%C3%A9=%20x%2B&e=", Length: 0,
		Header: http.Header{"X-A": {" 1 ", "2\t"}, "X-Empty": {""}}}
	for id, want := range map[string]string{
		`"@method"`: "GET", `"@authority"`: "api.example", `"@scheme"`: "https", `"@path"`: "/a%20b", `"@query"`: "?q=1&q=2&v%C3%A9=%20x%2B&e=",
		`"@target-uri"`: "https://api.example/a%20b?q=1&q=2&v%C3%A9=%20x%2B&e=", `"@request-target"`: "/a%20b?q=1&q=2&v%C3%A9=%20x%2B&e=",
		`"x-a"`: "1, 2", `"x-empty"`: "", `"content-length"`: "0", `"@query-param";name="v%C3%A9"`: "%20x%2B", `"@query-param";name="e"`: "",
	} {
		s, err := Parse([]string{`a=(` + id + `)`}, []string{`a=:AAAA:`})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		base, err := s.base(r)
		if got := string(base); err != nil || got != id+": "+want+"\n\"@signature-params\": ("+id+")" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	for _, id := range []string{`"@query-param";name="q"`, `"@query-param";name="z"`, `"@query-param"`, `"@status"`, `"@nothing"`, `"x-b"`, `"host"`} {
		s, err := Parse([]string{`a=(` + id + `)`}, []string{`a=:AAAA:`})
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if base, err := s.base(r); err == nil {
			t.Errorf("%s: got %q", id, base)
		}
	}
	r = Request{Method: "GET", Origin: "http://api.example:8080", Target: "/"}
	if s, err := Parse([]string{`a=("@query" "@authority")`}, []string{`a=:AAAA:`}); err != nil {
		t.Error(err)
	} else if base, err := s.base(r); err != nil || !strings.HasPrefix(string(base), "\"@query\": ?\n\"@authority\": api.example:8080\n") {
		t.Errorf("got %q, %v", base, err)
	}
}

// FuzzParse: what is taken is signed as it is written, and cheap to look at.
func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.input, v.signature)
	}
	f.Add(`a=("@method" "date";sf);created=1;created=2`, `a=:AAAA:, b=?1`)
	key := publicKey(f, keyEd25519)
	f.Fuzz(func(t *testing.T, input, signature string) {
		s, err := Parse([]string{input}, []string{signature})
		if err != nil {
			return
		}
		if len(input) > maxInput || len(s.components) > maxComponents || input != s.Label+"="+s.parameters {
			t.Fatalf("taken: %q", input)
		}
		if base, err := s.base(example()); err == nil {
			if lines := strings.Split(string(base), "\n"); len(lines) != len(s.components)+1 || !strings.HasSuffix(string(base), s.parameters) {
				t.Fatalf("a base of %d lines for %d components: %q", len(lines), len(s.components), base)
			}
		}
		_ = s.Verify(key, example())
	})
}

func manyComponents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`"x-` + strings.Repeat("a", i) + `" `)
	}
	return b.String()
}

func mustP256(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(publicKey(t, keyP256).(*ecdsa.PublicKey).Curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
