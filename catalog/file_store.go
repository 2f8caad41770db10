package catalog

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/google/uuid"

	"lgsp/catalog/files"
)

// FileStore is where the files of datasets lie: files.Disk or files.S3. While it
// does not answer it fails with Unavailable.
type FileStore interface {
	KeptFiles
	IncomingFiles

	// Scratch gives an empty file to work with, which the caller removes.
	Scratch() (*os.File, error)
	// Sweep removes what was last written before a time and is neither kept nor,
	// as known tells, still on its way in.
	Sweep(ctx context.Context, before time.Time, known func(context.Context, uuid.UUID) (bool, error)) error
}

// KeptFiles are whole files, each under the SHA-256 of its content. None is ever
// written over.
type KeptFiles interface {
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
	// Offer brings a file to where it can be kept at once; then it is kept, or
	// dropped.
	Offer(ctx context.Context, path string) (offered string, err error)
	Keep(ctx context.Context, offered, hash string) error
	Drop(ctx context.Context, offered string) error
}

// IncomingFiles are files on their way in.
type IncomingFiles interface {
	Received(ctx context.Context, id uuid.UUID) (int64, error)
	// Receive adds at most so many bytes to a file that has come up to at, and
	// gives how many, also when it fails. More is files.ErrTooLong.
	Receive(ctx context.Context, id uuid.UUID, at, most int64, body io.Reader) (int64, error)
	// Local gives a path where the file can be read until it is released.
	Local(ctx context.Context, id uuid.UUID) (path string, release func(), err error)
	Forget(ctx context.Context, id uuid.UUID) error
}

// OnDisk keeps files in a directory of this machine.
func OnDisk(dir string) FileStore { return files.Disk{Dir: dir} }
