package catalog

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/internal/problem"
)

func TestCreateVersion(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v := w.draft(t, procedures(t))
	if v.State != Draft || v.Number != "v1" || v.APISlug != "thu-tuc" || v.Prefix() != "/"+w.agency.Slug+"/thu-tuc/v1" || v.PublishedAt != nil {
		t.Errorf("got %+v", v)
	}
	ops, err := w.Operations(ctx, w.publisher, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(ops) != 2 || ops[1].Slug != "lay-thu-tuc" || ops[1].Doc.SummaryEN != "Get one procedure" || ops[1].Access != "" || len(ops[0].Doc.Fields) != 8 {
		t.Errorf("operations: got %+v", ops)
	}
	text, err := w.SpecText(ctx, w.publisher, v.ID)
	if err != nil || !bytes.Equal(text, procedures(t)) {
		t.Errorf("the text changed: %v", err)
	}
	served, err := w.SpecJSON(ctx, w.publisher, v.ID, "https://cong.example.vn")
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		OpenAPI string
		Servers []struct{ URL string }
	}
	if err := json.Unmarshal(served, &got); err != nil || got.OpenAPI != "3.1.0" || len(got.Servers) != 1 || got.Servers[0].URL != "https://cong.example.vn"+v.Prefix() {
		t.Errorf("served: got %+v, %v", got, err)
	}
}

func TestCreateVersionRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, number, text string
		who                string
		kind               problem.Kind
		fields             []string
	}{
		{name: "no number", text: "x", kind: problem.Invalid, fields: []string{"number:number-invalid"}},
		{name: "1.0 is no number", number: "1.0", kind: problem.Invalid, fields: []string{"number:number-invalid"}},
		{name: "number taken", number: "v1", kind: problem.Conflict, fields: []string{"number:number-taken"}},
		{name: "no document", number: "v2", text: "- x", kind: problem.Invalid, fields: []string{"spec:spec-not-openapi"}},
		{name: "10 MB", number: "v2", text: strings.Repeat("#", spec.MaxBytes+1), kind: problem.TooLarge, fields: []string{"spec:spec-too-large"}},
		{name: "a stranger", number: "v2", who: "stranger", kind: problem.NotFound},
		{name: "API unknown", number: "v2", who: "elsewhere", kind: problem.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			v := w.draft(t, procedures(t))
			who, api, text := w.publisher, v.APIID, procedures(t)
			if tt.text != "" {
				text = []byte(tt.text)
			}
			if tt.who == "stranger" {
				who = w.stranger
			} else if tt.who == "elsewhere" {
				api = uuid.Max
			}
			_, err := w.CreateVersion(t.Context(), who, api, tt.number, text)
			refused(t, err, tt.kind, tt.fields...)
		})
	}
}

func TestReplaceSpec(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v := w.readyVersion(t)
	changed := bytes.ReplaceAll(procedures(t), []byte("operationId: danhSachThuTuc"), []byte("operationId: timThuTuc"))
	changed = bytes.ReplaceAll(changed, []byte("/thu-tuc/{maTTHC}"), []byte("/thu-tuc/ma/{maTTHC}"))
	if _, err := w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: changed}); err != nil {
		t.Fatal(err)
	}
	ops, err := w.Operations(ctx, w.publisher, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(ops) != 2 || ops[0].Slug != "tim-thu-tuc" || ops[0].Access != Open || ops[1].Path != "/thu-tuc/ma/{maTTHC}" || ops[1].Access != "" {
		t.Errorf("marks did not stay with the address: %+v", ops)
	}
	_, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: []byte("x")})
	refused(t, err, problem.Invalid, "spec:spec-not-openapi")
	_, err = w.ReplaceSpec(ctx, w.stranger, v.ID, Save{Text: procedures(t)})
	refused(t, err, problem.NotFound)
	_, err = w.ReplaceSpec(ctx, auth.Principal{}, v.ID, Save{Text: procedures(t)})
	refused(t, err, problem.Forbidden)
	if _, err := w.MarkOperations(ctx, w.publisher, v.ID, map[string]Mark{ops[1].Slug: marks["lay-thu-tuc"]}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PublishVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: procedures(t)})
	refused(t, err, problem.Conflict)
}

func TestInspectSpec(t *testing.T) {
	t.Parallel()
	c := &Catalog{}
	official := auth.Principal{Memberships: []auth.Membership{{Role: "publisher"}}}
	doc, err := c.InspectSpec(t.Context(), official, procedures(t))
	if err != nil || len(doc.Operations) != 2 {
		t.Errorf("got %+v, %v", doc, err)
	}
	_, err = c.InspectSpec(t.Context(), auth.Principal{}, procedures(t))
	refused(t, err, problem.Forbidden)
}

func TestFetchSpec(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/huge":
			_, _ = w.Write(make([]byte, spec.MaxBytes+1))
		case "/api.yaml":
			_, _ = w.Write([]byte("openapi: 3.1.0"))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	official := auth.Principal{Memberships: []auth.Membership{{Role: "publisher"}}}
	for _, tt := range []struct {
		name, url string
		who       auth.Principal
		kind      problem.Kind
		fields    []string
	}{
		{name: "a document", url: server.URL + "/api.yaml", who: official},
		{name: "nobody in particular", url: server.URL + "/api.yaml", kind: problem.Forbidden},
		{name: "absent", url: server.URL + "/none", who: official, kind: problem.Invalid, fields: []string{"url:fetch-failed"}},
		{name: "nobody answers", url: "http://127.0.0.1:1/", who: official, kind: problem.Invalid, fields: []string{"url:fetch-failed"}},
		{name: "over 10 MB", url: server.URL + "/huge", who: official, kind: problem.TooLarge, fields: []string{"url:spec-too-large"}},
		{name: "a file", url: "file:///etc/passwd", who: official, kind: problem.Invalid, fields: []string{"url:url-invalid"}},
		{name: "with a password", url: "https://a:b@example.vn/", who: official, kind: problem.Invalid, fields: []string{"url:url-invalid"}},
		{name: "no host", url: "https:///x", who: official, kind: problem.Invalid, fields: []string{"url:url-invalid"}},
		{name: "nonsense", url: "::", who: official, kind: problem.Invalid, fields: []string{"url:url-invalid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &Catalog{Fetch: server.Client()}
			text, err := c.FetchSpec(t.Context(), tt.who, tt.url)
			if tt.kind != 0 {
				refused(t, err, tt.kind, tt.fields...)
			} else if err != nil || string(text) != "openapi: 3.1.0" {
				t.Errorf("got %q, %v", text, err)
			}
		})
	}
}
