package spec

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// maxComplaints is how many of the validator's messages are passed on.
const maxComplaints = 10

// conform asks kin-openapi whether the document keeps to the specification.
// What it cannot load it calls an error; what it finds against the rules is a
// warning, since published documents break many of them harmlessly.
func (r *reader) conform(text []byte) {
	doc, err := loaded(text)
	if err != nil {
		why := shorten(err.Error())
		r.found("spec-invalid", 0, "", "not valid OpenAPI: "+why, "why", why)
		return
	}
	err = doc.Validate(context.Background(), openapi3.EnableMultiError(), openapi3.DisableExamplesValidation(),
		openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	var all openapi3.MultiError
	if !errors.As(err, &all) && err != nil {
		all = openapi3.MultiError{err}
	}
	for i, one := range all {
		if i == maxComplaints {
			r.found("spec-more", 0, "", itoa(len(all)-i)+" more findings", "count", itoa(len(all)-i))
			return
		}
		why := shorten(one.Error())
		r.found("spec-not-conforming", 0, "", "against the OpenAPI rules: "+why, "why", why)
	}
}

// loaded reads a document that is JSON, and follows no reference out of it. The
// loader itself reads everything as YAML, whose reader compares every key of an
// object with every other.
func loaded(text []byte) (*openapi3.T, error) {
	doc := &openapi3.T{}
	if err := json.Unmarshal(text, doc); err != nil {
		return nil, err
	}
	return doc, openapi3.NewLoader().ResolveRefsIn(doc, nil)
}

// lifted is a Swagger 2.0 document as OpenAPI 3.0, both JSON.
func lifted(text []byte) ([]byte, error) {
	var old openapi2.T
	if err := json.Unmarshal(text, &old); err != nil {
		return nil, err
	}
	doc, err := openapi2conv.ToV3(&old)
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}
