package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"lgsp/internal/problem"
)

// told are findings in short, those whose code begins so.
func told(doc *Document, prefix string) []string {
	list := []string{}
	for _, f := range doc.Findings {
		if strings.HasPrefix(f.Code, prefix) {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s %d %s", f.Code, f.Line, f.Where)))
		}
	}
	return list
}

func TestReadCollection(t *testing.T) {
	t.Parallel()
	doc := document(t, "ho-so.postman.json")
	if doc.Kind != Postman || doc.OpenAPI != "3.0.3" || doc.TitleVI != "Hồ sơ một cửa" || doc.Version != "1.0.0" ||
		!slices.Equal(doc.Servers, []string{"https://ho-so.example.vn/dich-vu", "https://khac.example.vn"}) {
		t.Errorf("got %s %s %q %s %q", doc.Kind, doc.OpenAPI, doc.TitleVI, doc.Version, doc.Servers)
	}
	got := []string{}
	for _, op := range doc.Operations {
		got = append(got, fmt.Sprintf("%s %s %s %s %q", op.Method, op.Path, op.OperationID, op.SummaryVI, op.Tags))
	}
	want := []string{
		`GET /ho-so timHoSo Tìm hồ sơ ["Hồ sơ"]`, `POST /ho-so nopHoSo Nộp hồ sơ ["Hồ sơ"]`, `GET /ho-so/{id} xemMotHoSo Xem một hồ sơ ["Hồ sơ"]`,
		`POST /dang-nhap dangNhap Đăng nhập []`, `POST /xml guiXml Gửi XML []`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("operations: got %q\nwant %q", got, want)
	}
	list, one := doc.Operations[0], doc.Operations[2]
	got = []string{}
	for _, q := range append(slices.Clone(list.Parameters), one.Parameters...) {
		got = append(got, fmt.Sprintf("%s %s %s %v %s %s", q.In, q.Name, q.Type, q.Required, q.Example, q.DescriptionVI))
	}
	want = []string{
		"query trang integer false 1 Trang thứ mấy", "query tuKhoa string false giấy phép ", "query page_token string false abc ", "header X-Don-Vi string false H48.11 Mã đơn vị",
		"path id string true 000.11.H48-250101-0001 Mã hồ sơ", "query chiTiet boolean false true ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("parameters: got %q\nwant %q", got, want)
	}
	got = []string{}
	for _, f := range list.Fields {
		got = append(got, fmt.Sprintf("%s %s %s %v %v", f.Path, f.Type, f.Format, f.Required, f.Nullable))
	}
	want = []string{
		"/items array  true false", "/items/*/maHoSo string  true false", "/items/*/tenHoSo string  true false", "/items/*/ngayNhan string date true false",
		"/items/*/phi number  true false", "/items/*/ghiChu   false false", "/next_token string  true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("fields: got %q\nwant %q", got, want)
	}
	if a := list.Answers; len(a) != 2 || a[0].DescriptionVI != "Có hồ sơ" || !strings.Contains(a[0].Example, `"000.11.H48-250101-0002"`) || a[1].Status != "401" {
		t.Errorf("answers: got %+v", a)
	}
	send := doc.Operations[1]
	if send.Body == nil || !strings.Contains(send.Body.Example, `"phi": "{{phi}}"`) || !slices.Equal(send.Body.MediaTypes, []string{"application/json"}) || send.DescriptionVI != "Nộp một hồ sơ mới." {
		t.Errorf("body: got %+v", send.Body)
	}
	if form := doc.Operations[3].Body; form == nil || len(form.Fields) != 2 || form.MediaTypes[0] != "application/x-www-form-urlencoded" {
		t.Errorf("form: got %+v", form)
	}
}

// TestCollectionLosses: what was not carried over is told with its line.
func TestCollectionLosses(t *testing.T) {
	t.Parallel()
	doc := document(t, "ho-so.postman.json")
	want := []string{
		"import-hosts 0", "import-examples 0", "import-secrets 0",
		"import-no-answer 58 Xem một hồ sơ", "import-no-answer 78 Nộp hồ sơ",
	}
	for _, one := range want {
		if !slices.Contains(told(doc, "import-"), one) {
			t.Errorf("not told: %s; told %q", one, told(doc, "import-"))
		}
	}
	for _, one := range []string{"import-no-address 110 Không có địa chỉ", "import-no-address 111 Hai biến liền nhau", "import-method 92 Xoá bằng lệnh lạ",
		"import-merged 71 Xem hồ sơ khác", "import-script 15", "import-script 98 Đăng nhập", "import-body 108 Gửi XML", "import-secret 8", "import-postman 0"} {
		if !slices.Contains(told(doc, "import-"), one) {
			t.Errorf("not told: %s", one)
		}
	}
	secrets := []string{}
	for _, f := range doc.Findings {
		if f.Code == "import-secret" {
			secrets = append(secrets, f.Args["what"])
		}
		if strings.HasPrefix(f.Code, "import-") && (strings.Contains(f.Words("vi"), "{") && f.Code != "import-secret" || f.Words("en") == f.Detail) {
			t.Errorf("no words: %+v: %s", f, f.Words("vi"))
		}
	}
	slices.Sort(secrets)
	if want := []string{"?access_token", "Authorization", "Set-Cookie", "X-Api-Key", "auth apikey", "auth basic", "auth bearer", "{{baseUrl}}", "{{token}}"}; !slices.Equal(secrets, want) {
		t.Errorf("left out: got %q\nwant %q", secrets, want)
	}
}

