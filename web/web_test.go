package web

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// sameInBoth are the messages that are rightly the same in both languages.
var sameInBoth = []string{"privacy.cookies"}

func TestMessagesAreWholeInBothLanguages(t *testing.T) {
	t.Parallel()
	vi, en := messagesOf(t, "vi"), messagesOf(t, "en")
	hole := regexp.MustCompile(`\{[\w-]+\}`)
	for key, m := range vi {
		other, ok := en[key]
		switch {
		case !ok:
			t.Errorf("%s has no English", key)
		case m.Other == "" || other.Other == "":
			t.Errorf("%s is empty", key)
		case m.Other == other.Other && !slices.Contains(sameInBoth, key):
			t.Errorf("%s is not translated: %q", key, m.Other)
		}
		for _, text := range []string{other.One, other.Other} {
			for _, h := range hole.FindAllString(text, -1) {
				if !strings.Contains(m.Other, h) {
					t.Errorf("%s: English fills in %s, Vietnamese does not", key, h)
				}
			}
		}
	}
	for key := range en {
		if _, ok := vi[key]; !ok {
			t.Errorf("%s has no Vietnamese", key)
		}
	}
}

// TestTonePlacement holds our own texts to one way of placing tone marks: hoà,
// thuỷ, khoẻ. Names of agencies keep their official spelling and are data.
func TestTonePlacement(t *testing.T) {
	t.Parallel()
	old := regexp.MustCompile(`(?i)(?:[óòỏõọ][ae]|[úùủũụ]y)(?:\P{L}|$)`)
	for key, m := range messagesOf(t, "vi") {
		for _, text := range []string{m.One, m.Other} {
			if found := old.FindString(text); found != "" {
				t.Errorf("%s: %q has its mark in the old place", key, found)
			}
			for _, r := range text {
				if r >= 0x0300 && r <= 0x036f {
					t.Errorf("%s: a combining mark; write precomposed letters (NFC)", key)
				}
			}
		}
	}
	for _, text := range []string{"hòa", "Khỏe mạnh", "thủy"} {
		if !old.MatchString(text) {
			t.Errorf("%q is not recognised as the old place", text)
		}
	}
}

// messagesOf reads the messages of a locale and checks that each key begins
// with the name of its file, and is in one file only.
func messagesOf(t *testing.T, locale string) map[string]message {
	t.Helper()
	all := map[string]message{}
	names, err := fs.Glob(files, "messages/"+locale+"/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("messages of %s: %v, %v", locale, names, err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var some map[string]message
		if err := json.Unmarshal(text, &some); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		area := strings.TrimSuffix(filepath.Base(name), ".json")
		for key, m := range some {
			if !strings.HasPrefix(key, area+".") {
				t.Errorf("%s: key %s is not of this area", name, key)
			}
			all[key] = m
		}
	}
	return all
}

// TestMessagesAreUsed holds templates, Go code and message files together: a
// key is used somewhere, and every key used exists. A key that is put
// together, (print "state." .), uses all that begin so.
func TestMessagesAreUsed(t *testing.T) {
	t.Parallel()
	known := messagesOf(t, "vi")
	used, begun := map[string]string{}, map[string]bool{}
	exact := regexp.MustCompile(`"([a-z]+\.[a-z0-9-]+)"`)
	prefix := regexp.MustCompile(`"([a-z]+\.(?:[a-z0-9-]*-)?)"`)
	areas := map[string]bool{}
	for key := range known {
		area, _, _ := strings.Cut(key, ".")
		areas[area] = true
	}
	for _, pattern := range []string{"layout.html", "letter.html", "letter.go", "pages/*.html", "partials/*.html", "../portal/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range exact.FindAllStringSubmatch(string(text), -1) {
				used[m[1]] = name
			}
			for _, m := range prefix.FindAllStringSubmatch(string(text), -1) {
				begun[m[1]] = true
			}
		}
	}
	for key := range known {
		if _, ok := used[key]; ok {
			continue
		}
		if !slices.ContainsFunc(mapKeys(begun), func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("message %s is used nowhere", key)
		}
	}
	for key, name := range used {
		area, _, _ := strings.Cut(key, ".")
		if _, ok := known[key]; !ok && areas[area] && strings.HasSuffix(name, ".html") && !begun[key] {
			t.Errorf("%s uses %s, which no message file has", name, key)
		}
	}
}

func mapKeys(m map[string]bool) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

func TestSay(t *testing.T) {
	t.Parallel()
	words := map[string]message{
		"a.plain": {Other: "Nguồn: {title}"},
		"a.many":  {One: "{n} result", Other: "{n} results"},
	}
	for _, tt := range []struct {
		name  string
		key   string
		pairs []any
		want  any
	}{
		{"text stays text, for the template to escape", "a.plain", []any{"title", "<b>"}, "Nguồn: <b>"},
		{"with a link it is HTML, and the rest is escaped", "a.plain", []any{"title", template.HTML("<a>x</a>")}, template.HTML("Nguồn: <a>x</a>")},
		{"one", "a.many", []any{"n", 1}, "1 result"},
		{"many, written as the language does", "a.many", []any{"n", 1350}, "1,350 results"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := say("en", words, tt.key, tt.pairs...)
			if err != nil || got != tt.want {
				t.Errorf("got %#v, %v, want %#v", got, err, tt.want)
			}
		})
	}
	if _, err := say("en", words, "a.absent"); err == nil {
		t.Error("an unknown key is said without an error")
	}
}

