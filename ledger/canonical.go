package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The bounds of a payload.
const (
	maxPayload = 64 << 10
	maxDepth   = 32
)

// canonical writes v as JSON in the one form of RFC 8785: no white space,
// members sorted by their names' UTF-16 code units, strings with the shortest
// escapes, numbers as ECMAScript prints a double. A whole number beyond ±2^53,
// which a double may not hold exactly, is refused rather than rounded.
func canonical(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode payload: %w", err)
	}
	return canonicalise(text)
}

// canonicalise brings one JSON text into canonical form.
func canonicalise(text []byte) (string, error) {
	if len(text) > maxPayload {
		return "", fmt.Errorf("payload of %d bytes is larger than %d", len(text), maxPayload)
	}
	if !utf8.Valid(text) {
		return "", errors.New("payload is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return "", fmt.Errorf("read payload: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return "", errors.New("payload has more than one value")
	}
	var out strings.Builder
	if err := writeValue(&out, v, 0); err != nil {
		return "", err
	}
	return out.String(), nil
}

func writeValue(out *strings.Builder, v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("payload is nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		fmt.Fprint(out, v)
	case json.Number:
		return writeNumber(out, v)
	case string:
		writeString(out, v)
	case []any:
		out.WriteByte('[')
		for i, element := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeValue(out, element, depth+1); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case map[string]any:
		return writeObject(out, v, depth)
	}
	return nil
}

func writeObject(out *strings.Builder, object map[string]any, depth int) error {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		writeString(out, name)
		out.WriteByte(':')
		if err := writeValue(out, object[name], depth+1); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// writeNumber prints as ECMAScript does, which is also how encoding/json
// prints a float64, but for the sign of zero (RFC 8785 §3.2.2.3).
func writeNumber(out *strings.Builder, n json.Number) error {
	f, err := n.Float64()
	if err != nil {
		return fmt.Errorf("number %s: %w", n, err)
	}
	if f == 0 {
		out.WriteByte('0')
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("number %s: %w", n, err)
	}
	whole := !strings.ContainsAny(n.String(), ".eE") || !bytes.ContainsAny(text, ".e")
	if whole && math.Abs(f) >= 1<<53 {
		return fmt.Errorf("whole number %s is beyond 2^53", n)
	}
	out.Write(text)
	return nil
}

// writeString escapes only what must be (RFC 8785 §3.2.2.2).
func writeString(out *strings.Builder, s string) {
	const short = "btn?fr" // \b \t \n (\v has no short form) \f \r
	out.WriteByte('"')
	if plain(s) {
		out.WriteString(s)
		out.WriteByte('"')
		return
	}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r >= '\b' && r <= '\r' && r != '\v':
			out.WriteByte('\\')
			out.WriteByte(short[r-'\b'])
		case r < 0x20:
			fmt.Fprintf(out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
}

// plain reports whether s stands in JSON as it is; most strings of ours do.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
