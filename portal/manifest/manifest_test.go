package manifest

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const small = `format: lgsp/1
agency: so-a
hosts: ["10.0.0.1:80"]
apis:
  - slug: ho-so
    text: { title_vi: Hồ sơ }
    versions:
      - number: v1
        state: published
        operations: { xem: { access: open } }
        traffic: { request_bytes: 100, cors: { origins: [] } }
        document: { openapi: 3.1.0, info: { title: "Hồ sơ", version: "1" }, paths: {}, x-n: 1.50, x-day: 2026-11-30, x-no: "no" }
datasets:
  - slug: so-lieu
    state: draft
    text: { title_vi: Số liệu, notes_vi: "", keywords_vi: [] }
`

// TestRead: what is read is written the same, and again the same.
func TestRead(t *testing.T) {
	t.Parallel()
	d, err := Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if !equal(d.Datasets[0].Text, Object{"title_vi": "Số liệu"}) || !equal(d.APIs[0].Versions[0].Traffic, Object{"request_bytes": json.Number("100")}) {
		t.Errorf("what is empty is not left out: %v, %v", d.Datasets[0].Text, d.APIs[0].Versions[0].Traffic)
	}
	text, err := d.APIs[0].Versions[0].Document.JSON()
	if want := `{"openapi":"3.1.0","info":{"title":"Hồ sơ","version":"1"},"paths":{},"x-n":1.50,"x-day":"2026-11-30","x-no":"no"}`; err != nil || text != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
	rewritten(t, d)
}

// rewritten writes a document, reads it, and compares.
func rewritten(t *testing.T, d Document) {
	t.Helper()
	var once, twice bytes.Buffer
	if err := d.Write(&once); err != nil {
		t.Fatal(err)
	}
	again, err := Read(bytes.NewReader(once.Bytes()))
	if err != nil {
		t.Fatalf("%v:\n%s", err, once.String())
	}
	if err := again.Write(&twice); err != nil || twice.String() != once.String() {
		t.Fatalf("%v: got\n%s\nwant\n%s", err, twice.String(), once.String())
	}
}

// TestReadRefuses: each mistake is named, with its line where there is one.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	change := func(from, to string) string {
		if !strings.Contains(small, from) {
			t.Fatalf("no %q", from)
		}
		return strings.Replace(small, from, to, 1)
	}
	for _, tt := range []struct{ name, text, says string }{
		{"nothing", "", "empty"},
		{"no YAML", "a: [", "line"},
		{"a list", "- a\n", "line 1"},
		{"two documents", small + "---\na: 1\n", "more than one document"},
		{"another format", change("lgsp/1", "lgsp/9"), `format is "lgsp/9"`},
		{"no agency", change("agency: so-a\n", ""), "agency"},
		{"a key that is not known", change("hosts:", "secrets:"), "secrets"},
		{"a key twice", change("agency: so-a\n", "agency: so-a\nagency: so-b\n"), "line 3"},
		{"a key twice, deep", change("paths: {}", "paths: {}, paths: {}"), "twice"},
		{"an alias", change(`["10.0.0.1:80"]`, "&a [\"10.0.0.1:80\"]"), "aliases"},
		{"a merge", change("{ title_vi: Hồ sơ }", "{ <<: { title_vi: Hồ sơ } }"), "a key is a text"},
		{"a key that is no text", change("paths: {}", "? [a] : 1"), "a key is a text"},
		{"a number of YAML's own", change("1.50", "0x1F"), "no number as JSON writes it"},
		{"no number", change("1.50", ".nan"), "no number as JSON writes it"},
		{"bytes", change("1.50", "!!binary aGk="), "!!binary"},
		{"too deep", change("paths: {}", "paths: "+strings.Repeat("[", 120)+strings.Repeat("]", 120)), "levels deep"},
		{"a state that is none", change("state: published", "state: live"), "state is one of"},
		{"a dataset's state that is none", change("state: draft", "state: sandbox"), "state is one of"},
		{"deprecated without a day", change("state: published", "state: deprecated"), "sunset"},
		{"a day without being deprecated", change("state: published", "state: published\n        sunset: 2027-01-01T00:00:00Z"), "sunset"},
		{"withdrawn without a reason", change("state: draft", "state: withdrawn"), "reason"},
		{"an API twice", change("datasets:\n", "  - { slug: ho-so, text: {} }\ndatasets:\n"), `"ho-so" stands in the document twice`},
		{"a slug that is none", change("slug: so-lieu", "slug: ../so-lieu"), "a slug is"},
		{"another slug in the text", change("title_vi: Số liệu,", "slug: khac, title_vi: Số liệu,"), "another slug"},
		{"no OpenAPI", change("document: {", "document: []\n#"), "an OpenAPI document belongs here"},
		{"no object", change("text: { title_vi: Hồ sơ }", "text: [a]"), "keys and values belong here"},
		{"too large", small + "#" + strings.Repeat("x", maxDocument), "MiB"},
	} {
		if _, err := Read(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
		}
	}
	if _, err := Read(strings.NewReader(change("        document: {", "        x: {"))); err == nil {
		t.Error("a version without a document is taken")
	}
}

// FuzzRead: whatever the bytes, reading ends, and what is taken is written in
// one way.
func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add("format: lgsp/1\nagency: a\nmembers: [{email: a, role: b}]\n")
	f.Add("a: &a [*a]")
	f.Add("format: lgsp/1\nagency: a\napis: [{slug: b, text: {a: {b: [1, 1e3, ~, 'x\n y']}}, versions: [{number: v1, state: draft, document: {\"\": \" #\"}}]}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, a := range d.APIs {
			for _, v := range a.Versions {
				if written, err := v.Document.JSON(); err != nil || !json.Valid([]byte(written)) {
					t.Fatalf("%q: %v", written, err)
				}
			}
		}
		rewritten(t, d)
	})
}
