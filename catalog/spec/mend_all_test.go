package spec

import (
	"slices"
	"testing"

	"lgsp/internal/problem"
)

func TestMendAll(t *testing.T) {
	t.Parallel()
	mended, codes, err := MendAll([]byte(habits))
	if err != nil || len(codes) < 2 {
		t.Fatalf("mended %v, %v", codes, err)
	}
	doc, err := Read(mended)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Findings {
		if Mendable(f.Code, doc.Findings) || slices.Contains(codes, f.Code) {
			t.Errorf("%s is left in line %d", f.Code, f.Line)
		}
	}
	if _, _, err := MendAll(mended); problem.Code(err) != "lint-not-mended" {
		t.Errorf("nothing left to mend: %v", err)
	}
}
