// Package journal answers where the evidence of a call is before the ledger
// has it: in append-only files of the node, each record with its checksum,
// delivered in order, as often as it takes. The files are mapped into memory,
// so that a record is written without asking the system, and is there when the
// process is killed; they are allocated in full beforehand, so that a full disk
// is known when a file is begun.
package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// ID joins the intent of a call and its outcome.
type ID = [16]byte

// Journal is one node's. Its exported fields are set before Open.
type Journal struct {
	Dir     string
	Segment int64                // bytes of a file
	Max     int64                // bytes of all files together
	Sync    time.Duration        // how long an outcome may stay unsynced
	Flush   func(*os.File) error // makes what was written safe; nil: (*os.File).Sync

	mu       sync.Mutex
	current  *segment      // nil: it could not be begun
	prepared *segment      // the next one
	ending   []*segment    // full, and not synced yet
	number   int64         // of current
	group    *group        // of the intents that are not synced yet
	waiting  bool          // somebody waits for group
	kick     chan struct{} // the same
	written  chan struct{} // there is something to deliver
	failed   error         // the last sync, while it goes wrong
	closed   bool
	total    int64 // bytes written in all files
	unsynced int64 // records
	lost     int64 // records that could not be written
	damaged  int64 // records that could not be read back
	done     chan struct{}
	drain    position
	recover  int64 // files below this number were written before Open
}

// group is the intents that one sync makes safe.
type group struct {
	done chan struct{}
	err  error
}

// Ticket is an intent on its way to the disk.
type Ticket struct{ group *group }

