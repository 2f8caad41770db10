package oauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

const testIssuer = "https://lgsp.test"

var verifyDay = time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)

// mint signs whatever it is told, also what the server never would.
func mint(t testing.TB, key *ecdsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	text := part(t, header) + "." + part(t, claims)
	signature, err := signES256(key, text)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func part(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// bearer is a token as it comes with nothing else.
func bearer(token string) auth.Presented {
	return auth.Presented{Scheme: auth.BearerScheme, Token: token, Method: "GET", URL: landAPI + "/thua-dat"}
}

func goodHeader() map[string]any {
	return map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
}

func goodClaims() map[string]any {
	return map[string]any{
		"iss": testIssuer, "aud": landAPI, "sub": "someone", "client_id": "c1", "jti": "j1",
		"iat": verifyDay.Unix(), "exp": verifyDay.Add(5 * time.Minute).Unix(), "scope": "a b",
	}
}

func with(base map[string]any, name string, value any) map[string]any {
	if value == nil {
		delete(base, name)
	} else {
		base[name] = value
	}
	return base
}

func newVerifier(t testing.TB) (*Verifier, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := map[string]*ecdsa.PublicKey{"k1": &key.PublicKey}
	return &Verifier{
		Issuer: testIssuer, Keys: func() map[string]*ecdsa.PublicKey { return public },
		Now: func() time.Time { return verifyDay }, Revoked: func(string) bool { return false },
		Nonces: keyring.Of(make([]byte, 32)), Spend: (&Spent{Now: func() time.Time { return verifyDay }}).Take,
	}, key
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	v, key := newVerifier(t)
	mallory, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := mint(t, key, goodHeader(), goodClaims())
	if got, err := v.Verify(t.Context(), bearer(good), landAPI); err != nil || got.ID != "j1" || !got.Has("b") || got.Has("a b") {
		t.Fatalf("a good token: %+v, %v", got, err)
	}
	header := func(name string, value any) string {
		return mint(t, key, with(goodHeader(), name, value), goodClaims())
	}
	claim := func(name string, value any) string {
		return mint(t, key, goodHeader(), with(goodClaims(), name, value))
	}
	unsigned := part(t, with(goodHeader(), "alg", "none")) + "." + part(t, goodClaims())
	for name, tt := range map[string]struct{ token, code string }{
		"alg none, no signature":    {unsigned + ".", "token-untrusted"},
		"alg none, two parts":       {unsigned, "token-malformed"},
		"alg None":                  {header("alg", "None"), "token-untrusted"},
		"HS256 keyed with our key":  {swapHMAC(t, key), "token-untrusted"},
		"RS256 by their own key":    {swapRSA(t), "token-untrusted"},
		"ES384":                     {header("alg", "ES384"), "token-untrusted"},
		"another key, our kid":      {mint(t, mallory, goodHeader(), goodClaims()), "token-untrusted"},
		"another kid":               {header("kid", "k2"), "token-untrusted"},
		"kid as a path":             {header("kid", "../../dev/null"), "token-untrusted"},
		"kid as SQL":                {header("kid", "k1' or '1'='1"), "token-untrusted"},
		"kid missing":               {header("kid", nil), "token-untrusted"},
		"kid no string":             {header("kid", 1), "token-malformed"},
		"a key brought along (jwk)": {header("jwk", map[string]any{"kty": "EC"}), "token-malformed"},
		"an address of keys (jku)":  {header("jku", "https://evil.test/"), "token-malformed"},
		"x5u":                       {header("x5u", "https://evil.test/"), "token-malformed"},
		"crit":                      {header("crit", []string{"exp"}), "token-malformed"},
		"b64":                       {header("b64", false), "token-malformed"},
		"an ID token (F9)":          {header("typ", "JWT"), "token-untrusted"},
		"no typ":                    {header("typ", nil), "token-untrusted"},
		"typ logout+jwt":            {header("typ", "logout+jwt"), "token-untrusted"},
		"another issuer":            {claim("iss", "https://evil.test"), "token-untrusted"},
		"issuer with a slash":       {claim("iss", testIssuer+"/"), "token-untrusted"},
		"no issuer":                 {claim("iss", nil), "token-untrusted"},
		"another audience":          {claim("aud", meritAPI), "token-audience"},
		"a longer audience":         {claim("aud", landAPI+"/"), "token-audience"},
		"no audience":               {claim("aud", nil), "token-untrusted"},
		"an empty audience list":    {claim("aud", []string{}), "token-malformed"},
		"two audiences":             {claim("aud", []string{landAPI, meritAPI}), "token-malformed"},
		"no jti":                    {claim("jti", nil), "token-untrusted"},
		"no subject":                {claim("sub", nil), "token-untrusted"},
		"no client":                 {claim("client_id", nil), "token-untrusted"},
		"no exp":                    {claim("exp", nil), "token-untrusted"},
		"no iat":                    {claim("iat", nil), "token-untrusted"},
		"expired this second":       {claim("exp", verifyDay.Unix()), "token-untrusted"}, // iat = exp
		"expired":                   {mint(t, key, goodHeader(), with(with(goodClaims(), "iat", verifyDay.Unix()-9), "exp", verifyDay.Unix())), "token-expired"},
		"a life of years":           {claim("exp", verifyDay.AddDate(9, 0, 0).Unix()), "token-untrusted"},
		"exp as text":               {claim("exp", "9999999999"), "token-malformed"},
		"exp beyond int64":          {claim("exp", 1e300), "token-malformed"},
		"not valid yet":             {claim("nbf", verifyDay.Add(time.Minute).Unix()), "token-untrusted"},
		"issued in the future":      {mint(t, key, goodHeader(), with(with(goodClaims(), "iat", verifyDay.Unix()+60), "exp", verifyDay.Unix()+90)), "token-untrusted"},
		"an actor of no name":       {claim("act", map[string]any{}), "token-untrusted"},
		"an actor for another":      {claim("act", map[string]any{"sub": "a", "act": map[string]any{"sub": "b"}}), "token-malformed"},
		"an actor as text":          {claim("act", "a"), "token-malformed"},
		"a signature cut":           {good[:len(good)-4], "token-untrusted"},
		"a signature of zeros":      {good[:strings.LastIndexByte(good, '.')+1] + strings.Repeat("A", 86), "token-untrusted"},
		"a byte more":               {good + "A", "token-untrusted"},
		"padding":                   {good + "==", "token-untrusted"},
		"a line break":              {strings.Replace(good, ".", ".\n", 1), "token-malformed"},
		"four parts":                {good + ".x", "token-malformed"},
		"five parts, encrypted":     {"a.b.c.d.e", "token-malformed"},
		"empty":                     {"", "token-malformed"},
		"dots":                      {"..", "token-malformed"},
		"a MB":                      {strings.Repeat("a", 1<<20), "token-malformed"},
		"9 KiB, signed":             {claim("scope", strings.Repeat("s", 9<<10)), "token-malformed"},
		"JSON serialization":        {`{"payload":"","signatures":[]}`, "token-malformed"},
	} {
		if _, err := v.Verify(t.Context(), bearer(tt.token), landAPI); problem.Code(err) != tt.code || !problem.Is(err, problem.Unauthorized) {
			t.Errorf("%s: got %v (%s), want %s", name, err, problem.Code(err), tt.code)
		}
	}
	if len(v.byID) != 1 {
		t.Errorf("%d verdicts remembered, want the good one's alone", len(v.byID))
	}
}

// swapHMAC signs with HS256 and our public key for a secret.
func swapHMAC(t *testing.T, key *ecdsa.PrivateKey) string {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := part(t, with(goodHeader(), "alg", "HS256")) + "." + part(t, goodClaims())
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func swapRSA(t *testing.T) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := part(t, with(goodHeader(), "alg", "RS256")) + "." + part(t, goodClaims())
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, 5, sum[:]) // crypto.SHA256
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// What is remembered is looked at again: the clock, the audience, the jti, the key.
func TestVerifyFromAWarmMemory(t *testing.T) {
	t.Parallel()
	v, key := newVerifier(t)
	now, revoked, keys := verifyDay, false, v.Keys()
	v.Now = func() time.Time { return now }
	v.Revoked = func(jti string) bool { return revoked && jti == "j1" }
	v.Keys = func() map[string]*ecdsa.PublicKey { return keys }
	token := mint(t, key, goodHeader(), goodClaims())
	check := func(name, text, audience, code string) {
		t.Helper()
		if _, err := v.Verify(t.Context(), bearer(text), audience); problem.Code(err) != code {
			t.Errorf("%s: got %v, want %q", name, err, code)
		}
	}
	check("first", token, landAPI, "")
	check("again", token, landAPI, "")
	check("elsewhere", token, meritAPI, "token-audience")
	forged := goodClaims()
	forged["sub"] = "somebody else"
	parts := strings.Split(token, ".")
	check("the same jti and signature, other claims", parts[0]+"."+part(t, forged)+"."+parts[2], landAPI, "token-untrusted")
	check("still good", token, landAPI, "")
	revoked = true
	check("revoked", token, landAPI, "token-revoked")
	check("the twin of a revoked one", twin(t, token), landAPI, "token-revoked")
	revoked = false
	keys = map[string]*ecdsa.PublicKey{}
	check("the key is withdrawn", token, landAPI, "token-untrusted")
	keys = map[string]*ecdsa.PublicKey{"k1": {Curve: elliptic.P256(), X: key.X, Y: key.Y}}
	check("the key is read again", token, landAPI, "")
	now = verifyDay.Add(5 * time.Minute)
	check("expired", token, landAPI, "token-expired")
}

// twin is the same token with the other signature that holds: (r, n-s).
func twin(t *testing.T, token string) string {
	t.Helper()
	dot := strings.LastIndexByte(token, '.')
	signature, err := strict64.DecodeString(token[dot+1:])
	if err != nil {
		t.Fatal(err)
	}
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	return token[:dot+1] + base64.RawURLEncoding.EncodeToString(signature)
}

func TestVerifyRemembersOneTextPerToken(t *testing.T) {
	t.Parallel()
	v, key := newVerifier(t)
	token := mint(t, key, goodHeader(), goodClaims())
	other := twin(t, token)
	for _, text := range []string{token, other, token, other} {
		if _, err := v.Verify(t.Context(), bearer(text), landAPI); err != nil {
			t.Fatalf("a twin holds too: %v", err)
		}
		kept := 0
		v.byHash.Range(func(any, any) bool { kept++; return true })
		if kept != 1 || len(v.byID) != 1 {
			t.Errorf("%d texts and %d tokens remembered, want one each", kept, len(v.byID))
		}
	}
}

func TestVerifyForgetsWhenFull(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(t)
	for i := range maxVerdicts + 100 {
		v.remember(sha256.Sum256(fmt.Append(nil, i)), &Token{ID: fmt.Sprint(i)})
	}
	kept := 0
	v.byHash.Range(func(any, any) bool { kept++; return true })
	if kept != maxVerdicts || len(v.byID) != maxVerdicts {
		t.Errorf("%d texts and %d tokens remembered, want %d", kept, len(v.byID), maxVerdicts)
	}
}

func FuzzVerify(f *testing.F) {
	v, key := newVerifier(f)
	good := mint(f, key, goodHeader(), goodClaims())
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Add(strings.Repeat("A", 9<<10))
	f.Fuzz(func(t *testing.T, text string) {
		got, err := v.Verify(t.Context(), bearer(text), landAPI)
		if err == nil && text != good {
			// Only the holder of the key can make a token; its twin has the same claims.
			if got.ID != "j1" || got.Subject != "someone" {
				t.Fatalf("believed %q: %+v", text, got)
			}
		}
		if err != nil && !problem.Is(err, problem.Unauthorized) {
			t.Fatalf("%q: %v is not Unauthorized", text, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	v, key := newVerifier(b)
	token := mint(b, key, goodHeader(), goodClaims())
	b.Run("remembered", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Verify(b.Context(), bearer(token), landAPI); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if _, err := parse(token, testIssuer, v.Keys()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare ES256", func(b *testing.B) {
		text, last := token[:strings.LastIndexByte(token, '.')], token[strings.LastIndexByte(token, '.')+1:]
		signature, _ := strict64.DecodeString(last)
		for b.Loop() {
			if !verifyES256(&key.PublicKey, text, signature) {
				b.Fatal("refused")
			}
		}
	})
}
