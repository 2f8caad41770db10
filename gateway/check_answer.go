package gateway

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"

	"lgsp/gateway/check"
	"lgsp/gateway/project"
	"lgsp/internal/problem"
)

// enforcesAnswers reports whether every answer is held to the document: then it
// must be whole and readable.
func (c *call) enforcesAnswers() bool {
	return c.operation.checks != nil && c.version.Traffic.Check.Answers == CheckEnforce
}

// checkAnswer holds the upstream's answer to the version's document, before
// anything of it leaves; or has one of a few looked at when it has left.
func (c *call) checkAnswer(r *http.Request, res *response) error {
	set := c.version.Traffic.Check
	switch {
	case c.operation.checks == nil || !set.answers() || res.status == http.StatusSwitchingProtocols:
	case set.Answers == CheckEnforce:
		return c.enforceAnswer(r, res)
	case rand.IntN(100) < or(set.SamplePercent, standardSample):
		c.sampleAnswer(r, res)
	}
	return nil
}

// seen is an answer by its head.
func seen(r *http.Request, res *response) check.Answer {
	var types []string
	for _, line := range res.fields {
		if line.Name == "Content-Type" {
			types = append(types, line.Value)
		}
	}
	return check.Answer{Status: res.status, ContentType: check.ContentType(types), Empty: r.Method == http.MethodHead ||
		res.status == http.StatusNoContent || res.status == http.StatusNotModified || res.fields.Get("Content-Length") == "0"}
}

// compressed reports whether an answer's body is not as the document has it.
func compressed(res *response) bool {
	for _, line := range res.fields {
		if line.Name == "Content-Encoding" && isEncoded([]string{line.Value}) {
			return true
		}
	}
	return false
}

// enforceAnswer reads an answer whole and holds it back when it is wrong. What
// says that something went wrong, where fields are agreed, is replaced anyway.
func (c *call) enforceAnswer(r *http.Request, res *response) error {
	if c.filter() != nil && (res.status < 200 || res.status > 299) {
		return nil
	}
	checks, in := c.operation.checks, seen(r, res)
	findings := []check.Finding{{Place: "header/Content-Encoding", At: "header/Content-Encoding", Code: check.Encoded}}
	if in.Empty || !compressed(res) {
		if !in.Empty && checks.Describes(in.Status, in.ContentType) {
			document, err := c.wholeAnswer(r, res)
			if errors.Is(err, errTooLarge) {
				limit := itoa(or(c.node.MaxAnswer, 10<<20))
				return problem.Errorf(problem.BadGateway, "the answer is larger than %s bytes, up to which it can be held to the document", limit).
					Coded("answer-too-large", "limit", limit)
			} else if err != nil {
				return err
			}
			done, err := c.node.turnToRead(r.Context(), len(document))
			if err != nil {
				return err
			}
			defer done()
			value, err := project.Value(document)
			in.Body = &check.JSON{Value: value, Size: len(document), Err: err}
			res.fields.Set("Content-Length", strconv.Itoa(len(document)))
			if err := c.replace(res, document); err != nil {
				return err
			}
		}
		findings = checks.Answer(in)
	}
	c.node.tellOwner(c.counted(inAnswer), findings)
	if !check.Wrong(findings) {
		return nil
	}
	e := problem.Errorf(problem.BadGateway, "the answer of the agency's system is not as the API's document describes it").Coded("answer-not-as-described")
	for _, f := range findings {
		if !f.Told {
			e.Wrong(f.Place, "check-"+f.Code, "not as described: "+f.Code)
		}
	}
	return e
}

var errTooLarge = errors.New("the answer is too large")

// wholeAnswer reads the upstream's body; errTooLarge beyond MaxAnswer.
func (c *call) wholeAnswer(r *http.Request, res *response) ([]byte, error) {
	limit := or(c.node.MaxAnswer, 10<<20)
	document, err := c.firstOf(r, res, limit, nil)
	if err == nil && int64(len(document)) > limit {
		return nil, errTooLarge
	}
	return document, err
}

