package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/gateway/project"
	"lgsp/internal/problem"
	"lgsp/portal"
)

const maskedSpec = `openapi: 3.0.3
info: { title: Người, x-title-en: People, version: '1' }
paths:
  /nguoi/{so}:
    get:
      operationId: nguoi
      summary: Một người
      parameters: [ { name: so, in: path, required: true, schema: { type: string } } ]
      responses:
        '200':
          description: Một người
          content: { application/json: { schema: { $ref: '#/components/schemas/Nguoi' } }, application/xml: { schema: { $ref: '#/components/schemas/Nguoi' } } }
components:
  schemas:
    Nguoi:
      type: object
      xml: { name: Nguoi, namespace: 'urn:nguoi', prefix: n }
      properties:
        so: { type: string, title: Số định danh, x-title-en: Number, x-lgsp-mask: last-4 }
        hoTen: { type: string, title: Họ tên, x-title-en: Name, x-lgsp-mask: initials }
        ngaySinh: { type: string, format: date, title: Ngày sinh, x-lgsp-mask: year }
        ma: { type: string, xml: { attribute: true } }
        noiBo: { type: string }
        dienThoai: { type: array, title: Điện thoại, xml: { wrapped: true, name: cacSo }, items: { type: string, x-lgsp-mask: last-3, xml: { name: so } } }
`

