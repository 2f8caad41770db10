// Package replace answers how a file is replaced so that a crash leaves the old
// one or the new, never a part.
package replace

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File replaces the file at path by what write writes; its directory must
// exist. When an error comes back, the old file is still there.
func File(path string, mode fs.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 64<<10)
	err = errors.Join(write(out), out.Flush(), f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Bytes is File with all there is to write.
func Bytes(path string, mode fs.FileMode, text []byte) error {
	return File(path, mode, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
