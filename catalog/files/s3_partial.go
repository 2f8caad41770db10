package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
)

// pieceSize is how much of a file on its way in is sent to the server at once.
const pieceSize = 16 << 20

// A file on its way in is a row of objects, partial/ID/OFFSET, each with the
// bytes from that place on. How far it has come is how far they follow each
// other without a gap. An object is never written over, so of two nodes that
// are sent the same piece one is told to ask anew.

func (s *S3) partials() string { return s.prefix + "partial/" }

func (s *S3) partial(id uuid.UUID) string { return s.partials() + id.String() + "/" }

func (s *S3) piece(id uuid.UUID, at int64) string { return fmt.Sprintf("%s%016d", s.partial(id), at) }

// pieces calls do with the pieces of a file as they follow each other.
func (s *S3) pieces(ctx context.Context, id uuid.UUID, do func(name string, size int64) error) (int64, error) {
	var at int64
	err := s.each(ctx, s.partial(id), func(o minio.ObjectInfo) error {
		if offset, err := strconv.ParseInt(strings.TrimPrefix(o.Key, s.partial(id)), 10, 64); err != nil || offset != at {
			return nil // behind a gap; what is sent next goes there
		}
		at += o.Size
		return do(o.Key, o.Size)
	})
	return at, err
}

// Received is how far a file on its way in has come, in bytes.
func (s *S3) Received(ctx context.Context, id uuid.UUID) (int64, error) {
	return s.pieces(ctx, id, func(string, int64) error { return nil })
}

// Receive is Disk.Receive. What comes is gathered in a file of this machine and
// sent on piece by piece; a body that breaks off is kept as far as it came.
func (s *S3) Receive(ctx context.Context, id uuid.UUID, at, most int64, body io.Reader) (int64, error) {
	file, err := s.Scratch()
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	keeping := context.WithoutCancel(ctx) // who sent may have gone
	var sent []string
	var n int64
	for n < most {
		got, broken := io.Copy(io.NewOffsetWriter(file, 0), io.LimitReader(body, min(pieceSize, most-n)))
		if broken == nil && n+got == most && goesOn(body) {
			return 0, errors.Join(ErrTooLong, s.removeAll(keeping, sent))
		}
		if got == 0 {
			return n, broken
		}
		name := s.piece(id, at+n)
		if err := s.putPiece(keeping, name, file, got); err != nil {
			return n, errors.Join(err, broken)
		}
		sent = append(sent, name)
		n += got
		if broken != nil || got < pieceSize {
			return n, broken
		}
	}
	return n, nil
}

// putPiece sends a piece, unless another has its name: that is ErrTaken. A
// server may refuse before it has read the piece, and its word be lost with the
// connection; so after a failure the name is looked for.
func (s *S3) putPiece(ctx context.Context, name string, from io.ReaderAt, size int64) error {
	options := minio.PutObjectOptions{DisableMultipart: true}
	options.SetMatchETagExcept("*")
	err := s.put(ctx, name, from, size, options)
	switch codeOf(err) {
	case "PreconditionFailed", "ConditionalRequestConflict":
		return fmt.Errorf("send %s: %w", name, ErrTaken)
	case "NotImplemented": // a server without conditions, where the pieces' own order has to do
		return s.put(ctx, name, from, size, minio.PutObjectOptions{DisableMultipart: true})
	}
	if err != nil {
		if _, missing := s.size(ctx, name); missing == nil {
			return fmt.Errorf("send %s: %w", name, ErrTaken)
		}
	}
	return err
}

func (s *S3) removeAll(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Local gathers a file on its way in on this machine, where it is removed when
// it is released.
func (s *S3) Local(ctx context.Context, id uuid.UUID) (string, func(), error) {
	file, err := s.Scratch()
	if err != nil {
		return "", nil, err
	}
	release := func() { _ = os.Remove(file.Name()) }
	_, err = s.pieces(ctx, id, func(name string, size int64) error {
		piece := &object{s: s, ctx: ctx, name: name, size: size}
		defer piece.Close()
		_, err := io.Copy(file, piece)
		return err
	})
	if err = errors.Join(err, file.Close()); err != nil {
		release()
		return "", nil, err
	}
	return file.Name(), release, nil
}

// Forget removes a file on its way in, if there is any.
func (s *S3) Forget(ctx context.Context, id uuid.UUID) error {
	return s.each(ctx, s.partial(id), func(o minio.ObjectInfo) error { return s.remove(ctx, o.Key) })
}
