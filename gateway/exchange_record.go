package gateway

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/project"
)

// The first byte of a record in the journal. One that begins with { is JSON, of
// an earlier version. Only a record with masks is written as one: an earlier
// version reads all others.
const (
	recordFormat       = 1
	maskedRecordFormat = 2
)

// appendTo writes the exchange as a record of the journal: strings with their
// length before them, ids as they are.
func (e *Exchange) appendTo(b []byte) []byte {
	format := byte(recordFormat)
	if len(e.Masks) > 0 {
		format = maskedRecordFormat
	}
	b = append(b, format, e.flags())
	for _, id := range e.ids() {
		b = append(b, id[:]...)
	}
	b = append(append(b, e.RequestSum[:]...), e.AnswerSum[:]...)
	for _, n := range []int64{e.At.UnixNano(), int64(e.Revision), int64(e.Status), e.BytesIn, e.BytesOut, int64(e.Duration)} {
		b = binary.AppendVarint(b, n)
	}
	for _, text := range e.texts() {
		b = append(binary.AppendUvarint(b, uint64(len(*text))), *text...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Fields)))
	for _, field := range e.Fields {
		b = append(binary.AppendUvarint(b, uint64(len(field))), field...)
	}
	if format == recordFormat {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(e.Masks)))
	for _, m := range e.Masks {
		b = append(binary.AppendUvarint(b, uint64(len(m.Path))), m.Path...)
		b = append(binary.AppendUvarint(b, uint64(len(m.Mask))), m.Mask...)
	}
	return b
}

func (e *Exchange) ids() [7]*uuid.UUID {
	return [...]*uuid.UUID{&e.ID, &e.Agency, &e.API, &e.Version, &e.Application, &e.Person, &e.Agreement}
}

func (e *Exchange) texts() [10]*string {
	return [...]*string{&e.Trace, &e.Operation, &e.Access, &e.Credential, &e.Purpose, &e.Subject, &e.Address, &e.Method, &e.Template, &e.Code}
}

func (e *Exchange) flags() (flags byte) {
	if e.Complete {
		flags |= 1
	}
	if e.Unknown {
		flags |= 2
	}
	if e.Canary {
		flags |= 4
	}
	return flags
}

var errRecord = errors.New("this is no record of an exchange")

// readExchange reads what appendTo wrote, or the JSON of an earlier version.
func readExchange(record []byte) (Exchange, error) {
	var e Exchange
	if len(record) > 0 && record[0] == '{' {
		return e, json.Unmarshal(record, &e)
	}
	if len(record) < 2 || record[0] != recordFormat && record[0] != maskedRecordFormat {
		return e, errRecord
	}
	e.Complete, e.Unknown, e.Canary = record[1]&1 != 0, record[1]&2 != 0, record[1]&4 != 0
	r := recordReader{left: string(record[2:])}
	for _, id := range e.ids() {
		copy(id[:], r.bytes(len(id)))
	}
	copy(e.RequestSum[:], r.bytes(len(e.RequestSum)))
	copy(e.AnswerSum[:], r.bytes(len(e.AnswerSum)))
	e.At = time.Unix(0, r.number()).UTC()
	e.Revision, e.Status = int(r.number()), int(r.number())
	e.BytesIn, e.BytesOut, e.Duration = r.number(), r.number(), time.Duration(r.number())
	for _, text := range e.texts() {
		*text = r.text()
	}
	if n := r.size(); n > 0 {
		e.Fields = make([]string, n)
		for i := range e.Fields {
			e.Fields[i] = r.text()
		}
	}
	if record[0] == maskedRecordFormat {
		e.Masks = make([]project.Masked, r.size())
		for i := range e.Masks {
			e.Masks[i] = project.Masked{Path: r.text(), Mask: project.Mask(r.text())}
		}
	}
	if r.wrong || r.left != "" {
		return Exchange{}, errRecord
	}
	return e, nil
}

// recordReader takes a record apart; once something is wrong it gives nothing more.
type recordReader struct {
	left  string
	wrong bool
}

func (r *recordReader) bytes(n int) string {
	if n > len(r.left) {
		r.wrong, r.left = true, ""
		return ""
	}
	part := r.left[:n]
	r.left = r.left[n:]
	return part
}

// uvarint reads as binary.Uvarint does, of a string.
func (r *recordReader) uvarint() uint64 {
	var value uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.bytes(1)
		if b == "" {
			return 0
		}
		value |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return value
		}
	}
	r.wrong, r.left = true, ""
	return 0
}

func (r *recordReader) number() int64 {
	value := r.uvarint()
	return int64(value>>1) ^ -int64(value&1)
}

// size is a length, of no more than there is.
func (r *recordReader) size() int {
	n := r.uvarint()
	if n > uint64(len(r.left)) {
		r.wrong, r.left = true, ""
		return 0
	}
	return int(n)
}

func (r *recordReader) text() string { return r.bytes(r.size()) }
