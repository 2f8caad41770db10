package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lgsp/auth"
)

// TestStewardReadsRevisions: who decides for the agency reads what its versions
// were and what became of them, and restores nothing.
func TestStewardReadsRevisions(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	at := "/agency/so-noi-vu/apis/nguoi-co-cong/v1"
	w.sees(t, at+"/revisions", http.StatusNotFound) // for a developer
	w.as(t, auth.RoleSteward)
	w.sees(t, at+"/promotion", http.StatusOK, `href="`+at+`/revisions"`)
	w.sees(t, at+"/revisions", http.StatusOK, `href="`+at+`/promotion"`, at+"/revisions/1", "Bản đầu tiên")
	body := w.sees(t, at+"/revisions/1", http.StatusOK, "xemNguoiCoCong")
	if strings.Contains(body, "/restore") {
		t.Error("a steward is offered to restore")
	}
	w.sees(t, at+"/document", http.StatusForbidden)
	if answer, _ := w.post(t, at+"/revisions/1/restore", url.Values{"why": {"thử"}}); answer.StatusCode != http.StatusForbidden {
		t.Errorf("restored: %d", answer.StatusCode)
	}
	w.as(t, auth.RolePublisher)
	w.sees(t, at+"/revisions", http.StatusOK, `href="`+at+`"`)
}
