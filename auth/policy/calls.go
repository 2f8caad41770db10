package policy

// Operation is one operation of a version, as the policy sees it.
type Operation struct {
	ID     string
	Access string // open, restricted, personal
}

// What a call proves itself with.
const (
	NoCredential = "none"
	APIKey       = "api_key"
	Token        = "token"
)

// Call is what the decision depends on.
type Call struct {
	Operation  string   // its ID
	Credential string   // NoCredential, APIKey, Token
	Agreed     []string // IDs of the operations that the agreement in force covers; nil: there is no agreement
}

// Verdict is the answer, and the rule that gave it.
type Verdict struct {
	Allowed bool
	Rule    string // open, restricted-agreement, personal-token; no-credential, no-agreement, operation-not-agreed, key-for-personal-data, unknown-operation
}

// Calls decides the calls of one version. It is safe for concurrent use.
type Calls struct{}

// NewCalls compiles the rules of a version from its operations.
func NewCalls(operations []Operation) (*Calls, error) { return &Calls{}, nil }

// Decide says whether a call may go on.
func (c *Calls) Decide(call Call) (Verdict, error) { return Verdict{}, nil }
