package tlog

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Height is the height of a tile: 256 hashes wide (C2SP tlog-tiles).
const Height = 8

// EntriesLevel is the level of a Tile that is an entry bundle.
const EntriesLevel = -1

var errTilePath = errors.New("not a tile's path")

// ParseTilePath reads "<L>/<N>" or "<L>/<N>.p/<W>" as they follow tile/ in a
// URL, where L is 0 to 5 or "entries" and N stands in groups of three digits,
// all but the last with an x before them (C2SP tlog-tiles, "Merkle Tree").
func ParseTilePath(path string) (tlog.Tile, error) {
	if len(path) > 64 {
		return tlog.Tile{}, errTilePath
	}
	level, rest, ok := strings.Cut(path, "/")
	if !ok || level == "data" {
		return tlog.Tile{}, errTilePath
	}
	if level == "entries" {
		level = "data" // what sumdb calls them
	}
	tile, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s/%s", Height, level, rest))
	if err != nil || tile.L > 5 || tile.N > 1<<40 {
		return tlog.Tile{}, errTilePath
	}
	return tile, nil
}

// InTree reports whether a log of n entries has the tile: a full tile when all
// of its hashes are there, a partial one when at least its width is.
func InTree(t tlog.Tile, n int64) bool {
	level := max(t.L, 0)
	return t.N<<Height+int64(t.W) <= n>>(Height*level)
}

// Bundle is an entry bundle: each entry with its length before it, two bytes,
// big endian (C2SP tlog-tiles, "Log Entries").
func Bundle(entries [][]byte) ([]byte, error) {
	var out []byte
	for _, entry := range entries {
		if len(entry) > 1<<16-1 {
			return nil, fmt.Errorf("entry of %d bytes does not fit a bundle", len(entry))
		}
		out = append(out, byte(len(entry)>>8), byte(len(entry)))
		out = append(out, entry...)
	}
	return out, nil
}
