package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/google/uuid"

	"lgsp/gateway/journal"
	"lgsp/internal/problem"
)

// begin fills in what is known of every call.
func (c *call) begin(r *http.Request, trace string) {
	mac := hmac.New(sha256.New, c.node.SubjectKey)
	fmt.Fprintf(mac, "address:%s", network(c.node.address(r)))
	c.exchange = Exchange{
		ID: uuid.Must(uuid.NewV7()), Trace: trace, At: c.now.UTC(), Method: method(r.Method),
		Address: hex.EncodeToString(mac.Sum(nil)[:16]),
	}
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
	if c.operation.Access != Personal {
		return nil
	}
	ticket, err := c.node.journal.Intent(c.exchange.ID.String(), c.exchange)
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
	if c.answer.status != 0 {
		c.broken = true
		return
	}
	extra := map[string]any{"request_id": c.answer.requestID, "docs": c.node.docs(c.version)}
	for name, value := range e.Extra {
		extra[name] = value
	}
	told := *e
	told.Extra = extra
	c.answer.hidesHints = false
	problem.Write(c.answer, r, &told)
}

// finish writes the outcome.
func (c *call) finish(r *http.Request) {
	e := &c.exchange
	e.Status, e.BytesOut = c.answer.status, c.answer.bytes
	e.AnswerSum = c.answer.digest()
	e.Complete = !c.broken && c.answer.err == nil && r.Context().Err() == nil
	if e.Status == 0 {
		e.Status = statusGone
	}
	e.Duration = c.node.Now().Sub(c.now)
	c.node.Metrics.observe(e)
	if err := c.node.journal.Outcome(e.ID.String(), e); err != nil {
		slog.ErrorContext(r.Context(), "exchange is not recorded", "exchange_id", e.ID, "err", err)
	}
}

// statusGone is recorded of a caller who left before the answer.
const statusGone = 499

// deliver turns journal lines into exchanges for the ledger.
func (n *Node) deliver(ctx context.Context, records []journal.Delivered) error {
	exchanges := make([]Exchange, 0, len(records))
	for _, record := range records {
		var e Exchange
		if err := json.Unmarshal(record.Record, &e); err != nil {
			slog.ErrorContext(ctx, "journal holds a record that is no exchange", "err", err)
			continue
		}
		if record.Unknown {
			e.Unknown, e.Status, e.Complete = true, 0, false
		}
		exchanges = append(exchanges, e)
	}
	return within(ctx, askPatience, func(ctx context.Context) error { return n.Deliver(ctx, exchanges) })
}
