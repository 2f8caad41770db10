package gateway

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth/policy"
	"lgsp/gateway/cache"
	"lgsp/gateway/check"
	"lgsp/gateway/project"
	"lgsp/gateway/queue"
	"lgsp/gateway/route"
	"lgsp/gateway/upstream"
)

// snapshot is all that decides calls, as it was at one moment. It is never
// changed: a change makes a new one that shares what stayed the same.
type snapshot struct {
	version   int64               // the last change that is in it
	routes    map[string]*version // by prefix
	byVersion map[uuid.UUID]*version
	former    map[string]*version // by the addresses that they had
	ended     map[string]*version // those whose calls are over, by prefix; in neither of the two
	sandboxes map[string]*version // by prefix; in none of the three
	grants    grants
	keys      keys
	signers   *signers
	disabled  map[uuid.UUID]bool      // applications
	revoked   map[string]bool         // tokens, by jti
	notBefore map[uuid.UUID]time.Time // applications: their tokens made earlier are not believed
	corrupt   map[uuid.UUID]bool      // routes and agreements that could not be read, and are out
}

func newSnapshot() *snapshot {
	return &snapshot{routes: map[string]*version{}, byVersion: map[uuid.UUID]*version{}, ended: map[string]*version{}, former: map[string]*version{}, sandboxes: map[string]*version{}, grants: newGrants(), keys: newKeys(nil), corrupt: map[uuid.UUID]bool{}}
}

// version is a compiled Route.
type version struct {
	Route
	prefix  string
	over    bool     // it has ended, whatever this node's clock says; Sunset is set
	sandbox *sandbox // nil: it is the version itself
	edition uint64   // of what is stored of its answers
	pool    *upstream.Pool
	canary  *canary      // nil: all its calls go to pool
	mirror  *mirror      // nil: nothing is copied
	queue   *queue.Queue // nil: its calls are not held; see attachQueue
	rewrite rewrite
	shown   clientKey // to the upstream
	limits  []limit

	corsHeaders, corsExposed  string        // CORS's, with those that are always there
	answerWithin, wholeWithin time.Duration // of the upstream; 0: as the node has it
	tree                      route.Tree[*operation]
	byID                      map[string]*operation
	operations                []*operation
	soap                      map[xml.Name]*operation // by the element in the Body; nil: no SOAP
	rules                     *policy.Calls
}

// operation is a compiled Operation.
type operation struct {
	Operation
	index    int          // in the version
	template string       // prefix and path template
	names    []string     // last names of Fields, lower case
	cached   *cache.Rules // nil: its answers are not stored

	conditions []*condition
	checks     *check.Operation // nil: calls are not held to the document
	xml        *project.XML     // nil: no XML answer can be held to fields
}

// compileRoute makes a Route fit to serve, or says why it is not.
func compileRoute(r Route) (*version, error) {
	pool, err := upstream.New(r.addresses())
	if err != nil {
		return nil, err
	}
	if r.Plan.RatePerMinute <= 0 {
		return nil, errors.New("the plan has no rate")
	}
	v := &version{Route: r, answerWithin: time.Duration(r.Traffic.Timeouts.AnswerSeconds) * time.Second, wholeWithin: time.Duration(r.Traffic.Timeouts.WholeSeconds) * time.Second,
		corsHeaders: with(corsHeaders, r.Traffic.CORS.Headers), corsExposed: with(corsExposed, r.Traffic.CORS.Exposed),
		prefix: r.Prefix(), pool: pool, rewrite: r.Traffic.Rewrite.compile(), byID: map[string]*operation{}}
	if err := r.Traffic.check(); err != nil {
		return nil, err
	}
	if err := v.compileCanary(); err != nil {
		return nil, err
	}
	if err := v.compileMirror(); err != nil {
		return nil, err
	}
	for _, pool := range v.pools() {
		if err := r.Traffic.TLS.secure(pool); err != nil {
			return nil, err
		}
	}
	if r.Traffic.Signatures {
		v.rewrite.request.drop("Signature")
		v.rewrite.request.drop("Signature-Input")
	}
	if v.limits, err = compileLimits(r.Traffic.Limits); err != nil {
		return nil, err
	}
	if err := v.compileOperations(); err != nil {
		return nil, err
	}
	if err := v.compileCache(); err != nil {
		return nil, err
	}
	return v, v.compileChecks()
}

// compileOperations makes the version's operations fit to be found and decided.
func (v *version) compileOperations() error {
	var err error
	for i, o := range v.Operations {
		if err := checkOperation(o); err != nil {
			return fmt.Errorf("operation %s: %w", o.ID, err)
		}
		compiled := &operation{Operation: o, index: i, template: v.prefix + o.Path}
		if o.XML != nil {
			if compiled.xml, err = o.XML.Compile(); err != nil {
				return fmt.Errorf("operation %s: XML: %w", o.ID, err)
			}
		}
		for _, field := range o.Fields {
			compiled.names = append(compiled.names, lastName(field))
		}
		if err := v.tree.Add(o.Method, o.Path, compiled); err != nil {
			return fmt.Errorf("operation %s: %w", o.ID, err)
		}
		if v.byID[o.ID] != nil {
			return fmt.Errorf("operation %s is there twice", o.ID)
		}
		v.byID[o.ID] = compiled
		v.operations = append(v.operations, compiled)
	}
	if err := v.compileSOAP(); err != nil {
		return err
	}
	if err := v.compileConditions(); err != nil {
		return err
	}
	rules := make([]policy.Operation, len(v.operations))
	for i, o := range v.operations {
		rules[i] = policy.Operation{ID: o.ID, Access: o.Access, Conditions: o.asked()}
	}
	if v.rules, err = policy.NewCalls(rules); err != nil {
		return fmt.Errorf("compile rules: %w", err)
	}
	return nil
}

func checkOperation(o Operation) error {
	switch o.Access {
	case Open, Restricted:
		return nil
	case Personal:
	default:
		return fmt.Errorf("access %q is not open, restricted or personal", o.Access)
	}
	if o.SubjectName == "" {
		return errors.New("a personal operation names where its subject stands")
	}
	switch o.SubjectIn {
	case "query", "header", "body":
		return nil
	case "path":
		if !strings.Contains(o.Path, "{"+o.SubjectName+"}") {
			return fmt.Errorf("the path has no variable {%s}", o.SubjectName)
		}
		return nil
	}
	return fmt.Errorf("subject in %q is not path, query, header or body", o.SubjectIn)
}

// lastName is the name a field goes by: the last token of its path that is no *.
func lastName(field string) string {
	for {
		i := strings.LastIndexByte(field, '/')
		if i < 0 {
			return ""
		}
		if name := field[i+1:]; name != "*" {
			return strings.ToLower(name)
		}
		field = field[:i]
	}
}

// match finds the version a canonical path is for, also one that has ended,
// and the rest of the path.
func (s *snapshot) match(path string) (*version, string) {
	end := 0
	for range 3 { // agency, API, version
		i := strings.IndexByte(path[min(end+1, len(path)):], '/')
		if i < 0 {
			return nil, ""
		}
		end += 1 + i
	}
	if v := s.routes[path[:end]]; v != nil {
		return v, path[end:]
	}
	if v := s.sandboxes[path[:end]]; v != nil {
		return v, path[end:]
	}
	if v := s.former[path[:end]]; v != nil {
		return v, path[end:]
	}
	return s.ended[path[:end]], path[end:]
}

func decodeRoute(document []byte) (*version, error) {
	var r Route
	if err := json.Unmarshal(document, &r); err != nil {
		return nil, fmt.Errorf("decode route: %w", err)
	}
	return compileRoute(r)
}
