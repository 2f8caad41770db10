package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"lgsp/gateway/cache"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// fetch asks the upstream for what is to be stored: once for all who want it,
// and whoever of them leaves. It is a call of its own, which tells the upstream
// nothing of a caller but what the key holds.
type fetch struct {
	node   *Node
	key    cache.Key
	known  *cache.Answer // what is stored, to be found good or replaced; nil: nothing
	rules  cache.Rules
	forced bool // the call asked for it, though what is stored is fresh
	call   *call
	flight *cache.Flight[fetched]
	room   bodyRoom
	first  bool // this one runs it; others only wait
	joined bool // others may wait

	ctx    context.Context
	cancel context.CancelFunc
	handed chan *response // an answer that is not stored, for who began this
	left   chan struct{}  // closed when nobody takes that
}

// fetched is what came of a fetch. The zero fetched says that there was no need.
type fetched struct {
	answer *cache.Answer
	shared bool   // it is for all who wait
	how    string // it was counted, and said in Cache-Status, for who began it
	status string
	passed bool // it is not stored: who began it gets it handed
	err    error
}

// join joins who fetches the same, or is the first.
func (c *call) join(key cache.Key, known *cache.Answer) *fetch {
	f := &fetch{node: c.node, key: key, known: known, room: bodyRoom{store: c.node.stored}, joined: true}
	f.flight, f.first = c.node.flights.Join(key)
	return f
}

// apart is a fetch that nobody else waits for.
func (c *call) apart(key cache.Key, known *cache.Answer) *fetch {
	return &fetch{node: c.node, key: key, known: known, room: bodyRoom{store: c.node.stored}, first: true, flight: cache.NewFlight[fetched]()}
}

// start lets a fetch run beside the call, which it takes from what it needs: the
// call may end before.
func (c *call) start(f *fetch) {
	f.rules, f.forced = *c.operation.cached, f.known.Use(c.now, cache.Control{}) == cache.Fresh
	f.handed, f.left = make(chan *response), make(chan struct{})
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.call = &call{node: c.node, snapshot: c.snapshot, now: c.now, address: c.address, path: c.path, rest: c.rest, rawQuery: c.rawQuery,
		version: c.version, operation: c.operation}
	f.call.group = groupOf(f.key.Canary)
	f.call.exchange.Trace, f.call.answer.requestID, f.call.answer.hidesHints = c.exchange.Trace, c.exchange.Trace, true
	go f.run()
}

// refresh fetches anew what is stored, while it is given.
func (c *call) refresh(key cache.Key, known *cache.Answer) {
	if f := c.join(key, known); f.first {
		c.start(f)
		f.leave()
	}
}

// leave is called by a call that waits no longer.
func (f *fetch) leave() {
	if f.first {
		close(f.left)
	}
}

// land tells everybody what came of it.
func (f *fetch) land(o fetched) { f.node.flights.Land(f.key, f.flight, o) }

// run fetches, and lands whatever happens.
func (f *fetch) run() {
	landed := false
	defer func() {
		f.room.release()
		if fault := recover(); fault != nil {
			f.call.leave()
			f.cancel()
			slog.Error("fetch panicked", "fault", fault, "trace_id", f.call.exchange.Trace)
			if !landed {
				f.land(fetched{err: problem.Errorf(problem.Internal, "something went wrong on our side")})
			}
		}
	}()
	res, o := f.ask(f.known)
	if res == nil {
		f.call.leave()   // the queue
		f.room.release() // who gives the answer counts it
	}
	landed = true
	f.land(o)
	if res == nil {
		f.cancel()
		return
	}
	select {
	case f.handed <- res: // with the place in the queue
	case <-f.left:
		_ = res.body.Close() // nobody wants it
		f.call.leave()
		f.cancel()
	}
}

