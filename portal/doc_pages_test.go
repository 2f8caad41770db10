package portal

import (
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

// TestPagesOfDocumentation: an agency writes them, what is wrong is said where
// it was typed, and everybody reads them; English says where it is not there.
func TestPagesOfDocumentation(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	desk := office + "/apis/nguoi-co-cong/v1"
	w.as(t, auth.RolePublisher)
	w.sees(t, desk, 200, desk+"/pages")
	w.sees(t, desk+"/pages", 200, "Thêm trang")
	w.refused(t, desk+"/pages", url.Values{"slug": {"Bắt đầu"}, "title_vi": {"Bắt đầu"}}, 400, `id="f-slug-error"`, `id="f-body_vi-error"`, `value="Bắt đầu"`)
	w.sends(t, desk+"/pages", url.Values{"slug": {"bat-dau"}, "title_vi": {"Bắt đầu"}, "body_vi": {"## Bước một\n\n- lấy <khoá>\n- gọi"}}, desk+"/pages")
	w.refused(t, desk+"/pages", url.Values{"slug": {"bat-dau"}, "title_vi": {"Khác"}, "body_vi": {"a"}}, 400, "Phiên bản đã có trang bat-dau")
	w.sees(t, desk+"/pages/bat-dau", 200, "Xoá trang này", "## Bước một")
	w.sees(t, desk+"/pages/khong-co", 404)
	w.cookies = map[string]string{}
	w.sees(t, w.href, 200, w.href+"/pages/bat-dau")
	page := w.href + "/pages/bat-dau"
	w.sees(t, page, 200, "<h2>Bước một</h2>", "<li>lấy ")
	if _, body := w.get(t, "/en"+page); !strings.Contains(body, "has not been translated") || !strings.Contains(body, `<div class="guide-text" lang="vi">`) {
		t.Errorf("in English: %s", body)
	}
	if _, body := w.get(t, page); strings.Contains(body, "untranslated") {
		t.Error("the Vietnamese page speaks of a translation")
	}
	w.sees(t, w.href+"/pages/khong-co", 404)
	w.as(t, auth.RolePublisher)
	w.sends(t, desk+"/pages/bat-dau", url.Values{"slug": {"bat-dau"}, "title_vi": {"Bắt đầu"}, "body_vi": {"a"}, "title_en": {"Begin"}, "body_en": {"There."}}, desk+"/pages")
	if _, body := w.get(t, "/en"+page); strings.Contains(body, "has not been translated") || !strings.Contains(body, "<p>There.</p>") {
		t.Errorf("translated: %s", body)
	}
	w.sends(t, desk+"/pages/bat-dau/delete", nil, desk+"/pages")
	w.sees(t, page, 404)
}
