package gateway

// Traffic is how a version's calls are held and sent, as its agency sets it
// beside plan and agreements. The zero Traffic adds nothing.
type Traffic struct {
	Limits      []Limit     `json:"limits,omitempty"`     // beside the plan's
	Concurrency Concurrency `json:"concurrency,omitzero"` // calls at once
}