// ask asks the upstream, and stores what may be. The response is what is passed on.
func (f *fetch) ask(known *cache.Answer) (*response, fetched) {
	since := f.node.stored.Now(f.key)
	r := f.request(known)
	head := cache.Head{Asked: f.node.Now()}
	res, err := f.call.ask(r)
	if err != nil {
		return nil, f.failed(f.call.upstreamFault(r, err))
	}
	head.Status, head.Came = res.status, f.node.Now()
	head.Fields = append(http1.Fields(nil), res.fields...) // admit takes some away
	if res.status == http.StatusSwitchingProtocols {
		_ = res.body.Close() // of no use
		return nil, f.failed(problem.Errorf(problem.BadGateway, "the agency's system tried to change the protocol").Coded("upstream-upgrade"))
	}
	if err := f.call.admit(r, res); err != nil {
		_ = res.body.Close() // the same
		return nil, f.failed(f.call.upstreamFault(r, err))
	}
	if head.Status == http.StatusNotModified && known != nil {
		return f.freshened(head, res, since)
	}
	if cache.IsFault(head.Status) && f.known.AfterError(head.Came) {
		_ = res.body.Close() // the same
		return nil, f.failed(problem.Errorf(problem.BadGateway, "the agency's system failed").Coded("upstream-refused", "status", strconv.Itoa(head.Status)))
	}
	answer, storable := cache.Judge(head, f.rules)
	failure := false
	if !storable {
		answer, failure = cache.Failure(head)
	}
	if !storable && !failure {
		f.alone(head, since)
		return res, fetched{passed: true}
	}
	body, whole, err := f.read(res)
	if err != nil {
		_ = res.body.Close() // broken
		return nil, f.failed(f.call.upstreamFault(r, brokenOff(err)))
	}
	if !whole {
		if !f.room.crowded {
			f.alone(head, since)
		}
		res.body = &continued{responseBody: res.body, first: body, room: f.room}
		f.room = bodyRoom{}
		return res, fetched{passed: true}
	}
	f.call.fill(answer, res.fields, body)
	_ = res.body.Close() // read to its end; its fields are not good any more
	if failure {
		return nil, fetched{answer: answer, shared: true, how: "failed", status: "; fwd=miss"}
	}
	f.node.stored.Put(f.key, answer, since)
	return nil, f.whole(answer, "miss", "")
}

// whole is what came of a fetch that brought an answer to be stored.
func (f *fetch) whole(a *cache.Answer, how, because string) fetched {
	switch {
	case f.forced:
		because = "; fwd=request" + because
	case f.known != nil && !f.known.IsAlone(f.call.now):
		because = "; fwd=stale" + because
	default:
		because = "; fwd=miss" + because
	}
	return fetched{answer: a, shared: a.Use(f.node.Now(), cache.Control{}) != cache.Ask, how: how, status: because + "; stored"}
}

// request is what the upstream is asked: of what callers send, it is told what
// the key holds and no more.
func (f *fetch) request(known *cache.Answer) *http.Request {
	header := http.Header{"Accept": {f.key.Accept}, "Accept-Encoding": {"identity"}}
	if f.key.Language != "" {
		header["Accept-Language"] = []string{f.key.Language}
	}
	known.Conditions(header)
	return (&http.Request{Method: http.MethodGet, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}).WithContext(f.ctx)
}

// freshened is what came of it when the upstream says that the stored answer
// still holds.
func (f *fetch) freshened(head cache.Head, res *response, since cache.Since) (*response, fetched) {
	merged, fields, ok := f.known.Freshen(head, res.fields)
	_ = res.body.Close() // it has none
	if !ok {             // it speaks of another one
		return f.ask(nil)
	}
	answer, storable := cache.Judge(merged, f.rules)
	if !storable {
		f.node.stored.Drop(f.key)
		return f.ask(nil)
	}
	f.call.fill(answer, fields, f.known.Plain.Body)
	f.node.stored.Put(f.key, answer, since)
	return nil, f.whole(answer, "validated", "; fwd-status=304")
}

// fill gives an answer that is to be stored its forms: plain, and under gzip
// where its version compresses, so that it is compressed once.
func (c *call) fill(a *cache.Answer, fields http1.Fields, body []byte) {
	text := c.version.Traffic.Compress && len(body) >= smallest && isText(fields)
	if text {
		fields = varyingByCoding(fields)
	}
	a.Fill(fields, body)
	if !text {
		return
	}
	var packed bytes.Buffer
	p := newPacker("gzip", &packed)
	defer p.putBack()
	if _, err := p.Write(body); err != nil || p.end() != nil || packed.Len() > len(body)*9/10 {
		return
	}
	a.Packed = cache.Form{Fields: underCoding(slices.Clone(a.Plain.Fields), "gzip"), Body: bytes.Clone(packed.Bytes())}
	a.Packed.Fields.Add("Content-Length", strconv.Itoa(packed.Len()))
}

