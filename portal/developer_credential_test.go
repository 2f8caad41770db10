package portal

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
)

// TestScopesOfAKeyOnItsPage: reading and operations are chosen, shown, kept
// when something else is wrong, and asked about.
func TestScopesOfAKeyOnItsPage(t *testing.T) {
	t.Parallel()
	w := newWorkshop(t)
	own := "/developer/applications/" + w.app.ID.String()
	at := own + "/credentials/" + w.key.ID.String()
	if body := w.sees(t, at, 200, "Chỉ đọc"); strings.Contains(body, `name="scopes"`) {
		t.Error("operations are offered of no version")
	}
	if _, err := w.Agreements.Request(t.Context(), w.who, agreement.Request{
		ApplicationID: w.app.ID, VersionID: w.version.ID, Operations: []agreement.Wanted{{Operation: "xem-nguoi-co-cong", Fields: []string{"/hoTen"}}},
		Purpose: "thu-tuc", PurposeText: "Cho người dân xem hồ sơ của mình.", LegalBasis: "luat-60-2024-d11-2b", Starts: "2026-11-23", Ends: "2027-01-01",
		Subjects: "Người có công", VolumePerDay: 10, RetentionDays: new(0)}); err != nil {
		t.Fatal(err)
	}
	scope := auth.OperationScope(w.version.ID, "xem-nguoi-co-cong")
	w.sees(t, at, 200, `value="`+scope+`"`, "Xem hồ sơ người có công", "<summary>Người có công")
	form := url.Values{"name": {"Máy chủ"}, "read": {"yes"}, "scopes": {scope}, "networks": {"mạng"}}
	if answer, body := w.post(t, at, form); answer.StatusCode != 400 || !strings.Contains(body, `value="`+scope+`" checked`) || !strings.Contains(body, `name="read" value="yes" checked`) {
		t.Errorf("a wrong network: got %d, want what was chosen kept:\n%s", answer.StatusCode, body)
	}
	form.Set("networks", "")
	w.sends(t, at, form, own+"#credentials")
	if c := w.credential(t, w.key.ID); !slices.Equal(c.Scopes, []string{scope, auth.ScopeRead}) || !slices.Equal(c.Versions, []uuid.UUID{w.version.ID}) {
		t.Errorf("kept %q of %v, want the operation, reading, and its version", c.Scopes, c.Versions)
	}
	w.sees(t, own, 200, "Chỉ đọc (GET, HEAD)", "Chỉ 1 thao tác")
	w.sees(t, at, 200, `value="`+scope+`" checked`, `name="read" value="yes" checked`, "<details class=\"more\" open>")
	form["scopes"] = []string{"xem-nguoi-co-cong"}
	w.refused(t, at, form, 400, "cũng không phải là một thao tác")

	asked := "/explain?application=" + w.app.ID.String() + "&version=" + w.version.ID.String() + "&operation=xem-nguoi-co-cong&credential="
	w.sees(t, asked+"api_key:"+w.key.Lookup, 200, `value="api_key:`+w.key.Lookup+`" selected`, "Máy chủ", "nới giới hạn", "key "+w.key.Lookup)
	w.sends(t, at, url.Values{}, "")
	if body := w.sees(t, asked+"none", 200); strings.Contains(body, "api_key:"+w.key.Lookup) {
		t.Error("a key without limits is offered apart")
	}
	secret, err := w.Auth.Credentials(t.Context(), w.who, w.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range secret {
		if c.Kind == auth.ClientSecret {
			if body := w.sees(t, own+"/credentials/"+c.ID.String(), 200); strings.Contains(body, `name="read"`) {
				t.Error("a client secret is offered limits of keys")
			}
		}
	}
}

// credential is one of the application's, as it is kept.
func (w *workshop) credential(t *testing.T, id uuid.UUID) auth.Credential {
	t.Helper()
	list, err := w.Auth.Credentials(t.Context(), w.who, w.app.ID)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(c auth.Credential) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no credential %s", id)
	}
	return list[i]
}
