package change

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"lgsp/catalog/spec"
	"lgsp/internal/problem"
)

func packed(t *testing.T, name string) *spec.Document {
	t.Helper()
	f, err := os.Open("testdata/pairs/" + name + ".yaml.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := spec.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// counted are findings by level and code, as "may-break break-answer-widened 2".
func counted(found []Finding) []string {
	n := map[string]int{}
	for _, f := range found {
		n[f.Level+" "+f.Code]++
	}
	all := []string{}
	for _, key := range slices.Sorted(maps.Keys(n)) {
		all = append(all, fmt.Sprint(key, " ", n[key]))
	}
	return all
}

// TestPairs: ten pairs of versions of real documents, each with its verdict and
// why, which was looked up in both documents.
func TestPairs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before, after, why string
		want               []string
		says               string // of one of the findings
	}{
		{"alertmanager-v0.20.0", "alertmanager-v0.24.0", "a field of answers more; a list has no least value of 0 any more, which says the same: it only stops a change where somebody calls",
			[]string{"may-break break-answer-widened 1"}, "GET /status cluster/peers"},
		{"alertmanager-v0.24.0", "alertmanager-v0.27.0", "answers to errors more", nil, ""},
		{"alertmanager-v0.27.0", "alertmanager-v0.28.0", "fields of answers more, which nobody need read, and a parameter that may be left out", nil, ""},
		{"hydra-v2.0.3", "hydra-v2.1.1", "fields and optional parameters more, one parameter that may be left out now", nil, ""},
		{"hydra-v2.1.1", "hydra-v2.2.1", "id_token was a number and is a string; two lists that were always given may be missing",
			[]string{"breaks break-answer-field-optional 2", "breaks break-answer-type 1"}, "POST /oauth2/token id_token"},
		{"kratos-v0.11.1", "kratos-v0.13.1", "what an error holds is another; a parameter takes listed values only",
			[]string{"breaks break-answer-field-removed 4", "breaks break-parameter-narrowed 2", "breaks break-request-narrowed 4", "may-break break-answer-field-removed 28"}, "GET /admin/sessions expand"},
		{"kratos-v0.13.1", "kratos-v1.0.0", "a deletion that answered 200 answers 204; a challenge is no UUID any more",
			[]string{"breaks break-answer-removed 1", "breaks break-answer-type 8", "breaks break-request-narrowed 2"}, "DELETE /admin/identities/{id}/credentials/{type} 200"},
		{"kratos-v1.0.0", "kratos-v1.3.8", "states are of any type, whose they are may be missing from a session; very many listed values more",
			[]string{"breaks break-answer-field-optional 9", "breaks break-answer-type 21", "breaks break-parameter-narrowed 1", "breaks break-request-narrowed 4", "may-break break-answer-widened 283"}, "DELETE /admin/identities/{id}/credentials/{type} type"},
		{"keto-v0.8.0-alpha.2", "keto-v0.11.0-alpha.0", "everything moved below /relation-tuples",
			[]string{"breaks break-answer-type 1", "breaks break-operation-removed 6", "may-break break-answer-field-removed 6"}, "GET /check "},
		{"typesense-v0.8.0", "typesense-v1.0.0", "a group's key was of strings and is of anything",
			[]string{"breaks break-answer-type 2"}, "GET /collections/{collectionName}/documents/search grouped_hits/items/group_key/items"},
	} {
		t.Run(tt.before+" to "+tt.after, func(t *testing.T) {
			t.Parallel()
			before, after := packed(t, tt.before), packed(t, tt.after)
			found, err := Judge(before.JSON, after.JSON)
			if got := counted(found); err != nil || !slices.Equal(got, tt.want) && len(got)+len(tt.want) > 0 {
				t.Errorf("%s: got %q, want %q, %v", tt.why, got, tt.want, err)
			}
			said := false
			for i, f := range found {
				said = said || f.Method+" "+f.Path+" "+f.Name == tt.says
				if i > 0 && found[i-1].Level == MayBreak && f.Level == Breaks {
					t.Error("what breaks does not stand first")
				}
				for _, locale := range []string{"vi", "en"} {
					if words := f.Words(locale); words == f.Detail || strings.Contains(words, "{name}") || strings.Contains(words, "{detail}") {
						t.Errorf("%s has no words in %s: %q", f.Code, locale, words)
					}
				}
			}
			if tt.says != "" && !said {
				t.Errorf("nothing is found at %q", tt.says)
			}
			if same, err := Judge(after.JSON, after.JSON); err != nil || len(same) > 0 || len(Compare(after, after)) > 0 {
				t.Errorf("a document and itself: %d findings, %d changes, %v", len(same), len(Compare(after, after)), err)
			}
			for _, c := range Compare(before, after) {
				for _, locale := range []string{"vi", "en"} {
					if words := c.Words(locale); words == c.Code || strings.ContainsAny(words, "{}") && !strings.ContainsAny(c.Name, "{}") {
						t.Errorf("%s has no words in %s: %q", c.Code, locale, words)
					}
				}
			}
		})
	}
}

