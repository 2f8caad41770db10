package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestAFileComesInPieces(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("tung-phan", "Từng phần"))
	if err != nil {
		t.Fatal(err)
	}
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, `C:\số liệu.csv`, int64(len(subscribers)))
	if err != nil || up.FileName != "số liệu.csv" || up.Received != 0 {
		t.Fatalf("begun as %+v, error %v", up, err)
	}
	cut := io.MultiReader(strings.NewReader(subscribers[:20]), iotest.ErrReader(io.ErrUnexpectedEOF))
	if up, err = s.Receive(ctx, s.publisher, up.ID, 0, cut); !errors.Is(err, io.ErrUnexpectedEOF) || up.Received != 20 {
		t.Errorf("a piece that breaks off: %d bytes, error %v", up.Received, err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID}); problem.Code(err) != "upload-unfinished" {
		t.Errorf("taken before it has come: %v", err)
	}
	s.now = s.now.Add(UploadLasts - time.Minute)
	if up, err = s.Upload(ctx, s.publisher, up.ID); err != nil || up.Received != 20 {
		t.Fatalf("found again with %d bytes, error %v", up.Received, err)
	}
	if up, err = s.Receive(ctx, s.publisher, up.ID, 20, strings.NewReader(subscribers[20:])); err != nil || up.Received != up.Size {
		t.Fatalf("the rest: %d bytes, error %v", up.Received, err)
	}
	if !up.ExpiresAt.Equal(s.now.Add(UploadLasts)) {
		t.Errorf("expires %s, want a day from %s", up.ExpiresAt, s.now)
	}
	part, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID, TitleEN: "Subscribers"})
	if err != nil || part.TitleVI != "số liệu.csv" || part.Rows == nil || *part.Rows != 3 || part.Size != int64(len(subscribers)) {
		t.Fatalf("kept as %+v, error %v", part, err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID}); problem.Code(err) != "upload-unknown" {
		t.Errorf("taken twice: %v", err)
	}
	file, _, err := s.OpenFile(ctx, s.publisher, part.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := io.ReadAll(file); err != nil || string(got) != subscribers {
		t.Errorf("the file is %q, error %v", got, err)
	}
	s.nothingPartial(t)
}

func (s *shelf) nothingPartial(t *testing.T) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(s.Files, "partial", "*"))
	more, _ := filepath.Glob(filepath.Join(s.Files, "upload-*"))
	if left = append(left, more...); len(left) > 0 {
		t.Errorf("unfinished files stay behind: %v", left)
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("tung-phan-2", "Từng phần"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("tung-phan-3", "Bộ khác"))
	if err != nil {
		t.Fatal(err)
	}
	begin := func(who auth.Principal, name string, size int64) error {
		_, err := s.BeginUpload(ctx, who, d.ID, name, size)
		return err
	}
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.csv", 4)
	if err != nil {
		t.Fatal(err)
	}
	colleague := auth.Principal{Person: uuid.Must(uuid.NewV7()), Memberships: s.publisher.Memberships}
	former := auth.Principal{Person: s.publisher.Person}
	receive := func(who auth.Principal, offset int64, body string) error {
		_, err := s.Receive(ctx, who, up.ID, offset, strings.NewReader(body))
		return err
	}
	take := func(who auth.Principal, dataset uuid.UUID) error {
		_, err := s.AddDistribution(ctx, who, dataset, Upload{Incoming: up.ID, TitleVI: "A"})
		return err
	}
	for _, tt := range []struct {
		name string
		try  func() error
		code string
	}{
		{"a stranger begins", func() error { return begin(s.stranger, "a.csv", 4) }, "dataset-unknown"},
		{"the steward begins", func() error { return begin(s.steward, "a.csv", 4) }, "forbidden"},
		{"a program", func() error { return begin(s.publisher, "a.exe", 4) }, "file-format"},
		{"nothing", func() error { return begin(s.publisher, "a.csv", 0) }, "file-empty"},
		{"too large", func() error { return begin(s.publisher, "a.csv", MaxUpload+1) }, "file-too-large"},
		{"a workbook too large", func() error { return begin(s.publisher, "a.xlsx", maxWorkbook+1) }, "file-too-large"},
		{"a colleague goes on", func() error { return receive(colleague, 0, "a\n1\n") }, "upload-unknown"},
		{"who left the agency goes on", func() error { return receive(former, 0, "a\n1\n") }, "upload-unknown"},
		{"from the wrong place", func() error { return receive(s.publisher, 1, "a") }, "upload-offset"},
		{"beyond the size", func() error { return receive(s.publisher, 0, "a\n1\n2") }, "upload-too-long"},
		{"nothing of that is kept", func() error { return receive(s.publisher, 0, "a\n1\n") }, ""},
		{"for another dataset", func() error { return take(s.publisher, other.ID) }, "upload-unknown"},
		{"by a colleague", func() error { return take(colleague, d.ID) }, "upload-unknown"},
		{"while a piece is taken", func() error {
			release, err := s.claim(up.ID)
			if err != nil {
				return err
			}
			defer release()
			return errors.Join(take(s.publisher, d.ID), nil)
		}, "upload-busy"},
		{"dropped by a colleague", func() error { return s.DropUpload(ctx, colleague, up.ID) }, "upload-unknown"},
		{"dropped", func() error { return s.DropUpload(ctx, s.publisher, up.ID) }, ""},
		{"after that", func() error { return receive(s.publisher, 4, "") }, "upload-unknown"},
		{"ten at once", func() error {
			for range maxUploads {
				if err := begin(s.publisher, "a.csv", 4); err != nil {
					return err
				}
			}
			return nil
		}, ""},
		{"the eleventh", func() error { return begin(s.publisher, "a.csv", 4) }, "uploads-many"},
		{"a colleague's first", func() error { return begin(colleague, "a.csv", 4) }, ""},
	} {
		if err := tt.try(); problem.Code(err) != tt.code || tt.code == "" && err != nil {
			t.Errorf("%s: %v, want code %q", tt.name, err, tt.code)
		}
	}
}

