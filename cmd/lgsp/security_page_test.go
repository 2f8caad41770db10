package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSecurityPage holds docs/security.md to the tests there are.
func TestSecurityPage(t *testing.T) {
	t.Parallel()
	page := pageOfTests(t, "security.md")
	if n := len(testName.FindAllString(page, -1)); n < 60 {
		t.Errorf("only %d tests are named", n)
	}
	files, err := filepath.Glob("../../gateway/attack*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no attacks: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range attackName.FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(page, "`"+found[1]+"`") {
				t.Errorf("security.md does not name %s", found[1])
			}
		}
	}
}

// TestConformancePage holds docs/conformance.md to the tests there are. Each
// module, member and defect names one, and F1 to F20 are all there.
func TestConformancePage(t *testing.T) {
	t.Parallel()
	page := pageOfTests(t, "conformance.md")
	rows, heading := 0, true
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case !strings.HasPrefix(line, "|"):
			heading = true
		case heading:
			heading = !strings.HasPrefix(line, "|--")
		default:
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if shown := cells[len(cells)-1]; !testName.MatchString(shown) {
				t.Errorf("no test shows %s", cells[0])
			}
			rows++
		}
	}
	if rows < 140 {
		t.Errorf("only %d rows", rows)
	}
	for n := 1; n <= 20; n++ {
		if !strings.Contains(page, fmt.Sprintf("\n| F%d |", n)) {
			t.Errorf("F%d has no row", n)
		}
	}
}

var (
	attackName = regexp.MustCompile(`func (TestAttack\w+)\(`)
	testName   = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	scriptName = regexp.MustCompile("`test/([\\w.]+)`")
)

// pageOfTests reads a page of docs whose tests are all there.
func pageOfTests(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range testName.FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(tests.String(), "func "+found[1]+"(") {
			t.Errorf("%s names %s, which is no test", name, found[1])
		}
	}
	for _, found := range scriptName.FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("../../test", found[1])); err != nil {
			t.Errorf("%s names %s, which is not there", name, found[0])
		}
	}
	return string(page)
}
