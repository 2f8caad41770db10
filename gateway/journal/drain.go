package journal

import (
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
	"slices"
	"time"
)

// Delivered is a record that leaves the journal. Unknown says that its call was
// begun, and the node stopped before it ended or could not write the outcome:
// the record is the intent's. The record is good until the delivery is over.
type Delivered struct {
	Record  []byte
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

// batch bounds the records of one delivery, and window the bytes that are read
// at once for it. What comes within gather of a delivery goes together: a
// delivery of few records costs as much as one of many.
const (
	batch  = 2000
	window = 1 << 20
	gather = 100 * time.Millisecond
)

// drainer reads the files in order.
type drainer struct {
	journal *Journal
	deliver DeliverFunc
	at      position
	open    map[ID]intent // without their outcome
	after   bool          // all records of earlier runs are read
	window  []byte        // lent to the records of one delivery
}

type intent struct {
	at     position
	record []byte
}

// Drain delivers records as they come until ctx ends. A failed delivery is
// tried again, a second later and then more slowly. Once the journal is closed and
// everything is delivered it returns nil.
func (j *Journal) Drain(ctx context.Context, deliver DeliverFunc) error {
	d := &drainer{journal: j, deliver: deliver, at: j.drain, open: map[ID]intent{}}
	wait := time.Second
	for {
		closed := j.isClosed()
		count, more, err := d.step(ctx)
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
		case count < batch/2:
			wait = time.Second
			pause(ctx, time.After(gather), j.done)
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

// step delivers one batch, of count records, and keeps the position; more says
// that it moved.
func (d *drainer) step(ctx context.Context) (count int, more bool, err error) {
	at, after, open := d.at, d.after, maps.Clone(d.open)
	records, err := d.collect()
	if err == nil && len(records) > 0 {
		err = d.deliver(ctx, records)
	}
	if err != nil {
		d.at, d.after, d.open = at, after, open // the whole batch again
		return 0, false, err
	}
	if d.at == at && len(records) == 0 {
		return 0, false, nil
	}
	return len(records), true, d.keep()
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
		over, err := d.readSegment(&records)
		if err != nil || !over || len(records) > 0 { // the window is lent to the records
			return records, err
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

// readSegment reads on in the segment at d.at, and reports whether that is all
// it will ever hold.
func (d *drainer) readSegment(records *[]Delivered) (over bool, err error) {
	file, err := os.Open(d.journal.path(d.at.Segment))
	if errors.Is(err, fs.ErrNotExist) {
		if last, _ := d.journal.tail(); d.at.Segment >= last {
			return false, nil // it is not begun
		}
		return d.readLines(records) // numbers begin anew above what is there
	}
	if err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	defer file.Close()
	size, ended, err := d.written(file)
	if err != nil || d.at.Offset >= size {
		return ended, err
	}
	if d.window == nil {
		d.window = make([]byte, window)
	}
	data := d.window[:min(size-d.at.Offset, window)]
	_, err = io.ReadFull(io.NewSectionReader(file, d.at.Offset, int64(len(data))), data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil // it was just cut to what is written: the next look sees its size
	}
	if err != nil {
		return false, fmt.Errorf("read journal: %w", err)
	}
	begun, whole := d.at.Offset, d.at.Offset+int64(len(data)) == size
	for len(data) > 0 && len(*records) < batch {
		f, ok := readFrame(data)
		if !ok {
			if !whole && d.at.Offset > begun {
				return false, nil // the rest of the frame comes with the next window
			}
			skipped := skip(data)
			d.journal.damage(d.at, skipped < len(data) || data[0] != 0)
			d.at.Offset += int64(skipped)
			data = data[skipped:]
			continue
		}
		d.take(f, records)
		d.at.Offset += f.size()
		data = data[f.size():]
	}
	return ended && whole && len(data) == 0, nil
}

// written is how much of the segment at d.at can be read now, and whether that
// is all there will be.
func (d *drainer) written(file *os.File) (size int64, ended bool, err error) {
	if last, size := d.journal.tail(); d.at.Segment == last {
		return size, false, nil // what follows is being written
	}
	info, err := file.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("read journal: %w", err)
	}
	return info.Size(), true, nil
}

// skip is how many bytes stand before the next frame, or before the end: of a
// record that is damaged, or of what a crash left unwritten.
func skip(data []byte) int {
	for i := 1; i < len(data); i++ {
		if i+8 < len(data) && data[i+8] != kindIntent && data[i+8] != kindOutcome {
			continue
		}
		if _, ok := readFrame(data[i:]); ok {
			return i
		}
	}
	return len(data)
}

// take puts a frame where it belongs.
func (d *drainer) take(f frame, records *[]Delivered) {
	if f.kind == kindIntent {
		d.open[f.id] = intent{at: d.at, record: slices.Clone(f.record)}
		return
	}
	delete(d.open, f.id)
	*records = append(*records, Delivered{Record: f.record})
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
	files, err := d.journal.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.number >= p.Segment {
			break
		}
		if err := d.journal.remove(f.path); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) tail() (last, size int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.current == nil {
		return j.number + 1, 0 // it is not begun
	}
	return j.number, j.current.size
}

// damage says that something could not be read; the empty end of a file that a
// crash left is none.
func (j *Journal) damage(at position, is bool) {
	if !is {
		return
	}
	slog.Error("journal record is damaged", "segment", at.Segment, "offset", at.Offset)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.damaged++
}

func (j *Journal) remove(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		err = os.Remove(path)
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
