package wsdl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
)

var location = regexp.MustCompile(`(\slocation\s*=\s*)("[^"]*"|'[^']*')`)

// At is a description in which every port is at address, so that whoever makes
// a client of it calls there. What names other addresses of the service is left
// out: comments, and endpoint references of WS-Addressing.
func At(text []byte, address string) ([]byte, error) {
	var out bytes.Buffer
	d := xml.NewDecoder(bytes.NewReader(text))
	skipped := 0 // levels that are left out
	for {
		from := d.InputOffset()
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read WSDL: %w", err)
		}
		raw := text[from:d.InputOffset()]
		switch t := token.(type) {
		case xml.Comment:
			continue
		case xml.StartElement:
			if skipped > 0 || t.Name.Local == "EndpointReference" {
				skipped++
				continue
			}
			if t.Name.Local == "address" && t.Name.Space != spaceWSDL {
				raw = location.ReplaceAll(raw, []byte(`${1}"`+escapedTemplate(address)+`"`))
			}
		case xml.EndElement:
			if skipped > 0 {
				skipped--
				continue
			}
		}
		if skipped == 0 {
			out.Write(raw)
		}
	}
}

// escapedTemplate is an address as it stands in an attribute and in a
// replacement, where $ has a meaning.
func escapedTemplate(address string) string {
	return string(bytes.ReplaceAll([]byte(escaped(address)), []byte("$"), []byte("$$")))
}