// TestEveryRuleHasACode: whatever oasdiff calls an error or a warning comes to
// something that has words, or is the platform's own to say.
func TestEveryRuleHasACode(t *testing.T) {
	t.Parallel()
	for _, c := range classes {
		if c.code == "" {
			continue
		}
		for _, locale := range []string{"vi", "en"} {
			if (problem.Field{Code: c.code, Detail: "x"}).Words(locale) == "x" {
				t.Errorf("%s has no words in %s", c.code, locale)
			}
		}
		if c.level != Breaks && c.level != MayBreak {
			t.Errorf("%s has the level %q", c.code, c.level)
		}
	}
	for rule, want := range map[string]string{
		"api-removed-with-deprecation": "break-operation-removed", "api-path-removed-before-sunset": "break-operation-removed",
		"api-security-removed": "", "api-deprecated-sunset-missing": "", "request-parameter-max-length-decreased": "break-parameter-narrowed",
		"request-property-enum-value-removed": "break-request-narrowed", "new-required-request-property-with-default": "break-request-field-required",
		"response-media-type-removed": "break-answer-media", "response-body-type-changed": "break-answer-type", "response-header-became-optional": "break-answer-header",
		"response-property-enum-value-added": "break-answer-widened", "webhook-removed": "", "something-new": "break-other",
	} {
		if code, _ := classify(rule, true); code != want {
			t.Errorf("%s: got %q, want %q", rule, code, want)
		}
	}
	if code, _ := classify("response-optional-property-added", false); code != "" {
		t.Errorf("a field more: got %q", code)
	}
}

func TestUnjudged(t *testing.T) {
	t.Parallel()
	good := []byte(`{"openapi":"3.0.3","info":{"title":"T","version":"1"},"paths":{}}`)
	for name, text := range map[string]string{
		"no JSON": "{", "a reference out of the document": `{"openapi":"3.0.3","info":{"title":"T","version":"1"},"paths":{"/a":{"$ref":"file:///etc/passwd"}}}`,
	} {
		for _, pair := range [][2][]byte{{good, []byte(text)}, {[]byte(text), good}} {
			if _, err := Judge(pair[0], pair[1]); problem.Code(err) != "change-unjudged" {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// FuzzJudge: whatever spec reads, two of it are compared within the time, or
// said not to be, and told in words.
func FuzzJudge(f *testing.F) {
	f.Add("openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {type: object, properties: {a: {type: string}}}}}}}}}}\n",
		"openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: d, content: {application/json: {schema: {type: [object, 'null'], properties: {a: {$ref: '#/components/schemas/A'}}}}}}}}}}\ncomponents: {schemas: {A: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}}}\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		before, err := spec.Read([]byte(a))
		if err != nil {
			return
		}
		after, err := spec.Read([]byte(b))
		if err != nil {
			return
		}
		if list := Compare(before, after); len(list) > maxChanges+1 {
			t.Errorf("%d changes", len(list))
		}
		found, err := Judge(before.JSON, after.JSON)
		if err != nil && problem.Code(err) != "change-unjudged" || len(found) > maxFindings {
			t.Errorf("%d findings, %v", len(found), err)
		}
	})
}