// Wait returns once the intent is safe on disk, or says why it is not.
func (t Ticket) Wait(ctx context.Context) error {
	select {
	case <-t.group.done:
		return t.group.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open opens the journal and begins a new file; what earlier files hold is
// delivered first. It fails when the directory cannot be written.
func (j *Journal) Open() error {
	if j.Flush == nil {
		j.Flush = (*os.File).Sync
	}
	if err := os.MkdirAll(j.Dir, 0o700); err != nil {
		return fmt.Errorf("make journal directory: %w", err)
	}
	files, err := j.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		info, err := os.Stat(f.path)
		if err != nil {
			return fmt.Errorf("look at journal: %w", err)
		}
		j.total += info.Size()
		j.number = f.number
	}
	if err := j.readPosition(); err != nil {
		return err
	}
	j.number = max(j.number, j.drain.Segment)
	if err := j.begin(); err != nil {
		return err
	}
	j.recover = j.number
	j.kick, j.written, j.done = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	j.group = &group{done: make(chan struct{})}
	go j.keep()
	return nil
}

// Intent appends a record that is to be safe on disk before the call goes on:
// wait for its ticket. It fails with ErrFull or with what the disk last said.
// The record may be used again afterwards.
func (j *Journal) Intent(id ID, record []byte) (Ticket, error) {
	return j.append(frame{kind: kindIntent, id: id, record: record})
}

// Outcome appends the record that ends a call. It does not wait for the disk.
// The record may be used again afterwards.
func (j *Journal) Outcome(id ID, record []byte) error {
	_, err := j.append(frame{kind: kindOutcome, id: id, record: record})
	return err
}

func (j *Journal) append(f frame) (Ticket, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.failed
	switch {
	case j.closed || j.kick == nil:
		err = ErrClosed
	case j.total+f.size() > j.Max:
		err = ErrFull
	case f.kind == kindOutcome:
		err = nil // the disk may have recovered; the next sync tries it
	}
	if err == nil {
		err = j.put(f)
	}
	if err != nil {
		if f.kind == kindOutcome {
			j.lost++ // the call goes on without it
		}
		return Ticket{}, err
	}
	j.unsynced++
	if f.kind == kindIntent {
		j.waiting = true
		wake(j.kick)
	}
	return Ticket{group: j.group}, nil
}

// put writes a frame into the file, or into the next; j.mu is held.
func (j *Journal) put(f frame) error {
	if j.current != nil && !j.current.fits(f) {
		j.ending = append(j.ending, j.current)
		j.current = nil
	}
	if j.current == nil {
		if err := j.begin(); err != nil {
			return err
		}
		if !j.current.fits(f) {
			return fmt.Errorf("a record of %d bytes is larger than a file of the journal", len(f.record))
		}
	}
	if err := j.current.write(f); err != nil {
		return err
	}
	j.total += f.size()
	return nil
}

// begin takes the next file; j.mu is held, or nobody has the journal yet.
func (j *Journal) begin() error {
	s, path := j.prepared, j.path(j.number+1)
	j.prepared = nil
	var err error
	if s == nil {
		s, err = newSegment(path, j.Segment)
	} else if err = os.Rename(j.nextPath(), path); err != nil {
		err = errors.Join(err, s.end())
	}
	if err != nil {
		return fmt.Errorf("begin journal file: %w", err)
	}
	j.current = s
	j.number++
	return syncDir(j.Dir)
}

// keep syncs the files when somebody waits or Sync has passed, and prepares the
// next. It ends when the journal is closed.
func (j *Journal) keep() {
	defer close(j.done)
	tick := time.NewTicker(j.Sync)
	defer tick.Stop()
	for {
		select {
		case <-j.kick:
		case <-tick.C:
		}
		j.mu.Lock()
		g, ending, current, closed := j.group, j.ending, j.current, j.closed
		count := j.unsynced
		j.group, j.ending, j.waiting = &group{done: make(chan struct{})}, nil, false
		if count == 0 && j.failed == nil {
			current = nil // nothing is new in it
		}
		j.mu.Unlock()

		ending, err := j.syncAll(ending, current)
		j.mu.Lock()
		j.ending = append(ending, j.ending...)
		j.settle(count, err)
		prepare := !closed && j.prepared == nil && j.current != nil && j.current.size > j.Segment/2
		j.mu.Unlock()
		g.err = err
		close(g.done)
		if count > 0 || closed {
			wake(j.written)
		}
		if closed {
			return
		}
		if prepare {
			j.prepare()
		}
	}
}

// syncAll makes everything safe, and gives those of the full files that are not.
func (j *Journal) syncAll(ending []*segment, current *segment) ([]*segment, error) {
	for len(ending) > 0 {
		if err := j.Flush(ending[0].file); err != nil {
			return ending, fmt.Errorf("sync journal: %w", err)
		}
		if err := ending[0].end(); err != nil {
			slog.Error("journal file cannot be closed", "err", err) // it is safe on disk
		}
		ending = ending[1:]
	}
	if current != nil {
		if err := j.Flush(current.file); err != nil {
			return nil, fmt.Errorf("sync journal: %w", err)
		}
	}
	return nil, nil
}

// settle counts what a sync did; j.mu is held.
func (j *Journal) settle(synced int64, err error) {
	if err != nil && j.failed == nil {
		slog.Error("journal cannot be synced", "err", err)
	}
	j.failed = err
	if err == nil {
		j.unsynced -= synced
	}
}

// prepare makes the next file before it is needed. When it cannot, whoever
// needs it tries again, and is told.
func (j *Journal) prepare() {
	if err := os.Remove(j.nextPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	s, err := newSegment(j.nextPath(), j.Segment)
	if err != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.prepared = s
}

// nextPath is where the next file lies until it is begun.
func (j *Journal) nextPath() string { return filepath.Join(j.Dir, "next") }

// Close syncs what is left. Records that come later are refused.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed || j.kick == nil {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	wake(j.kick)
	j.mu.Unlock()
	<-j.done
	var all []error
	if j.prepared != nil {
		all = append(all, j.prepared.end(), os.Remove(j.nextPath()))
	}
	if j.current != nil {
		all = append(all, j.Flush(j.current.file), j.current.end())
	}
	return errors.Join(all...)
}

// Figures are what an operator watches.
type Figures struct {
	Bytes    int64 // in all files
	Unsynced int64 // records that a power failure now would lose
	Lost     int64 // records that could not be written, since the start
	Damaged  int64 // records that could not be read back, since the start
}

// Figures gives the journal's state.
func (j *Journal) Figures() Figures {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Figures{Bytes: j.total, Unsynced: j.unsynced, Lost: j.lost, Damaged: j.damaged}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (j *Journal) path(number int64) string {
	return filepath.Join(j.Dir, fmt.Sprintf("%012d.journal", number))
}

// journalFile is a file of the journal, or of what wrote it as lines before.
type journalFile struct {
	number int64
	path   string
	lines  bool
}

// files lists the files in order.
func (j *Journal) files() ([]journalFile, error) {
	entries, err := os.ReadDir(j.Dir) // sorted
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var files []journalFile
	for _, entry := range entries {
		text, kind, _ := strings.Cut(entry.Name(), ".")
		number, err := strconv.ParseInt(text, 10, 64)
		if err == nil && (kind == "journal" || kind == "log") && !entry.IsDir() {
			files = append(files, journalFile{number: number, path: filepath.Join(j.Dir, entry.Name()), lines: kind == "log"})
		}
	}
	return files, nil
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
