package gateway

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"lgsp/gateway/cache"
	"lgsp/internal/http1"
	"lgsp/internal/problem"
)

// respond answers a call that may be answered: from what is stored where its
// operation is cached, else from the upstream.
func (c *call) respond(r *http.Request) {
	if c.version.sandbox != nil {
		c.pretend(r)
		return
	}
	if c.node.stored == nil || len(c.version.Traffic.Cache) == 0 {
		c.forward(r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		defer c.invalidate()
		c.forward(r)
		return
	}
	if c.operation.cached == nil {
		c.forward(r)
		return
	}
	key, ask, ok := c.anyones(r)
	if !ok {
		c.bypass(r, "bypass", "lgsp; fwd=bypass")
		return
	}
	c.fromStore(r, key, ask)
}

// anyones gives the key that the call's answer is stored under and what its
// Cache-Control asks; false: the call is not one that anyone could make in the
// same way, and it is sent on by itself.
func (c *call) anyones(r *http.Request) (key cache.Key, ask cache.Control, ok bool) {
	if !c.public() || r.ContentLength != 0 || len(c.body) > 0 {
		return key, ask, false
	}
	h := r.Header
	if h["If-Match"] != nil || h["If-Unmodified-Since"] != nil || h["Upgrade"] != nil {
		return key, ask, false
	}
	if lines := h["Cache-Control"]; lines != nil {
		ask = cache.ParseControl(lines)
	} else if h.Get("Pragma") == "no-cache" { // RFC 9111 §5.4
		ask.NoCache = true
	}
	key = cache.Key{Version: c.version.Version, Edition: c.version.edition, Path: c.rest, Query: c.rawQuery, Accept: or(cache.Selecting(h["Accept"]), "*/*"), Language: cache.Selecting(h["Accept-Language"]), Canary: c.isCanary(r)}
	return key, ask, !ask.NoStore && key.Fits()
}

// ofAnyone are the headers that are sent on of a call whose answer may be stored,
// also where it is not: what the upstream sees does not depend on that. All
// others would make the answer one caller's.
var ofAnyone = map[string]bool{"Accept": true, "Accept-Language": true, "Accept-Encoding": true, "Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true,
	"If-Modified-Since": true, "If-Unmodified-Since": true, "Cache-Control": true, "Content-Type": true}

// bypass sends the call on by itself; nothing of its answer is stored.
func (c *call) bypass(r *http.Request, counted, status string) {
	c.node.Metrics.cache.count(counted)
	c.answer.own.Set("Cache-Status", status) // RFC 9211
	c.forward(r)
}

// invalidate makes answers for the call's path be fetched again, when what is
// there may be another now (RFC 9111 §4.4): also when it is not known whether
// the call was done.
func (c *call) invalidate() {
	if s := c.answer.status; s >= 400 && s < 500 || notAsked[c.exchange.Code] {
		return // it was not done
	}
	c.node.stored.Changed(c.version.Version, c.rest)
}

// notAsked are the codes of calls that found no way to the upstream, and count
// against no limit (see ask).
var notAsked = map[string]bool{"upstream-down": true, "queue-full": true, "queue-timeout": true}

// fromStore gives what is stored, or what the upstream answers now to all who
// ask for the same.
func (c *call) fromStore(r *http.Request, key cache.Key, ask cache.Control) {
	for {
		known := c.node.stored.Get(key)
		now := c.node.Now()
		use := known.Use(now, ask)
		switch {
		case use == cache.Fresh:
			c.give(r, known, "hit", "")
			return
		case use == cache.Stale:
			if known.Due(now) {
				c.refresh(key, known)
			}
			c.give(r, known, "stale", "")
			return
		case ask.OnlyIfCached:
			c.giveBack(r)
			c.refuse(r, problem.Errorf(problem.Timeout, "nothing is stored that answers the call, and it asks for nothing else").Coded("not-cached"))
			return
		case known.IsAlone(now), r.Method == http.MethodHead, r.Header["Range"] != nil:
			c.bypass(r, "miss", "lgsp; fwd=miss")
			return
		}
		f := c.apart
		if !known.EachAsks(now) {
			f = c.join
		}
		if c.await(r, f(key, known)) {
			return
		}
	}
}

// stalePatience is how long a call waits for the upstream when there is an
// answer that would do if it failed.
const stalePatience = 2 * time.Second

// await lets the fetch run, if it is the first, waits for what comes of it, and answers with it. False: another has
// landed meanwhile, and it is to be looked for again.
func (c *call) await(r *http.Request, f *fetch) bool {
	if f.first && f.joined && c.node.stored.Get(f.key) != f.known { // it has landed just before this one was first
		f.land(fetched{})
		return false
	}
	if f.first {
		c.start(f)
	}
	var late <-chan time.Time
	if f.known.AfterError(c.node.Now()) {
		timer := time.NewTimer(stalePatience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-f.flight.Landed():
	case <-r.Context().Done():
		f.leave()
		c.refuse(r, c.upstreamFault(r, r.Context().Err()))
		return true
	case <-late:
		f.leave()
		c.give(r, f.known, "stale", "; fwd=stale; detail=slow")
		return true
	}
	switch got := f.flight.Outcome(); {
	case got.passed:
		c.pass(r, f)
	case got.err != nil:
		if notAsked[problem.Code(got.err)] {
			c.giveBack(r)
		}
		c.node.Metrics.cache.count("failed")
		c.answer.own.Set("Cache-Status", "lgsp; fwd=miss")
		c.refuse(r, got.err)
	case got.answer == nil:
		return false
	case f.first, got.how == "stale":
		c.give(r, got.answer, got.how, got.status)
	case got.shared:
		c.give(r, got.answer, "shared", "; fwd=miss; collapsed")
	default:
		c.bypass(r, "miss", "lgsp; fwd=miss")
	}
	return true
}

// pass sends on an answer that is not stored: to the call that it was fetched
// for. The others ask by themselves.
func (c *call) pass(r *http.Request, f *fetch) {
	if !f.first {
		c.bypass(r, "miss", "lgsp; fwd=miss")
		return
	}
	res := <-f.handed
	defer f.cancel()
	defer f.call.leave() // the queue
	defer context.AfterFunc(r.Context(), f.cancel)()
	defer res.body.Close()
	c.node.Metrics.cache.count("miss")
	c.answer.own.Set("Cache-Status", "lgsp; fwd=miss")
	c.deliver(r, res)
}

// give answers with what is stored. Status is what Cache-Status says behind our
// name; "": that it is a hit.
func (c *call) give(r *http.Request, a *cache.Answer, counted, status string) {
	c.node.Metrics.cache.count(counted)
	now := c.node.Now()
	own := &c.answer.own
	b := append(c.text[:0], "lgsp"...)
	if b = append(b, status...); status == "" {
		b = strconv.AppendInt(append(b, "; hit; ttl="...), int64(a.Left(now)/time.Second), 10)
	}
	end := len(b)
	b = strconv.AppendInt(b, int64(a.Age(now)/time.Second), 10)
	c.text = b
	both := string(b)
	own.Set("Cache-Status", both[:end])
	if age := both[end:]; age != "0" || status == "" {
		own.Set("Age", age)
	}
	c.node.stored.Lend(a)
	defer c.node.stored.Return(a)
	form := a.Plain
	if a.Packed.Fields != nil && r.Header["Range"] == nil && acceptsGzip(r.Header["Accept-Encoding"]) {
		form = a.Packed
	}
	c.answer.hashes = false // open data is the same for everybody
	part, possible := a.Partly(r.Header)
	switch {
	case a.NotModified(r.Header):
		c.merged = c.answer.begin(http.StatusNotModified, notOfBody(form.Fields), c.merged)
	case r.Method == http.MethodHead:
		c.merged = c.answer.begin(a.Status, form.Fields, c.merged)
	case !possible:
		size := strconv.Itoa(len(a.Plain.Body))
		c.answer.hashes = true
		c.refuse(r, problem.Errorf(http.StatusRequestedRangeNotSatisfiable, "the answer has %s bytes, and none of those asked for", size).
			Coded("range-not-satisfiable", "size", size).Sends("Content-Range", "bytes */"+size))
	case part != nil:
		own.Set("Content-Range", "bytes "+itoa(part.First)+"-"+itoa(part.End-1)+"/"+strconv.Itoa(len(a.Plain.Body)))
		own.Set("Content-Length", itoa(part.End-part.First))
		c.merged = c.answer.begin(http.StatusPartialContent, a.Plain.Fields, c.merged)
		_, _ = c.answer.Write(a.Plain.Body[part.First:part.End]) // answer keeps the error
	default:
		c.merged = c.answer.begin(a.Status, form.Fields, c.merged)
		_, _ = c.answer.Write(form.Body) // the same
	}
}

// notOfBody are the fields but those that tell of a body that is not sent
// (RFC 9110 §15.4.5).
func notOfBody(fields http1.Fields) http1.Fields {
	list := make(http1.Fields, 0, len(fields))
	for _, line := range fields {
		switch line.Name {
		case "Content-Length", "Content-Type", "Content-Encoding", "Content-Language":
		default:
			list = append(list, line)
		}
	}
	return list
}
