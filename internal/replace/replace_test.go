package replace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestFile: the file is there whole or as it was, and nothing lies beside it.
func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := Bytes(path, 0o640, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := File(path, 0o640, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return broken
	})
	if text, _ := os.ReadFile(path); !errors.Is(err, broken) || string(text) != "old" {
		t.Errorf("after a writer that failed: %q, %v", text, err)
	}
	if err := Bytes(path, 0o600, []byte("new")); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	info, err := os.Stat(path)
	if err != nil || string(text) != "new" || info.Mode() != 0o600 {
		t.Errorf("replaced: %q, %v, %v", text, info, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("the directory holds %v", left)
	}
	if err := Bytes(filepath.Join(dir, "none", "f"), 0o600, nil); err == nil {
		t.Error("a file was made in no directory")
	}
}
