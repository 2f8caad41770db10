// Package signature answers whether a request was signed with a key, as RFC
// 9421 says, and which parts of it. It reads what hostile callers send, so it
// takes one signature in one spelling, of bounded size, and refuses what two
// programs could read in two ways; which parts must be signed, when, and by
// whom, others decide.
package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"
)

// The bounds of what is read.
const (
	maxInput      = 2 << 10 // bytes of Signature-Input
	maxSignature  = 1 << 10 // bytes of Signature
	maxComponents = 32
	maxValue      = 16 << 10 // bytes of one component
)

// Signature is one that a request carries. Nothing of it is believed before
// Verify.
type Signature struct {
	Label      string
	Created    int64 // Unix seconds; 0: not said
	Expires    int64 // the same
	Nonce      string
	KeyID      string
	Algorithm  string // as RFC 9421 §6.2 registers it; "": as the key says
	Tag        string
	components []httpsfv.Item
	parameters string // the value of @signature-params
	bytes      []byte
}

// Parse reads the lines of Signature-Input and Signature. It fails, in words
// for who sent them, unless they hold one signature.
func Parse(input, signature []string) (*Signature, error) {
	if len(input) != 1 || len(signature) != 1 {
		return nil, errors.New("Signature-Input and Signature stand in a call once each")
	}
	if len(input[0]) > maxInput || len(signature[0]) > maxSignature {
		return nil, fmt.Errorf("Signature-Input is longer than %d bytes, or Signature than %d", maxInput, maxSignature)
	}
	inputs, err := inOneSpelling("Signature-Input", input[0])
	if err != nil {
		return nil, err
	}
	signatures, err := inOneSpelling("Signature", signature[0])
	if err != nil {
		return nil, err
	}
	if len(inputs.Names()) != 1 || !slices.Equal(inputs.Names(), signatures.Names()) {
		return nil, errors.New("a call carries one signature, under the same label in both headers")
	}
	s := &Signature{Label: inputs.Names()[0]}
	member, _ := inputs.Get(s.Label)
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		return nil, errors.New("Signature-Input holds no list of components")
	}
	member, _ = signatures.Get(s.Label)
	item, ok := member.(httpsfv.Item)
	if !ok || len(item.Params.Names()) > 0 {
		return nil, errors.New("Signature holds no bytes")
	}
	if s.bytes, ok = item.Value.([]byte); !ok {
		return nil, errors.New("Signature holds no bytes")
	}
	s.parameters = strings.TrimPrefix(input[0], s.Label+"=")
	if err := s.takeParameters(list.Params); err != nil {
		return nil, err
	}
	return s, s.takeComponents(list.Items)
}

// inOneSpelling reads a dictionary (RFC 9651 §3.2) that is written as its
// writers write it, and in no other way: nothing stands twice.
func inOneSpelling(name, text string) (*httpsfv.Dictionary, error) {
	d, err := httpsfv.UnmarshalDictionary([]string{text})
	if err != nil {
		return nil, fmt.Errorf("%s is no dictionary of structured fields", name)
	}
	if again, err := httpsfv.Marshal(d); err != nil || again != text {
		return nil, fmt.Errorf("%s is not in the one spelling of structured fields", name)
	}
	return d, nil
}

func (s *Signature) takeParameters(p *httpsfv.Params) error {
	for _, name := range p.Names() {
		value, _ := p.Get(name)
		var number *int64
		var text *string
		switch name {
		case "created":
			number = &s.Created
		case "expires":
			number = &s.Expires
		case "nonce":
			text = &s.Nonce
		case "keyid":
			text = &s.KeyID
		case "alg":
			text = &s.Algorithm
		case "tag":
			text = &s.Tag
		default:
			return fmt.Errorf("the signature has a parameter %.20q, which means nothing here", name)
		}
		ok := false
		if number != nil {
			*number, ok = value.(int64)
			ok = ok && *number > 0
		} else {
			*text, ok = value.(string)
			ok = ok && *text != ""
		}
		if !ok {
			return fmt.Errorf("the signature's parameter %s is of a wrong kind", name)
		}
	}
	return nil
}

func (s *Signature) takeComponents(items []httpsfv.Item) error {
	if len(items) > maxComponents {
		return fmt.Errorf("the signature covers more than %d components", maxComponents)
	}
	seen := map[string]bool{}
	for _, item := range items {
		name, ok := item.Value.(string)
		if !ok || name == "" || name != strings.ToLower(name) {
			return errors.New("a component's name is text in lower case")
		}
		id, err := httpsfv.Marshal(item)
		if err != nil || seen[id] {
			return fmt.Errorf("component %.40q is there twice", name)
		}
		seen[id] = true
		if parameters := item.Params.Names(); len(parameters) > 0 && (name != "@query-param" || !slices.Equal(parameters, []string{"name"})) {
			return fmt.Errorf("component %.40q has parameters, which are not taken here", name)
		}
	}
	s.components = items
	return nil
}

// Covers reports whether a component, without parameters, is signed.
func (s *Signature) Covers(name string) bool {
	return slices.ContainsFunc(s.components, func(item httpsfv.Item) bool {
		return item.Value == name && len(item.Params.Names()) == 0
	})
}

