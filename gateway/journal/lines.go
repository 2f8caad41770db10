package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// readLines reads a file that an earlier version wrote, a record a line, to
// its end: what it left undelivered is not lost.
func (d *drainer) readLines(records *[]Delivered) (over bool, err error) {
	file, err := os.Open(strings.TrimSuffix(d.journal.path(d.at.Segment), ".journal") + ".log")
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(d.at.Offset, io.SeekStart); err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	for r := bufio.NewReader(file); len(*records) < batch; {
		text, err := r.ReadBytes('\n')
		if err != nil {
			return true, nil // the last line was not ended
		}
		if f, ok := readLine(text[:len(text)-1]); ok {
			d.take(f, records)
		} else {
			d.journal.damage(d.at, true)
		}
		d.at.Offset += int64(len(text))
	}
	return false, nil
}

// readLine reads one line without its end; false when it is damaged.
func readLine(text []byte) (frame, bool) {
	sum, text, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(sum) != 8 {
		return frame{}, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || crc32.Checksum(text, castagnoli) != uint32(want) {
		return frame{}, false
	}
	var line struct {
		ID     string          `json:"id"`
		Intent bool            `json:"intent"`
		Record json.RawMessage `json:"record"`
	}
	if err := json.Unmarshal(text, &line); err != nil || line.ID == "" {
		return frame{}, false
	}
	f := frame{kind: kindOutcome, record: line.Record}
	if line.Intent {
		f.kind = kindIntent
	}
	n, err := hex.Decode(f.id[:], []byte(strings.ReplaceAll(line.ID, "-", "")))
	return f, err == nil && n == len(f.id)
}
