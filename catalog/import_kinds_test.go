package catalog

import (
	"os"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

// TestCreateVersionFromWSDL: the WSDL is kept, and given with the gateway's
// address; its operations are told apart by what stands in the Body.
func TestCreateVersionFromWSDL(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	text, err := os.ReadFile("spec/testdata/ho-so.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	v := w.draft(t, text)
	ops, err := w.Operations(ctx, w.publisher, v.ID)
	if err != nil || len(ops) != 3 || ops[0].Path != "/TraCuu" || ops[0].Doc.SOAP == nil || ops[0].Doc.SOAP.Element != "TraCuu" {
		t.Fatalf("operations: %+v, %v", ops, err)
	}
	if m := ops[0].Suggest(); m.Access != Personal || m.SubjectIn != "body" || m.SubjectName != "/Body/TraCuu/soDinhDanh" || len(m.wrong(ops[0].Doc)) > 0 {
		t.Errorf("suggested %+v", m)
	}
	if kept, err := w.SpecText(ctx, w.publisher, v.ID); err != nil || string(kept) != string(text) {
		t.Errorf("the text changed: %v", err)
	}
	given, err := w.WSDL(ctx, w.publisher, v.ID, "https://cong.example.vn/x/v1/")
	if err != nil || strings.Contains(string(given), "ho-so.example.vn") || !strings.Contains(string(given), `location="https://cong.example.vn/x/v1/"`) {
		t.Errorf("given %v %s", err, given)
	}
	_, err = w.WSDL(ctx, w.stranger, v.ID, "https://cong.example.vn/x/v1/")
	refused(t, err, problem.NotFound)
	v, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: procedures(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.WSDL(ctx, w.publisher, v.ID, "https://cong.example.vn/x/v1/")
	refused(t, err, problem.NotFound)
}

// TestCreateVersionFromCollection: what is kept of a Postman collection, as a
// version and as its revision, is the document made of it.
func TestCreateVersionFromCollection(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	text, err := os.ReadFile("spec/testdata/ho-so.postman.json")
	if err != nil {
		t.Fatal(err)
	}
	v := w.draft(t, text)
	if v, err = w.ReplaceSpec(ctx, w.publisher, v.ID, Save{Text: text}); err != nil {
		t.Fatal(err)
	}
	kept, err := w.SpecText(ctx, w.publisher, v.ID)
	if err != nil || strings.Contains(string(kept), "S3CRET") || !strings.HasPrefix(string(kept), "{\n  \"openapi\": \"3.0.3\"") {
		t.Errorf("kept %v %.200s", err, kept)
	}
	var rows int
	if err := w.DB.QueryRow(ctx, `select count(*) from catalog.revision where version_id = $1 and spec_text like '%S3CRET%'`, v.ID).Scan(&rows); err != nil || rows > 0 {
		t.Errorf("%d revisions with secrets, %v", rows, err)
	}
}
