package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"

	"lgsp/auth"
)

// signingAlgorithms are those of what clients sign: assertions and DPoP
// proofs. Ed25519 is the newer name of EdDSA with that curve (RFC 9864).
var signingAlgorithms = strings.Fields(auth.SigningAlgorithms)

// jws is a compact JWS that a client made. Its signature is not checked yet.
type jws struct {
	header    clientHeader
	signed    string
	signature []byte
}

type clientHeader struct {
	Algorithm string          `json:"alg"`
	Type      string          `json:"typ"`
	Key       string          `json:"kid"`
	JWK       json.RawMessage `json:"jwk"`
	Critical  json.RawMessage `json:"crit"`
}

// readJWS reads a compact JWS of at most 8 KiB and its claims. It fetches
// nothing a header names, and refuses a header with crit, for none of it is
// understood here.
func readJWS(text string, claims any) (jws, error) {
	parts := strings.Split(text, ".")
	if len(text) > maxToken || len(parts) != 3 || strings.ContainsAny(text, "\r\n") { // which encoding/base64 would skip
		return jws{}, errors.New("no JWT of three parts and at most 8 KiB")
	}
	j := jws{signed: parts[0] + "." + parts[1]}
	for i, into := range []any{&j.header, claims} {
		raw, err := strict64.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			return jws{}, err
		}
	}
	var err error
	if j.signature, err = strict64.DecodeString(parts[2]); err != nil {
		return jws{}, err
	}
	if j.header.Critical != nil {
		return jws{}, errors.New("the header has crit")
	}
	return j, nil
}

// signedBy reports whether the signature holds. The key, not the header, says
// how to check it.
func (j jws) signedBy(key crypto.PublicKey) bool {
	algorithm := j.header.Algorithm
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return algorithm == "ES256" && verifyES256(k, j.signed, j.signature)
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(j.signed))
		return algorithm == "PS256" && rsa.VerifyPSS(k, crypto.SHA256, sum[:], j.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	case ed25519.PublicKey:
		return (algorithm == "EdDSA" || algorithm == "Ed25519") && ed25519.Verify(k, []byte(j.signed), j.signature)
	}
	return false
}
