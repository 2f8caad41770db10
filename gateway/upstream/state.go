package upstream

import "time"

// State is how one address does, and how it has been doing since the node
// started. A zero time is: never, and left out in JSON.
type State struct {
	Host     string    `json:"host"`
	Out      bool      `json:"out"`              // it gets no calls: too many failed in a row
	Sick     bool      `json:"sick"`             // it gets no calls: it said that it is not well, when asked beside them
	Until    time.Time `json:"until,omitzero"`   // when it is tried again; of one that gets no calls
	Since    time.Time `json:"since,omitzero"`   // when it went out or came back last
	Checked  time.Time `json:"checked,omitzero"` // when it was asked last, beside calls
	Ejected  int       `json:"ejected"`          // how often it went out for calls that failed, each trial in vain among them
	UnderWay int       `json:"under_way"`        // calls that wait for its answer
}

// States tell how the addresses do, in their order.
func (p *Pool) States() []State {
	list := make([]State, len(p.servers))
	for i, s := range p.servers {
		list[i] = State{Host: s.Host, Out: s.until.Load() != 0, Sick: s.sick.Load(), Since: moment(s.changed.Load()),
			Checked: moment(s.checked.Load()), Ejected: int(s.times.Load()), UnderWay: int(s.under.Load())}
		if until, out := s.isOut(); out {
			list[i].Until = moment(until)
		}
	}
	return list
}

// Answered is how many calls and checks the addresses answered well.
func (p *Pool) Answered() uint64 {
	var n uint64
	for _, s := range p.servers {
		n += s.answered.Load()
	}
	return n
}

func moment(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}
