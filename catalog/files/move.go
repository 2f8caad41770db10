package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
)

// Moved is what became of the kept files on their way to another place.
type Moved struct {
	Files int      // that were brought there
	Bytes int64    // of these
	There int      // that were there already
	Wrong []string // whose content is not what their name says; they stay where they are
}

// ToBucket moves the kept files of the disk to the bucket, one after the other:
// read and found to be what its name says, sent, looked for there, removed here.
// Broken off, it is called again and goes on. Meanwhile each file is found by
// Open, here or there.
func (s *S3) ToBucket(ctx context.Context) (Moved, error) {
	var m Moved
	entries, err := os.ReadDir(s.Disk.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("list %s: %w", s.Disk.Dir, err)
	}
	for _, entry := range entries {
		if !isHash(entry.Name()) {
			continue
		}
		if err := s.sendKept(ctx, entry.Name(), &m); err != nil {
			return m, fmt.Errorf("move %s: %w", entry.Name(), err)
		}
	}
	return m, nil
}

func (s *S3) sendKept(ctx context.Context, hash string, m *Moved) error {
	file, err := os.Open(s.Disk.kept(hash))
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != hash {
		m.Wrong = append(m.Wrong, hash)
		return nil
	}
	there, err := s.size(ctx, s.kept(hash))
	switch {
	case err == nil && there == size:
		m.There++
		return os.Remove(s.Disk.kept(hash))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := s.put(ctx, s.kept(hash), file, size, minio.PutObjectOptions{}); err != nil {
		return err
	}
	if there, err := s.size(ctx, s.kept(hash)); err != nil || there != size {
		return errors.Join(err, fmt.Errorf("of %d bytes %d are there", size, there))
	}
	m.Files++
	m.Bytes += size
	return os.Remove(s.Disk.kept(hash))
}

// ToDisk copies the kept files of the bucket to the disk. They stay in the
// bucket too. Broken off, it is called again and goes on.
func (s *S3) ToDisk(ctx context.Context) (Moved, error) {
	var m Moved
	prefix := s.kept("")
	err := s.each(ctx, prefix, func(o minio.ObjectInfo) error {
		hash := strings.TrimPrefix(o.Key, prefix)
		if !isHash(hash) {
			return nil
		}
		if facts, err := os.Stat(s.Disk.kept(hash)); err == nil && facts.Size() == o.Size {
			m.There++
			return nil
		}
		if err := s.fetchKept(ctx, hash, o.Size, &m); err != nil {
			return fmt.Errorf("move %s: %w", hash, err)
		}
		return nil
	})
	return m, err
}

func (s *S3) fetchKept(ctx context.Context, hash string, size int64, m *Moved) error {
	file, err := s.Scratch()
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // when it was not kept
	from := &object{s: s, ctx: ctx, name: s.kept(hash), size: size}
	defer from.Close()
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), from)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != hash {
		m.Wrong = append(m.Wrong, hash)
		return nil
	}
	m.Files++
	m.Bytes += size
	return s.Disk.Keep(ctx, file.Name(), hash)
}

// isHash reports whether a name is a SHA-256 as kept files are called.
func isHash(name string) bool {
	sum, err := hex.DecodeString(name)
	return err == nil && len(sum) == sha256.Size && name == strings.ToLower(name)
}
