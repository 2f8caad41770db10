package files_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lgsp/catalog/files"
	"lgsp/internal/problem"
	"lgsp/internal/s3test"
)

// TestFilesMoveToTheBucketAndBack: while they are read, broken off and begun
// again, and what is not what its name says stays where it is.
func TestFilesMoveToTheBucketAndBack(t *testing.T) {
	t.Parallel()
	server, dir, ctx := s3test.Start(t), t.TempDir(), t.Context()
	disk := place{FileStore: files.Disk{Dir: dir}, dir: dir}
	texts := []string{"một", strings.Repeat("hai", 12<<20), "ba"}
	var hashes []string
	for _, text := range texts {
		hashes = append(hashes, disk.keep(t, text))
	}
	spoilt := strings.Repeat("ab", 32)
	write(t, filepath.Join(dir, spoilt), "spoilt")
	write(t, filepath.Join(dir, "upload-1"), "no kept file")
	s, err := files.NewS3(server.URL("p"), s3test.Secret, files.Disk{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	bucket := place{FileStore: s, dir: dir, server: server}
	all := func(when string) {
		t.Helper()
		for i, hash := range hashes {
			if bucket.read(t, hash) != texts[i] {
				t.Errorf("%s: the file %d is another", when, i)
			}
		}
	}
	all("before")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.ToBucket(gone); err == nil {
		t.Error("it was not broken off")
	}
	all("broken off")
	if again := bucket.keep(t, texts[0]); again != hashes[0] { // somebody sends the same file meanwhile
		t.Fatal(again)
	}
	want := files.Moved{Files: 2, Bytes: int64(len(texts[1]) + len(texts[2])), There: 1, Wrong: []string{spoilt}}
	if m, err := s.ToBucket(ctx); err != nil || !reflect.DeepEqual(m, want) {
		t.Errorf("moved %+v, error %v, want %+v", m, err, want)
	}
	all("moved")
	if left := names(t, dir); left != spoilt+" upload-1" {
		t.Errorf("on the disk are left %s", left)
	}
	if m, err := s.ToBucket(ctx); err != nil || m.Files != 0 {
		t.Errorf("moved once more: %+v, error %v", m, err)
	}

	back := t.TempDir()
	if s, err = files.NewS3(server.URL("p"), s3test.Secret, files.Disk{Dir: back}); err != nil {
		t.Fatal(err)
	}
	if m, err := s.ToDisk(ctx); err != nil || m.Files != 3 || m.There != 0 || len(m.Wrong) != 0 {
		t.Errorf("back: %+v, error %v", m, err)
	}
	for i, hash := range hashes {
		if (place{FileStore: files.Disk{Dir: back}}).read(t, hash) != texts[i] {
			t.Errorf("back: the file %d is another", i)
		}
	}
	write(t, filepath.Join(back, hashes[1]), "cut off")
	if m, err := s.ToDisk(ctx); err != nil || m.Files != 1 || m.There != 2 {
		t.Errorf("back, once more: %+v, error %v", m, err)
	}
	server.Kill()
	if _, err := s.ToDisk(ctx); problem.Code(err) != "files-away" {
		t.Errorf("the server is away: %v", err)
	}
	write(t, filepath.Join(back, spoilt), "x")
	if _, err := s.ToBucket(ctx); problem.Code(err) != "files-away" {
		t.Errorf("the server is away: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := fs.ReadDir(os.DirFS(dir), ".")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return strings.Join(list, " ")
}
