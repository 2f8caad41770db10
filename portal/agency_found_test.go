package portal

import (
	"net/url"
	"strings"
	"testing"
)

const shopDocument = `openapi: 3.0.3
info: {title: Tra cứu hộ kinh doanh, version: "1"}
servers: [{url: "http://10.1.2.3/api"}]
paths:
  /ho/{ma}:
    get:
      summary: Xem hộ kinh doanh
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object, properties: {ten: {type: string, description: Tên hộ}, soDinhDanh: {type: string}}}}}}
  /ho/:
    get:
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object, properties: {tongSo: {type: integer}}}}}}
`

// What was understood is said in words, and what can be mended is mended by one
// button: then nothing keeps the document from being published.
func TestAnImportedDocumentTeaches(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	w.as(t, "publisher")
	w.sends(t, office+"/apis/new", url.Values{"title_vi": {"Hộ kinh doanh"}, "slug": {"ho-kinh-doanh"}, "description_vi": {"Tra cứu."}}, office+"/apis/ho-kinh-doanh/new")
	at := office + "/apis/ho-kinh-doanh"
	w.sends(t, at+"/new", url.Values{"number": {"v1"}, "spec": {shopDocument}}, at+"/v1/found")
	body := w.sees(t, at+"/v1/found", 200, "Có 2 thao tác, 0 tham số và 3 trường", "1 thao tác trông như hỏi", "<code>soDinhDanh</code>",
		"2 trên 3 trường chưa có lời giải thích", "1 thao tác chưa có tên gọi", "Tài liệu còn lỗi", `name="code" value="all"`)
	if strings.Contains(body, "Tiếp tục: kết nối") {
		t.Error("a document with errors leads on to the connection")
	}
	w.sends(t, at+"/v1/found/mend", url.Values{"code": {"all"}}, at+"/v1/found")
	body = w.sees(t, at+"/v1/found", 200, "Có 2 thao tác, 1 tham số và 3 trường", "Không có lỗi nào ngăn việc công bố", "Tiếp tục: kết nối")
	if strings.Contains(body, `value="all"`) {
		t.Error("what was mended is offered again")
	}
	w.refused(t, at+"/v1/found/mend", url.Values{"code": {"all"}}, 409, "không tự sửa được")
}
