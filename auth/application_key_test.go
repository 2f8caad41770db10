package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"lgsp/internal/problem"
)

func asJWK(t *testing.T, key jose.JSONWebKey) json.RawMessage {
	t.Helper()
	text, err := key.MarshalJSON()
	ok(t, "write key", err)
	return text
}

func TestSetKeys(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who, stranger := d.person(t, "dev@x.vn"), d.person(t, "other@x.vn")
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa"})
	ok(t, "create", err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, "make key", err)
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	ok(t, "make key", err)
	set := []json.RawMessage{
		asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey}), asJWK(t, jose.JSONWebKey{Key: &long.PublicKey, KeyID: "rsa", Algorithm: "PS256"}),
		asJWK(t, jose.JSONWebKey{Key: edwards, KeyID: "ed", Use: "sig", Algorithm: "Ed25519"}),
	}
	list, err := d.SetKeys(ctx, who, app.ID, set)
	ok(t, "set", err)
	if len(list) != 3 || list[0].KID == "" || !list[0].SetAt.Equal(monday) {
		t.Errorf("set: got %+v", list)
	}
	d.told(t, "application.keys")
	keys, err := d.PublicKeys(ctx, app.ID)
	ok(t, "read", err)
	if !long.PublicKey.Equal(keys["rsa"]) || !edwards.Equal(keys["ed"]) || len(keys) != 3 {
		t.Errorf("read: got %+v", keys)
	}
	if got, err := d.Keys(ctx, who, app.ID); err != nil || len(got) != 3 {
		t.Errorf("list: got %+v, %v", got, err)
	}
	_, err = d.Keys(ctx, stranger, app.ID)
	want(t, "a stranger lists", err, problem.NotFound, "application-unknown")
	_, err = d.SetKeys(ctx, stranger, app.ID, nil)
	want(t, "a stranger sets", err, problem.NotFound, "application-unknown")
	_, err = d.SetKeys(ctx, Principal{Application: app.ID}, app.ID, nil)
	want(t, "the application itself", err, problem.Unauthorized, "sign-in-first")
	if list, err = d.SetKeys(ctx, who, app.ID, nil); err != nil || len(list) != 0 {
		t.Errorf("take all away: got %+v, %v", list, err)
	}
	public, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Trên điện thoại", Kind: Public})
	ok(t, "create", err)
	_, err = d.SetKeys(ctx, who, public.ID, set)
	want(t, "a public one", err, problem.Conflict, "application-public")
	ok(t, "disable", d.DisableApplication(ctx, who, app.ID))
	_, err = d.SetKeys(ctx, who, app.ID, set)
	want(t, "a disabled one", err, problem.Conflict, "application-disabled")
}

func TestReadJWKsRefuses(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ok(t, "make key", err)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	ok(t, "make key", err)
	good := asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey, KeyID: "a"})
	for name, tt := range map[string]struct {
		set  []json.RawMessage
		code string
	}{
		"six":               {[]json.RawMessage{good, good, good, good, good, good}, "jwk-many"},
		"private":           {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: p256})}, "jwk-private"},
		"symmetric":         {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: []byte("secret")})}, "jwk-form"},
		"another curve":     {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p384.PublicKey})}, "jwk-form"},
		"RSA 1024":          {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &short.PublicKey})}, "jwk-form"},
		"for encryption":    {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey, Use: "enc"})}, "jwk-form"},
		"another algorithm": {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey, Algorithm: "ES384"})}, "jwk-form"},
		"off the curve":     {[]json.RawMessage{json.RawMessage(`{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}`)}, "jwk-form"},
		"no key":            {[]json.RawMessage{json.RawMessage(`{}`)}, "jwk-form"},
		"a kid twice":       {[]json.RawMessage{good, good}, "jwk-kid"},
		"a kid of NUL":      {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey, KeyID: "\x00"})}, "jwk-kid"},
		"a long kid":        {[]json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey, KeyID: strings.Repeat("k", 101)})}, "jwk-kid"},
	} {
		_, err := readJWKs(tt.set)
		var e *problem.Error
		if e, _ = err.(*problem.Error); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != tt.code {
			t.Errorf("%s: got %v, want %s", name, err, tt.code)
		}
	}
}

func FuzzReadJWK(f *testing.F) {
	f.Add(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	f.Add(`{"kty":"RSA","n":"AQ","e":"AQAB"}`)
	f.Fuzz(func(t *testing.T, text string) {
		jwk, err := ReadJWK([]byte(text))
		if err == nil && (jwk.KeyID == "" || !jwk.IsPublic() || jwk.Use != "sig") {
			t.Errorf("%s was read as %+v", text, jwk)
		}
	})
}

func FuzzReadJWKS(f *testing.F) {
	f.Add(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	f.Add(`{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"oct","k":"AA"},null,7]}`)
	f.Add(`{"keys":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ReadJWKS([]byte(text))
		if err == nil && len(keys) > maxSetKeys {
			t.Errorf("%d keys", len(keys))
		}
		for kid, key := range keys {
			if kid == "" || signatureAlgorithm(key) == "" {
				t.Errorf("%q is %T", kid, key)
			}
		}
	})
}

// The keys of an application stand in one place: here, or at its own address.
func TestKeysHereOrAtAnAddress(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	who := d.person(t, "dev@x.vn")
	app, _, err := d.CreateApplication(ctx, who, NewApplication{Name: "Một cửa"})
	ok(t, "create", err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	set := []json.RawMessage{asJWK(t, jose.JSONWebKey{Key: &p256.PublicKey})}
	_, err = d.SetKeys(ctx, who, app.ID, set)
	ok(t, "set", err)
	edit := func(uri string) error {
		_, err := d.EditApplication(ctx, who, app.ID, NewApplication{Name: app.Name, Protocol: Protocol{JWKSURI: uri}})
		return err
	}
	for _, uri := range []string{"http://app.test/keys", "https://u@app.test/keys", "https://app.test/keys#1", "ftp://app.test/", "keys", "https://"} {
		if got := fields(edit(uri)); got["jwks_uri"] != "keys-form" {
			t.Errorf("%s: got %v, want keys-form", uri, got)
		}
	}
	ok(t, "an address", edit("https://app.test/keys"))
	if keys, err := d.PublicKeys(ctx, app.ID); err != nil || len(keys) != 0 {
		t.Errorf("the keys set before: got %v, %v, want none", keys, err)
	}
	_, err = d.SetKeys(ctx, who, app.ID, set)
	want(t, "keys beside an address", err, problem.Conflict, "keys-elsewhere")
	_, err = d.SetKeys(ctx, who, app.ID, nil)
	ok(t, "no keys beside an address", err)
	ok(t, "this computer", edit("http://localhost:9999/keys"))
	ok(t, "no address", edit(""))
	_, err = d.SetKeys(ctx, who, app.ID, set)
	ok(t, "set again", err)
}
