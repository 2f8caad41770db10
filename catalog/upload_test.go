package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

func TestAFileComesInPieces(t *testing.T) {
	t.Parallel()
	onEachStore(t, aFileComesInPieces)
}

func aFileComesInPieces(t *testing.T, s *shelf) {
	ctx := t.Context()
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

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	onEachStore(t, uploadRefusals)
}

func uploadRefusals(t *testing.T, s *shelf) {
	ctx := t.Context()
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
	onEachStore(t, aTableThatCannotBeReadIsNoLongerComing)
}

func aTableThatCannotBeReadIsNoLongerComing(t *testing.T, s *shelf) {
	ctx := t.Context()
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
	onEachStore(t, uploadsAreSwept)
}

func uploadsAreSwept(t *testing.T, s *shelf) {
	ctx := t.Context()
	s.now = time.Now() // as the store has it
	_, part := s.published(t, "quet", "Quét", subscribers)
	begin := func() Incoming {
		up, err := s.BeginUpload(ctx, s.publisher, part.DatasetID, "a.csv", 4)
		if err == nil {
			up, err = s.Receive(ctx, s.publisher, up.ID, 0, strings.NewReader("a\n1"))
		}
		if err != nil {
			t.Fatal(err)
		}
		return up
	}
	old := begin()
	if _, err := s.Files.Receive(ctx, uuid.Must(uuid.NewV7()), 0, 4, strings.NewReader("1234")); err != nil {
		t.Fatal(err) // nobody knows of it
	}
	file, err := s.Files.Scratch()
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SweepUploads(ctx); err != nil || len(s.lying(t)) != 4 {
		t.Errorf("of what is young there lie %v, error %v", s.lying(t), err)
	}
	s.now = s.now.Add(UploadLasts + time.Minute)
	if _, err := s.Upload(ctx, s.publisher, old.ID); problem.Code(err) != "upload-unknown" {
		t.Errorf("expired, but there: %v", err)
	}
	young := begin()
	if err := s.SweepUploads(ctx); err != nil {
		t.Fatal(err)
	}
	left := s.lying(t)
	if len(left) != 2 || left[0] != part.Hash || !strings.HasPrefix(left[1], "partial/"+young.ID.String()) {
		t.Errorf("left are %v", left)
	}
	if now, err := s.Upload(ctx, s.publisher, young.ID); err != nil || now.Received != 3 {
		t.Errorf("the young one stands at %d, error %v", now.Received, err)
	}
}

// TestOnlyOnePieceAtATime: two that come at once are not mixed.
func TestOnlyOnePieceAtATime(t *testing.T) {
	t.Parallel()
	onEachStore(t, onlyOnePieceAtATime)
}

func onlyOnePieceAtATime(t *testing.T, s *shelf) {
	ctx := t.Context()
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
	path, release, err := s.Files.Local(ctx, up.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if taken != 1 || len(body) != size || bytes.Count(body, body[:1]) != size {
		t.Errorf("%d pieces were taken, %d bytes, mixed: %v", taken, len(body), bytes.Count(body, body[:1]) != len(body))
	}
}

// TestAnUploadIsFlatInMemory: a quarter of a GiB comes in, none of it stays in memory.
func TestAnUploadIsFlatInMemory(t *testing.T) {
	onEachStore(t, anUploadIsFlatInMemory)
}

func anUploadIsFlatInMemory(t *testing.T, s *shelf) {
	ctx := t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("lon", "Lớn"))
	if err != nil {
		t.Fatal(err)
	}
	const size = 256 << 20
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "a.txt", size)
	if err != nil {
		t.Fatal(err)
	}
	grown := measureHeap()
	if _, err := s.Receive(ctx, s.publisher, up.ID, 0, io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID}); err != nil {
		t.Fatal(err)
	}
	if most := grown(); most > 32<<20 {
		t.Errorf("%d MiB were held for a file of %d MiB", most>>20, size>>20)
	}
}

// measureHeap looks at the heap again and again until it is asked by how much
// it had grown at most.
func measureHeap() func() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	before, most, end, done := now.HeapInuse, uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse)
			select {
			case <-end:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() uint64 {
		close(end)
		<-done
		return most - min(most, before)
	}
}
