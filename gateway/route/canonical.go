// Package route answers which operation a call asks for: the one canonical
// form of its path, and a tree of path templates whose cost does not grow with
// the number of templates.
package route

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// maxPath bounds a path, in bytes.
const maxPath = 4096

// The reasons to refuse a path. Each closes a way in which two programs could
// read the same path differently.
var (
	ErrForm      = errors.New("the path does not begin with a slash")
	ErrLong      = errors.New("the path is longer than 4096 bytes")
	ErrByte      = errors.New("the path holds a character that must be percent-encoded")
	ErrEncoding  = errors.New("the path holds a percent sign without two hexadecimal digits")
	ErrNeedless  = errors.New("the path encodes a character that needs no encoding")
	ErrTwice     = errors.New("the path is encoded twice")
	ErrControl   = errors.New("the path holds an encoded control character")
	ErrBackslash = errors.New("the path holds a backslash")
	ErrSemicolon = errors.New("the path holds a semicolon")
	ErrUTF8      = errors.New("the path does not decode to UTF-8")
	ErrEmpty     = errors.New("the path holds an empty segment")
	ErrDot       = errors.New("the path holds a dot segment (. or ..)")
)

// Canonical is the path of a request target in origin form (RFC 9112 §3.2.1),
// without its query, as it is matched, judged, recorded and forwarded. What
// making it canonical would change is refused instead, save the case of
// hexadecimal digits, which becomes upper (RFC 3986 §6.2.2.1). An encoded slash
// stays encoded. A slash at the end is kept.
func Canonical(path string) (string, error) {
	if len(path) > maxPath {
		return "", ErrLong
	}
	if path == "" || path[0] != '/' {
		return "", ErrForm
	}
	decoded, raised, err := decode(path)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(decoded) {
		return "", ErrUTF8
	}
	if strings.Contains(path, "//") {
		return "", ErrEmpty
	}
	// An encoded slash is a slash to some upstreams, so its parts count too.
	for part := range strings.SplitSeq(decoded, "/") {
		if part == "." || part == ".." {
			return "", ErrDot
		}
	}
	return raised, nil
}

// decode gives the path decoded, and as it was with its hexadecimal digits in
// capitals.
func decode(path string) (decoded, raised string, err error) {
	if plain(path) {
		return path, path, nil
	}
	var d, r strings.Builder
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c != '%' {
			if err := refuseByte(c); err != nil {
				return "", "", err
			}
			d.WriteByte(c)
			r.WriteByte(c)
			continue
		}
		if i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return "", "", ErrEncoding
		}
		b := unhex(path[i+1])<<4 | unhex(path[i+2])
		if b == '%' && i+4 < len(path) && isHex(path[i+3]) && isHex(path[i+4]) {
			return "", "", ErrTwice
		}
		if err := refuseEncoded(b); err != nil {
			return "", "", err
		}
		d.WriteByte(b)
		r.WriteString(strings.ToUpper(path[i : i+3]))
		i += 2
	}
	return d.String(), r.String(), nil
}

// plain reports whether every byte stands for itself.
func plain(path string) bool {
	for i := 0; i < len(path); i++ {
		if !isUnreserved(path[i]) && path[i] != '/' {
			return false
		}
	}
	return true
}

// refuseByte judges a byte that is not encoded (RFC 3986 §3.3, pchar).
func refuseByte(c byte) error {
	switch {
	case c == ';':
		return ErrSemicolon
	case c == '\\':
		return ErrBackslash
	case isUnreserved(c), strings.IndexByte("/!$&'()*+,=:@", c) >= 0:
		return nil
	}
	return ErrByte
}

func refuseEncoded(c byte) error {
	switch {
	case c == ';':
		return ErrSemicolon
	case c == '\\':
		return ErrBackslash
	case c < 0x20, c == 0x7f:
		return ErrControl
	case isUnreserved(c):
		return ErrNeedless
	}
	return nil
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
