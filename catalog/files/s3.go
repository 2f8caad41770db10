package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"lgsp/internal/problem"
)

// How long a request to the server may take: to find or remove an object and to
// give the next bytes of one; and to copy one inside the server, or to send one,
// on top of a MiB each quarter of a second.
const (
	answerWithin = 10 * time.Second
	moveWithin   = time.Minute
	perMiB       = time.Second / 4
	tries        = 3
)

// S3 keeps files in a bucket, and what is being worked on, and only that, on
// this machine. A file that is not in the bucket yet is looked for on the disk,
// so that one moves there while it is read. While the server does not answer,
// or refuses, everything fails with Unavailable, files-away.
type S3 struct {
	Disk Disk

	core   minio.Core
	bucket string
	prefix string // "" or ends with /

	up     atomic.Bool
	failed atomic.Uint64
}

// CheckS3 says what is wrong with an address of a bucket:
// s3+https://KEY@host[:port]/bucket[/prefix][?region=…&lookup=dns|path], or
// s3+http. Its errors do not repeat the address.
func CheckS3(address, secret string) error {
	_, err := parseS3(address, secret)
	return err
}

type s3Address struct {
	host, bucket, prefix string
	options              minio.Options
}

func parseS3(address, secret string) (s3Address, error) {
	wrong := errors.New("not of the form s3+https://KEY@host/bucket or s3+https://KEY@host/bucket/prefix?region=…&lookup=dns")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3+https" && u.Scheme != "s3+http" || u.Host == "" || u.User.Username() == "" || u.Fragment != "" {
		return s3Address{}, wrong
	}
	if _, given := u.User.Password(); given {
		return s3Address{}, errors.New("holds a secret; write it to a file and name that in LGSP_S3_SECRET_FILE")
	}
	if secret == "" {
		return s3Address{}, errors.New("set LGSP_S3_SECRET_FILE too: the secret of the key")
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if bucket == "" || strings.Contains(u.Path, "//") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") {
		return s3Address{}, wrong
	}
	if prefix != "" {
		prefix += "/"
	}
	query := u.Query()
	lookup := minio.BucketLookupPath
	for name, values := range query {
		switch {
		case name == "region" && len(values) == 1 && values[0] != "":
		case name == "lookup" && slices.Equal(values, []string{"path"}):
		case name == "lookup" && slices.Equal(values, []string{"dns"}):
			lookup = minio.BucketLookupDNS
		default:
			return s3Address{}, wrong
		}
	}
	region := query.Get("region")
	if region == "" {
		region = "us-east-1" // what servers that have no regions call theirs
	}
	return s3Address{u.Host, bucket, prefix, minio.Options{
		Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: u.Scheme == "s3+https",
		Region: region, BucketLookup: lookup, MaxRetries: tries,
	}}, nil
}

// NewS3 is the bucket at an address, with the secret of its key; the form of
// the address is CheckS3's. It asks the server nothing.
func NewS3(address, secret string, disk Disk) (*S3, error) {
	to, err := parseS3(address, secret)
	if err != nil {
		return nil, err
	}
	to.options.Transport = &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DisableCompression: true, // bytes are kept as they are
	}
	client, err := minio.New(to.host, &to.options)
	if err != nil {
		return nil, fmt.Errorf("the address of the bucket: %w", err)
	}
	s := &S3{Disk: disk, core: minio.Core{Client: client}, bucket: to.bucket, prefix: to.prefix}
	s.up.Store(true)
	return s, nil
}

// Check asks for the bucket. It fails with what the server refuses for good (no
// such bucket, a wrong key), or with Unavailable when it does not answer.
func (s *S3) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := s.core.ListObjectsV2(s.bucket, s.prefix, "", "", "", 1)
	var said minio.ErrorResponse
	if errors.As(err, &said) && isRefusal(said.StatusCode) {
		return fmt.Errorf("the server says %s: %w", said.Code, err)
	}
	return s.note(ctx, "look at the bucket", err)
}

