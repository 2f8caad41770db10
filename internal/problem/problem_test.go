package problem

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sort"
	"testing"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		err    error
		accept string
		status int
		want   map[string]string
	}{
		{name: "the kind's own words", err: Errorf(Conflict, "v1 is draft"), accept: "vi", status: 409,
			want: map[string]string{"code": "conflict", "title": "Không còn khớp với dữ liệu đang lưu", "detail": "v1 is draft"}},
		{name: "English for who names no language", err: Errorf(NotFound, "no API at /x"), status: 404,
			want: map[string]string{"code": "not-found", "title": "Not found", "detail": "no API at /x"}},
		{name: "a bug tells nothing", err: errors.New("pq: password is hunter2"), accept: "en", status: 500,
			want: map[string]string{"code": "internal", "title": "Something went wrong on our side"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if tt.accept != "" {
				r.Header.Set("Accept-Language", tt.accept)
			}
			w := httptest.NewRecorder()
			HandlerFunc(func(http.ResponseWriter, *http.Request) error { return tt.err }).ServeHTTP(w, r)
			body, _ := io.ReadAll(w.Body)
			if w.Code != tt.status {
				t.Errorf("status: got %d, want %d", w.Code, tt.status)
			}
			if regexp.MustCompile("hunter2").Match(body) {
				t.Errorf("the body shows the error underneath: %s", body)
			}
			var got map[string]any
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("body is no JSON: %v", err)
			}
			for name, want := range tt.want {
				if got[name] != want {
					t.Errorf("%s: got %v, want %q", name, got[name], want)
				}
			}
		})
	}
}

func TestEveryCodeHasBothLanguages(t *testing.T) {
	t.Parallel()
	vi, en := locales()["vi"], locales()["en"]
	if len(vi) == 0 {
		t.Fatal("no words at all")
	}
	hole := regexp.MustCompile(`\{\w+\}`)
	for code, w := range vi {
		other, ok := en[code]
		if !ok {
			t.Errorf("%s has no English", code)
			continue
		}
		if w.Title == "" || other.Title == "" {
			t.Errorf("%s has no title", code)
		}
		a, b := hole.FindAllString(w.Detail, -1), hole.FindAllString(other.Detail, -1)
		sort.Strings(a)
		sort.Strings(b)
		if len(a) != len(b) {
			t.Errorf("%s: Vietnamese fills in %v, English %v", code, a, b)
		}
	}
	for code := range en {
		if _, ok := vi[code]; !ok {
			t.Errorf("%s has no Vietnamese", code)
		}
	}
}

func TestNoCodeTwice(t *testing.T) {
	t.Parallel()
	for _, locale := range []string{"vi", "en"} {
		names, err := fs.Glob(messages, "messages/*."+locale+".json")
		if err != nil || len(names) == 0 {
			t.Fatalf("%d files of %s, %v", len(names), locale, err)
		}
		where := map[string]string{}
		for _, name := range names {
			text, err := messages.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			table := map[string]words{}
			if err := json.Unmarshal(text, &table); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for code := range table {
				if where[code] != "" {
					t.Errorf("%s stands in %s and in %s: one room would speak with the other's words", code, where[code], name)
				}
				where[code] = name
			}
		}
	}
}

// Tone marks stand on the main vowel throughout: hoà, thuỷ, khoá.
func TestTonePlacement(t *testing.T) {
	t.Parallel()
	old := regexp.MustCompile(`(?i)(?:[óòỏõọ][ae]|[úùủũụ]y)(?:\P{L}|$)`)
	for code, w := range locales()["vi"] {
		if found := old.FindString(w.Title + " " + w.Detail); found != "" {
			t.Errorf("%s: %q has its mark in the old place", code, found)
		}
	}
}
