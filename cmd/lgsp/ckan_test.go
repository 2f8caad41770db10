package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ckanCall asks /api/3 as a role, whose token goes raw, as CKAN's clients send it.
func (w *world) ckanCall(role, action, body string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.config.PortalURL+"/api/3/action/"+action, strings.NewReader(w.fill(body)))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	if role != "nobody" {
		r.Header.Set("Authorization", w.token[role])
	}
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	return answer.StatusCode, string(text)
}

// TestCKANOnThePlatform asks the whole platform as everybody: the policy, the
// tokens and the agencies are the real ones.
func TestCKANOnThePlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	mine := map[string]bool{"publisher": true, "steward": true, "operator": true}
	for _, role := range roles {
		for _, state := range []string{"drafted", "submitted", "approved", "opened"} {
			want := 404
			if state == "opened" || mine[role] {
				want = 200
			}
			for action, body := range map[string]string{
				"package_show": `{"id":"` + state + `-data"}`, "resource_show": `{"id":"{` + state + ` file}"}`, "datastore_search": `{"resource_id":"{` + state + ` file}"}`,
			} {
				if status, text := w.ckanCall(role, action, body); status != want {
					t.Errorf("%s of %s as %s: got %d %s, want %d", action, state, role, status, text, want)
				}
			}
		}
		var found struct {
			Result struct{ Count int }
		}
		status, text := w.ckanCall(role, "package_search", `{"include_private":true,"include_drafts":true}`)
		if err := json.Unmarshal([]byte(text), &found); err != nil || status != 200 {
			t.Fatalf("search as %s: %d %s", role, status, text)
		}
		if want := map[bool]int{false: 2, true: 5}[mine[role]]; found.Result.Count != want {
			t.Errorf("%s finds %d, want %d", role, found.Result.Count, want)
		}
	}
	if status, text := w.ckanCall("publisher", "package_patch", `{"id":"drafted-data","title":"Tên khác"}`); status != 200 || !strings.Contains(text, "Tên khác") {
		t.Errorf("patched: %d %s", status, text)
	}
	if status, text := w.ckanCall("other", "package_patch", `{"id":"opened-data","title":"Tên khác"}`); status != 403 || !strings.Contains(text, "Access denied: dataset.edit needs") {
		t.Errorf("patched by another agency: %d %s", status, text)
	}
	status, text := w.ckanCall("nobody", "organization_list", `{"all_fields":true}`)
	if status != 200 || !strings.Contains(text, `"display_name":"Sở so-a"`) || !strings.Contains(text, `"package_count":2`) {
		t.Errorf("agencies: %d %s", status, text)
	}
}

// TestCKANFileAddress: the address of a file that CKAN's clients are told leads to it.
func TestCKANFileAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	var shown struct{ Result struct{ URL, Hash string } }
	_, text := w.ckanCall("nobody", "resource_show", `{"id":"{opened file}"}`)
	w.must(json.Unmarshal([]byte(text), &shown))
	if !strings.HasSuffix(shown.Result.URL, "/resource/"+w.id["opened file"]+"/download/so-lieu.csv") {
		t.Errorf("address %s", shown.Result.URL)
	}
	for address, want := range map[string]int{shown.Result.URL: 200, strings.ReplaceAll(shown.Result.URL, w.id["opened file"], w.id["drafted file"]): 404,
		w.config.PortalURL + "/datastore/dump/" + w.id["opened file"]: 200, w.config.PortalURL + "/api/3": 200, w.config.PortalURL + "/api/2/util/dataset/autocomplete?incomplete=so": 200} {
		answer, err := http.Get(address)
		w.must(err)
		body, err := io.ReadAll(answer.Body)
		w.must(err)
		w.must(answer.Body.Close())
		if answer.StatusCode != want || strings.Contains(address, "download") && want == 200 && string(body) != "Mã,Số\n1,2\n" {
			t.Errorf("%s: got %d %s, want %d", address, answer.StatusCode, body, want)
		}
	}
}