// isRefusal reports whether asking again would be answered the same.
func isRefusal(status int) bool {
	return status >= 300 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// State is how it goes with the server.
type State struct {
	Up     bool   // the last request was answered
	Failed uint64 // requests that were not
}

// State tells how it goes with the server.
func (s *S3) State() State { return State{s.up.Load(), s.failed.Load()} }

// codeOf is what the server called an error, "" when it did not.
func codeOf(err error) string {
	var said minio.ErrorResponse
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// note makes of what a request came to what the caller is told: nil,
// fs.ErrNotExist, the caller's own going away, or Unavailable.
func (s *S3) note(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		s.up.Store(true)
		return nil
	case codeOf(err) == "NoSuchKey":
		s.up.Store(true)
		return fmt.Errorf("%s: %w", what, fs.ErrNotExist)
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case codeOf(err) == "PreconditionFailed", codeOf(err) == "ConditionalRequestConflict", codeOf(err) == "NotImplemented":
		return fmt.Errorf("%s: %w", what, err)
	}
	s.up.Store(false)
	s.failed.Add(1)
	return problem.Errorf(problem.Unavailable, "the store of files does not answer; try again in a few seconds").
		Coded("files-away").Sends("Retry-After", "5").Because(fmt.Errorf("%s: %w", what, err))
}

func (s *S3) kept(hash string) string { return s.prefix + "files/" + hash }

// Scratch gives an empty file of this machine to work with, which the caller
// removes.
func (s *S3) Scratch() (*os.File, error) { return s.Disk.Scratch() }

// Open opens a kept file. It fails with fs.ErrNotExist.
func (s *S3) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	size, err := s.size(ctx, s.kept(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return s.Disk.Open(ctx, hash)
	} else if err != nil {
		return nil, err
	}
	return &object{s: s, ctx: ctx, name: s.kept(hash), size: size}, nil
}

func (s *S3) size(ctx context.Context, name string) (int64, error) {
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	facts, err := s.core.StatObject(within, s.bucket, name, minio.StatObjectOptions{})
	return facts.Size, s.note(ctx, "look for "+name, err)
}

// Offer sends the file at path to the server, to be kept there.
func (s *S3) Offer(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	facts, err := file.Stat()
	if err != nil {
		return "", err
	}
	name := s.prefix + "offered/" + uuid.NewString()
	return name, s.put(ctx, name, file, facts.Size(), minio.PutObjectOptions{})
}

// put sends size bytes, large ones in parts that are read from where they lie.
func (s *S3) put(ctx context.Context, name string, from io.ReaderAt, size int64, options minio.PutObjectOptions) error {
	within, cancel := context.WithTimeout(ctx, moveWithin+time.Duration(size>>20)*perMiB)
	defer cancel()
	options.ContentType, options.PartSize, options.NumThreads = "application/octet-stream", 16<<20, 2
	options.DisableContentSha256 = size == 0 // the frame around nothing: a server may take it for the next request
	_, err := s.core.Client.PutObject(within, s.bucket, name, io.NewSectionReader(from, 0, size), size, options)
	return s.note(ctx, "send "+name, err)
}

// Keep keeps what was offered, by a copy inside the server.
func (s *S3) Keep(ctx context.Context, offered, hash string) error {
	if _, err := s.size(ctx, s.kept(hash)); !errors.Is(err, fs.ErrNotExist) {
		return err // nil: the same bytes are there already
	}
	within, cancel := context.WithTimeout(ctx, moveWithin)
	defer cancel()
	_, err := s.core.Client.CopyObject(within, minio.CopyDestOptions{Bucket: s.bucket, Object: s.kept(hash)},
		minio.CopySrcOptions{Bucket: s.bucket, Object: offered})
	return s.note(ctx, "keep "+hash, err)
}

// Drop removes what was offered; what was kept of it stays.
func (s *S3) Drop(ctx context.Context, offered string) error { return s.remove(ctx, offered) }

func (s *S3) remove(ctx context.Context, name string) error {
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	err := s.core.RemoveObject(within, s.bucket, name, minio.RemoveObjectOptions{})
	return s.note(ctx, "remove "+name, err)
}

// each calls do with every object whose name begins with prefix, by name.
func (s *S3) each(ctx context.Context, prefix string, do func(minio.ObjectInfo) error) error {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := time.AfterFunc(answerWithin, cancel)
	defer patience.Stop()
	for object := range s.core.ListObjectsIter(within, s.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		patience.Stop()
		if err := s.note(ctx, "list "+prefix, object.Err); err != nil {
			return err
		}
		if err := do(object); err != nil {
			return err
		}
		patience.Reset(answerWithin)
	}
	if ctx.Err() == nil && within.Err() != nil {
		return s.note(ctx, "list "+prefix, context.DeadlineExceeded)
	}
	return ctx.Err()
}

// Sweep is Disk.Sweep for both places.
func (s *S3) Sweep(ctx context.Context, before time.Time, known func(context.Context, uuid.UUID) (bool, error)) error {
	err := s.each(ctx, s.prefix+"offered/", func(o minio.ObjectInfo) error {
		if o.LastModified.After(before) {
			return nil
		}
		return s.remove(ctx, o.Key)
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, s.partials(), func(o minio.ObjectInfo) error {
		if o.LastModified.After(before) {
			return nil
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(o.Key, s.partials()), "/")
		id, err := uuid.Parse(name)
		if err != nil {
			return nil // nothing of ours
		}
		if wanted, err := known(ctx, id); err != nil || wanted {
			return err
		}
		return s.remove(ctx, o.Key)
	})
	if err != nil {
		return err
	}
	if err := s.sweepParts(ctx, before); err != nil {
		return err
	}
	return s.Disk.Sweep(ctx, before, known)
}

// sweepParts ends what was being sent in parts when a process was killed.
func (s *S3) sweepParts(ctx context.Context, before time.Time) error {
	within, cancel := context.WithTimeout(ctx, moveWithin)
	defer cancel()
	for upload := range s.core.ListIncompleteUploads(within, s.bucket, s.prefix, true) {
		if upload.Err != nil {
			return s.note(ctx, "list what was not sent whole", upload.Err)
		}
		if upload.Initiated.After(before) {
			continue
		}
		if err := s.core.AbortMultipartUpload(within, s.bucket, upload.Key, upload.UploadID); err != nil {
			return s.note(ctx, "give up "+upload.Key, err)
		}
	}
	return nil
}