// TestSensitiveValues: what the owner marks in the document leaves masked, in
// JSON and XML, unless it was asked for and given open; everybody is told so.
func TestSensitiveValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, publisher, steward, developer := t.Context(), w.people["publisher"], w.people["steward"], w.people["developer"]
	behind := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") == "application/xml" {
			out.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(out, `<n:Nguoi xmlns:n="urn:nguoi" ma="1" la="000138000777"><so>000138000777</so><hoTen>Không Là Ai</hoTen><ngaySinh>1990-05-17</ngaySinh><noiBo>giữ lại</noiBo><cacSo><so>0000000777</so></cacSo></n:Nguoi>`)
			return
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, `{"ma":"1","so":"000138000777","hoTen":"Không Là Ai","ngaySinh":"1990-05-17","noiBo":"giữ lại","dienThoai":["0000000777"]}`)
	}))
	t.Cleanup(behind.Close)
	at := strings.TrimPrefix(behind.URL, "http://")
	w.upstreams.allowLoopback([]string{w.id["upstream"], at})
	w.catalog.Loopback = []string{w.id["upstream"], at}
	_, err := w.catalog.ApproveUpstream(ctx, w.people["operator"], w.uuid("so-a"), at)
	w.must(err)
	made, err := w.catalog.CreateVersion(ctx, publisher, w.uuid("hidden api"), "v2", []byte(maskedSpec))
	w.must(err)
	_, err = w.catalog.MarkOperations(ctx, publisher, made.ID, map[string]catalog.Mark{"nguoi": {Access: "open", Classification: "public"}})
	if p := problem.Of(err); p == nil || len(p.Fields) != 1 || p.Fields[0].Code != "open-sensitive" {
		t.Errorf("an operation with sensitive values was opened to all: %v", err)
	}
	_, err = w.catalog.MarkOperations(ctx, publisher, made.ID, map[string]catalog.Mark{"nguoi": {Access: "restricted", Classification: "internal"}})
	w.must(err)
	_, err = w.catalog.SetUpstream(ctx, publisher, made.ID, behind.URL)
	w.must(err)
	_, err = w.catalog.SetPlan(ctx, publisher, made.ID, "free-automatic")
	w.must(err)
	_, err = w.catalog.PublishVersion(ctx, publisher, made.ID)
	w.must(err)
	w.serve()

	wish := w.wish("dich-vu")
	wish.VersionID = made.ID
	wish.Operations = []agreement.Wanted{{Operation: "nguoi", Fields: []string{"/so", "/hoTen", "/ngaySinh", "/ma", "/dienThoai"}, Open: []string{"/hoTen", "/noiBo"}}}
	if _, err := w.agreements.Request(ctx, developer, wish); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "open-not-offered" {
		t.Errorf("what is not sensitive was asked for open: %v", err)
	}
	wish.Operations[0].Open = []string{"/hoTen", "/dienThoai/*"}
	g, err := w.agreements.Request(ctx, developer, wish)
	w.must(err)
	if g.State != agreement.Requested {
		t.Fatalf("a plan gave sensitive values open by itself: %s", g.State)
	}
	s, err := w.agreements.Summary(ctx, g, "en")
	w.must(err)
	if want := []agreement.SummarySensitive{{Title: "Number", Mask: "last-4"}, {Title: "Name"}, {Title: "Ngày sinh", Mask: "year"}, {Title: "Điện thoại"}}; !reflect.DeepEqual(s.Operations[0].Sensitive, want) {
		t.Errorf("told %+v, want %+v", s.Operations[0].Sensitive, want)
	}
	narrower := agreement.Approval{Conditions: &agreement.Conditions{Operations: []agreement.Wanted{{Operation: "nguoi", Fields: wish.Operations[0].Fields, Open: []string{"/so"}}}}}
	if _, err := w.agreements.ApproveWith(ctx, steward, g.ID, narrower); problem.Of(err) == nil || problem.Of(err).Fields[0].Code != "open-not-offered" {
		t.Errorf("a condition gave open what was not asked for so: %v", err)
	}
	narrower.Conditions.Operations[0].Open = []string{"/hoTen"}
	asked := g.Terms()
	g, err = w.agreements.ApproveWith(ctx, steward, g.ID, narrower)
	w.must(err)
	differ, err := w.agreements.Differences(ctx, asked, g.Terms(), "vi")
	if want := []agreement.Difference{{What: "open", Operation: "Một người", Was: "Điện thoại"}}; err != nil || !reflect.DeepEqual(differ, want) {
		t.Errorf("got %+v, %v", differ, err)
	}

	call := func(accept string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, "GET", w.config.GatewayURL+"/so-a/dich-vu-hidden/v2/nguoi/1", nil)
		w.must(err)
		r.Header.Set("X-API-Key", w.key)
		r.Header.Set("Accept", accept)
		res, err := http.DefaultClient.Do(r)
		w.must(err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		w.must(err)
		return string(body)
	}
	const inJSON = `{"ma":"1","so":"******0777","hoTen":"Không Là Ai","ngaySinh":"1990","dienThoai":["******777"]}`
	w.until("in force", func() bool { return call("application/json") == inJSON })
	if got, want := call("application/xml"), `<?xml version="1.0" encoding="UTF-8"?><n:Nguoi xmlns:n="urn:nguoi" ma="1"><so>******0777</so><hoTen>Không Là Ai</hoTen><ngaySinh>1990</ngaySinh><cacSo><so>******777</so></cacSo></n:Nguoi>`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	e, err := w.explainCall(ctx, portal.ImaginedCall{Application: g.ApplicationID, Version: made.ID, Operation: "nguoi", Credential: "api_key"})
	w.must(err)
	masks := []string{"/so last-4", "/ngaySinh year", "/dienThoai/* last-3"}
	if !e.Allowed || !reflect.DeepEqual(e.Masks, masks) {
		t.Errorf("explained %+v", e)
	}
	w.until("recorded", func() bool {
		var payload string
		err := w.db.Pool.QueryRow(ctx, `select payload from ledger.entry where payload::text like '%' || $1 || '%' and payload::text like '%"kind":"exchange"%' limit 1`, g.ID.String()).Scan(&payload)
		var kept struct{ Masks []string }
		return err == nil && json.Unmarshal([]byte(payload), &kept) == nil && reflect.DeepEqual(kept.Masks, masks)
	})
}

