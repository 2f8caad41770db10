package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestReadSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "secret")
	made, err := readSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := readSecrets(path)
	if err != nil || !reflect.DeepEqual(made.versions, again.versions) {
		t.Fatalf("read again: %v, want what was made", err)
	}
	if bytes.Equal(made.first("a"), made.first("b")) {
		t.Error("two purposes have one key")
	}
	one, two, many := string(newSecret()), string(newSecret()), ""
	for range maxSecrets + 1 {
		many += string(newSecret())
	}
	none, kept := string(droppedMark), string(keptMark)
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"readable by others", one, 0o644},
		{"readable by the group", one, 0o640},
		{"empty", "", 0o600},
		{"too short", "short", 0o600},
		{"a byte too few", one[1:], 0o600},
		{"a byte too many", one + "x", 0o600},
		{"one and a half", one + two[:16], 0o600},
		{"more than it may", many, 0o600},
		{"a known value", none, 0o600},
		{"a known value after it", one + strings.Repeat("x", 32), 0o600},
		{"the last one dropped", one + none, 0o600},
		{"the first one taken away", none + one, 0o600},
		{"one twice", one + two + one, 0o600},
		{"nothing but the mark", kept, 0o600},
		{"the first dropped and none after", kept + one, 0o600},
		{"the mark in the middle", one + kept + two, 0o600},
	} {
		write(t, path, tt.text)
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := readSecrets(path); err == nil {
			t.Errorf("%s: accepted", tt.name)
		} else if text := err.Error(); strings.Contains(text, one) || strings.Contains(text, two) || strings.Contains(text, fmt.Sprintf("%x", one[:8])) {
			t.Errorf("%s: the error repeats the secret", tt.name)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSecretsInTheirFile: a version is its place, whatever was dropped, and the
// first serves the ledger for good.
func TestSecretsInTheirFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	s, err := readSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	ledger := s.first("ledger")
	for range 3 {
		s.add()
	}
	four := s.ring("x")
	for _, tt := range []struct {
		drop int
		has  []bool
		size int
	}{
		{2, []bool{true, false, true, true}, 128},
		{1, []bool{false, false, true, true}, 160},
		{3, []bool{false, false, false, true}, 160},
	} {
		s.drop(tt.drop)
		if err := s.write(path); err != nil {
			t.Fatal(err)
		}
		read, err := readSecrets(path)
		if err != nil {
			t.Fatalf("without %d: %v", tt.drop, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Size() != int64(tt.size) || info.Mode().Perm() != 0o600 {
			t.Errorf("without %d: %v, %v, want %d bytes for the owner alone", tt.drop, info, err, tt.size)
		}
		ring := read.ring("x")
		for i, want := range tt.has {
			key, has := ring.At(i + 1)
			before, _ := four.At(i + 1)
			if has != want || read.has(i+1) != want || has && !bytes.Equal(key, before) {
				t.Errorf("without %d: version %d is there: %v, want %v, and the same", tt.drop, i+1, has, want)
			}
		}
		if ring.Current() != 4 || !bytes.Equal(read.first("ledger"), ledger) {
			t.Errorf("without %d: version %d makes what is new, and the ledger's key is the same: %v", tt.drop, ring.Current(), bytes.Equal(read.first("ledger"), ledger))
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("beside the file: %v, %v", left, err)
	}
}

// TestSecretsAreReplacedWhole: a file that cannot be replaced stays as it was,
// and nothing of the new one is left beside it.
func TestSecretsAreReplacedWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	s, err := readSecrets(path)
	if err != nil {
		t.Fatal(err)
	}
	s.add()
	if err := s.write(filepath.Join(dir, "another")); err == nil {
		t.Error("a file that was not there is made")
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := s.write(link); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Readlink(link); err != nil || at != path {
		t.Errorf("the link became %q, %v", at, err)
	}
	if again, err := readSecrets(path); err != nil || again.last() != 2 {
		t.Errorf("behind the link: %v, want two versions", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

func FuzzParseSecrets(f *testing.F) {
	one, two := newSecret(), newSecret()
	for _, parts := range [][][]byte{{one}, {one, two}, {keptMark, one, two}, {one, droppedMark, two}, {one[:31]}, {}} {
		f.Add(bytes.Join(parts, nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseSecrets(text)
		if err != nil {
			return
		}
		if !bytes.Equal(s.text(), text) {
			t.Errorf("%x is written %x", text, s.text())
		}
		if err := s.ring("x").Check(); err != nil || !s.has(s.last()) {
			t.Errorf("%x has no version in use: %v", text, err)
		}
	})
}
