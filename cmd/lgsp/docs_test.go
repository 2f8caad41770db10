package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"lgsp/gateway"
)

var settingName = regexp.MustCompile(`LGSP_[A-Z0-9_]*[A-Z]`)

// TestOperatorsPage holds docs/operators.md to the settings and metrics there are.
func TestOperatorsPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && slices.Equal(settingName.FindAllString(name, -1), []string{name}) {
			listed = append(listed, name)
		}
	}
	for _, name := range settings {
		if !slices.Contains(listed, name) {
			t.Errorf("setting %s has no row in docs/operators.md", name)
		}
	}
	for _, name := range listed {
		if !slices.Contains(settings, name) {
			t.Errorf("docs/operators.md lists %s, which is no setting", name)
		}
	}
	to := make(chan *prometheus.Desc, 100)
	gateway.NewMetrics().Describe(to)
	close(to)
	for desc := range to {
		_, rest, _ := strings.Cut(desc.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		if !strings.Contains(string(text), "| `"+name+"` |") {
			t.Errorf("metric %s has no row in docs/operators.md", name)
		}
	}
}

// TestPapers looks at every file that people read or copy from: the settings
// it names exist, and so does what it links to.
func TestPapers(t *testing.T) {
	t.Parallel()
	for _, path := range papers(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range settingName.FindAllString(string(text), -1) {
			if !slices.Contains(settings, name) && name != "LGSP_TEST_DATABASE_URL" {
				t.Errorf("%s names %s, which is no setting", path, name)
			}
		}
		for _, link := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			to, _, _ := strings.Cut(link[1], "#")
			if to == "" || strings.Contains(to, "://") || filepath.Ext(path) != ".md" {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", path, to)
			}
		}
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)]+)\)`)

func papers(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{"../../docs", "../../deploy"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "secrets" {
				return filepath.SkipDir // an operator's own, beside the compose file
			}
			if err == nil && !d.IsDir() && filepath.Ext(path) != ".png" {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(paths) < 8 {
		t.Fatalf("found only %d papers", len(paths))
	}
	return paths
}
