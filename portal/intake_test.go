package portal

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const marketSheet = "UBND tỉnh\nDANH SÁCH CHỢ NĂM 2024\nMã xã;Tên chợ;Ngày mở;Diện tích;Điện thoại\n00123;Chợ A;30/7/2019;12,5;0905123456\n" +
	"00124;Chợ B;2019-08-01;7;0915654321\n00125;Chợ C;chưa rõ;x;0985111222\n"

// sendsSheet posts a spreadsheet under a key, as a browser without scripts does.
func (w *workshop) sendsSheet(t *testing.T, key, name, text string) (*http.Response, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = file.Write([]byte(text))
	}
	if err = errors.Join(err, form.WriteField("key", key), form.Close()); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, office+"/prepare", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(t, r)
}

// newPreparation is an office whose work beside the requests is done by the
// function it gives.
func newPreparation(t *testing.T) (*workshop, func()) {
	t.Helper()
	w := newOffice(t)
	var asked []uuid.UUID
	w.Portal.Catalog.AskIntake = func(_ context.Context, _ pgx.Tx, id uuid.UUID) error {
		asked = append(asked, id)
		return nil
	}
	w.Portal.Catalog.WhoLater = w.Auth.WhoByProof
	return w, func() {
		t.Helper()
		for _, id := range asked {
			if err := w.Portal.Catalog.WorkIntake(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		asked = nil
	}
}

func TestFromSpreadsheetToReview(t *testing.T) {
	t.Parallel()
	w, work := newPreparation(t)
	w.as(t, "publisher")
	key := uuid.Must(uuid.NewV7()).String()
	at := office + "/prepare/" + key
	w.sees(t, office, 200, office+"/prepare")
	w.sees(t, office+"/prepare", 200, "Từ bảng tính đến bộ dữ liệu", `name="key"`, office+"/datasets/new")
	if answer, body := w.sendsSheet(t, key, "anh.pdf", "%PDF"); answer.StatusCode != http.StatusUnsupportedMediaType || !strings.Contains(body, "không phải bảng tính") {
		t.Errorf("a PDF: %d\n%s", answer.StatusCode, body)
	}
	for range 2 { // sent twice it is one
		if answer, body := w.sendsSheet(t, key, "cho.csv", marketSheet); answer.Header.Get("Location") != at+"/table" {
			t.Fatalf("%d to %q\n%s", answer.StatusCode, answer.Header.Get("Location"), body)
		}
	}
	w.sees(t, at+"/table", 200, "Đang đọc tệp", `http-equiv="refresh"`, "data-wait")
	work()
	w.sees(t, at+"/table", 200, "Dòng 3", "không phải ngày", "chưa rõ", "UBND tỉnh", "1 ô không đúng, sẽ để trống", `name="revision" value="1"`)
	plan := url.Values{"revision": {"1"}, "sheet": {""}, "header": {"3"}, "last": {""}}
	for i, c := range []struct{ name, kind string }{{"Mã xã", "text"}, {"Tên chợ", "text"}, {"Ngày mở", "date"}, {"Diện tích", "decimal"}, {"Điện thoại", "text"}} {
		plan.Set("name."+string(rune('0'+i)), c.name)
		plan.Set("type."+string(rune('0'+i)), c.kind)
	}
	w.refused(t, at+"/table", with(plan, "name.0", "Tên chợ"), 400, "đã có ở một cột khác", `id="f-name.1-error"`)
	w.refused(t, at+"/table", with(plan, "last", "x"), 400, "không nằm trong những dòng đầu")
	w.sends(t, at+"/table", plan, at+"/personal")
	w.sees(t, at+"/personal", 200, "Số điện thoại", "Bỏ cột", "3 dòng")
	w.sends(t, at+"/personal", url.Values{"revision": {"2"}, "way.4": {"drop"}}, at+"/about")
	w.sees(t, at+"/about", 200, `value="Danh sách chợ năm 2024"`, `value="2019-07-30"`, "lấy từ dòng phía trên bảng")
	text := url.Values{"revision": {"3"}, "title_vi": {"Danh sách chợ năm 2024"}, "theme": {"ECON"}, "languages": {"VIE"}, "licence": {"CC-BY-4.0"}, "access_rights": {"PUBLIC"}, "frequency": {"ANNUAL"}}
	w.refused(t, at+"/about", text, 400, `id="f-notes_vi-error"`)
	w.sends(t, at+"/about", with(with(text, "notes_vi", "Các chợ của tỉnh."), "revision", "4"), at+"/summary")
	w.sees(t, at+"/summary", 200, "Đang lập bảng")
	work()
	w.sees(t, at+"/summary", 200, "Các chợ của tỉnh.", "Gửi duyệt", "trên 405 điểm", "00123", "Diện tích")
	if _, body := w.get(t, at+"/summary"); strings.Contains(body, "0905123456") {
		t.Error("the telephone numbers are in the summary")
	}
	for range 2 {
		w.sends(t, at+"/send", nil, at+"/sent")
	}
	w.sees(t, at+"/sent", 200, "curl &#39;http", "kể từ khi bộ dữ liệu được công bố", office+"/datasets/danh-sach-cho-nam-2024")
	w.as(t, "steward")
	w.sees(t, at+"/table", 404) // it is the publisher's own
}

// What was typed when the session had ended is there after the sign-in; what
// another window saved meanwhile is told.
func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	w, work := newPreparation(t)
	w.as(t, "publisher")
	key := uuid.Must(uuid.NewV7()).String()
	at := office + "/prepare/" + key
	w.sendsSheet(t, key, "cho.csv", marketSheet)
	work()
	w.cookies = map[string]string{}
	typed := url.Values{"revision": {"1"}, "title_vi": {"Tên gõ khi hết phiên"}, "notes_vi": {strings.Repeat("dài ", 2000)}}
	w.sends(t, at+"/about", typed, "/sign-in?next="+url.QueryEscape(at+"/about"))
	w.as(t, "publisher")
	w.sees(t, at+"/about", 200, `value="Tên gõ khi hết phiên"`, "Phiên làm việc đã hết khi bạn gửi", "dài dài")
	w.sends(t, at+"/about", with(typed, "theme", "ECON"), at+"/summary")
	if _, body := w.get(t, at+"/about"); strings.Contains(body, "Phiên làm việc đã hết") {
		t.Error("what was saved is shown as unsaved")
	}
	work()
	w.refused(t, at+"/about", with(typed, "title_vi", "Cửa sổ thứ hai"), 409, "Đã có lần lưu khác", `value="Cửa sổ thứ hai"`, `name="revision" value="2"`)
	w.sends(t, at+"/drop", nil, office+"/prepare")
	w.sees(t, at+"/about", 404)
}
