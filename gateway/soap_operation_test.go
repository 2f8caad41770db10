package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// soapMessage is a SOAP 1.1 message with header and body.
func soapMessage(header, body string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="` + soap11 + `" xmlns:h="urn:h"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// offersSOAP gives the world's version operations of a SOAP service.
func (w *world) offersSOAP() {
	w.t.Helper()
	w.route.Operations = append(w.route.Operations,
		Operation{ID: "soap-hoi", Method: "POST", Path: "/Hoi", Access: Restricted, SOAP: &SOAP{Action: "urn:hoi", Namespace: "urn:h", Element: "Hoi"}},
		Operation{ID: "soap-khac", Method: "POST", Path: "/Khac", Access: Restricted, SOAP: &SOAP{Action: "urn:khac", Namespace: "urn:h", Element: "Khac"}},
		Operation{ID: "soap-lang", Method: "POST", Path: "/Lang", Access: Restricted, SOAP: &SOAP{Namespace: "urn:h", Element: "Lang"}},
		Operation{ID: "soap-nguoi", Method: "POST", Path: "/Nguoi", Access: Personal, SubjectIn: "body", SubjectName: "/Body/Nguoi/so", SOAP: &SOAP{Action: "urn:nguoi", Namespace: "urn:h", Element: "Nguoi"}},
	)
	w.exposed(func(v *version) bool { return v.byID["soap-nguoi"] != nil })
	w.put(func(g *Grant) {
		for _, id := range []string{"soap-hoi", "soap-lang", "soap-nguoi"} {
			g.Operations = append(g.Operations, GrantedOperation{Operation: id, Fields: []string{""}})
		}
	})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = io.WriteString(rw, soapMessage("", "<h:HoiResponse/>"))
	})
}