// TestXMLOfDocuments: the examples of OpenAPI 3.1, section 4.8.26, from the
// document to the answer.
func TestXMLOfDocuments(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, schema, fields, in, want string }{
		{"no XML object", `{"type":"object","properties":{"animals":{"type":"string"}}}`, "/animals", `<x><animals>a</animals><b>c</b></x>`, `<x><animals>a</animals></x>`},
		{"a list", `{"type":"object","properties":{"animals":{"type":"array","items":{"type":"string"}}}}`, "/animals", `<x><animals>a</animals><animals>b</animals></x>`, `<x><animals>a</animals><animals>b</animals></x>`},
		{"a name", `{"type":"object","properties":{"animals":{"type":"string","xml":{"name":"animal"}}}}`, "/animals", `<x><animals>a</animals><animal>b</animal></x>`, `<x><animal>b</animal></x>`},
		{"an attribute, a prefix and a namespace", `{"type":"object","properties":{"id":{"type":"integer","xml":{"attribute":true}},"name":{"type":"string","xml":{"namespace":"https://example.com/schema/sample","prefix":"sample"}}}}`, "/id /name",
			`<Person id="123"><sample:name xmlns:sample="https://example.com/schema/sample">example</sample:name></Person>`, `<Person id="123"><sample:name xmlns:sample="https://example.com/schema/sample">example</sample:name></Person>`},
		{"names of elements", `{"type":"object","properties":{"animals":{"type":"array","items":{"type":"string","xml":{"name":"animal"}},"xml":{"name":"aliens"}}}}`, "/animals", `<x><animal>a</animal><animal>b</animal><aliens>c</aliens></x>`, `<x><animal>a</animal><animal>b</animal></x>`},
		{"wrapped", `{"type":"object","properties":{"animals":{"type":"array","items":{"type":"string"},"xml":{"wrapped":true}}}}`, "/animals", `<x><animals><animals>a</animals><b>c</b></animals></x>`, `<x><animals><animals>a</animals></animals></x>`},
		{"wrapped, both named", `{"type":"object","properties":{"animals":{"type":"array","items":{"type":"string","xml":{"name":"animal"}},"xml":{"name":"aliens","wrapped":true}}}}`, "/animals", `<x><aliens><animal>a</animal></aliens></x>`, `<x><aliens><animal>a</animal></aliens></x>`},
		{"wrapped, the wrapper named", `{"type":"object","properties":{"animals":{"type":"array","items":{"type":"string"},"xml":{"name":"aliens","wrapped":true}}}}`, "/animals", `<x><aliens><aliens>a</aliens></aliens></x>`, `<x><aliens><aliens>a</aliens></aliens></x>`},
		{"any of two", `{"oneOf":[{"type":"object","properties":{"a":{"type":"string"}}},{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}]}`, "/a", `<x><a>1<b>2</b><c>3</c></a></x>`, `<x><a>1<b>2</b></a></x>`},
		{"nothing described", `{"type":"object","properties":{"a":{"type":"object"}}}`, "/a", `<x><a><b c="1">2</b></a></x>`, `<x><a><b c="1">2</b></a></x>`},
		{"a list as the whole", `{"type":"array","xml":{"name":"ds"},"items":{"type":"object","xml":{"name":"d"},"properties":{"a":{"type":"string"},"b":{"type":"string"}}}}`, "/*/a", `<ds><d><a>1</a><b>2</b></d><e><a>3</a></e></ds>`, `<ds><d><a>1</a></d></ds>`},
		{"an envelope", `{"type":"object","xml":{"name":"Envelope","namespace":"http://schemas.xmlsoap.org/soap/envelope/"},"properties":{"Body":{"type":"object","xml":{"namespace":"http://schemas.xmlsoap.org/soap/envelope/"},"properties":{"TraLoi":{"type":"object","xml":{"namespace":"urn:tra-loi"},"properties":{"ma":{"type":"string"},"so":{"type":"string"}}}}}}}`, "/Body/TraLoi/ma",
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><so>1</so></s:Header><s:Body><TraLoi xmlns="urn:tra-loi"><ma>1</ma><so>2</so></TraLoi></s:Body></s:Envelope>`,
			`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><TraLoi xmlns="urn:tra-loi"><ma>1</ma></TraLoi></s:Body></s:Envelope>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := spec.Read([]byte(`{"openapi":"3.1.0","info":{"title":"T","version":"1"},"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"A","content":{"application/soap+xml":{"schema":` + tt.schema + `}}}}}}}}`))
			if err != nil {
				t.Fatal(err)
			}
			x, err := xmlOf(doc.Operations[0].XML).Compile()
			if err != nil {
				t.Fatal(err)
			}
			f, err := project.Compile(strings.Fields(tt.fields))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.ApplyXML([]byte(tt.in), x); err != nil || string(got) != `<?xml version="1.0" encoding="UTF-8"?>`+tt.want {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
		})
	}
}
