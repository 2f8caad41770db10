package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"io"
	"mime"
	"strings"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// projection cuts an answer to what an agreement lets through of it.
type projection struct {
	filter *project.Filter
	xml    *project.XML // nil: the answer is JSON
}

// projectionOf chooses by the answer's media type; it fails for what cannot be
// held to fields.
func (c *call) projectionOf(mediaType string, filter *project.Filter) (projection, error) {
	if filter.Hashes() {
		filter = filter.Keyed(maskKey(c.node.SubjectKey, c.caller.application))
	}
	kind, parameters, err := mime.ParseMediaType(mediaType)
	charset := parameters["charset"]
	if err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return projection{}, notProjectable("it is neither JSON nor XML in UTF-8")
	}
	application := strings.HasPrefix(kind, "application/")
	switch {
	case kind == "application/json", application && strings.HasSuffix(kind, "+json"):
		return projection{filter: filter}, nil
	case kind != "application/xml" && kind != "text/xml" && !(application && strings.HasSuffix(kind, "+xml")):
		return projection{}, notProjectable("it is neither JSON nor XML in UTF-8")
	case c.operation.xml == nil:
		return projection{}, notProjectable("it is XML, which the API's document does not describe")
	}
	return projection{filter: filter, xml: c.operation.xml}, nil
}

func (p projection) append(to, document []byte) ([]byte, error) {
	if p.xml != nil {
		return p.filter.AppendXML(to, document, p.xml)
	}
	return p.filter.Append(to, document)
}

func (p projection) stream(to io.Writer, from io.Reader) error {
	if p.xml != nil {
		return p.filter.StreamXML(to, from, p.xml)
	}
	return p.filter.Stream(to, from)
}

// maskKey is what an application's hashed values are hashed with: equal values
// stay equal for it, and two applications cannot put what they got together.
func maskKey(subjectKey []byte, application uuid.UUID) []byte {
	mac := hmac.New(sha256.New, subjectKey)
	mac.Write([]byte("mask:" + application.String())) // never fails (package hash)
	return mac.Sum(nil)
}
