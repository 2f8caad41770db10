package tlog

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestCheckpointIsSignedAndRead(t *testing.T) {
	t.Parallel()
	seed := [32]byte{9}
	want := Checkpoint{Origin: "lgsp.example/ledger", N: 20852163, Root: tlog.RecordHash([]byte("x"))}
	signed, err := want.Sign(seed)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Open(signed, seed); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, text := range map[string]string{
		"another key":     string(signed),
		"altered":         strings.Replace(string(signed), "20852163", "20852164", 1),
		"no signature":    want.Text(),
		"empty":           "",
		"name with space": "a b\n1\n",
	} {
		key := seed
		if name == "another key" {
			key[0]++
		}
		if got, err := Open([]byte(text), key); err == nil {
			t.Errorf("%s: opened as %+v", name, got)
		}
	}
	if _, err := (Checkpoint{Origin: "a b"}).Sign(seed); err == nil {
		t.Error("signed under a name that no verifier takes")
	}
}

func TestParseCheckpointRefuses(t *testing.T) {
	t.Parallel()
	root := tlog.RecordHash(nil).String()
	for _, text := range []string{"", "o\n1\n" + root, "\n1\n" + root + "\n", "o\n-1\n" + root + "\n", "o\n01\n" + root + "\n", "o\nx\n" + root + "\n", "o\n1\nAAAA\n"} {
		if got, err := ParseCheckpoint(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	if _, err := ParseCheckpoint("o\n1\n" + root + "\nan extension\n"); err != nil {
		t.Errorf("extension line: %v", err)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add("o\n1\n" + tlog.RecordHash(nil).String() + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint(text)
		if err == nil && !strings.HasPrefix(text, c.Text()) {
			t.Errorf("%q was read as %q", text, c.Text())
		}
	})
}

func TestParseTilePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]tlog.Tile{
		"0/000":            {H: 8, L: 0, N: 0, W: 256},
		"0/x001/x234/067":  {H: 8, L: 0, N: 1234067, W: 256},
		"1/000.p/17":       {H: 8, L: 1, N: 0, W: 17},
		"entries/x001/000": {H: 8, L: EntriesLevel, N: 1000, W: 256},
		"entries/000.p/1":  {H: 8, L: EntriesLevel, N: 0, W: 1},
	} {
		if got, err := ParseTilePath(path); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", path, got, err, want)
		}
	}
	for _, path := range []string{"", "0", "0/0", "0/00a", "0/000.p/0", "0/000.p/256", "6/000", "-1/000", "data/000", "00/000", "0/x000/000",
		"0/001/000", "0/../000", "entries/000.p/x", "0/" + strings.Repeat("x999/", 20) + "999"} {
		if got, err := ParseTilePath(path); err == nil {
			t.Errorf("%s: got %+v", path, got)
		}
	}
}

func FuzzParseTilePath(f *testing.F) {
	f.Add("0/x001/x234/067.p/8")
	f.Add("entries/000")
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ParseTilePath(path)
		if err != nil {
			return
		}
		again := strings.TrimPrefix(tile.Path(), "tile/8/")
		again = strings.Replace(again, "data", "entries", 1)
		if again != path || tile.N < 0 || tile.W < 1 || tile.W > 256 {
			t.Errorf("%q was read as %+v", path, tile)
		}
	})
}

func TestBundleRefusesAnEntryThatDoesNotFit(t *testing.T) {
	t.Parallel()
	if _, err := Bundle([][]byte{make([]byte, 1<<16)}); err == nil {
		t.Error("bundled")
	}
}