func TestNumbersDatesAndSizes(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 7, 29, 23, 5, 0, 0, time.UTC) // the next morning in the province
	vi := functions("vi", nil, nil)
	date := func(at any, people string) string {
		html, err := moment(at, "2006-01-02", people)
		if err != nil {
			t.Error(err)
		}
		return string(html)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"thousands", number("vi", 1350), "1.350"},
		{"decimals", number("vi", 1350.5), "1.350,5"},
		{"English", number("en", 1350.5), "1,350.5"},
		{"negative", number("vi", -1234567), "−1.234.567"},
		{"three figures", number("vi", 999), "999"},
		{"rounded", number("vi", 12.34567), "12,346"},
		{"no number", number("vi", "khoảng 85 %"), "khoảng 85 %"},
		{"bytes", size("vi", 999), "999 B"},
		{"kilobytes", size("vi", 1350), "1,4 kB"},
		{"just below a megabyte", size("vi", 999_600), "1 MB"},
		{"megabytes", size("en", 104_857_600), "105 MB"},
		{"date", date(at, dateForm["vi"]), `<time datetime="2019-07-30">30/7/2019</time>`},
		{"date in English", date(&at, dateForm["en"]), `<time datetime="2019-07-30">30 July 2019</time>`},
		{"no date", date((*time.Time)(nil), dateForm["vi"]), "—"},
		{"its own language", string(bilingual("en", "Sở", "Department")), "Department"},
		{"the other language, marked", string(bilingual("en", "Sở <X>", "")), `<span lang="vi">Sở &lt;X&gt;</span>`},
		{"Vietnamese has no prefix", vi["url"].(func(string) string)("/search"), "/search"},
		{"the same page in English", turn("en", View{Path: "/search", Query: "q=a"}), "/en/search?q=a"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestFieldKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	typed := View{Form: &Form{
		Values: url.Values{"email": {`"><script>`}, "box": {"yes"}, "boxes": {"b"}, "x": {""}},
		Errors: []FieldError{{Name: "email", Text: "Thư điện tử chưa đúng"}},
	}}
	options := []Option{{Value: "a", Text: "A"}, {Value: "b", Text: "B"}}
	for _, tt := range []struct {
		name  string
		view  View
		field string
		pairs []any
		want  []string
		not   []string
	}{
		{"typed, escaped, with its error", typed, "email", []any{"label", "Thư", "type", "email"},
			[]string{`value="&#34;&gt;&lt;script&gt;"`, `aria-invalid="true"`, `aria-describedby=" f-email-error"`, "Thư điện tử chưa đúng"}, []string{"<script>"}},
		{"a password is never given back", View{Form: &Form{Values: url.Values{"p": {"hunter2"}}}}, "p",
			[]any{"label", "P", "type", "password"}, nil, []string{"hunter2"}},
		{"before anyone typed", View{}, "x", []any{"label", "X", "value", "khởi đầu"}, []string{`value="khởi đầu"`}, nil},
		{"typed empty is not the first value", typed, "x", []any{"label", "X", "value", "khởi đầu"}, nil, []string{"khởi đầu"}},
		{"of another form on the page", typed, "other", []any{"label", "O", "value", "khởi đầu"}, []string{`value="khởi đầu"`}, nil},
		{"box", typed, "box", []any{"label", "B", "type", "box"}, []string{" checked"}, nil},
		{"boxes", typed, "boxes", []any{"label", "B", "type", "boxes", "options", options}, []string{`value="b" checked`}, []string{`value="a" checked`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := newField(tt.view, tt.field, tt.pairs...)
			if err != nil {
				t.Fatal(err)
			}
			words := messagesOf(t, "vi")
			set := template.Must(template.New("").Funcs(functions("vi", words, nil)).ParseFS(files, "partials/*.html"))
			var out strings.Builder
			if err := set.ExecuteTemplate(&out, "field", f); err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("lacks %s:\n%s", want, out.String())
				}
			}
			for _, not := range tt.not {
				if strings.Contains(out.String(), not) {
					t.Errorf("holds %s:\n%s", not, out.String())
				}
			}
		})
	}
	if _, err := newField(View{}, "x", "lable", "X"); err == nil {
		t.Error("a misspelt setting is taken")
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	pages, err := New()
	if err != nil {
		t.Fatal(err)
	}
	sheet := "/static/" + pages.assets["lgsp.css"]
	for _, tt := range []struct {
		name, path, accept string
		status             int
		encoding, kind     string
	}{
		{"brotli", sheet, "gzip, deflate, br", 200, "br", "text/css; charset=utf-8"},
		{"gzip", sheet, "gzip", 200, "gzip", "text/css; charset=utf-8"},
		{"neither", sheet, "", 200, "", "text/css; charset=utf-8"},
		{"font", "/static/" + pages.assets["be-vietnam-pro-latin-400-normal.woff2"], "br", 200, "", "font/woff2"},
		{"unknown", "/static/manifest.json", "", 404, "", ""},
		{"outside", "/static/../web.go", "", 404, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, tt.path, nil)
			r.Header.Set("Accept-Encoding", tt.accept)
			w := httptest.NewRecorder()
			pages.Static().ServeHTTP(w, r)
			got := fmt.Sprint(w.Code, w.Header().Get("Content-Encoding"))
			if got != fmt.Sprint(tt.status, tt.encoding) {
				t.Errorf("got %s, want %d %s", got, tt.status, tt.encoding)
			}
			if tt.kind != "" && w.Header().Get("Content-Type") != tt.kind {
				t.Errorf("type: got %s, want %s", w.Header().Get("Content-Type"), tt.kind)
			}
		})
	}
}

// TestSizes holds the bounds on what every page loads, packed or not.
func TestSizes(t *testing.T) {
	t.Parallel()
	pages, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, most := range map[string]int{"lgsp.css": 120_000, "lgsp.js": 20_000} {
		text, err := files.ReadFile("dist/" + pages.assets[name])
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > most {
			t.Errorf("%s is %d bytes, more than %d", name, len(text), most)
		}
	}
}
