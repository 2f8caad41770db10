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
)

// secret is the 32 random bytes that every other key is derived from. It is
// kept in one file, shared by all nodes, and never in the database.
type secret []byte

// readSecret reads the secret, or makes it when the file does not exist.
func readSecret(path string) (secret, error) {
	s, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	if len(s) != 32 || bytes.Count(s, s[:1]) == 32 {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %s must hold 32 random bytes, it holds %d", path, len(s))
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

func makeSecret(path string) (secret, error) {
	s := make(secret, 32)
	rand.Read(s) // never fails (crypto/rand)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: %w", err)
	}
	_, err = f.Write(s)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("LGSP_SECRET_FILE: write %s: %w", path, err)
	}
	return s, nil
}

// key derives the 32-byte key for one purpose (HKDF-SHA-256, RFC 5869).
func (s secret) key(purpose string) []byte {
	k, err := hkdf.Key(sha256.New, s, nil, purpose, 32)
	if err != nil {
		panic(err) // only for lengths over 255 hashes
	}
	return k
}