// firstOf reads of the upstream's body one byte more than some, or all of it,
// into a room.
func (c *call) firstOf(r *http.Request, res *response, some int64, into []byte) ([]byte, error) {
	read := bytes.NewBuffer(into[:0])
	if length, ok := lengthOf(res.fields); ok {
		read.Grow(int(min(length, some)) + bytes.MinRead)
	}
	_, err := read.ReadFrom(io.LimitReader(res.body, some+1))
	document := read.Bytes()
	var slow net.Error
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err() // upstreamFault says which
	case errors.As(err, &slow) && slow.Timeout():
		return nil, err // the same
	case err != nil:
		return nil, problem.Errorf(problem.BadGateway, "the agency's system broke its answer off").Coded("upstream-broken").Because(err)
	}
	return document, nil
}

// The bounds of looking at answers that have left.
const (
	largestSample = 256 << 10 // bytes of an answer's body; a larger one is passed over
	sampleQueue   = 64        // answers that wait
)

// sample is an answer that is to be looked at when it has left.
type sample struct {
	counted counted
	checks  *check.Operation
	answer  check.Answer
	text    []byte // of its body, when it is JSON
}

// sampleAnswer has an answer looked at when it has left. It changes nothing of it.
func (c *call) sampleAnswer(r *http.Request, res *response) {
	if res.status == http.StatusPartialContent { // a part of what is described, as the caller asked for
		return
	}
	s := sample{counted: c.counted(inAnswer), checks: c.operation.checks, answer: seen(r, res)}
	if s.answer.Empty || !s.checks.Describes(s.answer.Status, s.answer.ContentType) {
		c.node.look(s)
		return
	}
	if size, err := strconv.Atoi(res.fields.Get("Content-Length")); compressed(res) || err == nil && size > largestSample {
		c.node.Metrics.checked.WithLabelValues("answer", "passed-over").Inc()
		return
	}
	res.body = &watchedBody{responseBody: res.body, node: c.node, sample: s}
}

// look puts an answer in the queue, unless it is full.
func (n *Node) look(s sample) {
	select {
	case n.samples <- s:
	default:
		n.Metrics.checked.WithLabelValues("answer", "dropped").Inc()
	}
}

// lookAlways looks at the answers of the queue, until done ends.
func (n *Node) lookAlways(done <-chan struct{}) error {
	for {
		select {
		case <-done:
			return nil
		case s := <-n.samples:
			n.lookAt(s)
		}
	}
}

func (n *Node) lookAt(s sample) {
	if s.text != nil {
		value, err := project.Value(s.text)
		s.answer.Body = &check.JSON{Value: value, Size: len(s.text), Err: err}
	}
	n.tellOwner(s.counted, s.checks.Answer(s.answer))
}

// watchedBody is a body of which a copy is kept while it passes.
type watchedBody struct {
	responseBody
	node   *Node
	sample sample
	text   bytes.Buffer
	over   bool // it is too large, or was handed on
}

// Read is of io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.responseBody.Read(p)
	b.keep(p[:n])
	if err == io.EOF {
		b.end()
	}
	return n, err
}

// WriteTo is of io.WriterTo.
func (b *watchedBody) WriteTo(w io.Writer) (int64, error) {
	n, err := b.responseBody.WriteTo(&watchedWriter{w, b})
	if err == nil {
		b.end()
	}
	return n, err
}

func (b *watchedBody) keep(part []byte) {
	if b.over {
		return
	}
	if b.text.Len()+len(part) > largestSample {
		b.over, b.text = true, bytes.Buffer{}
		b.node.Metrics.checked.WithLabelValues("answer", "passed-over").Inc()
		return
	}
	b.text.Write(part) // never fails (package bytes)
}

// end hands the copy on.
func (b *watchedBody) end() {
	if !b.over {
		b.over = true
		b.sample.text = b.text.Bytes()
		if b.sample.text == nil {
			b.sample.text = []byte{}
		}
		b.node.look(b.sample)
	}
}

// watchedWriter writes on, and keeps a copy.
type watchedWriter struct {
	to   io.Writer
	body *watchedBody
}

// Write is of io.Writer.
func (w *watchedWriter) Write(p []byte) (int, error) {
	w.body.keep(p)
	return w.to.Write(p)
}

// FlushError sends what is gathered (http.ResponseController).
func (w *watchedWriter) FlushError() error {
	if flusher, ok := w.to.(interface{ FlushError() error }); ok {
		return flusher.FlushError()
	}
	return nil
}
