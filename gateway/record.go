package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
	"lgsp/internal/telemetry"
)

// begin fills in what is known of every call.
func (c *call) begin(r *http.Request) {
	c.address = c.node.address(r)
	e := &c.exchange
	e.ID, e.At, e.Method, e.Address = newID(c.now), c.now.UTC(), method(r.Method), c.node.addressHash(network(c.address))
}

// newID is a UUID of version 7 (RFC 9562 §5.7). Its random part comes from a
// generator of good quality that asks the system for nothing a call.
func newID(now time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli())<<16|0x7000|rand.Uint64()&0x0fff)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()&(1<<62-1)|1<<63)
	return id
}

// addressHashes remembers the hashes of the addresses that called last; each
// has one place, and the next that falls on it takes it.
type addressHashes [1024]atomic.Pointer[addressHash]

type addressHash struct {
	address netip.Addr
	text    string
}

// addressHash is how an address stands in records: HMAC-SHA-256 under the
// subject key, its first half in hex.
func (n *Node) addressHash(address netip.Addr) string {
	as := address.As16()
	place := &n.addresses[(binary.BigEndian.Uint64(as[:8])^binary.BigEndian.Uint64(as[8:])*0x9e3779b97f4a7c15)>>54]
	if known := place.Load(); known != nil && known.address == address {
		return known.text
	}
	mac := hmac.New(sha256.New, n.SubjectKey)
	fmt.Fprintf(mac, "address:%s", address)
	text := hex.EncodeToString(mac.Sum(nil)[:16])
	place.Store(&addressHash{address, text})
	return text
}

// RequestRef is how an X-Request-Id that a caller chose stands in records, so
// that who knows the id finds the call: HMAC-SHA-256 under key, its first half
// in hex. In clear it might name a person.
func RequestRef(key []byte, id string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "request:%s", id)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// method is the caller's, bounded: it goes into records and metrics.
func method(name string) string {
	if len(name) > 16 {
		return name[:16]
	}
	return name
}

// intend writes the intent of a personal-data call, which is on disk before
// the first byte of the answer leaves (admit waits for it).
func (c *call) intend() error {
	if c.operation.Access != Personal || c.version.sandbox != nil {
		return nil
	}
	b := records.Get().(*[]byte)
	defer records.Put(b)
	*b = c.exchange.appendTo((*b)[:0])
	ticket, err := c.node.journal.Intent(c.exchange.ID, *b)
	if err != nil {
		return noEvidence(err)
	}
	c.ticket = &ticket
	return nil
}

func noEvidence(err error) error {
	return problem.Errorf(problem.Unavailable, "the call cannot be recorded, and personal data leaves only with a record").
		Coded("evidence-unavailable").Sends("Retry-After", "30").Because(err)
}

// refuse answers with a problem, and keeps its code for the record. A call
// whose answer has begun is broken off.
func (c *call) refuse(r *http.Request, err error) {
	e := problem.Of(err)
	if e == nil { // the caller has gone
		c.broken = true
		return
	}
	c.exchange.Code = e.Code
	r = r.WithContext(telemetry.WithTrace(r.Context(), c.exchange.Trace))
	if c.answer.status != 0 {
		c.broken = true
		return
	}
	docs := c.node.docs(c.version)
	if c.version != nil && c.operation != nil && StepOf(e.Code) != StepAddress { // where the operation's page has the same words
		docs += "/" + c.operation.ID + "#refusal-" + e.Code
	}
	extra := map[string]any{"request_id": c.answer.requestID, "docs": docs, "explain": c.node.PortalURL + "/calls?id=" + c.answer.requestID}
	for name, value := range e.Extra {
		extra[name] = value
	}
	told := *e
	told.Extra = extra
	c.answer.hidesHints = false
	if soap := problem.SOAPOf(r.Header); soap != problem.NoSOAP {
		c.exchange.Status = int(told.Kind) // that of the fault may be another
		problem.WriteFault(&c.answer, r, &told, problem.Fault{SOAP: soap, Node: c.node.GatewayURL})
		return
	}
	problem.Write(&c.answer, r, &told)
}

// finish writes the outcome.
func (c *call) finish(r *http.Request) {
	e := &c.exchange
	if c.stream != nil {
		e.BytesIn, e.RequestSum = c.stream.close()
	}
	e.Status, e.BytesOut = or(e.Status, c.answer.status), c.answer.bytes
	if c.answer.requestID != e.Trace {
		e.RequestRef = RequestRef(c.node.SubjectKey, c.answer.requestID)
	}
	e.AnswerSum = c.answer.digest()
	e.Complete = !c.broken && c.answer.err == nil && r.Context().Err() == nil
	if e.Status == 0 {
		e.Status = statusGone
	}
	e.Duration = c.node.Now().Sub(c.now)
	c.node.Metrics.observe(e)
	b := records.Get().(*[]byte)
	defer records.Put(b)
	*b = e.appendTo((*b)[:0])
	if err := c.node.journal.Outcome(e.ID, *b); err != nil {
		slog.ErrorContext(r.Context(), "exchange is not recorded", "exchange_id", e.ID, "trace_id", e.Trace, "err", err)
	}
}

// records are buffers for what is written into the journal.
var records = sync.Pool{New: func() any { return new([]byte) }}

// statusGone is recorded of a caller who left before the answer.
const statusGone = 499
