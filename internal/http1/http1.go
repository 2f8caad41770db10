// Package http1 answers how HTTP/1.1 messages (RFC 9112) are read and written
// with as little work as they take: a server and a transport for a proxy that
// many small calls pass through. They are stricter than net/http: what two
// programs could read in two ways is refused, and its connection closed. One
// goroutine looks after the deadlines of all connections, so that a call sets
// no timer. HTTP/2 is left to net/http.
package http1

import (
	"fmt"
	"net/http"
)

// Refusal is why a message is not taken. It prints what is wrong with it, and
// nothing of what it held.
type Refusal struct {
	Status int    // that a server answers with
	Reason string // English
}

// Error is of error.
func (r *Refusal) Error() string { return r.Reason }

func refuse(status int, format string, args ...any) error {
	return &Refusal{Status: status, Reason: fmt.Sprintf(format, args...)}
}

// The bounds of a message.
const (
	maxHead    = 64 << 10 // bytes of a request's or an answer's head
	maxFields  = 256
	maxTrailer = 8 << 10 // bytes of all that follows the last chunk
	maxChunk   = 256     // bytes of the line that begins a chunk, with its extensions
)

var errFields = &Refusal{http.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("the header has more than %d fields", maxFields)}

var (
	errBareLF    = refuse(http.StatusBadRequest, "a line ends with LF alone")
	errHeadLarge = refuse(http.StatusRequestHeaderFieldsTooLarge, "the head is larger than %d bytes", maxHead)
)

// Field is a line of a header; Name is in the form of
// textproto.CanonicalMIMEHeaderKey.
type Field struct{ Name, Value string }

// Fields are the lines of a header, in order.
type Fields []Field

// Get is the first value of a name, "" when there is none.
func (f Fields) Get(name string) string {
	for i := range f {
		if f[i].Name == name {
			return f[i].Value
		}
	}
	return ""
}

// Has reports whether there is a line of that name.
func (f Fields) Has(name string) bool {
	for i := range f {
		if f[i].Name == name {
			return true
		}
	}
	return false
}

// Del drops every line of a name.
func (f *Fields) Del(name string) {
	f.Keep(func(line Field) bool { return line.Name != name })
}

// Keep drops the lines that are not to be kept.
func (f *Fields) Keep(is func(Field) bool) {
	kept := (*f)[:0]
	for _, line := range *f {
		if is(line) {
			kept = append(kept, line)
		}
	}
	*f = kept
}

// Set puts one line in place of every one of that name.
func (f *Fields) Set(name, value string) {
	for i := range *f {
		if (*f)[i].Name == name {
			(*f)[i].Value = value
			rest := (*f)[i+1:]
			rest.Del(name)
			*f = (*f)[:i+1+len(rest)]
			return
		}
	}
	f.Add(name, value)
}

// Add puts a line at the end.
func (f *Fields) Add(name, value string) { *f = append(*f, Field{name, value}) }

// Header is the lines as net/http has them.
func (f Fields) Header() http.Header {
	header := make(http.Header, len(f))
	f.addTo(header)
	return header
}

func (f Fields) addTo(header http.Header) {
	for _, line := range f {
		header[line.Name] = append(header[line.Name], line.Value)
	}
}

// FieldsOf are the lines of a header of net/http, by name.
func FieldsOf(header http.Header) Fields {
	fields := make(Fields, 0, len(header))
	for _, name := range sortedNames(header) {
		for _, value := range header[name] {
			fields = append(fields, Field{name, value})
		}
	}
	return fields
}