// TestATableThatCannotBeReadIsNoLongerComing: sending it once more would not
// help, and its bytes make room.
func TestATableThatCannotBeReadIsNoLongerComing(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("hong", "Hỏng"))
	if err != nil {
		t.Fatal(err)
	}
	const broken = "a,b\n1,\"2\n"
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.csv", int64(len(broken)))
	if err == nil {
		_, err = s.Receive(ctx, s.publisher, up.ID, 0, strings.NewReader(broken))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID}); problem.Code(err) != "rows-quote-open" {
		t.Errorf("got %v", err)
	}
	if _, err := s.Upload(ctx, s.publisher, up.ID); problem.Code(err) != "upload-unknown" {
		t.Errorf("it is still there: %v", err)
	}
	s.nothingPartial(t)
}

func TestUploadsAreSwept(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("quet", "Quét"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.csv", 4)
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(UploadLasts)
	if _, err := s.Upload(ctx, s.publisher, old.ID); problem.Code(err) != "upload-unknown" {
		t.Errorf("expired, but there: %v", err)
	}
	young, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.csv", 4)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(s.Files, strings.Repeat("ab", 32))
	for _, path := range []string{filepath.Join(s.Files, "upload-123"), s.partial(uuid.Must(uuid.NewV7())), kept} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, s.now.Add(-2*UploadLasts), s.now.Add(-2*UploadLasts)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.Files, "upload-young"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.SweepUploads(ctx); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, pattern := range []string{"*", "partial/*"} {
		names, _ := filepath.Glob(filepath.Join(s.Files, pattern))
		for _, name := range names {
			left = append(left, strings.TrimPrefix(name, s.Files+"/"))
		}
	}
	want := strings.Join([]string{filepath.Base(kept), "partial", "upload-young", "partial/" + young.ID.String()}, " ")
	if got := strings.Join(left, " "); got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}

// TestOnlyOnePieceAtATime: two that come at once are not mixed.
func TestOnlyOnePieceAtATime(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.New(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("cung-luc", "Cùng lúc"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.txt", size)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 8)
	for i := range cap(results) {
		go func() {
			_, err := s.Receive(context.WithoutCancel(ctx), s.publisher, up.ID, 0, bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, size)))
			results <- err
		}()
	}
	taken := 0
	for range cap(results) {
		switch err := <-results; problem.Code(err) {
		case "":
			if err != nil {
				t.Fatal(err)
			}
			taken++
		case "upload-busy", "upload-offset":
		default:
			t.Fatal(err)
		}
	}
	body, err := os.ReadFile(s.partial(up.ID))
	if err != nil {
		t.Fatal(err)
	}
	if taken != 1 || len(body) != size || bytes.Count(body, body[:1]) != size {
		t.Errorf("%d pieces were taken, %d bytes, mixed: %v", taken, len(body), bytes.Count(body, body[:1]) != len(body))
	}
}

// TestAnUploadIsFlatInMemory: a quarter of a GiB comes in, none of it stays in memory.
func TestAnUploadIsFlatInMemory(t *testing.T) {
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("lon", "Lớn"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 256 << 20
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.txt", size)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := s.Receive(ctx, s.publisher, up.ID, 0, io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated for a file of %d MiB", grown>>20, size>>20)
	}
}
