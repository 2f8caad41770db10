package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

const landCall = landAPI + "/thua"

// proof makes a DPoP proof; a nil claim or header is left out.
func (p keyPair) proof(t testing.TB, claims map[string]any, header map[jose.HeaderKey]any) string {
	t.Helper()
	all := map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": jose.JSONWebKey{Key: p.private.Public()}}
	maps.Copy(all, header)
	maps.DeleteFunc(all, func(_ jose.HeaderKey, value any) bool { return value == nil })
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return p.sign(t, claims, all)
}

func (p keyPair) thumbprint(t testing.TB) string {
	t.Helper()
	sum, err := (&jose.JSONWebKey{Key: p.private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// proofClaimsFor is what a proof for one request says.
func proofClaimsFor(method, address, nonce string, now time.Time) map[string]any {
	return map[string]any{"jti": uuid.NewString(), "htm": method, "htu": address, "iat": now.Unix(), "nonce": nonce}
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestProofHolds(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(t)
	for _, algorithm := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA} {
		pair := newPair(t, algorithm)
		for name, claims := range map[string]map[string]any{
			"plain":               {},
			"with a query":        {"htu": landCall + "?so=1#x"},
			"a fraction of time":  {"iat": float64(verifyDay.Unix()) + 0.5},
			"a clock ahead":       {"iat": verifyDay.Add(20 * time.Second).Unix()},
			"made minutes ago":    {"iat": verifyDay.Add(-4 * time.Minute).Unix()},
			"claims nobody knows": {"x": 1},
		} {
			all := proofClaimsFor("GET", landCall, v.Nonce(), verifyDay)
			maps.Copy(all, claims)
			got, err := v.readProof(auth.Presented{Proofs: []string{pair.proof(t, all, nil)}, Method: "GET", URL: landCall})
			if err != nil || got.jkt != pair.thumbprint(t) {
				t.Errorf("%s, %s: got %+v, %v", algorithm, name, got, err)
			}
		}
	}
}

func TestProofRefuses(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(t)
	pair, other := newPair(t, jose.ES256), newPair(t, jose.ES256)
	claim := func(name string, value any) []string {
		all := proofClaimsFor("GET", landCall, v.Nonce(), verifyDay)
		all[name] = value
		return []string{pair.proof(t, all, nil)}
	}
	header := func(name jose.HeaderKey, value any) []string {
		return []string{pair.proof(t, proofClaimsFor("GET", landCall, v.Nonce(), verifyDay), map[jose.HeaderKey]any{name: value})}
	}
	nonceAt := func(at time.Time) string {
		then := &Verifier{Now: func() time.Time { return at }, Nonces: v.Nonces}
		return then.Nonce()
	}
	foreign := &Verifier{Now: v.Now, Nonces: keyring.Of([]byte(strings.Repeat("x", 32)))}
	good := claim("x", nil)[0]
	parts := strings.Split(good, ".")
	for name, tt := range map[string]struct {
		proofs []string
		code   string
	}{
		"none":                         {nil, "dpop-proof"},
		"two":                          {[]string{good, good}, "dpop-proof"},
		"two in one header":            {[]string{good + ", " + good}, "dpop-proof"},
		"empty":                        {[]string{""}, "dpop-proof"},
		"no JWT":                       {[]string{"a.b"}, "dpop-proof"},
		"no JSON":                      {[]string{"YQ.YQ.YQ"}, "dpop-proof"},
		"longer than 8 KiB":            {claim("x", strings.Repeat("x", maxToken)), "dpop-proof"},
		"padded":                       {[]string{good + "="}, "dpop-proof"},
		"a line break":                 {[]string{good + "\n"}, "dpop-proof"},
		"no signature":                 {[]string{parts[0] + "." + parts[1] + "."}, "dpop-proof"},
		"another's claims":             {[]string{parts[0] + "." + strings.Split(claim("x", nil)[0], ".")[1] + "." + parts[2]}, "dpop-proof"},
		"typ JWT":                      {header("typ", "JWT"), "dpop-proof"},
		"typ at+jwt":                   {header("typ", "at+jwt"), "dpop-proof"},
		"no typ":                       {header("typ", nil), "dpop-proof"},
		"crit":                         {header("crit", []string{"exp"}), "dpop-proof"},
		"no jwk":                       {header("jwk", nil), "dpop-proof"},
		"jwk no key":                   {header("jwk", "x"), "dpop-proof"},
		"another's jwk":                {header("jwk", jose.JSONWebKey{Key: other.private.Public()}), "dpop-proof"},
		"a private jwk":                {header("jwk", jose.JSONWebKey{Key: pair.private}), "dpop-proof"},
		"a jwk with a private member":  {header("jwk", withMember(t, pair, "dp", "AQ")), "dpop-proof"},
		"a jwk for encryption":         {header("jwk", withMember(t, pair, "use", "enc")), "dpop-proof"},
		"P-384":                        {[]string{signWith(t, v, jose.ES384, must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)))}, "dpop-proof"},
		"RS256":                        {[]string{newPair(t, jose.RS256).proof(t, proofClaimsFor("GET", landCall, v.Nonce(), verifyDay), nil)}, "dpop-proof"},
		"alg none":                     {[]string{unsignedProof(t, v, pair, "none")}, "dpop-proof"},
		"HS256 keyed with a jwk (oct)": {[]string{symmetricProof(t, v)}, "dpop-proof"},
		"another method":               {claim("htm", "POST"), "dpop-address"},
		"the method in small letters":  {claim("htm", "get"), "dpop-address"},
		"no method":                    {claim("htm", nil), "dpop-address"},
		"another path":                 {claim("htu", landCall+"/1"), "dpop-address"},
		"another host":                 {claim("htu", "https://evil.test/"), "dpop-address"},
		"no address":                   {claim("htu", nil), "dpop-address"},
		"an old one":                   {claim("iat", verifyDay.Add(-proofPast-time.Second).Unix()), "dpop-time"},
		"one of tomorrow":              {claim("iat", verifyDay.Add(clockLeeway+time.Second).Unix()), "dpop-time"},
		"no time":                      {claim("iat", nil), "dpop-time"},
		"time no number":               {claim("iat", "now"), "dpop-proof"},
		"no jti":                       {claim("jti", nil), "dpop-proof"},
		"jti no text":                  {claim("jti", 7), "dpop-proof"},
		"no nonce":                     {claim("nonce", nil), "dpop-nonce"},
		"a nonce made up":              {claim("nonce", strings.Repeat("A", 32)), "dpop-nonce"},
		"a nonce cut":                  {claim("nonce", v.Nonce()[:31]), "dpop-nonce"},
		"another server's nonce":       {claim("nonce", foreign.Nonce()), "dpop-nonce"},
		"a nonce of yesterday":         {claim("nonce", nonceAt(verifyDay.Add(-24*time.Hour))), "dpop-nonce"},
		"a nonce at its end":           {claim("nonce", nonceAt(verifyDay.Add(-nonceLife-nonceStep))), "dpop-nonce"},
		"a nonce of tomorrow":          {claim("nonce", nonceAt(verifyDay.Add(24*time.Hour))), "dpop-nonce"},
	} {
		_, err := v.readProof(auth.Presented{Proofs: tt.proofs, Method: "GET", URL: landCall})
		if problem.Code(err) != tt.code || !problem.Is(err, problem.Unauthorized) {
			t.Errorf("%s: got %v (%s), want %s", name, err, problem.Code(err), tt.code)
		}
	}
	anyone := &Verifier{Now: v.Now, Nonces: keyring.Of(nil)}
	for _, keyless := range []*Verifier{{Now: v.Now}, anyone} {
		if _, err := keyless.readProof(auth.Presented{Proofs: claim("nonce", anyone.Nonce()), Method: "GET", URL: landCall}); err == nil {
			t.Error("a verifier without a key took a nonce that anyone can make")
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// withMember is the public key of a pair with one member more.
func withMember(t *testing.T, p keyPair, name string, value any) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(p.jwk(t, ""), &members); err != nil {
		t.Fatal(err)
	}
	members[name] = value
	return members
}

func signWith(t *testing.T, v *Verifier, algorithm jose.SignatureAlgorithm, key crypto.Signer) string {
	t.Helper()
	return keyPair{algorithm, key}.proof(t, proofClaimsFor("GET", landCall, v.Nonce(), verifyDay), nil)
}

func unsignedProof(t *testing.T, v *Verifier, p keyPair, algorithm string) string {
	t.Helper()
	return part(t, map[string]any{"alg": algorithm, "typ": "dpop+jwt", "jwk": p.jwk(t, "")}) + "." +
		part(t, proofClaimsFor("GET", landCall, v.Nonce(), verifyDay)) + "."
}

func symmetricProof(t *testing.T, v *Verifier) string {
	t.Helper()
	key := []byte(strings.Repeat("k", 32))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"typ": "dpop+jwt", "jwk": map[string]any{"kty": "oct", "k": base64.RawURLEncoding.EncodeToString(key)}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(proofClaimsFor("GET", landCall, v.Nonce(), verifyDay))
	if err != nil {
		t.Fatal(err)
	}
	return must(must(signer.Sign(text)).CompactSerialize())
}

// A short RSA key signs as well as any, and is refused for its length.
func TestProofByAShortKey(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	v, _ := newVerifier(t)
	text := signWith(t, v, jose.PS256, must(rsa.GenerateKey(rand.Reader, 1024)))
	if _, err := v.readProof(auth.Presented{Proofs: []string{text}, Method: "GET", URL: landCall}); problem.Code(err) != "dpop-proof" {
		t.Errorf("got %v", err)
	}
}

func TestSameAddress(t *testing.T) {
	t.Parallel()
	const address = "https://gateway.test/so-tnmt/th%E1%BB%ADa~1/v1"
	for htu, want := range map[string]bool{
		address:          true,
		address + "?a=b": true,
		address + "#x":   true,
		address + "?":    true,
		address + "/":    false,
		"https://gateway.test:443/so-tnmt/th%E1%BB%ADa~1/v1":       true,
		"HTTPS://GATEWAY.TEST/so-tnmt/th%e1%bb%ada%7E1/v1":         true,
		"https://gateway.test/so-tnmt/thửa~1/v1":                   true,
		"https://gateway.test:444/so-tnmt/th%E1%BB%ADa~1/v1":       false,
		"http://gateway.test/so-tnmt/th%E1%BB%ADa~1/v1":            false,
		"https://gateway.test/SO-TNMT/th%E1%BB%ADa~1/v1":           false,
		"https://gateway.test//so-tnmt/th%E1%BB%ADa~1/v1":          false,
		"https://gateway.test/x/../so-tnmt/th%E1%BB%ADa~1/v1":      false,
		"https://gateway.test/so-tnmt%2Fth%E1%BB%ADa~1/v1":         false,
		"https://a@gateway.test/so-tnmt/th%E1%BB%ADa~1/v1":         false,
		"//gateway.test/so-tnmt/th%E1%BB%ADa~1/v1":                 false,
		"/so-tnmt/th%E1%BB%ADa~1/v1":                               false,
		"https://gateway.test.evil.test/so-tnmt/th%E1%BB%ADa~1/v1": false,
		"":                         false,
		"https:":                   false,
		"https://gateway.test/%zz": false,
	} {
		if got := sameAddress(htu, address); got != want {
			t.Errorf("%s: got %v", htu, got)
		}
	}
	if !sameAddress("http://[::1]:80", "http://[::1]/") || sameAddress("http://[::1]:8000", "http://[::1]/") {
		t.Error("an address of IPv6, without a path")
	}
}

// A bound token is believed of whom it is bound to, at every use, though the
// verdict on the token itself is remembered.
func TestBoundToken(t *testing.T) {
	t.Parallel()
	v, key := newVerifier(t)
	pair, thief := newPair(t, jose.ES256), newPair(t, jose.ES256)
	bound := mint(t, key, goodHeader(), with(goodClaims(), "cnf", map[string]any{"jkt": pair.thumbprint(t)}))
	second := mint(t, key, goodHeader(), with(with(goodClaims(), "jti", "j2"), "cnf", map[string]any{"jkt": pair.thumbprint(t)}))
	unbound := mint(t, key, goodHeader(), with(goodClaims(), "jti", "j3"))
	certified := mint(t, key, goodHeader(), with(with(goodClaims(), "jti", "j4"), "cnf", map[string]any{"x5t#S256": "cert"}))
	both := mint(t, key, goodHeader(), with(with(goodClaims(), "jti", "j5"), "cnf", map[string]any{"x5t#S256": "cert", "jkt": pair.thumbprint(t)}))
	proof := func(p keyPair, token string) []string {
		claims := proofClaimsFor("GET", landCall, v.Nonce(), verifyDay)
		if token != "" {
			claims["ath"] = hashOf(token)
		}
		return []string{p.proof(t, claims, nil)}
	}
	replayed := proof(pair, bound)
	for _, tt := range []struct { // in this order
		name, scheme, token string
		proofs              []string
		x5t, code           string
	}{
		{name: "with its proof", scheme: "DPoP", token: bound, proofs: replayed},
		{name: "the same proof again", scheme: "DPoP", token: bound, proofs: replayed, code: "dpop-replayed"},
		{name: "a new proof", scheme: "dpop", token: bound, proofs: proof(pair, bound)},
		{name: "stolen, as Bearer", scheme: "Bearer", token: bound, code: "dpop-absent"},
		{name: "as Bearer, with a proof", scheme: "Bearer", token: bound, proofs: proof(pair, bound), code: "dpop-absent"},
		{name: "without a scheme", token: bound, proofs: proof(pair, bound), code: "token-absent"},
		{name: "without a proof", scheme: "DPoP", token: bound, code: "dpop-proof"},
		{name: "stolen, with the thief's proof", scheme: "DPoP", token: bound, proofs: proof(thief, bound), code: "dpop-key"},
		{name: "a proof for another token", scheme: "DPoP", token: bound, proofs: proof(pair, second), code: "dpop-token"},
		{name: "a proof for no token", scheme: "DPoP", token: bound, proofs: proof(pair, ""), code: "dpop-token"},
		{name: "unbound, as Bearer", scheme: "Bearer", token: unbound},
		{name: "unbound, as DPoP", scheme: "DPoP", token: unbound, proofs: proof(pair, unbound), code: "dpop-unbound"},
		{name: "a certificate's token, with it", scheme: "Bearer", token: certified, x5t: "cert"},
		{name: "a certificate's token, without", scheme: "Bearer", token: certified, code: "token-certificate"},
		{name: "a certificate's token, with another", scheme: "Bearer", token: certified, x5t: "other", code: "token-certificate"},
		{name: "bound to both, with both", scheme: "DPoP", token: both, proofs: proof(pair, both), x5t: "cert"},
		{name: "bound to both, no certificate", scheme: "DPoP", token: both, proofs: proof(pair, both), code: "token-certificate"},
		{name: "bound to both, no proof", scheme: "Bearer", token: both, x5t: "cert", code: "dpop-absent"},
		{name: "bound to nothing", scheme: "Bearer", token: mint(t, key, goodHeader(), with(goodClaims(), "cnf", map[string]any{})), code: "token-untrusted"},
		{name: "bound to what nobody knows", scheme: "Bearer", token: mint(t, key, goodHeader(), with(goodClaims(), "cnf", map[string]any{"x": "y"})), code: "token-malformed"},
	} {
		p := auth.Presented{Scheme: tt.scheme, Token: tt.token, Proofs: tt.proofs, Method: "GET", URL: landCall, X5T: tt.x5t}
		got, err := v.Verify(t.Context(), p, landAPI)
		if problem.Code(err) != tt.code || tt.code != "" && got.ID != "" {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got.ID, err, tt.code)
		}
	}
}

func TestSpent(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	now.Store(verifyDay.Unix())
	s := &Spent{Now: func() time.Time { return time.Unix(now.Load(), 0) }}
	var first atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if ok, err := s.Take(t.Context(), [32]byte{1}, verifyDay.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if ok {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != 1 {
		t.Errorf("%d of 50 took the same proof", first.Load())
	}
	for i := 1; i < maxSpent; i++ {
		if ok, err := s.Take(t.Context(), [32]byte{2, byte(i), byte(i >> 8), byte(i >> 16)}, verifyDay.Add(time.Minute)); !ok || err != nil {
			t.Fatalf("proof %d: %v, %v", i, ok, err)
		}
	}
	if _, err := s.Take(t.Context(), [32]byte{3}, verifyDay.Add(2*time.Minute)); !problem.Is(err, problem.Unavailable) {
		t.Errorf("a full memory: got %v, want Unavailable", err)
	}
	if ok, err := s.Take(t.Context(), [32]byte{1}, verifyDay.Add(time.Minute)); ok || err != nil {
		t.Errorf("a full memory forgot: %v, %v", ok, err)
	}
	now.Add(60)
	if ok, err := s.Take(t.Context(), [32]byte{3}, verifyDay.Add(2*time.Minute)); !ok || err != nil || len(s.byEnd) != 1 {
		t.Errorf("what has ended is not forgotten: %v, %v, %d", ok, err, len(s.byEnd))
	}
}

// A nonce outlives its step by five minutes, and a proof is remembered as long.
func TestNonceLife(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(t)
	for _, second := range []int{0, 1, 29} {
		made := verifyDay.Add(time.Duration(second) * time.Second)
		v.Now = func() time.Time { return made }
		nonce := v.Nonce()
		for after, want := range map[time.Duration]bool{
			-clockLeeway: true, -2 * time.Minute: false, 0: true, nonceLife: true, nonceLife + nonceStep: false,
		} {
			now := made.Add(after)
			ends, ok := v.nonceEnds(nonce, now)
			if ok != want || ok && !ends.After(now) {
				t.Errorf("made at second %d, looked at %s later: got %v until %s", second, after, ok, ends)
			}
		}
	}
}

func FuzzProof(f *testing.F) {
	v, _ := newVerifier(f)
	pair := newPair(f, jose.ES256)
	good := pair.proof(f, proofClaimsFor("GET", landCall, v.Nonce(), verifyDay), nil)
	f.Add(good)
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add("e30.e30.e30")
	f.Add("eyJqd2siOnt9fQ.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := v.readProof(auth.Presented{Proofs: []string{text}, Method: "GET", URL: landCall})
		if err == nil && text != good && got.jkt == pair.thumbprint(t) && !strings.HasPrefix(text, good[:strings.LastIndexByte(good, '.')]) {
			t.Errorf("taken: %q", text)
		}
	})
}

func FuzzSameAddress(f *testing.F) {
	f.Add("https://gateway.test/%7e?x#y")
	f.Add("http://[::1%25x]:80/a%2Fb")
	f.Add("http://[::1]:80/a%2Fb%41")
	f.Add("http://:")
	f.Fuzz(func(t *testing.T, text string) {
		if plain, ok := plainAddress(text); ok {
			if again, ok := plainAddress(plain); !ok || again != plain {
				t.Errorf("%q is %q, and that is %q", text, plain, again)
			}
		}
	})
}

// A call with a bound token: the verdict on the token is remembered, its proof is checked.
func BenchmarkVerifyBound(b *testing.B) {
	v, key := newVerifier(b)
	v.Spend = func(context.Context, [32]byte, time.Time) (bool, error) { return true, nil }
	pair := newPair(b, jose.ES256)
	token := mint(b, key, goodHeader(), with(goodClaims(), "cnf", map[string]any{"jkt": pair.thumbprint(b)}))
	claims := proofClaimsFor("GET", landCall, v.Nonce(), verifyDay)
	claims["ath"] = hashOf(token)
	p := auth.Presented{Scheme: auth.DPoPScheme, Token: token, Proofs: []string{pair.proof(b, claims, nil)}, Method: "GET", URL: landCall}
	for b.Loop() {
		if _, err := v.Verify(b.Context(), p, landAPI); err != nil {
			b.Fatal(err)
		}
	}
}
