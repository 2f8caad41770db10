package gateway

import "fmt"

// Traffic is how a version's calls are held and sent, as its agency sets it
// beside plan and agreements. The zero Traffic adds nothing.
type Traffic struct {
	Limits       []Limit  `json:"limits,omitempty"`        // beside the plan's
	RequestBytes int64    `json:"request_bytes,omitempty"` // of a request's body at most; 0: 1 MiB
	Timeouts     Timeouts `json:"timeouts,omitzero"`
	Cache        []Cache  `json:"cache,omitempty"`     // of open GET operations
	Compress     bool     `json:"compress,omitempty"`  // answers of open operations to calls without a credential
	WebSocket    bool     `json:"websocket,omitempty"` // calls may become WebSockets, where no fields were agreed
}

// Timeouts are how long the upstream may take, in seconds; 0: the node's own.
type Timeouts struct {
	AnswerSeconds int `json:"answer_seconds,omitempty"` // for the first byte of its answer, 1 to 600; the node's: 30
	WholeSeconds  int `json:"whole_seconds,omitempty"`  // for all of a call, 1 to 86,400; the node's: 600
}

// check says what no node could serve.
func (t Traffic) check() error {
	if t.RequestBytes < 0 || t.RequestBytes > largestRequest {
		return fmt.Errorf("a request of %d bytes is not 0 to %d", t.RequestBytes, int64(largestRequest))
	}
	if a := t.Timeouts.AnswerSeconds; a < 0 || a > 600 {
		return fmt.Errorf("%d seconds for an answer are not 0 to 600", a)
	}
	if w := t.Timeouts.WholeSeconds; w < 0 || w > 86_400 {
		return fmt.Errorf("%d seconds for a call are not 0 to 86400", w)
	}
	return nil
}
