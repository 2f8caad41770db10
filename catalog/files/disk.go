// Package files answers where the files of datasets lie: on the disk of one
// node, or in a bucket of an S3 server that all nodes share. A kept file stands
// under the SHA-256 of its content and never changes; a file on its way in
// grows at its end, until it is kept or forgotten.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

var (
	// ErrTooLong says that more came than was to come; nothing of it was kept.
	ErrTooLong = errors.New("more came than was to come")
	// ErrTaken says that another node took the same piece of a file.
	ErrTaken = errors.New("another took this piece")
)

// Disk keeps files in a directory of this machine.
type Disk struct {
	Dir string // kept files by their hash; those on their way in under partial
}

// scratchPrefix begins the names of files that are being worked on.
const scratchPrefix = "upload-"

// Scratch gives an empty file to work with, which the caller removes. What is
// left behind is swept.
func (d Disk) Scratch() (*os.File, error) {
	if err := os.MkdirAll(d.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make %s: %w", d.Dir, err)
	}
	file, err := os.CreateTemp(d.Dir, scratchPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("make a file to work with: %w", err)
	}
	return file, nil
}

// Open opens a kept file. It fails with fs.ErrNotExist.
func (d Disk) Open(_ context.Context, hash string) (io.ReadSeekCloser, error) {
	return os.Open(d.kept(hash))
}

func (d Disk) kept(hash string) string { return filepath.Join(d.Dir, hash) }

// Offer prepares to keep the file at path, which lies in Dir.
func (d Disk) Offer(_ context.Context, path string) (string, error) { return path, nil }

// Keep keeps what was offered.
func (d Disk) Keep(_ context.Context, offered, hash string) error {
	return os.Rename(offered, d.kept(hash))
}

// Drop forgets what was offered and is not kept; the file itself is the caller's.
func (d Disk) Drop(context.Context, string) error { return nil }

func (d Disk) partials() string { return filepath.Join(d.Dir, "partial") }

func (d Disk) partial(id uuid.UUID) string { return filepath.Join(d.partials(), id.String()) }

// Received is how far a file on its way in has come, in bytes.
func (d Disk) Received(_ context.Context, id uuid.UUID) (int64, error) {
	facts, err := os.Stat(d.partial(id))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	return facts.Size(), nil
}

// Receive adds at most so many bytes of body to a file on its way in, which has
// come up to at, and gives how many it added, also when it fails. More than the
// most is ErrTooLong.
func (d Disk) Receive(_ context.Context, id uuid.UUID, at, most int64, body io.Reader) (int64, error) {
	if err := os.MkdirAll(d.partials(), 0o750); err != nil {
		return 0, err
	}
	file, err := os.OpenFile(d.partial(id), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(file, io.LimitReader(body, most))
	if err == nil && n == most && goesOn(body) {
		err = errors.Join(ErrTooLong, file.Truncate(at))
		n = 0
	}
	return n, errors.Join(err, file.Sync(), file.Close())
}

// goesOn reports whether there is another byte.
func goesOn(body io.Reader) bool {
	more, _ := io.CopyN(io.Discard, body, 1)
	return more > 0
}

// Local gives a path where a file on its way in can be read, until it is released.
func (d Disk) Local(_ context.Context, id uuid.UUID) (string, func(), error) {
	return d.partial(id), func() {}, nil
}

// Forget removes a file on its way in, if there is any.
func (d Disk) Forget(_ context.Context, id uuid.UUID) error {
	if err := os.Remove(d.partial(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sweep removes what was last written before a time and neither kept nor, as
// known tells, still on its way in.
func (d Disk) Sweep(ctx context.Context, before time.Time, known func(context.Context, uuid.UUID) (bool, error)) error {
	for _, dir := range []string{d.Dir, d.partials()} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sweep %s: %w", dir, err)
		}
		for _, entry := range entries {
			id, noID := uuid.Parse(entry.Name())
			if noID != nil && !strings.HasPrefix(entry.Name(), scratchPrefix) {
				continue
			}
			facts, err := entry.Info()
			if err != nil || facts.ModTime().After(before) {
				continue // it has gone meanwhile, or is young
			}
			if noID == nil {
				if wanted, err := known(ctx, id); err != nil || wanted {
					if err != nil {
						return err
					}
					continue
				}
			}
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("sweep %s: %w", dir, err)
			}
		}
	}
	return nil
}
