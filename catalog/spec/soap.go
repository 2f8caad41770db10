package spec

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"lgsp/catalog/spec/wsdl"
)

// readWSDL makes the document of a WSDL description, which is what is kept; the
// lines of findings are its own.
func (r *reader) readWSDL(doc *Document) error {
	if len(doc.Text) > MaxBytes {
		return refuse("spec-too-large", 0, "the document is larger than 10 MB")
	}
	text := bytes.TrimPrefix(doc.Text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return refuse("spec-not-utf8", 0, "the document is not UTF-8 text")
	}
	made, err := wsdl.Convert(text)
	var refused *wsdl.Refusal
	if errors.As(err, &refused) {
		return refuse(refused.Code, refused.Line, refused.Detail, refused.Pairs...)
	}
	if err != nil {
		return err
	}
	r.root, doc.Kind, doc.OpenAPI = made.Document, WSDL, "3.0.3"
	for _, n := range made.Notes {
		r.found(n.Code, n.Line, n.Where, n.Detail, n.Pairs...)
	}
	return check(r.root, map[*yaml.Node]bool{})
}