// TestNoSecretIsKept: whatever part of a collection they stand in, secrets are
// neither in what is kept, nor in what is told.
func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/ho-so.postman.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "S3CRET"); n != 19 {
		t.Errorf("the collection holds %d secrets", n)
	}
	doc, err := Read(text)
	if err != nil {
		t.Fatal(err)
	}
	all, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, kept := range map[string][]byte{"text": doc.Text, "JSON": doc.JSON, "operations and findings": all} {
		if i := strings.Index(string(kept), "S3CRET"); i >= 0 {
			t.Errorf("%s: %s", name, kept[max(0, i-200):min(len(kept), i+60)])
		}
	}
	again, err := Read(doc.Text)
	if err != nil || again.Kind != OpenAPI || string(again.JSON) != string(doc.JSON) {
		t.Errorf("what is kept reads otherwise: %v", err)
	}
}

func TestCollectionForms(t *testing.T) {
	t.Parallel()
	const request = `"item":[{"name":"A","request":"https://a.example.vn/b"}]`
	for _, tt := range []struct{ name, text, code, kind string }{
		{"v2.1", `{"info":{"name":"T","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},` + request + `}`, "", Postman},
		{"v2.0", `{"info":{"name":"T","schema":"https://schema.getpostman.com/json/collection/v2.0.0/"},` + request + `}`, "", Postman},
		{"as the API gives it", `{"collection":{"info":{"name":"T","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},` + request + `}}`, "", Postman},
		{"v1", `{"id":"x","name":"T","order":[],"requests":[]}`, "spec-postman-v1", ""},
		{"OpenAPI with an item", `{"openapi":"3.0.3","item":[],"info":{"title":"T","version":"1"},"paths":{}}`, "", OpenAPI},
		{"neither", `{"info":{"name":"T"}}`, "spec-not-openapi", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := Read([]byte(tt.text))
			if problem.Code(err) != tt.code || doc != nil && doc.Kind != tt.kind {
				t.Errorf("got %+v, %v", doc, err)
			}
		})
	}
}

// TestCollectionGrows: what grows with the square of a collection, if nothing
// holds it, is read in time.
func TestCollectionGrows(t *testing.T) {
	t.Parallel()
	const head = `{"info":{"name":"T","schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},"item":[`
	one := `{"name":"A","request":{"url":{"raw":"https://a.example.vn/b"}}}`
	for name, text := range map[string]string{
		"names":   head + strings.Repeat(one+",", 10_000) + one + `]}`,
		"form":    head + `{"name":"A","request":{"method":"POST","url":"https://a.example.vn/b","body":{"mode":"urlencoded","urlencoded":[` + many(10_000, `{"key":"k%d","value":"v"}`) + `]}}}]}`,
		"queries": head + `{"name":"A","request":{"url":{"raw":"https://a.example.vn/b","query":[` + many(10_000, `{"key":"k%d","value":"v"}`) + `]}}}]}`,
		"folders": head + strings.Repeat(`{"name":"`+strings.Repeat("n", 60_000)+`","item":[`, 40) + many(5_000, `{"name":"f%d","item":[]}`) + strings.Repeat("]}", 40) + `]}`,
		"deep":    head + `{"name":"A","request":{"method":"POST","url":"https://a.example.vn/b","body":{"mode":"raw","raw":"` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `"}}}]}`,
		"path":    head + `{"name":"A","request":"https://a.example.vn/` + strings.Repeat("{{a}}/", 10_000) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readWithin([]byte(text), corpusTime); err != nil && problem.Code(err) == "spec-slow" {
				t.Error(err)
			}
		})
	}
}

// many are n parts, numbered, with commas between them.
func many(n int, form string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = fmt.Sprintf(form, i)
	}
	return strings.Join(parts, ",")
}

// FuzzReadCollection: whatever stands in a collection, it is refused with a
// code or becomes OpenAPI that reads as itself, and the secret in the one place
// that always is one is not kept.
func FuzzReadCollection(f *testing.F) {
	text, err := os.ReadFile("testdata/ho-so.postman.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("POST", "{{baseUrl}}/a/:b/{{c}}?d=1", `{"a":[1,{"b":null}]}`, "json")
	f.Add("GET", string(text[:200]), `{"a":{{b}}}`, "xml")
	f.Fuzz(func(t *testing.T, method, address, body, language string) {
		if len(address)+len(body) > 16<<10 {
			return
		}
		collection := map[string]any{
			"info": map[string]any{"name": address, "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
			"item": []any{map[string]any{"name": language, "request": map[string]any{
				"method": method, "url": address,
				"auth": map[string]any{"type": "bearer", "bearer": []any{map[string]any{"key": "token", "value": "S3CRETfuzz"}}},
				"body": map[string]any{"mode": "raw", "raw": body, "options": map[string]any{"raw": map[string]any{"language": language}}},
			}, "response": []any{map[string]any{"code": 200, "body": body}}}},
		}
		text, err := json.Marshal(collection)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := Read(text)
		if code := problem.Code(err); code == "spec-unreadable" || code == "spec-slow" || (err != nil && code == "") {
			t.Fatalf("refused with %q: %v", code, err)
		}
		if err != nil {
			return
		}
		if strings.Contains(string(doc.Text), "S3CRETfuzz") {
			t.Error("a secret is kept")
		}
		if again, err := Read(doc.Text); err != nil || string(again.JSON) != string(doc.JSON) {
			t.Errorf("what is kept reads otherwise: %v", err)
		}
	})
}
