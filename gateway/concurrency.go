package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lgsp/gateway/queue"
	"lgsp/internal/problem"
)

// Concurrency holds the calls to a weak system to so many at once, at each
// node. One that comes beyond them waits its turn, which is fair between
// applications. The zero Concurrency holds nothing.
type Concurrency struct {
	Calls       int `json:"calls"`                  // at once, 1 to 10,000
	Queue       int `json:"queue,omitempty"`        // that wait at most, 1 to 10,000; 0: who comes beyond Calls is refused
	WaitSeconds int `json:"wait_seconds,omitempty"` // that one waits at most, 1 to 60; 0: nobody waits
}

// The bounds of Concurrency.
const (
	maxAtOnce      = 10_000
	maxWaiting     = 10_000
	maxWaitSeconds = 60
)

// missing is what is not set although something else needs it, and how much it
// may be; "": nothing.
func (c Concurrency) missing() (field string, most int64) {
	switch {
	case c.Calls == 0 && (c.Queue != 0 || c.WaitSeconds != 0):
		return "concurrency/calls", maxAtOnce
	case c.Queue == 0 && c.WaitSeconds != 0:
		return "concurrency/queue", maxWaiting
	case c.Queue != 0 && c.WaitSeconds == 0:
		return "concurrency/wait_seconds", maxWaitSeconds
	}
	return "", 0
}

// attachQueue gives a version that is loaded the queue of its older self, with
// the calls in it, where its calls are held.
func (n *Node) attachQueue(v *version) {
	c := v.Traffic.Concurrency
	if c.Calls == 0 {
		return
	}
	limits := queue.Limits{Calls: c.Calls, Waiting: c.Queue, Wait: time.Duration(c.WaitSeconds) * time.Second}
	if s := n.current.Load(); s != nil {
		if old := s.byVersion[v.Version]; old != nil && old.queue != nil {
			v.queue = old.queue
			v.queue.Set(limits)
			return
		}
	}
	v.queue = queue.New(limits)
}

// enter waits for the call's turn where the version's calls are held. A call
// that is refused, or whose caller leaves, counts against no limit.
func (c *call) enter(r *http.Request) error {
	q := c.version.queue
	if q == nil || c.place != nil {
		return nil
	}
	who := queue.Caller(c.caller.application)
	if c.caller.application == uuid.Nil {
		who = network(c.address).As16()
	}
	err := q.Enter(r.Context(), who)
	if err == nil {
		c.place = q
		return nil
	}
	c.giveBack(r)
	held := c.version.Traffic.Concurrency
	wait := itoa(int64(max(1, held.WaitSeconds)))
	switch {
	case errors.Is(err, queue.ErrFull):
		return problem.Errorf(problem.Unavailable, "the agency's system takes %d calls at once, and %d wait already", held.Calls, held.Queue).
			Coded("queue-full", "calls", itoa(int64(held.Calls)), "waiting", itoa(int64(held.Queue)), "seconds", wait).Sends("Retry-After", wait)
	case errors.Is(err, queue.ErrLate):
		return problem.Errorf(problem.Unavailable, "the agency's system takes %d calls at once, and the turn of this one did not come within %s s", held.Calls, wait).
			Coded("queue-timeout", "calls", itoa(int64(held.Calls)), "seconds", wait).Sends("Retry-After", wait)
	}
	return err // the caller left: upstreamFault says it
}

// leave gives the call's place at the upstream to the next, once.
func (c *call) leave() {
	if q := c.place; q != nil {
		c.place = nil
		q.Leave()
	}
}

// held are how many calls are under way to versions that hold theirs, and how
// many wait.
func (s *snapshot) held() (underWay, waiting int) {
	for _, v := range s.routes {
		if v.queue != nil {
			a, b := v.queue.Figures()
			underWay, waiting = underWay+a, waiting+b
		}
	}
	return underWay, waiting
}
