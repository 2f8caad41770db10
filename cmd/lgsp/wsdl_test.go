package main

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"lgsp/agreement"
	"lgsp/catalog"
)

const (
	soapEnvelope = "http://schemas.xmlsoap.org/soap/envelope/"
	soapService  = "urn:lgsp:ho-so"
)

// soapAsked is a message to the SOAP service, as its system reads it.
type soapAsked struct {
	XMLName xml.Name
	Body    struct {
		TraCuu *struct {
			SoDinhDanh string `xml:"urn:lgsp:ho-so soDinhDanh"`
		} `xml:"urn:lgsp:ho-so TraCuu"`
	}
}

// soapSystem is an agency's system that speaks SOAP 1.1 and 1.2 at one address:
// it reads the message, and answers in its version, with all that it knows. Of
// a person who ends in 9 it knows nothing, and says so by a fault.
func (w *world) soapSystem(asked *atomic.Int64) string {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		text, err := io.ReadAll(r.Body)
		var message soapAsked
		if err == nil {
			err = xml.Unmarshal(text, &message)
		}
		if err != nil || r.URL.Path != "/HoSo.asmx" || message.Body.TraCuu == nil {
			http.Error(out, "no message of this service", http.StatusBadRequest)
			return
		}
		version := message.XMLName.Space
		kind := "application/soap+xml; charset=utf-8"
		if version == soapEnvelope {
			kind = "text/xml; charset=utf-8"
			if r.Header.Get("SOAPAction") != `"urn:lgsp:ho-so/TraCuu"` {
				http.Error(out, "no action of this service", http.StatusInternalServerError)
				return
			}
		}
		out.Header().Set("Content-Type", kind)
		if strings.HasSuffix(message.Body.TraCuu.SoDinhDanh, "9") {
			out.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(out, `<s:Envelope xmlns:s="`+version+`"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>BIMAT</faultstring></s:Fault></s:Body></s:Envelope>`)
			return
		}
		file := func(number, phone string) string {
			return `<h:hoSo ma="7"><h:ma>` + number + `</h:ma><h:trangThai>DA_TRA</h:trangThai><h:ngayNhan>2026-03-02</h:ngayNhan>` +
				`<h:donVi ma="BIMAT"><ten>BIMAT</ten></h:donVi><h:dienThoai>` + phone + `</h:dienThoai><h:phi loaiTien="VND">BIMAT</h:phi></h:hoSo>`
		}
		_, _ = io.WriteString(out, `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="`+version+`" xmlns:h="`+soapService+`"><s:Header><h:Phien><h:don>BIMAT</h:don></h:Phien></s:Header><s:Body><h:TraCuuResponse>`+
			file("H1", "BIMAT")+file("H2", "BIMAT")+`<h:tong>2</h:tong></h:TraCuuResponse></s:Body></s:Envelope>`)
	}))
	w.t.Cleanup(s.Close)
	at := strings.TrimPrefix(s.URL, "http://")
	w.upstreams.allowLoopback([]string{w.id["upstream"], at})
	w.catalog.Loopback = []string{w.id["upstream"], at}
	_, err := w.catalog.ApproveUpstream(w.t.Context(), w.people["operator"], w.uuid("so-a"), at)
	w.must(err)
	return s.URL + "/HoSo.asmx"
}

// offerSOAP publishes the service of a WSDL, and agrees on some fields of one
// of its operations.
func (w *world) offerSOAP(system string, fields ...string) {
	w.t.Helper()
	ctx, publisher := w.t.Context(), w.people["publisher"]
	text, err := os.ReadFile("../../catalog/spec/testdata/ho-so.wsdl")
	w.must(err)
	api, err := w.catalog.CreateAPI(ctx, publisher, catalog.NewAPI{AgencyID: w.uuid("so-a"), Slug: "ho-so-soap", APIText: catalog.APIText{TitleVI: "Hồ sơ SOAP"}})
	w.must(err)
	v, err := w.catalog.CreateVersion(ctx, publisher, api.ID, "v1", text)
	w.must(err)
	operations, err := w.catalog.Operations(ctx, publisher, v.ID)
	w.must(err)
	marks := map[string]catalog.Mark{}
	for _, o := range operations {
		marks[o.Slug] = o.Suggest()
	}
	_, err = w.catalog.MarkOperations(ctx, publisher, v.ID, marks)
	w.must(err)
	_, err = w.catalog.SetUpstream(ctx, publisher, v.ID, system)
	w.must(err)
	_, err = w.catalog.SetPlan(ctx, publisher, v.ID, "standard-approval")
	w.must(err)
	_, err = w.catalog.PublishVersion(ctx, publisher, v.ID)
	w.must(err)
	wish := w.wish("thu-tuc")
	wish.VersionID, wish.Operations = v.ID, []agreement.Wanted{{Operation: "tra-cuu", Fields: fields}}
	g, err := w.agreements.Request(ctx, w.people["developer"], wish)
	w.must(err)
	_, err = w.agreements.Approve(ctx, w.people["steward"], g.ID, "")
	w.must(err)
}

// soapAnswer is what a SOAP client takes of an answer, either version.
type soapAnswer struct {
	XMLName xml.Name
	Body    struct {
		Found *struct {
			Files []struct {
				Number string `xml:"urn:lgsp:ho-so ma"`
				State  string `xml:"urn:lgsp:ho-so trangThai"`
			} `xml:"urn:lgsp:ho-so hoSo"`
			Count int `xml:"urn:lgsp:ho-so tong"`
		} `xml:"urn:lgsp:ho-so TraCuuResponse"`
		Fault *struct {
			Inner string `xml:",innerxml"`
		} `xml:"Fault"`
	}
}

