package gateway

import (
	"crypto/sha256"
	"hash"
	"net/http"
	"sync"

	"lgsp/internal/http1"
)

// answer is what the caller gets: it counts and hashes the body, and sets our
// own headers last, on problems as on answers.
type answer struct {
	http.ResponseWriter
	own        http1.Fields // ours, whatever the upstream sent
	requestID  string
	allow      string
	hidesHints bool // 1xx answers of the upstream are not passed on
	hashes     bool // the body's hash is wanted
	status     int  // 0: not begun
	bytes      int64
	sum        *sum  // nil: nothing is hashed yet
	err        error // of the connection
}

// sum is a hash with room for its work.
type sum struct {
	hash.Hash
	text   []byte
	digest Sum
}

// sums are to be used again: made by newSum, and put back.
var sums = sync.Pool{New: func() any { return &sum{Hash: sha256.New()} }}

func newSum() *sum {
	s := sums.Get().(*sum)
	s.Reset()
	return s
}

func (s *sum) take() Sum {
	s.Sum(s.digest[:0])
	return s.digest
}

// start makes the answer of a call; what it is made of keeps its room.
func (a *answer) start(w http.ResponseWriter, r *http.Request, trace string) {
	a.ResponseWriter, a.hashes, a.requestID = w, true, trace
	if ids := r.Header["X-Request-Id"]; len(ids) > 0 && isRequestID(ids[0]) {
		a.requestID = ids[0]
	}
	a.own = append(a.own, http1.Field{Name: "X-Request-Id", Value: a.requestID})
}

// isRequestID reports whether a caller's id is one: 1 to 64 of A-Z a-z 0-9 . _ -.
func isRequestID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// Unwrap lets http.ResponseController flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// fieldsWriter is a writer that takes the lines of a header in order.
type fieldsWriter interface {
	WriteFields(status int, fields http1.Fields)
}

// begin sends the status and the headers, ours over the upstream's; they are
// put together in room.
func (a *answer) begin(status int, fields, room http1.Fields) http1.Fields {
	if a.status != 0 {
		return room
	}
	a.status = status
	all := room[:0]
	for _, line := range fields {
		if line.Name == "Vary" || line.Name == "Link" || !a.own.Has(line.Name) {
			all = append(all, line)
		}
	}
	all = append(all, a.own...)
	if w, ok := a.ResponseWriter.(fieldsWriter); ok {
		w.WriteFields(status, all)
		return all
	}
	header := a.Header()
	for _, line := range all {
		header[line.Name] = append(header[line.Name], line.Value)
	}
	a.ResponseWriter.WriteHeader(status)
	return all
}

// WriteHeader is of http.ResponseWriter: what problems are written with.
func (a *answer) WriteHeader(status int) {
	switch {
	case status == http.StatusSwitchingProtocols:
	case status < 200:
		a.ResponseWriter.WriteHeader(status)
	default:
		fields := http1.FieldsOf(a.Header())
		clear(a.Header())
		a.begin(status, fields, nil)
	}
}

// Write sends a part of the body.
func (a *answer) Write(part []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	size, err := a.ResponseWriter.Write(part)
	a.bytes += int64(size)
	if a.hashes {
		if a.sum == nil {
			a.sum = newSum()
		}
		a.sum.Write(part[:size]) // never fails (package hash)
	}
	if err != nil {
		a.err = err
	}
	return size, err
}

// TakesPipes is of http1.PipeSink: what is hashed has to be seen.
func (a *answer) TakesPipes() bool {
	sink, ok := a.ResponseWriter.(http1.PipeSink)
	return ok && !a.hashes && sink.TakesPipes()
}

// WritePipe is of http1.PipeSink.
func (a *answer) WritePipe(p *http1.Pipe) (int64, error) {
	size, err := a.ResponseWriter.(http1.PipeSink).WritePipe(p)
	a.bytes += size
	if err != nil {
		a.err = err
	}
	return size, err
}

// digest is the hash of the body that left; none when none is wanted or nothing
// was begun.
func (a *answer) digest() Sum {
	if !a.hashes || a.status == 0 {
		return Sum{}
	}
	if a.sum == nil {
		return sumOfNothing
	}
	taken := a.sum.take()
	sums.Put(a.sum)
	a.sum = nil
	return taken
}

var sumOfNothing = Sum(sha256.Sum256(nil))

// FlushError sends what is gathered (http.ResponseController).
func (a *answer) FlushError() error { return http.NewResponseController(a.ResponseWriter).Flush() }

// trailer sends what followed the body (RFC 9110 §6.5).
func (a *answer) trailer(fields http1.Fields) {
	for _, line := range cleaned(fields) {
		a.Header().Add(http.TrailerPrefix+line.Name, line.Value)
	}
}
