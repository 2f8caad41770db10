package auth

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"lgsp/internal/problem"
)

const maxPEM = 64 << 10 // bytes

// ReadPEM reads public keys as openssl writes them, and gives each as a JWK
// that SetKeys takes: blocks of type PUBLIC KEY (RFC 7468 §13) and CERTIFICATE
// (§5), of which the key alone is taken, neither its name nor its end. What
// stands before a block is passed over (§5.2). It fails with Invalid, field
// keys: jwk-private when a private key is among them, jwk-many, jwk-form for a
// key that is not for our signatures, pem-type for another kind of block, and
// pem-form for what cannot be read.
func ReadPEM(text string) ([]json.RawMessage, error) {
	if strings.Contains(text, "PRIVATE KEY") { // it was sent, whatever else stands there
		return nil, privateKeyShown()
	}
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var keys []json.RawMessage
	for _, block := range blocks {
		key, err := publicKeyIn(block)
		if err != nil {
			return nil, err
		}
		if signatureAlgorithm(key) == "" {
			return nil, unfitKey().Because(fmt.Errorf("%T in PEM", key))
		}
		jwk, err := jose.JSONWebKey{Key: key}.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("write key: %w", err)
		}
		keys = append(keys, jwk)
	}
	return keys, nil
}

func unreadablePEM() *problem.Error {
	return fieldsWrong().Wrong("keys", "pem-form", "PEM that cannot be read: whole blocks, of 64 KiB in all")
}

// pemBlocks are the blocks of a text, every one that begins there: a block
// that is cut off would else be passed over without a word.
func pemBlocks(text string) ([]*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, unreadablePEM()
	}
	begun := strings.Count(text, "-----BEGIN ")
	if begun > maxKeys {
		return nil, tooManyKeys()
	}
	var blocks []*pem.Block
	for rest := []byte(text); ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		blocks, rest = append(blocks, block), after
	}
	if len(blocks) == 0 || len(blocks) != begun {
		return nil, unreadablePEM()
	}
	return blocks, nil
}

func publicKeyIn(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, unreadablePEM().Because(err)
		}
		return key, nil
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, unreadablePEM().Because(err)
		}
		return certificate.PublicKey, nil
	}
	return nil, fieldsWrong().Wrong("keys", "pem-type", "a PUBLIC KEY or a CERTIFICATE", "type", fmt.Sprintf("%.40s", block.Type))
}
