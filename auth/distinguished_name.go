package auth

import (
	"bytes"
	"cmp"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// DN is a distinguished name: one set of attributes a level, the most
// specific first, as RFC 4514 writes it.
type DN [][]dnAttribute

type dnAttribute struct{ oid, value string }

// dnTypes are the names of attributes in texts: those of RFC 4514 §3, and
// others that certificates of organisations carry.
var dnTypes = map[string]string{
	"CN": "2.5.4.3", "L": "2.5.4.7", "ST": "2.5.4.8", "O": "2.5.4.10", "OU": "2.5.4.11", "C": "2.5.4.6", "STREET": "2.5.4.9",
	"DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"SERIALNUMBER": "2.5.4.5", "EMAILADDRESS": "1.2.840.113549.1.9.1", "TITLE": "2.5.4.12", "POSTALCODE": "2.5.4.17",
	"SN": "2.5.4.4", "GIVENNAME": "2.5.4.42", "BUSINESSCATEGORY": "2.5.4.15", "ORGANIZATIONIDENTIFIER": "2.5.4.97",
}

const maxDN = 1000 // bytes of its text

// ParseDN reads the text of a name (RFC 4514 §3), such as
// "CN=may-chu-01,O=Sở Nội vụ,C=VN". It also takes spaces around the signs, as
// programs print them.
func ParseDN(text string) (DN, error) {
	if len(text) > maxDN || !utf8.ValidString(text) {
		return nil, fmt.Errorf("a name is UTF-8 of at most %d bytes", maxDN)
	}
	var name DN
	var level []dnAttribute
	for rest := text; ; {
		attribute, end, after, err := parseAttribute(rest)
		if err != nil {
			return nil, err
		}
		if level = append(level, attribute); end != '+' {
			name, level = append(name, sorted(level)), nil
		}
		if end == 0 {
			return name, nil
		}
		rest = after
	}
}

// parseAttribute reads one type=value, and gives the sign it ends with (',',
// '+', or 0 at the end of the text) and what follows.
func parseAttribute(text string) (dnAttribute, byte, string, error) {
	kind, rest, found := strings.Cut(text, "=")
	if !found {
		return dnAttribute{}, 0, "", fmt.Errorf("%.40q has no =", text)
	}
	kind = strings.TrimSpace(kind)
	oid, known := dnTypes[strings.ToUpper(kind)]
	if !known {
		if oid = kind; !isOID(kind) {
			return dnAttribute{}, 0, "", fmt.Errorf("%.40q is no type of attribute", kind)
		}
	}
	rest = strings.TrimLeft(rest, " ")
	if strings.HasPrefix(rest, "#") {
		return parseHex(oid, rest)
	}
	var value []byte
	solid := 0 // bytes of value up to the last that is no bare space
	for i := 0; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == ',' || c == '+':
			return textAttribute(oid, value[:solid], c, rest[i+1:])
		case c == '\\':
			plain, size, err := unescape(rest[i+1:])
			if err != nil {
				return dnAttribute{}, 0, "", err
			}
			value, i = append(value, plain), i+size
			solid = len(value)
		case strings.IndexByte("\";<>\x00", c) >= 0:
			return dnAttribute{}, 0, "", fmt.Errorf("%q in a value is to be written with \\ before it", c)
		default:
			if value = append(value, c); c != ' ' {
				solid = len(value)
			}
		}
	}
	return textAttribute(oid, value[:solid], 0, "")
}

func textAttribute(oid string, value []byte, end byte, after string) (dnAttribute, byte, string, error) {
	if len(value) == 0 || !utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0 {
		return dnAttribute{}, 0, "", errors.New("a value is empty or no text")
	}
	return dnAttribute{oid, string(value)}, end, after, nil
}

// unescape reads what follows a backslash: a sign, or two hex digits (RFC 4514 §2.4).
func unescape(text string) (byte, int, error) {
	if text != "" && strings.IndexByte(" \"#+,;<=>\\", text[0]) >= 0 {
		return text[0], 1, nil
	}
	if len(text) >= 2 {
		if raw, err := hex.DecodeString(text[:2]); err == nil {
			return raw[0], 2, nil
		}
	}
	return 0, 0, errors.New(`a \ stands before nothing that it may stand before`)
}

// parseHex reads a value that is written as # and the hex of its encoding.
func parseHex(oid, text string) (dnAttribute, byte, string, error) {
	digits, end, after := text[1:], byte(0), ""
	if i := strings.IndexAny(digits, ",+"); i >= 0 {
		digits, end, after = digits[:i], digits[i], digits[i+1:]
	}
	raw, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil {
		return dnAttribute{}, 0, "", err
	}
	var value any
	if rest, err := asn1.Unmarshal(raw, &value); err != nil || len(rest) > 0 {
		return dnAttribute{}, 0, "", errors.New("the hex of a value is no encoding of one")
	}
	plain, _ := value.(string)
	return textAttribute(oid, []byte(plain), end, after)
}

func isOID(text string) bool {
	parts := strings.Split(text, ".")
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || len(p) > 1 && p[0] == '0' || strings.Trim(p, "0123456789") != ""
	})
}

func sorted(level []dnAttribute) []dnAttribute {
	slices.SortFunc(level, func(a, b dnAttribute) int { return cmp.Or(cmp.Compare(a.oid, b.oid), cmp.Compare(a.value, b.value)) })
	return level
}

// Names reports whether the subject of a certificate, as it is encoded, has
// this name: the same attributes level by level, their values letter for
// letter. Capitals count, so no authority can make two names of ours one.
func (d DN) Names(subject []byte) bool {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(subject, &sequence); err != nil || len(rest) > 0 || len(sequence) == 0 {
		return false
	}
	var name DN
	for _, set := range slices.Backward(sequence) { // encoded with the least specific first
		var level []dnAttribute
		for _, attribute := range set {
			value, ok := attribute.Value.(string)
			if !ok {
				return false
			}
			level = append(level, dnAttribute{attribute.Type.String(), value})
		}
		name = append(name, sorted(level))
	}
	return slices.EqualFunc(d, name, func(a, b []dnAttribute) bool { return slices.Equal(a, b) })
}