// TestSOAPServiceUnderAgreedFields: of a service that was made of a WSDL the
// agreed fields leave and no other, in both versions of SOAP; what is refused
// is a fault, and does not reach the system.
func TestSOAPServiceUnderAgreedFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int64
	w.offerSOAP(w.soapSystem(&asked), "/Body/TraCuuResponse/hoSo/*/ma", "/Body/TraCuuResponse/hoSo/*/trangThai", "/Body/TraCuuResponse/tong")
	w.serve()
	address := w.config.GatewayURL + "/so-a/ho-so-soap/v1"
	_, _, described := w.gets(w.config.PortalURL + "/apis/so-a/ho-so-soap/v1/service.wsdl")
	if !strings.Contains(described, `location="`+address+`/"`) || strings.Contains(described, "ho-so.example.vn") {
		t.Fatalf("the WSDL leads elsewhere: %.300s", described)
	}
	token, soap12 := "Bearer "+w.tokenFor(address), "http://www.w3.org/2003/05/soap-envelope"
	send := func(path, version, action, body string, header ...string) (*http.Response, string) {
		text := `<s:Envelope xmlns:s="` + version + `" xmlns:h="` + soapService + `"><s:Body>` + body + `</s:Body></s:Envelope>`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+path, strings.NewReader(text))
		w.must(err)
		if r.Header.Set("Content-Type", "application/soap+xml; charset=utf-8"); version == soapEnvelope {
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			r.Header.Set("SOAPAction", `"`+action+`"`)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		w.must(err)
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		w.must(err)
		return answer, string(said)
	}
	const action = soapService + "/TraCuu"
	of := func(number string) string { return "<h:TraCuu><h:soDinhDanh>" + number + "</h:soDinhDanh></h:TraCuu>" }
	submit := "<h:NopHoSo><h:ma>1</h:ma><h:dienThoai>0912</h:dienThoai></h:NopHoSo>"
	w.until("the agreement is in force", func() bool {
		answer, _ := send("/TraCuu", soapEnvelope, action, of("000085012345"), "Authorization", token)
		return answer.StatusCode == http.StatusOK
	})
	for _, tt := range []struct {
		name, path, version, action, body string
		header                            []string
		status                            int
		code                              string // of the fault, "": it is answered
		reaches                           bool
	}{
		{"SOAP 1.1", "/TraCuu", soapEnvelope, action, of("000085012345"), []string{"Authorization", token}, 200, "", true},
		{"SOAP 1.2", "/TraCuu", soap12, "", of("000085012345"), []string{"Authorization", token}, 200, "", true},
		{"at the one address of the WSDL", "/", soapEnvelope, action, of("000085012345"), []string{"Authorization", token}, 200, "", true},
		{"not agreed", "/", soapEnvelope, soapService + "/NopHoSo", submit, []string{"Authorization", token}, 500, "operation-not-agreed", false},
		{"not agreed, in SOAP 1.2", "/NopHoSo", soap12, "", submit, []string{"Authorization", token}, 403, "operation-not-agreed", false},
		{"another operation's message", "/TraCuu", soapEnvelope, action, submit, []string{"Authorization", token}, 500, "soap-other-operation", false},
		{"nobody", "/", soapEnvelope, action, of("000085012345"), nil, 401, "no-credential", false},
		{"a key", "/", soap12, "", of("000085012345"), []string{"X-API-Key", w.key}, 401, "key-for-personal-data", false},
		{"no person", "/", soapEnvelope, action, "<h:TraCuu/>", []string{"Authorization", token}, 500, "subject-missing", false},
		{"the system's own fault", "/", soapEnvelope, action, of("000085012349"), []string{"Authorization", token}, 500, "upstream-refused", true},
	} {
		before := asked.Load()
		answer, text := send(tt.path, tt.version, tt.action, tt.body, tt.header...)
		var said soapAnswer
		if err := xml.Unmarshal([]byte(text), &said); err != nil || said.XMLName.Space != tt.version || said.XMLName.Local != "Envelope" {
			t.Errorf("%s: no envelope of the caller's version: %v %s", tt.name, err, text)
			continue
		}
		if kind := answer.Header.Get("Content-Type"); answer.StatusCode != tt.status || strings.HasPrefix(kind, "text/xml") != (tt.version == soapEnvelope) {
			t.Errorf("%s: %d %s %s", tt.name, answer.StatusCode, kind, text)
		}
		if reached := asked.Load() > before; reached != tt.reaches {
			t.Errorf("%s: reached the system: %t", tt.name, reached)
		}
		for _, hidden := range []string{"BIMAT", "2026-03-02", `ma="7"`, "Phien"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s: %s left: %s", tt.name, hidden, text)
			}
		}
		if tt.code != "" {
			if said.Body.Found != nil || said.Body.Fault == nil || !strings.Contains(said.Body.Fault.Inner, ">"+tt.code+"<") {
				t.Errorf("%s: no fault with %s: %s", tt.name, tt.code, text)
			}
			continue
		}
		found := said.Body.Found
		if said.Body.Fault != nil || found == nil || found.Count != 2 || len(found.Files) != 2 || found.Files[1].Number != "H2" || found.Files[0].State != "DA_TRA" {
			t.Errorf("%s: the agreed fields are not there: %s", tt.name, text)
		}
	}
}
