package auth

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
)

// subject encodes a name, the least specific level first.
func subject(t testing.TB, levels ...[]pkix.AttributeTypeAndValue) []byte {
	t.Helper()
	var name pkix.RDNSequence
	for _, level := range levels {
		name = append(name, level)
	}
	raw, err := asn1.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func level(pairs ...string) []pkix.AttributeTypeAndValue {
	oids := map[string]asn1.ObjectIdentifier{"C": {2, 5, 4, 6}, "O": {2, 5, 4, 10}, "CN": {2, 5, 4, 3}, "UID": {0, 9, 2342, 19200300, 100, 1, 1}}
	var set []pkix.AttributeTypeAndValue
	for i := 0; i < len(pairs); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: oids[pairs[i]], Value: pairs[i+1]})
	}
	return set
}

func TestDNNames(t *testing.T) {
	t.Parallel()
	plain := subject(t, level("C", "VN"), level("O", "Sở Nội vụ"), level("CN", "máy chủ 1"))
	odd := subject(t, level("O", `A, B + "C" \ #1`), level("UID", " 7 ", "CN", "#x"))
	for _, tt := range []struct {
		name, text string
		subject    []byte
		want       bool
	}{
		{"as RFC 4514 writes it", "CN=máy chủ 1,O=Sở Nội vụ,C=VN", plain, true},
		{"spaces around the signs", "CN = máy chủ 1, O = Sở Nội vụ , C=VN ", plain, true},
		{"types in small letters, and by number", "cn=máy chủ 1,2.5.4.10=Sở Nội vụ,c=VN", plain, true},
		{"bytes in hex", `CN=m\C3\A1y ch\E1\BB\A7 1,O=Sở Nội vụ,C=VN`, plain, true},
		{"a value in hex", "CN=máy chủ 1,O=Sở Nội vụ,C=#1302564e", plain, true},
		{"the other way round", "C=VN,O=Sở Nội vụ,CN=máy chủ 1", plain, false},
		{"capitals", "CN=MÁY CHỦ 1,O=Sở Nội vụ,C=VN", plain, false},
		{"a part", "CN=máy chủ 1,O=Sở Nội vụ", plain, false},
		{"more", "CN=máy chủ 1,O=Sở Nội vụ,C=VN,DC=vn", plain, false},
		{"another type", "CN=máy chủ 1,OU=Sở Nội vụ,C=VN", plain, false},
		{"two levels as one", "CN=máy chủ 1+O=Sở Nội vụ,C=VN", plain, false},
		{"a level in the value of another", `CN=máy chủ 1\,O=Sở Nội vụ,C=VN`, plain, false},
		{"signs escaped, a level of two in either order", `CN=\#x+UID=\ 7\ ,O=A\, B \+ \"C\" \\ #1`, odd, true},
		{"the order of a level does not count", `UID=\207\20+CN=\#x,O=A\2c B \+ \"C\" \\ \#1`, odd, true},
		{"a bare space at the end is none of the value", `CN=\#x+UID=\ 7 ,O=A\, B \+ \"C\" \\ #1`, odd, false},
		{"an empty subject", "CN=a", subject(t), false},
		{"no subject", "CN=a", nil, false},
	} {
		name, err := ParseDN(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if got := name.Names(tt.subject); got != tt.want {
			t.Errorf("%s: %s: got %v", tt.name, tt.text, got)
		}
	}
}

func TestParseDNRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ",", "CN", "CN=", "CN=a,", "CN=a+", "=a", "XX=a", "1=a", "1..2=a", "2.05=a", "CN=a;O=b", "CN=a<b", `CN="a"`, `CN=a\`, `CN=a\x`, `CN=a\f`,
		"CN=#", "CN=#13", "CN=#zz", "CN=#1302564e00", "CN=#020101", "CN=\x00", `CN=\00`, `CN=\ff`, "CN=\xff", "CN=" + strings.Repeat("a", 1000),
	} {
		if name, err := ParseDN(text); err == nil {
			t.Errorf("%q: got %v", text, name)
		}
	}
}

// ofOpenSSL was made by OpenSSL 3.0: req -x509 -utf8 -subj
// '/C=VN/O=Sở Nội vụ, tỉnh Quảng Ngãi/CN=một cửa+UID=7/emailAddress=a@example.vn'.
const ofOpenSSL = `-----BEGIN CERTIFICATE-----
MIICWzCCAgGgAwIBAgIUfmdqb59O3XSRmhxPJ++GHcFZvXgwCgYIKoZIzj0EAwIw
gYExCzAJBgNVBAYTAlZOMS4wLAYDVQQKDCVT4bufIE7hu5lpIHbhu6UsIHThu4lu
aCBRdeG6o25nIE5nw6NpMSUwDwYKCZImiZPyLGQBAQwBNzASBgNVBAMMC23hu5l0
IGPhu61hMRswGQYJKoZIhvcNAQkBFgxhQGV4YW1wbGUudm4wIBcNMjYxMTIzMDM0
NjM1WhgPMjEyNjEwMzAwMzQ2MzVaMIGBMQswCQYDVQQGEwJWTjEuMCwGA1UECgwl
U+G7nyBO4buZaSB24bulLCB04buJbmggUXXhuqNuZyBOZ8OjaTElMA8GCgmSJomT
8ixkAQEMATcwEgYDVQQDDAtt4buZdCBj4butYTEbMBkGCSqGSIb3DQEJARYMYUBl
eGFtcGxlLnZuMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiIwiWSwTQ9/N0jv0
pT4JJpasw45ucbgghOPlIEunlbNHqS7WjhDJuMvof446ueK2dS+3BV6tAGFODcVv
ttaGq6NTMFEwHQYDVR0OBBYEFELCOAwMEMKxzs33MZGJKk8477w9MB8GA1UdIwQY
MBaAFELCOAwMEMKxzs33MZGJKk8477w9MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI
zj0EAwIDSAAwRQIgLxivUNRA47fWZyKJ+WPo3gx61TxfGCVDZZVbbhCH3OACIQCE
fA0BLrPx1lBUunpPfyqr8etnLDA2meJ8/hH8vwNGoA==
-----END CERTIFICATE-----`

// TestDNOfOpenSSL: what people copy from "openssl x509 -subject -nameopt
// RFC2253", and the same with utf8,-esc_msb, names the certificate.
func TestDNOfOpenSSL(t *testing.T) {
	t.Parallel()
	block, _ := pem.Decode([]byte(ofOpenSSL))
	made, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		`emailAddress=a@example.vn,CN=m\E1\BB\99t c\E1\BB\ADa+UID=7,O=S\E1\BB\9F N\E1\BB\99i v\E1\BB\A5\, t\E1\BB\89nh Qu\E1\BA\A3ng Ng\C3\A3i,C=VN`,
		`emailAddress=a@example.vn,CN=một cửa+UID=7,O=Sở Nội vụ\, tỉnh Quảng Ngãi,C=VN`,
	} {
		if name, err := ParseDN(printed); err != nil || !name.Names(made.RawSubject) {
			t.Errorf("%s: %v, %v", printed, name, err)
		}
	}
}

func FuzzParseDN(f *testing.F) {
	for _, seed := range []string{"CN=a,O=b+C=c", `CN=\#x+UID=\ 7\ ,O=A\, B`, "C=#1302564e", "CN=a\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := ParseDN(text)
		if err != nil {
			return
		}
		if len(name) == 0 || len(text) > maxDN {
			t.Fatalf("%q is a name of %d levels", text, len(name))
		}
		for _, level := range name {
			for _, a := range level {
				if a.value == "" || !isOID(a.oid) {
					t.Fatalf("%q has %+v", text, a)
				}
			}
		}
	})
}
