// Package problem answers what a caller is told when something cannot be
// done: a kind the caller can act on, a code that has words in Vietnamese and
// English, and an RFC 9457 body.
package problem

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says what the far end can do about a problem. Its value is the HTTP status.
type Kind int

// The kinds, by the status they answer with.
const (
	Invalid            Kind = http.StatusBadRequest
	Unauthorized       Kind = http.StatusUnauthorized
	Forbidden          Kind = http.StatusForbidden
	NotFound           Kind = http.StatusNotFound
	MethodNotAllowed   Kind = http.StatusMethodNotAllowed
	NotAcceptable      Kind = http.StatusNotAcceptable
	Conflict           Kind = http.StatusConflict
	Gone               Kind = http.StatusGone
	PreconditionFailed Kind = http.StatusPreconditionFailed
	TooLarge           Kind = http.StatusRequestEntityTooLarge
	UnsupportedMedia   Kind = http.StatusUnsupportedMediaType
	TooMany            Kind = http.StatusTooManyRequests
	Internal           Kind = http.StatusInternalServerError
	BadGateway         Kind = http.StatusBadGateway
	Unavailable        Kind = http.StatusServiceUnavailable
	Timeout            Kind = http.StatusGatewayTimeout
)

// defaultCodes are the codes of problems that were given none of their own.
var defaultCodes = map[Kind]string{
	Invalid: "invalid", Unauthorized: "unauthorized", Forbidden: "forbidden", NotFound: "not-found",
	MethodNotAllowed: "method-not-allowed", NotAcceptable: "not-acceptable", Conflict: "conflict", Gone: "gone",
	PreconditionFailed: "precondition-failed", TooLarge: "too-large", UnsupportedMedia: "unsupported-media",
	TooMany: "too-many", Internal: "internal", BadGateway: "bad-gateway", Unavailable: "unavailable",
	Timeout: "timeout",
}

// Error is a problem. Code finds the words people read in messages/*.json,
// with Args filled in; Detail is the English text for logs and for callers
// who ask for no language. Err, never shown, is what happened underneath.
type Error struct {
	Kind   Kind
	Code   string
	Detail string
	Args   map[string]string
	Fields []Field        // what is wrong with each field of a form or body
	Header http.Header    // sent with the answer: Allow, Retry-After, WWW-Authenticate
	Extra  map[string]any // further members of the body, RFC 9457 §3.2
	Err    error

	repeats bool // Detail holds what the far end sent
}

// Field is one thing wrong with one field: Name is its name in the form or
// its JSON pointer in the body; Code finds the words, as in Error.
type Field struct {
	Name   string
	Code   string
	Detail string
	Args   map[string]string
}

// Errorf is a problem of that kind, with the kind's own code.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: defaultCodes[kind], Detail: fmt.Sprintf(format, args...)}
}

// Coded gives the problem a code of its own; pairs are name, value, name, value
// … filled in where the words say {name}.
func (e *Error) Coded(code string, pairs ...string) *Error {
	e.Code, e.Args = code, named(pairs)
	return e
}

// Repeats says that the text holds what the far end sent, which the log is to
// leave out: it may be a secret, or tell of a person.
func (e *Error) Repeats() *Error {
	e.repeats = true
	return e
}

// Because keeps the error underneath for the log.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Sends adds a header to the answer.
func (e *Error) Sends(name, value string) *Error {
	if e.Header == nil {
		e.Header = http.Header{}
	}
	e.Header.Add(name, value)
	return e
}

// Wrong adds what is wrong with one field; pairs are as in Coded.
func (e *Error) Wrong(name, code, detail string, pairs ...string) *Error {
	e.Fields = append(e.Fields, Field{Name: name, Code: code, Detail: detail, Args: named(pairs)})
	return e
}

// Error is the English text, with the error underneath.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Detail + ": " + e.Err.Error()
	}
	return e.Detail
}

// Unwrap is the error underneath.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is a problem of that kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// Code is the code of a problem, or "" when err is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func named(pairs []string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	args := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[pairs[i]] = pairs[i+1]
	}
	return args
}
