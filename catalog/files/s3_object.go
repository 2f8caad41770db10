package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/minio/minio-go/v7"
)

// object reads a file of the bucket from wherever it is asked for. The bytes
// come as one stream; where that breaks off, it goes on with the next byte in
// another. A file never changes, so the two fit.
type object struct {
	s    *S3
	ctx  context.Context
	name string
	size int64

	at     int64
	body   io.ReadCloser // from at on; nil: not asked for
	cancel context.CancelFunc
}

// Seek is of io.Seeker. Nothing is asked for until it is read.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek %s: %w", o.name, fs.ErrInvalid)
	}
	if offset != o.at {
		o.end()
		o.at = offset
	}
	return offset, nil
}

// Read is of io.Reader. A server that gives nothing for too long is asked
// again, and fails with Unavailable in the end.
func (o *object) Read(p []byte) (int, error) {
	if o.at >= o.size || len(p) == 0 {
		return 0, endOf(p)
	}
	var err error
	for range tries {
		if o.body == nil {
			if err = o.begin(); err != nil {
				return 0, err // the client has tried again by itself
			}
		}
		patience := time.AfterFunc(answerWithin, o.cancel)
		var n int
		n, err = o.body.Read(p)
		patience.Stop()
		o.at += int64(n)
		if err != nil {
			o.end()
		}
		if n > 0 {
			return n, nil
		}
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if o.ctx.Err() != nil {
			break
		}
	}
	return 0, o.s.note(o.ctx, "read "+o.name, err)
}

func endOf(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	return io.EOF
}

// begin asks for the bytes from at on.
func (o *object) begin() error {
	ctx, cancel := context.WithCancel(o.ctx)
	patience := time.AfterFunc(answerWithin, cancel)
	var asked minio.GetObjectOptions
	err := asked.SetRange(o.at, o.size-1)
	if err == nil {
		o.body, _, _, err = o.s.core.GetObject(ctx, o.s.bucket, o.name, asked)
	}
	if !patience.Stop() && err == nil {
		err = errors.Join(context.DeadlineExceeded, o.body.Close())
	}
	if err != nil {
		cancel()
		o.body = nil
		return o.s.note(o.ctx, "read "+o.name, err)
	}
	o.cancel = cancel
	return o.s.note(o.ctx, "read "+o.name, nil)
}

func (o *object) end() {
	if o.body == nil {
		return
	}
	o.cancel() // before Close, which would read the rest
	_ = o.body.Close()
	o.body = nil
}

// Close is of io.Closer.
func (o *object) Close() error {
	o.end()
	return nil
}
