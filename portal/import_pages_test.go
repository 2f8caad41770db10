package portal

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"lgsp/auth"
)

// TestImportPages: a file of each kind is recognised, what could not be carried
// over is told with its line, and what can be mended is mended by a click.
func TestImportPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, auth.RolePublisher)
	w.sends(t, office+"/apis/new", url.Values{"title_vi": {"Hồ sơ"}, "slug": {"ho-so-moi"}}, office+"/apis/ho-so-moi/new")
	w.sees(t, office+"/apis/ho-so-moi/new", 200, "Mỗi loại tài liệu thành gì", "Bộ sưu tập Postman", ".wsdl")
	version := office + "/apis/ho-so-moi/v1"
	collection, err := os.ReadFile("../catalog/spec/testdata/ho-so.postman.json")
	if err != nil {
		t.Fatal(err)
	}
	w.uploads(t, office+"/apis/ho-so-moi/new", "ho-so.json", string(collection))
	body := w.sees(t, version+"/found", 200, "Bộ sưu tập Postman", "Tài liệu được làm ra từ tệp đã nhập", "Dòng 41 của bộ sưu tập: “?access_token” không được giữ lại.", "Vì sao:", "Cách sửa:", `name="code" value="spec-no-refusals"`)
	if n := strings.Count(body, `name="code" value="spec-no-refusals"`); n != 1 || strings.Contains(body, "S3CRET") {
		t.Errorf("the button stands %d times, or a secret is shown:\n%s", n, body)
	}
	w.sends(t, version+"/found/mend", url.Values{"code": {"spec-no-refusals"}}, version+"/found")
	if body = w.sees(t, version+"/found", 200, "Tài liệu OpenAPI"); strings.Contains(body, `value="spec-no-refusals"`) {
		t.Errorf("it is still found:\n%s", body)
	}
	w.sees(t, version+"/revisions", 200, "spec-no-refusals")
	w.refused(t, version+"/found/mend", url.Values{"code": {"spec-no-english"}}, 409, "không tự sửa được")

	description, err := os.ReadFile("../catalog/spec/testdata/ho-so.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	w.uploads(t, version+"/document", "ho-so.wsdl", string(description))
	body = w.sees(t, version+"/found", 200, "Dịch vụ SOAP (WSDL 1.1)", "POST /TraCuu", "Kiểu “encoded” của SOAP", "HoSoService")
	if strings.Contains(body, "/found/mend") {
		t.Errorf("a WSDL is offered to be mended:\n%s", body)
	}
	answer, body := w.get(t, "/apis/so-noi-vu/ho-so-moi/v1/service.wsdl")
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/xml; charset=utf-8" || !strings.Contains(body, `location="http://gateway.test/so-noi-vu/ho-so-moi/v1/"`) {
		t.Errorf("got %d %v\n%s", answer.StatusCode, answer.Header, body)
	}
	w.refused(t, version+"/document", url.Values{"spec": {"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>\n<a>&b;</a>"}}, 400, "DOCTYPE", "<mark>")
}
