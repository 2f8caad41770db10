package project

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// character is the size of the character that a text begins with, 0 when XML
// allows none such (XML 1.0, section 2.2). The text is UTF-8.
func character(text []byte) int {
	c := text[0]
	if c < 0x80 {
		if c >= 0x20 || isSpace(c) {
			return 1
		}
		return 0
	}
	r, size := utf8.DecodeRune(text)
	if r == 0xfffe || r == 0xffff {
		return 0
	}
	return size
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// longestReference is more than any reference to a character needs.
const longestReference = 16

// referred is what a reference stands for: &amp; or &#225;.
func referred(text []byte) (rune, bool) {
	switch name := string(text[1 : len(text)-1]); name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	default:
		number, isNumber := bytes.CutPrefix(text[1:len(text)-1], []byte("#"))
		base := 10
		if hex, isHex := bytes.CutPrefix(number, []byte("x")); isHex {
			number, base = hex, 16
		}
		value, err := strconv.ParseUint(string(number), base, 32)
		if !isNumber || err != nil || len(number) == 0 || number[0] == '+' || value > utf8.MaxRune {
			return 0, false
		}
		r := rune(value)
		switch {
		case !utf8.ValidRune(r), r < 0x20 && r != '\t' && r != '\n' && r != '\r', r == 0xfffe, r == 0xffff:
			return 0, false
		}
		return r, true
	}
}

// checkValue refuses what cannot stand in an attribute's value.
func checkValue(value []byte) error {
	for at := 0; at < len(value); {
		switch value[at] {
		case '<':
			return errXMLTag
		case '&':
			end := bytes.IndexByte(value[at:min(len(value), at+longestReference)], ';')
			if end < 0 {
				return errXMLEntity
			}
			if _, ok := referred(value[at : at+end+1]); !ok {
				return errXMLEntity
			}
			at += end + 1
		default:
			size := character(value[at:])
			if size == 0 {
				return errXMLText
			}
			at += size
		}
	}
	return nil
}

// plainValue is what an attribute's value says: white space as it stands is
// spaces (XML 1.0, section 3.3.3).
func plainValue(value []byte) string {
	if bytes.ContainsAny(value, "\t\n\r") {
		value = bytes.ReplaceAll(value, []byte("\r\n"), []byte(" "))
		value = bytes.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return ' '
			}
			return r
		}, value)
	}
	return plainText(value)
}

// plainText is what a text or a value that was checked says.
func plainText(text []byte) string {
	if bytes.IndexByte(text, '&') < 0 {
		return string(text)
	}
	plain := make([]byte, 0, len(text))
	for at := 0; at < len(text); {
		if text[at] != '&' {
			plain = append(plain, text[at])
			at++
			continue
		}
		end := at + bytes.IndexByte(text[at:], ';') + 1
		r, _ := referred(text[at:end])
		plain, at = utf8.AppendRune(plain, r), end
	}
	return string(plain)
}

// startsName reports whether a name may begin with a character, but for the
// colon (XML 1.0, section 2.3).
func startsName(c rune) bool {
	if c < 0x80 {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
	}
	for _, span := range [...][2]rune{
		{0xc0, 0xd6}, {0xd8, 0xf6}, {0xf8, 0x2ff}, {0x370, 0x37d}, {0x37f, 0x1fff}, {0x200c, 0x200d}, {0x2070, 0x218f},
		{0x2c00, 0x2fef}, {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
	} {
		if span[0] <= c && c <= span[1] {
			return true
		}
	}
	return false
}

// continuesName reports whether one may go on with it.
func continuesName(c rune) bool {
	return startsName(c) || '0' <= c && c <= '9' || c == '-' || c == '.' || c == 0xb7 || 0x300 <= c && c <= 0x36f || c == 0x203f || c == 0x2040
}