// failed is what came of it when the upstream failed: the last answer, where it
// may be given then.
func (f *fetch) failed(err error) fetched {
	now := f.node.Now()
	f.known.Failed(now)
	if f.known.AfterError(now) {
		return fetched{answer: f.known, shared: true, how: "stale", status: "; fwd=stale; detail=failed"}
	}
	return fetched{err: err}
}

// alone lets nobody wait for answers that are not stored; what passes, a
// refusal of one call or a fault, says nothing of the next one.
func (f *fetch) alone(head cache.Head, since cache.Since) {
	if head.Status < 400 || head.Status == http.StatusNotFound || head.Status == http.StatusGone {
		f.node.stored.Put(f.key, cache.Alone(head.Came), since)
	}
}

// bodyWithin is how long the body of an answer may take to be stored; one that
// takes longer is passed on as it comes.
const bodyWithin = 10 * time.Second

// bodyRoom is what a fetch holds of the memory for bodies under way.
type bodyRoom struct {
	store   *cache.Store
	held    int64 // bytes
	crowded bool  // there was not enough
}

// grow makes it room for so many bytes; false: there is no more.
func (m *bodyRoom) grow(to int) bool {
	if !m.store.Reserve(int64(to) - m.held) {
		m.crowded = true
		return false
	}
	m.held = int64(to)
	return true
}

func (m *bodyRoom) release() {
	if m.held > 0 {
		m.store.Release(m.held)
		m.held = 0
	}
}

// read reads a body to its end; false: it is too large to be stored, or comes
// too slowly, or too many are under way, and this is its first part.
func (f *fetch) read(res *response) (body []byte, whole bool, err error) {
	size := 8 << 10
	if length, ok := lengthOf(res.fields); ok {
		if length > cache.MaxBody {
			return nil, false, nil
		}
		size = int(length) + 1 // for the end to be seen
	}
	if !f.room.grow(size) {
		return nil, false, nil
	}
	until := f.node.Now().Add(bodyWithin)
	body = make([]byte, 0, size)
	for {
		if len(body) == cap(body) {
			size = min(2*cap(body), cache.MaxBody+1)
			if !f.room.grow(size) {
				return body, false, nil
			}
			grown := make([]byte, len(body), size)
			copy(grown, body)
			body = grown
		}
		n, err := res.body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case err == io.EOF:
			return fitted(body), len(body) <= cache.MaxBody, nil
		case err != nil:
			return nil, false, err
		case len(body) > cache.MaxBody, f.node.Now().After(until):
			return body, false, nil
		}
	}
}

// fitted is a body in a room of its size, more or less.
func fitted(body []byte) []byte {
	if cap(body)-len(body) > len(body)/8+64 {
		return bytes.Clone(body)
	}
	return body
}

// brokenOff is an error of reading a body, as upstreamFault takes it.
func brokenOff(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	return problem.Errorf(problem.BadGateway, "the agency's system broke its answer off").Coded("upstream-broken").Because(err)
}

// continued is a body whose first part was read.
type continued struct {
	responseBody
	first []byte
	room  bodyRoom // of the first part
}

// Close is of io.Closer.
func (b *continued) Close() error {
	b.first = nil
	b.room.release()
	return b.responseBody.Close()
}

// Read is of io.Reader.
func (b *continued) Read(p []byte) (int, error) {
	if len(b.first) == 0 {
		return b.responseBody.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}

// WriteTo is of io.WriterTo. How long the rest takes nobody knows.
func (b *continued) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.first)
	b.first = nil
	if flusher, ok := w.(interface{ FlushError() error }); ok && err == nil {
		err = flusher.FlushError()
	}
	if err != nil {
		return int64(n), err
	}
	more, err := b.responseBody.WriteTo(w)
	return int64(n) + more, err
}
