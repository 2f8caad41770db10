package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"

	"lgsp/internal/keyring"
)

const (
	secretSize = 32
	maxSecrets = 100 // versions
)

// secret is 32 random bytes that other keys are derived from.
type secret []byte

// key derives the 32-byte key for one purpose (HKDF-SHA-256, RFC 5869).
func (s secret) key(purpose string) []byte {
	k, err := hkdf.Key(sha256.New, s, nil, purpose, 32)
	if err != nil {
		panic(err) // only for lengths over 255 hashes
	}
	return k
}

// secrets are what LGSP_SECRET_FILE holds: the versions of the secret that
// every other key is derived from, 32 bytes each, in order; version 1 is the
// first. The file is shared by all nodes, and nothing of it is in the database.
//
// A version that was dropped is 32 zero bytes, so that the others keep their
// places. The first one is never taken away: the ledger's key and that of
// subject hashes are derived from it for good. It is dropped by 32 bytes 0xff
// before it, which are no version: it then serves these two purposes alone.
type secrets struct {
	versions []secret // version n at n-1; nil: dropped
	kept     bool     // the first is dropped
	inUse    *atomic.Int64
}

var (
	droppedMark = bytes.Repeat([]byte{0}, secretSize)
	keptMark    = bytes.Repeat([]byte{0xff}, secretSize)
)

// readSecrets reads the secrets, or makes the first when the file does not
// exist. The last is in use until the database says otherwise.
func readSecrets(path string) (*secrets, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecrets(path)
	}
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	s, err := parseSecrets(text)
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %s %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: others may read %s; run chmod 600 on it", path)
	}
	return s, nil
}

// parseSecrets reads what the file holds. Its errors follow the file's name,
// and repeat nothing of it.
func parseSecrets(text []byte) (*secrets, error) {
	length := len(text)
	s := &secrets{inUse: &atomic.Int64{}}
	text, s.kept = bytes.CutPrefix(text, keptMark)
	if len(text) == 0 || len(text)%secretSize != 0 || len(text) > maxSecrets*secretSize {
		return nil, fmt.Errorf("must hold 32 random bytes for each version of the secret, at most %d; it holds %d bytes", maxSecrets, length)
	}
	for one := range slices.Chunk(text, secretSize) {
		version := len(s.versions) + 1
		known := slices.ContainsFunc(s.versions, func(before secret) bool { return bytes.Equal(before, one) })
		last := version*secretSize == len(text)
		switch {
		case bytes.Equal(one, droppedMark) && version > 1 && !last:
			s.versions = append(s.versions, nil)
			continue
		case bytes.Count(one, one[:1]) == secretSize:
			return nil, fmt.Errorf("must hold 32 random bytes for each version of the secret; version %d is none", version)
		case known:
			return nil, fmt.Errorf("holds one secret twice; version %d was there before", version)
		}
		s.versions = append(s.versions, one)
	}
	if s.kept && len(s.versions) == 1 {
		return nil, errors.New("holds a first version that is dropped, and none after it")
	}
	s.inUse.Store(int64(s.last()))
	return s, nil
}

func makeSecrets(path string) (*secrets, error) {
	s := &secrets{versions: []secret{newSecret()}, inUse: &atomic.Int64{}}
	s.inUse.Store(1)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	_, err = f.Write(s.text())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: write %s: %w", path, err)
	}
	return s, nil
}

func newSecret() secret {
	s := make(secret, secretSize)
	rand.Read(s) // never fails (crypto/rand)
	return s
}

// last is the newest version.
func (s *secrets) last() int { return len(s.versions) }

// has reports whether the file holds a version for every purpose.
func (s *secrets) has(version int) bool {
	return version >= 1 && version <= s.last() && s.versions[version-1] != nil && (version > 1 || !s.kept)
}

// first derives the key of a purpose that must not change with the versions.
func (s *secrets) first(purpose string) []byte { return s.versions[0].key(purpose) }

// ring derives the keys of one purpose, one a version; the version in use makes
// what is new.
func (s *secrets) ring(purpose string) keyring.Ring {
	keys := map[int][]byte{}
	for i, one := range s.versions {
		if s.has(i + 1) {
			keys[i+1] = one.key(purpose)
		}
	}
	return keyring.New(keys, func() int { return int(s.inUse.Load()) })
}

// check is what a node tells another secret of the same version by.
func (s *secrets) check(version int) []byte { return s.versions[version-1].key("lgsp secret check v1") }

// add adds a version.
func (s *secrets) add() { s.versions = append(s.versions, newSecret()) }

// drop takes a version out of use.
func (s *secrets) drop(version int) {
	if version == 1 {
		s.kept = true
		return
	}
	s.versions[version-1] = nil
}

// text is what the file holds.
func (s *secrets) text() []byte {
	var text []byte
	if s.kept {
		text = append(text, keptMark...)
	}
	for _, one := range s.versions {
		if one == nil {
			text = append(text, droppedMark...)
		}
		text = append(text, one...)
	}
	return text
}

// write puts the secrets in the place of the file, whole or not at all, for
// its owner alone.
func (s *secrets) write(path string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	before, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*") // mode 0600
	if err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	_, err = f.Write(s.text())
	err = errors.Join(err, giveTo(f, before), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: replace %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	return nil
}

// giveTo makes a file that of the owner of another, as when root replaces what
// is the service's.
func giveTo(f *os.File, before fs.FileInfo) error {
	owner, ok := before.Sys().(*syscall.Stat_t)
	if !ok {
		return nil // a system without owners
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}
