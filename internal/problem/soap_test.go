package problem

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSOAPOf(t *testing.T) {
	t.Parallel()
	action := http.Header{"Soapaction": {`""`}}
	for _, tt := range []struct {
		name  string
		types []string
		more  http.Header
		want  SOAP
	}{
		{"SOAP 1.2", []string{"application/soap+xml"}, nil, SOAP12},
		{"SOAP 1.2 with parameters, in capitals", []string{`Application/SOAP+XML; charset="utf-8"; action="urn:tra-cuu"`}, nil, SOAP12},
		{"SOAP 1.1", []string{"text/xml; charset=utf-8"}, action, SOAP11},
		{"XML without an action", []string{"text/xml"}, nil, NoSOAP},
		{"an action alone", nil, action, NoSOAP},
		{"JSON with an action", []string{"application/json"}, action, NoSOAP},
		{"SOAP 1.2 in MTOM", []string{`multipart/related; type="application/xop+xml"; start-info="application/soap+xml"; boundary=b`}, nil, SOAP12},
		{"SOAP 1.1 in MTOM", []string{`multipart/related; type="application/xop+xml"; start-info="text/xml"; boundary=b`}, action, SOAP11},
		{"SOAP 1.1 with attachments", []string{`multipart/related; type="text/xml"; boundary=b`}, action, SOAP11},
		{"other parts", []string{`multipart/related; boundary=b`}, action, NoSOAP},
		{"two types", []string{"application/soap+xml", "application/json"}, nil, NoSOAP},
		{"a type that cannot be read", []string{"application/soap+xml; ="}, nil, NoSOAP},
		{"a type without end", []string{"application/soap+xml;" + strings.Repeat(" ", 2000)}, nil, NoSOAP},
	} {
		header := tt.more.Clone()
		if header == nil {
			header = http.Header{}
		}
		header["Content-Type"] = tt.types
		if got := SOAPOf(header); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// envelope is a fault of either version as a parser of XML reads it.
type envelope struct {
	XMLName xml.Name
	Body    struct {
		Fault struct {
			// SOAP 1.1 §4.4
			Code  string `xml:"faultcode"`
			Text  spoken `xml:"faultstring"`
			Actor string `xml:"faultactor"`
			Old   detail `xml:"detail"`
			// SOAP 1.2 §5.4
			Value   string `xml:"http://www.w3.org/2003/05/soap-envelope Code>Value"`
			Subcode string `xml:"http://www.w3.org/2003/05/soap-envelope Code>Subcode>Value"`
			Reason  spoken `xml:"http://www.w3.org/2003/05/soap-envelope Reason>Text"`
			Node    string `xml:"http://www.w3.org/2003/05/soap-envelope Node"`
			New     detail `xml:"http://www.w3.org/2003/05/soap-envelope Detail"`
		}
	}
}

type spoken struct {
	Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Text string `xml:",chardata"`
}

type detail struct {
	Code   string `xml:"urn:ietf:rfc:7807 problem>code"`
	Status int    `xml:"urn:ietf:rfc:7807 problem>status"`
	Detail string `xml:"urn:ietf:rfc:7807 problem>detail"`
}

// read reads one whole XML document, strictly.
func read(t *testing.T, text string) envelope {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var e envelope
	if err := d.Decode(&e); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return e
		}
		if space, ok := token.(xml.CharData); !ok || strings.TrimSpace(string(space)) != "" {
			t.Fatalf("%v behind the envelope, %v", token, err)
		}
	}
}