// Request is what a signature is of.
type Request struct {
	Method string
	Origin string // scheme and authority, as callers write it: https://api.province.gov.vn
	Target string // path and query as they came: /a?b=c
	Length int64  // of the body; negative: not said
	Header http.Header
}

// ErrWrong is of a signature that was not made with the key, or of another request.
var ErrWrong = errors.New("the signature is wrong")

// Verify reports whether the signature was made of this request with the
// private half of key, *ecdsa.PublicKey of P-256, *rsa.PublicKey or
// ed25519.PublicKey. It fails with ErrWrong, or says which component the
// request has not, or which algorithm is not the key's.
func (s *Signature) Verify(key crypto.PublicKey, r Request) error {
	base, err := s.base(r)
	if err != nil {
		return err
	}
	return s.verify(key, base)
}

// base is what is signed (RFC 9421 §2.5).
func (s *Signature) base(r Request) ([]byte, error) {
	var b []byte
	for _, item := range s.components {
		value, err := r.value(item)
		if err != nil {
			return nil, err
		}
		if len(value) > maxValue || strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("component %.40q is too long", item.Value)
		}
		id, err := httpsfv.Marshal(item)
		if err != nil {
			return nil, err
		}
		b = append(append(append(append(b, id...), ": "...), value...), '\n')
	}
	return append(append(b, `"@signature-params": `...), s.parameters...), nil
}

// value is a component's (RFC 9421 §2.1, §2.2).
func (r Request) value(item httpsfv.Item) (string, error) {
	name := item.Value.(string) // takeComponents saw to it
	path, query, _ := strings.Cut(r.Target, "?")
	scheme, authority := r.authority()
	switch name {
	case "@method":
		return r.Method, nil
	case "@target-uri":
		return scheme + "://" + authority + r.Target, nil
	case "@authority":
		return authority, nil
	case "@scheme":
		return scheme, nil
	case "@request-target":
		return r.Target, nil
	case "@path":
		return path, nil
	case "@query":
		return "?" + query, nil
	case "@query-param":
		return queryParameter(query, item)
	case "content-length":
		if r.Length >= 0 {
			return strconv.FormatInt(r.Length, 10), nil
		}
	}
	lines := r.Header[http.CanonicalHeaderKey(name)]
	if len(lines) == 0 || strings.HasPrefix(name, "@") {
		return "", fmt.Errorf("the call has no component %.40q", name)
	}
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = strings.TrimSpace(line)
	}
	return strings.Join(trimmed, ", "), nil
}

// authority is in its normal form, without the port that goes by itself (RFC
// 9421 §2.2.3).
func (r Request) authority() (scheme, authority string) {
	scheme, authority, _ = strings.Cut(strings.ToLower(r.Origin), "://")
	return scheme, strings.TrimSuffix(authority, map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// queryParameter is the value of one that stands there once (RFC 9421 §2.2.8).
func queryParameter(query string, item httpsfv.Item) (string, error) {
	encoded, _ := item.Params.Get("name")
	text, _ := encoded.(string)
	name, err := url.QueryUnescape(text)
	all, wrong := url.ParseQuery(query)
	if err != nil || wrong != nil || len(all[name]) != 1 {
		return "", fmt.Errorf("the query has no one parameter %.40q", text)
	}
	return strings.ReplaceAll(url.QueryEscape(all[name][0]), "+", "%20"), nil
}

// verify holds the signature to what was signed. The key decides by which
// algorithm: what the caller names can only be that. An RSA key signs as JOSE's
// PS256 when none is named (RFC 9421 §3.3.7).
func (s *Signature) verify(key crypto.PublicKey, base []byte) error {
	ok := false
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if s.Algorithm != "" && s.Algorithm != "ecdsa-p256-sha256" {
			return s.anotherAlgorithm()
		}
		sum := sha256.Sum256(base)
		ok = len(s.bytes) == 64 && k.Curve.Params().BitSize == 256 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(s.bytes[:32]), new(big.Int).SetBytes(s.bytes[32:]))
	case ed25519.PublicKey:
		if s.Algorithm != "" && s.Algorithm != "ed25519" {
			return s.anotherAlgorithm()
		}
		ok = len(k) == ed25519.PublicKeySize && ed25519.Verify(k, base, s.bytes)
	case *rsa.PublicKey:
		var err error
		switch s.Algorithm {
		case "":
			sum := sha256.Sum256(base)
			err = rsa.VerifyPSS(k, crypto.SHA256, sum[:], s.bytes, &rsa.PSSOptions{SaltLength: sha256.Size})
		case "rsa-pss-sha512":
			sum := sha512.Sum512(base)
			err = rsa.VerifyPSS(k, crypto.SHA512, sum[:], s.bytes, &rsa.PSSOptions{SaltLength: sha512.Size})
		default:
			return s.anotherAlgorithm()
		}
		ok = err == nil
	}
	if !ok {
		return ErrWrong
	}
	return nil
}

func (s *Signature) anotherAlgorithm() error {
	return fmt.Errorf("algorithm %.40q is not the key's", s.Algorithm)
}
