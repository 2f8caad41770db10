package problem

import (
	"bytes"
	"encoding/xml"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
)

// SOAP is a version of SOAP.
type SOAP int

// The versions, and a caller who speaks neither.
const (
	NoSOAP SOAP = iota
	SOAP11      // https://www.w3.org/TR/2000/NOTE-SOAP-20000508/
	SOAP12      // https://www.w3.org/TR/soap12-part1/
)

// SOAPOf is the version that a request is written in: its Content-Type is
// application/soap+xml (RFC 3902), or text/xml with a SOAPAction (SOAP 1.1
// §6.1.1), or it is a message with attachments whose first part is one of these
// (MTOM §3.2, SOAP Messages with Attachments §3).
func SOAPOf(header http.Header) SOAP {
	types := header["Content-Type"]
	if len(types) != 1 || len(types[0]) > 1024 {
		return NoSOAP
	}
	kind, parameters, err := mime.ParseMediaType(types[0])
	if err != nil {
		return NoSOAP
	}
	if kind == "multipart/related" {
		if kind = parameters["start-info"]; kind == "" {
			kind = parameters["type"]
		}
		if kind, _, err = mime.ParseMediaType(kind); err != nil {
			return NoSOAP
		}
	}
	_, action := header["Soapaction"]
	switch {
	case kind == "application/soap+xml":
		return SOAP12
	case kind == "text/xml" && action:
		return SOAP11
	}
	return NoSOAP
}

// Fault is how a problem is told to a SOAP caller.
type Fault struct {
	SOAP SOAP   // SOAP11 or SOAP12
	Node string // the address of who refuses, which is not whom the message was for (SOAP 1.1 §4.4, SOAP 1.2 §5.4.3)
}

// WriteFault answers r as Write does, with a fault that holds the problem in
// XML (RFC 9457, appendix B) as its detail.
func WriteFault(w http.ResponseWriter, r *http.Request, err error, as Fault) {
	e := Of(err)
	if e == nil {
		return
	}
	locale := Locale(r)
	status, mediaType, body := as.write(e, e.body(r, locale), locale)
	e.write(w, r, written{status, mediaType, locale, body})
}

// write makes the fault of a problem. In SOAP 1.2 its status is the problem's
// (part 2, §7.5.2.2). In SOAP 1.1 a fault comes with 500, whoever erred: SOAP
// 1.1 §6.2 and the WS-I Basic Profile 1.1 (R1126) ask for it, and clients of that
// time show their users the text of a fault that came so, but of a 403 or 429 the
// number alone. We keep 401 apart: it is HTTP's own question, at which a client
// sends the credential it has. What the status would be stands in the detail.
func (f Fault) write(e *Error, body map[string]any, locale string) (status int, mediaType string, fault []byte) {
	language := locale
	if language == "" {
		language = "en"
	}
	reason, _ := body["detail"].(string)
	var detail bytes.Buffer
	writeProblem(&detail, body)
	if f.SOAP == SOAP12 {
		code := "env:Receiver"
		if e.Kind < 500 {
			code = "env:Sender"
		}
		return int(e.Kind), "application/soap+xml; charset=utf-8", []byte(xml.Header + `<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Body><env:Fault>` +
			`<env:Code><env:Value>` + code + `</env:Value><env:Subcode><env:Value xmlns:lgsp="urn:lgsp:problem">lgsp:` + escaped(e.Code) + `</env:Value></env:Subcode></env:Code>` +
			`<env:Reason><env:Text xml:lang="` + language + `">` + escaped(reason) + `</env:Text></env:Reason><env:Node>` + escaped(f.Node) + `</env:Node>` +
			`<env:Detail>` + detail.String() + "</env:Detail></env:Fault></env:Body></env:Envelope>\n")
	}
	status = http.StatusInternalServerError
	if e.Kind == Unauthorized {
		status = http.StatusUnauthorized
	}
	code := "soap:Server"
	if e.Kind < 500 {
		code = "soap:Client"
	}
	return status, "text/xml; charset=utf-8", []byte(xml.Header + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>` +
		`<faultcode>` + code + `</faultcode><faultstring xml:lang="` + language + `">` + escaped(reason) + `</faultstring><faultactor>` + escaped(f.Node) + `</faultactor>` +
		`<detail>` + detail.String() + "</detail></soap:Fault></soap:Body></soap:Envelope>\n")
}

// writeProblem writes what would be the JSON body as XML. The names of members
// are ours.
func writeProblem(b *bytes.Buffer, body map[string]any) {
	b.WriteString(`<problem xmlns="urn:ietf:rfc:7807">`)
	for _, name := range slices.Sorted(maps.Keys(body)) {
		b.WriteString("<" + name + ">")
		switch value := body[name].(type) {
		case string:
			b.WriteString(escaped(value))
		case int:
			b.WriteString(strconv.Itoa(value))
		case []string:
			for _, item := range value {
				b.WriteString("<i>" + escaped(item) + "</i>")
			}
		case []map[string]string:
			for _, item := range value {
				b.WriteString("<i>")
				for _, key := range slices.Sorted(maps.Keys(item)) {
					b.WriteString("<" + key + ">" + escaped(item[key]) + "</" + key + ">")
				}
				b.WriteString("</i>")
			}
		}
		b.WriteString("</" + name + ">")
	}
	b.WriteString(`</problem>`)
}

// escaped is text as XML has it; what XML cannot say becomes U+FFFD.
func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes all
	return b.String()
}
