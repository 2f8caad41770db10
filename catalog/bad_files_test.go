package catalog

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func workbook(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, at := range []string{"A1", "B1", "A2", "B2"} {
		if err := f.SetCellValue("Sheet1", at, []any{"Mã", "Số", "a", 1}[i]); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFilesThatAreNotWhatTheirNameSays: nothing of them is kept.
func TestFilesThatAreNotWhatTheirNameSays(t *testing.T) {
	t.Parallel()
	onEachStore(t, filesThatAreNotWhatTheirNameSays)
}

func filesThatAreNotWhatTheirNameSays(t *testing.T, s *shelf) {
	ctx := t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("sai-loai", "Sai loại"))
	if err != nil {
		t.Fatal(err)
	}
	book := string(workbook(t))
	for _, tt := range []struct{ name, file, content string }{
		{"a workbook cut in half", "a.xlsx", book[:len(book)/2]},
		{"a workbook without its end", "a.xlsx", book[:len(book)-30]},
		{"a table called a workbook", "a.xlsx", subscribers},
		{"a workbook called a table", "a.csv", book},
		{"a picture called a table", "a.csv", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"},
		{"a page called JSON", "a.json", "<!doctype html><title>404</title>"},
		{"JSON cut off", "a.json", `[{"a":1},{"a":`},
		{"a table cut off in a quote", "a.csv", "a,b\n1,\"x"},
	} {
		err := s.upload(ctx, d.ID, tt.file, tt.content)
		if !problem.Is(err, problem.Invalid) || problem.Code(err) == "" {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	whole, err := s.DatasetBySlug(ctx, s.publisher, d.Slug)
	if err != nil || len(whole.Distributions) != 0 {
		t.Errorf("%d files were kept, error %v", len(whole.Distributions), err)
	}
	s.nothingPartial(t)
	if left := s.lying(t); len(left) != 0 {
		t.Errorf("%v stay behind", left)
	}
}

// TestACellOfAGigabyteIsRefusedEarly: by its first megabyte, in little memory.
func TestACellOfAGigabyteIsRefusedEarly(t *testing.T) {
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("o-lon", "Ô lớn"))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	for _, tt := range []struct {
		file, head, end string
		size            int64
	}{{"a.csv", "a,b\n1,\"", "\"\n", MaxUpload - 100}, {"a.json", `[{"a":"`, `"}]`, 64 << 20}} {
		runtime.ReadMemStats(&before)
		began := time.Now()
		body := io.MultiReader(strings.NewReader(tt.head), io.LimitReader(letters{}, tt.size), strings.NewReader(tt.end))
		_, err = s.AddDistribution(ctx, s.publisher, d.ID, Upload{FileName: tt.file, Body: body})
		runtime.ReadMemStats(&after)
		if !problem.Is(err, problem.Invalid) || problem.Code(err) == "" {
			t.Errorf("%s: %v", tt.file, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
			t.Errorf("%s: %d MiB were allocated", tt.file, grown>>20)
		}
		t.Logf("%s: %s, refused with %s", tt.file, time.Since(began).Round(time.Millisecond), problem.Code(err))
	}
	s.nothingPartial(t)
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
