package gateway

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"lgsp/gateway/soap"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// SOAP is by what a SOAP service tells an operation from the others, which have
// the same address there. At the gateway each has a path of its own, and is
// found at the version's address with a slash too, by what the message asks.
type SOAP struct {
	Action    string `json:"action,omitempty"`    // "": the service names none
	Namespace string `json:"namespace,omitempty"` // of the element in the Body
	Element   string `json:"element,omitempty"`   // "": nothing stands in the Body
}

// peeked is how much of a message is read to know which operation it asks for,
// before it is known who asks.
const peeked = 64 << 10

// compileSOAP finds the operations of a SOAP service.
func (v *version) compileSOAP() error {
	for _, o := range v.operations {
		if o.SOAP == nil {
			continue
		}
		if o.Method != http.MethodPost {
			return fmt.Errorf("operation %s: SOAP is posted", o.ID)
		}
		if v.soap == nil {
			v.soap = map[xml.Name]*operation{}
		}
		name := xml.Name{Space: o.SOAP.Namespace, Local: o.SOAP.Element}
		if _, taken := v.soap[name]; taken {
			v.soap[name] = nil // at the one address they cannot be told apart
			continue
		}
		v.soap[name] = o
	}
	return nil
}

// asksSOAP reports whether a call is a message to a SOAP service's one address.
func (c *call) asksSOAP(r *http.Request) bool {
	return c.version.soap != nil && c.rest == "/" && r.Method == http.MethodPost
}

// findSOAP finds the operation by the element in the message's Body. What it
// reads of the message goes on with the rest.
func (c *call) findSOAP(r *http.Request) (*operation, error) {
	if isEncoded(r.Header["Content-Encoding"]) {
		return nil, notPlain()
	}
	var read bytes.Buffer
	source := &source{from: io.LimitReader(r.Body, peeked)}
	name, err := soap.Peek(io.TeeReader(source, &read))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&read, r.Body), r.Body}
	if source.err != nil {
		return nil, bodyFault(source.err)
	}
	if err != nil {
		return nil, notReadSOAP(err)
	}
	o := c.version.soap[name]
	if o == nil {
		return nil, problem.Errorf(problem.NotFound, "the service has no operation for the element in the Body").Coded("soap-no-operation")
	}
	return o, nil
}

func notPlain() error {
	return problem.Errorf(problem.UnsupportedMedia, "a SOAP message is taken that is not compressed").
		Coded("content-encoding-not-taken").Sends("Accept-Encoding", "identity") // RFC 9110 §15.5.16
}

func notReadSOAP(err error) error {
	return problem.Errorf(problem.Invalid, "no SOAP message that can be read in one way only (%s)", err).Coded("soap-not-read", "reason", err.Error())
}

// source remembers what went wrong with a body while it was read.
type source struct {
	from io.Reader
	err  error
}

// Read is of io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// soapTakes are the media types of SOAP messages that can be read.
const soapTakes = "text/xml, application/soap+xml"

// spoken is the envelope that a request's media type stands for, and the action
// it names there; ok is false for what is no SOAP message in UTF-8.
func spoken(header http.Header) (envelope, action string, ok bool) {
	types := header["Content-Type"]
	if len(types) != 1 || len(types[0]) > 2048 {
		return "", "", false
	}
	kind, parameters, err := mime.ParseMediaType(types[0])
	if err != nil {
		return "", "", false
	}
	if charset := strings.ToLower(parameters["charset"]); charset != "" && charset != "utf-8" && charset != "us-ascii" {
		return "", "", false
	}
	switch kind {
	case "text/xml":
		return soap.Envelope11, "", true
	case "application/soap+xml":
		return soap.Envelope12, parameters["action"], true
	}
	return "", "", false
}

// checkSOAP holds a message to the operation it came for: media type, action,
// the element in its Body, what WS-Addressing says. Messages with attachments
// are not taken, for what the system reads of them stands inside a part.
func (c *call) checkSOAP(r *http.Request) error {
	o := c.operation
	if o.SOAP == nil || c.imagined {
		return nil
	}
	envelope, action, ok := spoken(r.Header)
	if !ok {
		return problem.Errorf(problem.UnsupportedMedia, "the operation takes %s in UTF-8", soapTakes).
			Coded("content-type-not-taken", "takes", soapTakes).Sends("Accept", soapTakes) // RFC 9110 §12.5.1, §15.5.16
	}
	if isEncoded(r.Header["Content-Encoding"]) {
		return notPlain()
	}
	if c.rawQuery != "" {
		return problem.Errorf(problem.Invalid, "a SOAP message says all in its body, and has no query").Coded("soap-query")
	}
	at := ""
	if o.Access == Personal && o.SubjectIn == "body" {
		at = o.SubjectName
	}
	message, err := soap.Read(c.body, at)
	if err != nil {
		return notReadSOAP(err)
	}
	actions := append(message.Actions, action)
	for _, line := range r.Header["Soapaction"] {
		actions = append(actions, strings.Trim(strings.TrimSpace(line), `"`))
	}
	for _, one := range actions {
		if one != "" && one != o.SOAP.Action {
			return otherOperation(o)
		}
	}
	if message.Envelope != envelope {
		return notReadSOAP(soap.NotEnvelope)
	}
	if message.Body != (xml.Name{Space: o.SOAP.Namespace, Local: o.SOAP.Element}) {
		return otherOperation(o)
	}
	c.soapValues = message.Values
	return nil
}

// otherOperation refuses a message that asks for something else than the
// address it came to.
func otherOperation(o *operation) error {
	return problem.Errorf(problem.Invalid, "the message is not one of the operation %s", o.ID).Coded("soap-other-operation", "operation", o.ID)
}

// soapAction says the action anew, as the service's description has it, where
// SOAP 1.1 wants it (SOAP 1.1 §6.1.1): the system goes by it.
func (c *call) soapAction(r *http.Request, fields http1.Fields) http1.Fields {
	if c.operation.SOAP == nil {
		return fields
	}
	fields.Keep(func(line http1.Field) bool { return http.CanonicalHeaderKey(line.Name) != "Soapaction" })
	if envelope, _, _ := spoken(r.Header); envelope == soap.Envelope11 {
		fields.Add("SOAPAction", `"`+c.operation.SOAP.Action+`"`)
	}
	return fields
}
