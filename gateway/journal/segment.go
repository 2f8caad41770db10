package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime/debug"
	"syscall"
)

// The kinds of frames. None is 0, so that what was never written is no frame.
const (
	kindIntent  = 1 // written before a call's answer leaves
	kindOutcome = 2
)

// frame is a record as it lies in a file: a checksum (CRC-32C) of all behind
// it, the record's length, kind, id, record.
type frame struct {
	kind   byte
	id     ID
	record []byte
}

const frameHead = 4 + 4 + 1 + 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (f frame) size() int64 { return frameHead + int64(len(f.record)) }

// put writes the frame into data, which has room for it.
func (f frame) put(data []byte) {
	binary.LittleEndian.PutUint32(data[4:], uint32(len(f.record)))
	data[8] = f.kind
	copy(data[9:], f.id[:])
	copy(data[frameHead:], f.record)
	binary.LittleEndian.PutUint32(data, crc32.Checksum(data[4:f.size()], castagnoli))
}

// readFrame reads the frame that data begins with. It takes none when the
// checksum is not its own, or data ends before it does.
func readFrame(data []byte) (f frame, ok bool) {
	if len(data) < frameHead {
		return frame{}, false
	}
	length := int64(binary.LittleEndian.Uint32(data[4:]))
	f.kind = data[8]
	if f.kind != kindIntent && f.kind != kindOutcome || length > int64(len(data)-frameHead) {
		return frame{}, false
	}
	copy(f.id[:], data[9:])
	f.record = data[frameHead : frameHead+length]
	return f, crc32.Checksum(data[4:frameHead+length], castagnoli) == binary.LittleEndian.Uint32(data)
}

// segment is a file that is being written.
type segment struct {
	file *os.File
	data []byte // the whole of it, mapped
	size int64  // written
}

// newSegment makes a file whose bytes are all there, and zero.
func newSegment(path string, size int64) (*segment, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{file: file}
	if err = allocate(file, size); err == nil {
		s.data, err = syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return s, nil
}

func (s *segment) fits(f frame) bool { return s.size+f.size() <= int64(len(s.data)) }

// write puts a frame behind the others. A page that cannot be had (of a disk
// that fails, or one that is full and had said that it was not) is an error,
// and no end of the process.
func (s *segment) write(f frame) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("write journal: %v", fault)
		}
	}()
	f.put(s.data[s.size:])
	s.size += f.size()
	return nil
}

// end lets the file go, cut to what was written.
func (s *segment) end() error {
	return errors.Join(syscall.Munmap(s.data), s.file.Truncate(s.size), s.file.Close())
}
