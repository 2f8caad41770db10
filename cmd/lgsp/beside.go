package main

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"fmt"

	"lgsp/auth"
)

// besideSnapshot is what refresh loads, as a gateway node keeps it on disk
// beside its snapshot: what tokens are checked by, and where calls may be sent.
type besideSnapshot struct {
	Keys      map[string][]byte          `json:"keys"` // by kid, PKIX
	Upstreams []string                   `json:"upstreams"`
	Foreign   []auth.SealedForeignIssuer `json:"foreign"`
}

// beside gives it in bytes.
func (p *platform) beside() ([]byte, error) {
	b := besideSnapshot{Keys: map[string][]byte{}, Upstreams: p.upstreams.list(), Foreign: p.foreign.list()}
	for kid, key := range p.oauth.Keys() {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			return nil, fmt.Errorf("encode key %s: %w", kid, err)
		}
		b.Keys[kid] = der
	}
	return json.Marshal(b)
}

// restore puts in force again what beside gave.
func (p *platform) restore(text []byte) error {
	var b besideSnapshot
	if err := json.Unmarshal(text, &b); err != nil {
		return err
	}
	keys := map[string]*ecdsa.PublicKey{}
	for kid, der := range b.Keys {
		key, err := x509.ParsePKIXPublicKey(der)
		if err != nil {
			return fmt.Errorf("read key %s: %w", kid, err)
		}
		public, ok := key.(*ecdsa.PublicKey)
		if !ok {
			return fmt.Errorf("key %s is none of ES256", kid)
		}
		keys[kid] = public
	}
	p.oauth.TrustKeys(keys)
	p.upstreams.set(b.Upstreams)
	p.foreign.set(b.Foreign)
	return nil
}
