package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// Delivered is a record that leaves the journal. Unknown says that its call was
// begun, and the node stopped before it ended or could not write the outcome:
// the record is the intent's.
type Delivered struct {
	Record  json.RawMessage
	Unknown bool
}

// DeliverFunc takes records for good, or none of them. After a crash records
// come again that it had already.
type DeliverFunc func(ctx context.Context, records []Delivered) error

// position is where reading begins: behind all that is delivered, and not
// behind an intent whose outcome is missing.
type position struct {
	Segment int64 `json:"segment"`
	Offset  int64 `json:"offset"`
}

func (p position) before(q position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

// batch bounds the records of one delivery.
const batch = 500

// drainer reads the files in order.
type drainer struct {
	journal *Journal
	deliver DeliverFunc
	at      position
	open    map[string]intent // without their outcome, by ID
	after   bool              // all lines of earlier runs are read
}

type intent struct {
	at     position
	record json.RawMessage
}

// Drain delivers lines as they come until ctx ends. A failed delivery is
// tried again, a second later and then more slowly. Once the journal is closed and
// everything is delivered it returns nil.
func (j *Journal) Drain(ctx context.Context, deliver DeliverFunc) error {
	d := &drainer{journal: j, deliver: deliver, at: j.drain, open: map[string]intent{}}
	wait := time.Second
	for {
		closed := j.isClosed()
		more, err := d.step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			slog.ErrorContext(ctx, "journal is not delivered", "err", err)
			pause(ctx, time.After(wait), nil)
			wait = min(2*wait, 30*time.Second)
		case !more && closed:
			return nil
		case !more:
			wait = time.Second
			pause(ctx, time.After(time.Second), j.written)
		}
	}
}

func pause(ctx context.Context, timer <-chan time.Time, wake <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-timer:
	case <-wake:
	}
}

func (j *Journal) isClosed() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// step delivers one batch and keeps the position; more says that there was one.
func (d *drainer) step(ctx context.Context) (more bool, err error) {
	before := *d
	before.open = maps.Clone(d.open)
	records, err := d.collect()
	if err == nil && len(records) > 0 {
		err = d.deliver(ctx, records)
	}
	if err != nil {
		*d = before // the whole batch again
		return false, err
	}
	if d.at == before.at && len(records) == 0 {
		return false, nil
	}
	return true, d.keep()
}

// collect reads up to a batch of records.
func (d *drainer) collect() ([]Delivered, error) {
	var records []Delivered
	for len(records) < batch {
		if !d.after && d.at.Segment >= d.journal.recover {
			d.after = true
			for id, i := range d.open { // no outcome will come
				records = append(records, Delivered{Record: i.record, Unknown: true})
				delete(d.open, id)
			}
		}
		read, err := d.readSegment(&records)
		if err != nil {
			return nil, err
		}
		if read { // the batch is full, or the segment may grow
			return records, nil
		}
		d.at = position{Segment: d.at.Segment + 1}
		d.giveUp(&records)
	}
	return records, nil
}

// giveUp delivers intents that lie half a journal behind without an outcome:
// it was lost, with the disk full or failing, and while they stay open no file
// from theirs on can be removed.
func (d *drainer) giveUp(records *[]Delivered) {
	patience := d.journal.Max / d.journal.Segment / 2
	for id, i := range d.open {
		if d.at.Segment-i.at.Segment > patience {
			*records = append(*records, Delivered{Record: i.record, Unknown: true})
			delete(d.open, id)
		}
	}
}

// readSegment reads on in the segment at d.at; false when it is read to its
// end and another follows.
func (d *drainer) readSegment(records *[]Delivered) (bool, error) {
	last, size := d.journal.tail()
	if d.at.Segment > last || d.at.Segment == last && d.at.Offset >= size {
		return true, nil
	}
	file, err := os.Open(d.journal.path(d.at.Segment))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // numbers begin anew above what is there
	}
	if err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	defer file.Close()
	if _, err := file.Seek(d.at.Offset, io.SeekStart); err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	for r := bufio.NewReader(file); len(*records) < batch; {
		if d.at.Segment == last && d.at.Offset >= size {
			return true, nil // what follows is being written
		}
		text, took, err := readLine(r)
		if err != nil {
			return d.at.Segment == last, nil
		}
		d.take(text, records)
		d.at.Offset += took
	}
	return true, nil
}

// take puts a line where it belongs.
func (d *drainer) take(text []byte, records *[]Delivered) {
	line, ok := decode(text)
	switch {
	case !ok:
		d.journal.damage(d.at)
	case line.Intent:
		d.open[line.ID] = intent{at: d.at, record: line.Record}
	default:
		delete(d.open, line.ID)
		*records = append(*records, Delivered{Record: line.Record})
	}
}

// keep stores the position and removes the files before it.
func (d *drainer) keep() error {
	p := d.at
	for _, i := range d.open {
		if i.at.before(p) {
			p = i.at
		}
	}
	if err := d.journal.writePosition(p); err != nil {
		return err
	}
	numbers, err := d.journal.segments()
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if number >= p.Segment {
			break
		}
		if err := d.journal.remove(number); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) tail() (last, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.current, j.size
}

func (j *Journal) damage(at position) {
	slog.Error("journal line is damaged", "segment", at.Segment, "offset", at.Offset)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.damaged++
}

func (j *Journal) remove(number int64) error {
	info, err := os.Stat(j.path(number))
	if err == nil {
		err = os.Remove(j.path(number))
	}
	if err != nil {
		return fmt.Errorf("remove journal file: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total -= info.Size()
	return nil
}

func (j *Journal) readPosition() error {
	text, err := os.ReadFile(filepath.Join(j.Dir, "position"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal position: %w", err)
	}
	if err := json.Unmarshal(text, &j.drain); err != nil {
		slog.Error("journal position is damaged; all files are delivered again", "err", err)
		j.drain = position{}
	}
	return nil
}

func (j *Journal) writePosition(p position) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode journal position: %w", err)
	}
	name := filepath.Join(j.Dir, "position")
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return fmt.Errorf("write journal position: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write journal position: %w", err)
	}
	return nil
}
