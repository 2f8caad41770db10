package gateway

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

const (
	soap11 = "http://schemas.xmlsoap.org/soap/envelope/"
	soap12 = "http://www.w3.org/2003/05/soap-envelope"
	ask11  = `<?xml version="1.0"?><s:Envelope xmlns:s="` + soap11 + `"><s:Header/><s:Body><TraCuu xmlns="urn:ho-so"><so>0123</so></TraCuu></s:Body></s:Envelope>`
	ask12  = `<?xml version="1.0"?><s:Envelope xmlns:s="` + soap12 + `"><s:Body><TraCuu xmlns="urn:ho-so"><so>0123</so></TraCuu></s:Body></s:Envelope>`
)

// fault is a fault as a SOAP client reads it.
type fault struct {
	XMLName xml.Name
	Body    struct {
		Fault11 struct {
			Code   string                 `xml:"faultcode"` // unqualified, as all in it
			Reason reason                 `xml:"faultstring"`
			Actor  string                 `xml:"faultactor"`
			Detail struct{ Problem told } `xml:"detail"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
		Fault12 struct {
			Code    string                 `xml:"http://www.w3.org/2003/05/soap-envelope Code>Value"`
			Subcode string                 `xml:"http://www.w3.org/2003/05/soap-envelope Code>Subcode>Value"`
			Reason  reason                 `xml:"http://www.w3.org/2003/05/soap-envelope Reason>Text"`
			Node    string                 `xml:"http://www.w3.org/2003/05/soap-envelope Node"`
			Detail  struct{ Problem told } `xml:"http://www.w3.org/2003/05/soap-envelope Detail"`
		} `xml:"http://www.w3.org/2003/05/soap-envelope Fault"`
	}
}

type reason struct {
	Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
	Text string `xml:",chardata"`
}

type told struct {
	XMLName xml.Name `xml:"urn:ietf:rfc:7807 problem"`
	Code    string   `xml:"code"`
	Status  int      `xml:"status"`
	Request string   `xml:"request_id"`
	Trace   string   `xml:"trace_id"`
	Docs    string   `xml:"docs"`
}

// TestSOAPFaults: a SOAP caller is refused by a fault of its version in its
// language; the record has the status that the problem has.
func TestSOAPFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) {
		g.Operations = append(g.Operations, GrantedOperation{Operation: "gui", Fields: []string{"/a"}})
	})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/xml")
		rw.WriteHeader(http.StatusInternalServerError)
	})
	for i, tt := range []struct {
		name, target, key, code string
		soap, status, wire      int // wire: of SOAP 1.1
		reached                 int
	}{
		{"no credential", "/ho-so", "", "no-credential", 11, 401, 401, 0},
		{"no credential", "/ho-so", "", "no-credential", 12, 401, 401, 0},
		{"not agreed", "/ho-so?fields=%3C%2Ffaultstring%3E%01%26", w.key, "field-not-agreed", 11, 403, 500, 0},
		{"not agreed", "/ho-so?fields=%3C%2Ffaultstring%3E%01%26", w.key, "field-not-agreed", 12, 403, 500, 0},
		{"nothing there", "/nothing", "", "no-such-operation", 11, 404, 500, 0},
		{"nothing there", "/nothing", "", "no-such-operation", 12, 404, 500, 0},
		{"the system behind refused", "/ho-so", w.key, "upstream-refused", 11, 502, 500, 1},
		{"the system behind refused", "/ho-so", w.key, "upstream-refused", 12, 502, 500, 1},
	} {
		for j, language := range []string{"vi", "en", ""} {
			t.Run(fmt.Sprintf("%s, SOAP %d, %s", tt.name, tt.soap, language), func(t *testing.T) {
				trace, before := fmt.Sprintf("%032x", 0x50a0+i*3+j), w.reachedCount()
				headers := []string{"Traceparent", traceparent(trace), "X-Request-Id", "r-1"}
				kind, body, mediaType, wire := "application/soap+xml; charset=utf-8; action=\"urn:tra-cuu\"", ask12, "application/soap+xml; charset=utf-8", tt.status
				if tt.soap == 11 {
					kind, body, mediaType, wire = "text/xml; charset=utf-8", ask11, "text/xml; charset=utf-8", tt.wire
					headers = append(headers, "SOAPAction", `"urn:tra-cuu"`)
				}
				headers = append(headers, "Content-Type", kind)
				if tt.key != "" {
					headers = append(headers, "X-API-Key", tt.key)
				}
				if language != "" {
					headers = append(headers, "Accept-Language", language)
				}
				got := w.send(w.server, "POST", tt.target, body, headers...)
				if got.status != wire || got.header.Get("Content-Type") != mediaType || got.header.Get("Content-Language") != language {
					t.Fatalf("got %d %v %s", got.status, got.header, got.body)
				}
				if w.reachedCount()-before != tt.reached {
					t.Errorf("the upstream was asked %d times", w.reachedCount()-before)
				}
				w.readFault(t, got.body, tt.soap, wantFault{tt.code, tt.status, or(language, "en"), language != "", trace, tt.target == "/nothing"})
				if challenged := strings.Contains(strings.Join(got.header.Values("WWW-Authenticate"), ""), "resource_metadata="); challenged != (tt.status == 401) {
					t.Errorf("challenged %v: %v", challenged, got.header)
				}
				if e := w.recorded(trace); e.Status != tt.status || e.Code != tt.code || e.BytesOut != int64(len(got.body)) || !e.Complete {
					t.Errorf("recorded %+v", e)
				}
			})
		}
	}
	t.Run("others are told in JSON", func(t *testing.T) {
		for _, headers := range [][]string{nil, {"Content-Type", "text/xml"}, {"SOAPAction", `""`}, {"Content-Type", "application/json", "SOAPAction", `""`}} {
			if got := w.send(w.server, "POST", "/ho-so", ask11, headers...); got.status != 401 || got.code != "no-credential" {
				t.Errorf("%v: got %d %v", headers, got.status, got.header)
			}
		}
	})
	t.Run("what the system behind answers is its own", func(t *testing.T) {
		w.put(func(g *Grant) { g.Operations[len(g.Operations)-1].Fields = []string{""} })
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/xml")
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(rw, "<its-own/>")
		})
		got := w.send(w.server, "POST", "/ho-so", ask11, "Content-Type", "text/xml", "SOAPAction", `""`, "X-API-Key", w.key)
		if got.status != 500 || got.body != "<its-own/>" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	})
}

type wantFault struct {
	code     string
	status   int
	language string
	asked    bool // for the language
	trace    string
	unknown  bool // no version was found
}

func (w *world) readFault(t *testing.T, text string, soap int, want wantFault) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var f fault
	if err := d.Decode(&f); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	space, code, why, node, p := soap11, f.Body.Fault11.Code, f.Body.Fault11.Reason, f.Body.Fault11.Actor, f.Body.Fault11.Detail.Problem
	sender, receiver := "soap:Client", "soap:Server"
	if soap == 12 {
		space, code, why, node, p = soap12, f.Body.Fault12.Code, f.Body.Fault12.Reason, f.Body.Fault12.Node, f.Body.Fault12.Detail.Problem
		sender, receiver = "env:Sender", "env:Receiver"
		if f.Body.Fault12.Subcode != "lgsp:"+want.code {
			t.Errorf("subcode %s", f.Body.Fault12.Subcode)
		}
	}
	wantCode := sender
	if want.status >= 500 {
		wantCode = receiver
	}
	if f.XMLName != (xml.Name{Space: space, Local: "Envelope"}) || code != wantCode || node != w.node.GatewayURL {
		t.Errorf("got %v, code %s, node %s", f.XMLName, code, node)
	}
	words := &problem.Error{Code: want.code, Args: map[string]string{"parameter": "fields", "field": "</faultstring>\ufffd&", "status": "500"}}
	if _, detail := words.Words(want.language); why.Lang != want.language || why.Text != detail && want.asked || why.Text == "" {
		t.Errorf("told %+v, want %s", why, detail)
	}
	docs := portalURL + "/apis/so-noi-vu/ho-so/v1"
	if want.unknown {
		docs = portalURL + "/apis"
	}
	if !want.unknown && strings.HasPrefix(p.Docs, docs+"/") && strings.HasSuffix(p.Docs, "#refusal-"+want.code) {
		p.Docs = docs
	}
	p.XMLName = xml.Name{}
	if p != (told{Code: want.code, Status: want.status, Request: "r-1", Trace: want.trace, Docs: docs}) {
		t.Errorf("detail %+v", p)
	}
}
