// Package journal answers where the evidence of a call is before the ledger
// has it: in append-only files of the node, each line with its checksum,
// delivered in order, as often as it takes.
package journal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrFull says that the journal takes no more until some of it is delivered.
var ErrFull = errors.New("the journal is full")

// ErrClosed says that the journal is not open, or no more.
var ErrClosed = errors.New("the journal is closed")

// Line is one line of the journal: an intent, written before a call's answer
// leaves, or an outcome. ID joins the two.
type Line struct {
	ID     string          `json:"id"`
	Intent bool            `json:"intent,omitempty"`
	Record json.RawMessage `json:"record"`
}

// Journal is one node's. Its exported fields are set before Open.
type Journal struct {
	Dir     string
	Segment int64                // bytes after which a new file is begun
	Max     int64                // bytes of all files together
	Sync    time.Duration        // how long an outcome may stay unsynced
	Flush   func(*os.File) error // makes what was written safe; nil: (*os.File).Sync

	mu       sync.Mutex
	buffer   []byte
	pending  int           // lines in buffer
	waiting  bool          // someone waits for the buffer to be synced
	group    *group        // of the lines in buffer
	kick     chan struct{} // buffer has something
	written  chan struct{} // files have something
	failed   error         // the last write, while it goes wrong
	closed   bool
	file     *os.File
	current  int64 // number of file
	size     int64 // of file
	total    int64 // of all files
	unsynced int   // lines written but not synced
	lost     int64 // lines that could not be written
	damaged  int64 // lines that could not be read back
	done     chan struct{}
	drain    position
	recover  int64 // files below this number were written before Open
}

// group is the lines that one sync makes safe.
type group struct {
	done chan struct{}
	err  error
}

// Ticket is a line on its way to the disk.
type Ticket struct{ group *group }