// TestSOAPOperations: each message reaches the service's one address, and only
// as the operation that the agreement is for.
func TestSOAPOperations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offersSOAP()
	ask, other, person := soapMessage("", "<h:Hoi/>"), soapMessage("", "<h:Khac/>"), soapMessage("", "<h:Nguoi><h:so>0123</h:so></h:Nguoi>")
	addressed := func(action string) string {
		return `<a:Action xmlns:a="http://www.w3.org/2005/08/addressing">` + action + `</a:Action>`
	}
	for i, tt := range []struct {
		name, target, action, body string
		headers                    []string // in place of text/xml
		code, operation            string   // "": it is answered
		reached                    string   // SOAPAction that the system got
	}{
		{name: "at its own path", target: "/Hoi", action: `"urn:hoi"`, body: ask, operation: "soap-hoi", reached: `"urn:hoi"`},
		{name: "without quotes", target: "/Hoi", action: `urn:hoi`, body: ask, operation: "soap-hoi", reached: `"urn:hoi"`},
		{name: "without an action", target: "/Hoi", action: `""`, body: ask, operation: "soap-hoi", reached: `"urn:hoi"`},
		{name: "at the one address", target: "/", action: `"urn:hoi"`, body: ask, operation: "soap-hoi", reached: `"urn:hoi"`},
		{name: "at the one address, without an action", target: "/", action: `""`, body: soapMessage("", "<h:Lang/>"), operation: "soap-lang", reached: `""`},
		{name: "addressed", target: "/", action: `"urn:hoi"`, body: soapMessage(addressed("urn:hoi"), "<h:Hoi/>"), operation: "soap-hoi", reached: `"urn:hoi"`},
		{name: "SOAP 1.2", target: "/", headers: []string{"Content-Type", `application/soap+xml; charset=utf-8; action="urn:hoi"`}, body: strings.Replace(ask, soap11, soap12, 1), operation: "soap-hoi"},
		{name: "a person's", target: "/", headers: []string{"Content-Type", "text/xml", "SOAPAction", `"urn:nguoi"`, "Authorization", "Bearer " + w.token("soap")}, body: person, operation: "soap-nguoi", reached: `"urn:nguoi"`},

		{name: "not agreed, at the one address", target: "/", action: `"urn:khac"`, body: other, code: "operation-not-agreed", operation: "soap-khac"},
		{name: "another's element, at an agreed path", target: "/Hoi", action: `"urn:hoi"`, body: other, code: "soap-other-operation", operation: "soap-hoi"},
		{name: "another's action", target: "/Hoi", action: `"urn:khac"`, body: ask, code: "soap-other-operation", operation: "soap-hoi"},
		{name: "another's action, at the one address", target: "/", action: `"urn:khac"`, body: ask, code: "soap-other-operation", operation: "soap-hoi"},
		{name: "two actions", target: "/Hoi", headers: []string{"Content-Type", "text/xml", "SOAPAction", `"urn:hoi"`, "SOAPAction", `"urn:khac"`}, body: ask, code: "soap-other-operation", operation: "soap-hoi"},
		{name: "another's action where none is named", target: "/Lang", action: `"urn:khac"`, body: soapMessage("", "<h:Lang/>"), code: "soap-other-operation", operation: "soap-lang"},
		{name: "addressed to another", target: "/Hoi", action: `"urn:hoi"`, body: soapMessage(addressed("urn:khac"), "<h:Hoi/>"), code: "soap-other-operation", operation: "soap-hoi"},
		{name: "another's action in SOAP 1.2", target: "/Hoi", headers: []string{"Content-Type", `application/soap+xml; action="urn:khac"`}, body: strings.Replace(ask, soap11, soap12, 1), code: "soap-other-operation", operation: "soap-hoi"},
		{name: "the element of another namespace", target: "/Hoi", action: `"urn:hoi"`, body: soapMessage("", `<Hoi xmlns="urn:x"/>`), code: "soap-other-operation", operation: "soap-hoi"},
		{name: "two elements", target: "/Hoi", action: `"urn:hoi"`, body: soapMessage("", "<h:Hoi/><h:Khac/>"), code: "soap-not-read", operation: "soap-hoi"},
		{name: "two elements, at the one address", target: "/", action: `"urn:hoi"`, body: soapMessage("", "<h:Hoi/><h:Khac/>"), code: "soap-not-read", operation: "soap-hoi"},
		{name: "a document type", target: "/", action: `"urn:hoi"`, body: strings.Replace(ask, "<s:Env", "<!DOCTYPE a><s:Env", 1), code: "soap-not-read"},
		{name: "the envelope of the other version", target: "/Hoi", action: `"urn:hoi"`, body: strings.Replace(ask, soap11, soap12, 1), code: "soap-not-read", operation: "soap-hoi"},
		{name: "of nobody", target: "/", action: `"urn:x"`, body: soapMessage("", "<h:KhongCo/>"), code: "soap-no-operation"},
		{name: "with a query", target: "/Hoi?op=Khac", action: `"urn:hoi"`, body: ask, code: "soap-query", operation: "soap-hoi"},
		{name: "with attachments", target: "/Hoi", headers: []string{"Content-Type", `multipart/related; type="text/xml"; boundary=b`, "SOAPAction", `"urn:hoi"`}, body: ask, code: "content-type-not-taken", operation: "soap-hoi"},
		{name: "in another alphabet", target: "/Hoi", headers: []string{"Content-Type", `text/xml; charset=utf-16`, "SOAPAction", `"urn:hoi"`}, body: ask, code: "content-type-not-taken", operation: "soap-hoi"},
		{name: "compressed", target: "/Hoi", headers: []string{"Content-Type", `text/xml`, "SOAPAction", `"urn:hoi"`, "Content-Encoding", "gzip"}, body: ask, code: "content-encoding-not-taken", operation: "soap-hoi"},
		{name: "compressed, at the one address", target: "/", headers: []string{"Content-Type", `text/xml`, "SOAPAction", `"urn:hoi"`, "Content-Encoding", "gzip"}, body: ask, code: "content-encoding-not-taken"},
		{name: "a person's by a key", target: "/", action: `"urn:nguoi"`, body: person, code: "key-for-personal-data", operation: "soap-nguoi"},
		{name: "a person's with two numbers", target: "/Nguoi", headers: []string{"Content-Type", "text/xml", "SOAPAction", `""`, "Authorization", "Bearer " + w.token("soap")},
			body: soapMessage("", "<h:Nguoi><h:so>0123</h:so><so>4567</so></h:Nguoi>"), code: "subject-twice", operation: "soap-nguoi"},
		{name: "a person's without a number", target: "/Nguoi", headers: []string{"Content-Type", "text/xml", "SOAPAction", `""`, "Authorization", "Bearer " + w.token("soap")},
			body: soapMessage("", "<h:Nguoi/>"), code: "subject-missing", operation: "soap-nguoi"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			trace, before := fmt.Sprintf("%032x", 0x50b00+i), w.reachedCount()
			headers := append([]string{"Traceparent", traceparent(trace)}, tt.headers...)
			if tt.headers == nil {
				headers = append(headers, "Content-Type", "text/xml; charset=utf-8", "SOAPAction", tt.action)
			}
			if !strings.Contains(strings.Join(headers, " "), "Bearer") {
				headers = append(headers, "X-API-Key", w.key)
			}
			got := w.send(w.server, "POST", tt.target, tt.body, headers...)
			e := w.recorded(trace)
			if e.Code != tt.code || e.Operation != tt.operation {
				t.Fatalf("got %s at %s, answered %d %s", e.Code, e.Operation, got.status, got.body)
			}
			if tt.code != "" {
				if w.reachedCount() != before {
					t.Error("the system was asked")
				}
				return
			}
			r, body := w.last()
			if got.status != 200 || r.URL.Path != "/goc" || body != tt.body || strings.Join(r.Header.Values("SOAPAction"), ",") != tt.reached {
				t.Errorf("got %d; the system got %s %q %s", got.status, r.URL, r.Header.Values("SOAPAction"), body)
			}
			if tt.operation == "soap-nguoi" && e.Subject != SubjectHash(w.node.SubjectKey, "0123") {
				t.Errorf("recorded subject %q", e.Subject)
			}
		})
	}
}

// TestSOAPBroken: a message that breaks off before it is known what it asks
// for is told so.
func TestSOAPBroken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.offersSOAP()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "POST %s/ HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<a", w.route.Prefix())
	_ = c.(*net.TCPConn).CloseWrite()
	if answer, _ := io.ReadAll(c); !strings.Contains(string(answer), `"code":"body-broken"`) {
		t.Errorf("got %s", answer)
	}
}