func TestWriteFault(t *testing.T) {
	t.Parallel()
	wrong := Errorf(Invalid, "a & b").Coded("invalid").Wrong("/a", "required", "missing <a>")
	wrong.Extra = map[string]any{"purposes": []string{"<a>", "b"}, "type": "https://x.test/a?b&c"}
	for _, tt := range []struct {
		name   string
		err    error
		soap   SOAP
		method string
		status int
		want   []string
	}{
		{"who sent it erred, 1.1", wrong, SOAP11, "POST", 500, []string{"<faultcode>soap:Client</faultcode>", "<purposes><i>&lt;a&gt;</i><i>b</i></purposes>", "<errors><i><code>required</code><detail>missing &lt;a&gt;</detail><field>/a</field></i></errors>", "<type>https://x.test/a?b&amp;c</type>", "<status>400</status>"}},
		{"who sent it erred, 1.2", wrong, SOAP12, "POST", 400, []string{"<env:Value>env:Sender</env:Value>", ">lgsp:invalid<", "<purposes><i>&lt;a&gt;</i><i>b</i></purposes>"}},
		{"a credential is asked for, 1.1", Errorf(Unauthorized, "x").Sends("WWW-Authenticate", "Bearer"), SOAP11, "POST", 401, []string{"soap:Client"}},
		{"we erred, 1.1", errors.New("secret"), SOAP11, "POST", 500, []string{"soap:Server", "<code>internal</code>"}},
		{"we erred, 1.2", errors.New("secret"), SOAP12, "POST", 500, []string{"env:Receiver", ">lgsp:internal<"}},
		{"HEAD has no body", wrong, SOAP12, "HEAD", 400, nil},
	} {
		r, w := httptest.NewRequest(tt.method, "/", nil), httptest.NewRecorder()
		WriteFault(w, r, tt.err, Fault{SOAP: tt.soap, Node: "https://api.test/?a&b"})
		body := w.Body.String()
		if w.Code != tt.status || (tt.want == nil) != (body == "") || strings.Contains(body, "secret") {
			t.Errorf("%s: got %d %s", tt.name, w.Code, body)
		}
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", tt.name, want, body)
			}
		}
		if body != "" {
			read(t, body)
		}
		if Of(tt.err).Kind == Unauthorized && w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %v", tt.name, w.Header())
		}
	}
}

// FuzzSOAPOf: whatever stands in the header, SOAP is what says so.
func FuzzSOAPOf(f *testing.F) {
	f.Add("application/soap+xml; charset=utf-8", "", false)
	f.Add("text/xml", "urn:a", true)
	f.Add(`multipart/related; type="application/xop+xml"; start-info="text/xml; x=\"y\""`, "", true)
	f.Fuzz(func(t *testing.T, kind, action string, acts bool) {
		header := http.Header{"Content-Type": {kind}}
		if acts {
			header["Soapaction"] = []string{action}
		}
		got, lower := SOAPOf(header), strings.ToLower(kind)
		if got == SOAP12 && !strings.Contains(lower, "soap+xml") || got == SOAP11 && (!acts || !strings.Contains(lower, "text/xml")) {
			t.Errorf("%q, action %v: got %d", kind, acts, got)
		}
	})
}

// FuzzFault: whatever a problem says, its fault is one XML document, and says it.
func FuzzFault(f *testing.F) {
	f.Add("no-agreement", "a]]></env:Detail><b/> & \x00 \xff", "https://api.test", "vi", 403)
	f.Add("x", "<!DOCTYPE a [<!ENTITY b \"c\">]>&b;", "\"'", "en", 502)
	f.Fuzz(func(t *testing.T, code, text, node, language string, status int) {
		if status < 400 || status > 599 {
			t.Skip()
		}
		r := httptest.NewRequest("POST", "/", nil)
		r.Header["Accept-Language"] = []string{language}
		e := &Error{Kind: Kind(status), Code: code, Detail: text, Extra: map[string]any{"list": []string{text}}}
		for _, version := range []SOAP{SOAP11, SOAP12} {
			w := httptest.NewRecorder()
			WriteFault(w, r, e, Fault{SOAP: version, Node: node})
			got := read(t, w.Body.String()).Body.Fault
			reason, told, by := got.Text, got.Old, got.Actor
			if version == SOAP12 {
				reason, told, by = got.Reason, got.New, got.Node
			}
			if locales()["en"][code].Title != "" || !plain(text+" "+node+" "+code) {
				continue // has words of its own, or cannot be said
			}
			if reason.Text != text || reason.Lang == "" || by != node || told.Code != code || told.Status != status || told.Detail != text {
				t.Errorf("got %+v", got)
			}
		}
	})
}

// plain reports whether XML can say a text, and leaves it as it is.
func plain(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return r < 0x20 || r == 0xfffe || r == 0xffff || r == utf8.RuneError }) < 0
}
