package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// freshTokens is how many tokens a round of new ones has: more than calls fit.
const freshTokens = 40_000

// signer makes access tokens as the platform's authorization server does.
type signer struct {
	key *ecdsa.PrivateKey
	pem string // of the public key
}

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return &signer{key: key, pem: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}, nil
}

// token is one of RFC 9068, with a jti of its own.
func (s *signer) token(audience, client string) (string, error) {
	var id [16]byte
	rand.Read(id[:]) // never fails (crypto/rand)
	now := time.Now().Unix()
	return signJWT(s.key, map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "bench"}, map[string]any{"iss": benchIssuer, "aud": audience, "sub": client, "client_id": client,
		"jti": hex.EncodeToString(id[:]), "iat": now, "exp": now + 1800})
}

// signJWT signs a JWT by ES256 (RFC 7515, RFC 7518 §3.4).
func signJWT(key *ecdsa.PrivateKey, header, claims map[string]any) (string, error) {
	first, err1 := json.Marshal(header)
	second, err2 := json.Marshal(claims)
	if err := errors.Join(err1, err2); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(first) + "." + b64.EncodeToString(second)
	hash := sha256.Sum256([]byte(text))
	r, t, err := ecdsa.Sign(rand.Reader, key, hash[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	t.FillBytes(signature[32:])
	return text + "." + b64.EncodeToString(signature[:]), nil
}

// tokens writes so many tokens into a file, one a line.
func (s *signer) tokens(dir, audience, client string, count int) (string, error) {
	var b strings.Builder
	for range count {
		text, err := s.token(audience, client)
		if err != nil {
			return "", err
		}
		b.WriteString(text + "\n")
	}
	file := dir + "/tokens.txt"
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

// tokenScript is what lets wrk send each call with the next token of a file.
func tokenScript(file string) string {
	return fmt.Sprintf(`local tokens, at = {}, 0
for line in io.lines(%q) do tokens[#tokens + 1] = "Bearer " .. line end
function request()
  at = at %% #tokens + 1
  wrk.headers["Authorization"] = tokens[at]
  return wrk.format()
end
`, file)
}