// Wait returns once the line is safe on disk, or says why it is not.
func (t Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.group.done:
		return t.group.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxBuffer bounds what waits for a slow disk, in bytes.
const maxBuffer = 8 << 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Open opens the journal and begins a new file; what earlier files hold is
// delivered first. It fails when the directory cannot be written.
func (j *Journal) Open() error {
	if j.Flush == nil {
		j.Flush = (*os.File).Sync
	}
	if err := os.MkdirAll(j.Dir, 0o700); err != nil {
		return fmt.Errorf("make journal directory: %w", err)
	}
	numbers, err := j.segments()
	if err != nil {
		return err
	}
	for _, number := range numbers {
		info, err := os.Stat(j.path(number))
		if err != nil {
			return fmt.Errorf("look at journal: %w", err)
		}
		j.total += info.Size()
		j.current = number
	}
	if err := j.readPosition(); err != nil {
		return err
	}
	j.current = max(j.current, j.drain.Segment)
	if err := j.rotate(); err != nil {
		return err
	}
	j.recover = j.current
	j.kick, j.written, j.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	j.group = &group{done: make(chan struct{})}
	go j.write()
	return nil
}

// Intent appends a line that is to be safe on disk before the call goes on:
// wait for its ticket. It fails with ErrFull or with what the disk last said.
func (j *Journal) Intent(id string, record any) (Ticket, error) {
	line, err := encode(Line{ID: id, Intent: true}, record)
	if err != nil {
		return Ticket{}, err
	}
	return j.append(line, true)
}

// Outcome appends the line that ends a call. It does not wait for the disk.
func (j *Journal) Outcome(id string, record any) error {
	line, err := encode(Line{ID: id}, record)
	if err != nil {
		return err
	}
	_, err = j.append(line, false)
	return err
}

// encode writes the line by hand: the record is JSON already, and encoding it
// as a part of the line would read it through again.
func encode(line Line, record any) ([]byte, error) {
	raw, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	id, err := json.Marshal(line.ID)
	if err != nil {
		return nil, fmt.Errorf("encode id: %w", err)
	}
	const sum = "00000000 " // its place
	text := append(make([]byte, 0, len(raw)+len(id)+64), sum+`{"id":`...)
	text = append(text, id...)
	if line.Intent {
		text = append(text, `,"intent":true`...)
	}
	text = append(append(append(text, `,"record":`...), raw...), '}')
	copy(text, fmt.Sprintf("%08x", crc32.Checksum(text[len(sum):], castagnoli)))
	return append(text, '\n'), nil
}

func (j *Journal) append(line []byte, wait bool) (Ticket, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.failed
	switch {
	case j.closed || j.kick == nil:
		err = ErrClosed
	case j.total+int64(len(j.buffer)+len(line)) > j.Max, len(j.buffer)+len(line) > maxBuffer:
		err = ErrFull
	case !wait:
		err = nil // the disk may have recovered; the writer tries again
	}
	if err != nil {
		if !wait {
			j.lost++ // the call goes on without it
		}
		return Ticket{}, err
	}
	j.buffer = append(j.buffer, line...)
	j.pending++
	j.waiting = j.waiting || wait
	select {
	case j.kick <- struct{}{}:
	default:
	}
	return Ticket{group: j.group}, nil
}

// write puts the buffer into the file, again and again, and syncs it when
// someone waits or Sync has passed. It ends when the journal is closed.
func (j *Journal) write() {
	defer close(j.done)
	tick := time.NewTicker(j.Sync)
	defer tick.Stop()
	for {
		due := false
		select {
		case <-j.kick:
		case <-tick.C:
			due = true
		}
		j.mu.Lock()
		buffer, lines, sync, g, closed := j.buffer, j.pending, j.waiting || due, j.group, j.closed
		j.buffer, j.pending, j.waiting, j.group = nil, 0, false, &group{done: make(chan struct{})}
		sync = (sync || closed) && (j.unsynced+lines > 0 || j.failed != nil)
		j.mu.Unlock()

		err := j.put(buffer, sync)
		j.mu.Lock()
		if len(buffer) > 0 || sync {
			j.settle(lines, sync, err)
		}
		over := closed && len(j.buffer) == 0
		j.mu.Unlock()
		g.err = err
		close(g.done)
		select {
		case j.written <- struct{}{}:
		default:
		}
		if over {
			return
		}
	}
}

// settle counts what a write did; j.mu is held.
func (j *Journal) settle(lines int, synced bool, err error) {
	if err != nil && j.failed == nil {
		slog.Error("journal cannot be written", "err", err)
	}
	j.failed = err
	if err != nil {
		j.lost += int64(lines)
		return
	}
	j.unsynced += lines
	if synced {
		j.unsynced = 0
	}
}

// put writes whole lines to the file, or takes back what it wrote of them.
func (j *Journal) put(lines []byte, sync bool) error {
	if j.size >= j.Segment {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		if _, err := j.file.Write(lines); err != nil {
			return errors.Join(fmt.Errorf("write journal: %w", err), j.file.Truncate(j.size))
		}
		j.mu.Lock() // they are in the file, whatever becomes of the sync
		j.size += int64(len(lines))
		j.total += int64(len(lines))
		j.mu.Unlock()
	}
	if sync {
		if err := j.Flush(j.file); err != nil {
			return fmt.Errorf("sync journal: %w", err)
		}
	}
	return nil
}

// rotate syncs the file and begins the next.
func (j *Journal) rotate() error {
	if j.file != nil {
		if err := j.Flush(j.file); err != nil {
			return fmt.Errorf("end journal file: %w", err)
		}
		ended := j.file
		j.file = nil // closed once, though the next may take several trials
		if err := ended.Close(); err != nil {
			return fmt.Errorf("end journal file: %w", err)
		}
	}
	file, err := os.OpenFile(j.path(j.current+1), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("begin journal file: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.file, j.current, j.size = file, j.current+1, 0
	return syncDir(j.Dir)
}

// Close writes and syncs what is left. Lines that come later are refused.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed || j.kick == nil {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	select {
	case j.kick <- struct{}{}:
	default:
	}
	j.mu.Unlock()
	<-j.done
	if j.file == nil { // ended, and the next could not be begun
		return nil
	}
	return j.file.Close()
}

// Figures are what an operator watches.
type Figures struct {
	Bytes    int64 // in all files
	Unsynced int64 // lines that a power failure now would lose
	Lost     int64 // lines that could not be written, since the start
	Damaged  int64 // lines that could not be read back, since the start
}

// Figures gives the journal's state.
func (j *Journal) Figures() Figures {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Figures{Bytes: j.total, Unsynced: int64(j.unsynced + j.pending), Lost: j.lost, Damaged: j.damaged}
}

func (j *Journal) path(number int64) string {
	return filepath.Join(j.Dir, fmt.Sprintf("%012d.log", number))
}

// segments lists the files' numbers in order.
func (j *Journal) segments() ([]int64, error) {
	names, err := filepath.Glob(filepath.Join(j.Dir, "*.log")) // sorted
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var numbers []int64
	for _, name := range names {
		if number, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(name), ".log"), 10, 64); err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// decode reads one line without its end; false when it is damaged.
func decode(text []byte) (Line, bool) {
	sum, text, ok := bytes.Cut(text, []byte(" "))
	if !ok || len(sum) != 8 {
		return Line{}, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || crc32.Checksum(text, castagnoli) != uint32(want) {
		return Line{}, false
	}
	var line Line
	if err := json.Unmarshal(text, &line); err != nil || line.ID == "" {
		return Line{}, false
	}
	return line, true
}

// readLine gives the next whole line and the bytes it took; io.EOF when there
// is none yet.
func readLine(r *bufio.Reader) (text []byte, size int64, err error) {
	text, err = r.ReadBytes('\n')
	if err != nil {
		return nil, 0, io.EOF
	}
	return text[:len(text)-1], int64(len(text)), nil
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("open journal directory: %w", err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync journal directory: %w", err)
	}
	return nil
}
