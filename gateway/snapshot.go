package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/gateway/project"
	"lgsp/gateway/queue"
	"lgsp/gateway/route"
	"lgsp/gateway/upstream"
)

// snapshot is all that decides calls, as it was at one moment. It is never
// changed: a change makes a new one that shares what stayed the same.
type snapshot struct {
	routes      map[string]*version // by prefix
	byVersion   map[uuid.UUID]*version
	grants      grants
	credentials map[string]auth.GatewayCredential // by Lookup
	disabled    map[uuid.UUID]bool                // applications
	revoked     map[string]bool                   // tokens, by jti
	notBefore   map[uuid.UUID]time.Time           // applications: their tokens made earlier are not believed
	corrupt     map[uuid.UUID]bool                // routes and agreements that could not be read, and are out
}

// version is a compiled Route.
type version struct {
	Route
	prefix string
	pool   *upstream.Pool
	queue  *queue.Queue // nil: its calls are not held; see attachQueue
	limits []limit
	tree   route.Tree[*operation]
	byID   map[string]*operation
	rules  *policy.Calls
}

// operation is a compiled Operation.
type operation struct {
	Operation
	index    int      // in the version
	template string   // prefix and path template
	names    []string // last names of Fields, lower case
}

// grant is a compiled Grant.
type grant struct {
	Grant
	id      string   // Agreement, as text
	app     string   // Application, the same
	agreed  []string // IDs of its operations
	filters map[string]*project.Filter
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
	v := &version{Route: r, prefix: r.Prefix(), pool: pool, byID: map[string]*operation{}}
	if v.limits, err = compileLimits(r.Traffic.Limits); err != nil {
		return nil, err
	}
	if err := r.Traffic.Concurrency.check(); err != nil {
		return nil, err
	}
	rules := make([]policy.Operation, len(r.Operations))
	for i, o := range r.Operations {
		if err := checkOperation(o); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
		compiled := &operation{Operation: o, index: i, template: v.prefix + o.Path}
		for _, field := range o.Fields {
			compiled.names = append(compiled.names, lastName(field))
		}
		if err := v.tree.Add(o.Method, o.Path, compiled); err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.ID, err)
		}
		if v.byID[o.ID] != nil {
			return nil, fmt.Errorf("operation %s is there twice", o.ID)
		}
		v.byID[o.ID] = compiled
		rules[i] = policy.Operation{ID: o.ID, Access: o.Access}
	}
	if v.rules, err = policy.NewCalls(rules); err != nil {
		return nil, fmt.Errorf("compile rules: %w", err)
	}
	return v, nil
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

// compileGrant makes a Grant fit to decide by.
func compileGrant(g Grant) (*grant, error) {
	c := &grant{Grant: g, id: g.Agreement.String(), app: g.Application.String(), agreed: []string{}, filters: make(map[string]*project.Filter, len(g.Operations))}
	for _, o := range g.Operations {
		filter, err := project.Compile(o.Fields)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", o.Operation, err)
		}
		c.agreed = append(c.agreed, o.Operation)
		c.filters[o.Operation] = filter
	}
	return c, nil
}

// match finds the version a canonical path is for, and the rest of the path.
func (s *snapshot) match(path string) (*version, string) {
	end := 0
	for range 3 { // agency, API, version
		i := strings.IndexByte(path[min(end+1, len(path)):], '/')
		if i < 0 {
			return nil, ""
		}
		end += 1 + i
	}
	return s.routes[path[:end]], path[end:]
}

// grants are the agreements by who calls what. They lie in many small maps, so
// that a change copies one of them.
type grants struct {
	shards *[grantShards]map[grantKey][]*grant
}

const grantShards = 4096

type grantKey struct{ application, version uuid.UUID }

func (k grantKey) shard() int {
	return (int(k.application[14])<<8 | int(k.application[15]) ^ int(k.version[15])) % grantShards
}

// of gives the agreements of an application on a version, in whatever state.
func (g grants) of(application, version uuid.UUID) []*grant {
	if g.shards == nil {
		return nil
	}
	k := grantKey{application, version}
	return g.shards[k.shard()][k]
}

// put puts an agreement into a table nobody else sees yet, in place of its
// older self.
func (g grants) put(c *grant) {
	k := grantKey{c.Application, c.Version}
	shard := g.shards[k.shard()]
	if shard == nil {
		shard = map[grantKey][]*grant{}
		g.shards[k.shard()] = shard
	}
	list := []*grant{c}
	for _, old := range shard[k] {
		if old.Agreement != c.Agreement {
			list = append(list, old)
		}
	}
	shard[k] = list
}

// copyFor gives a table that put may change for these agreements, sharing all
// other maps with this one.
func (g grants) copyFor(list []*grant) grants {
	shards := *g.shards
	copied := map[int]bool{}
	for _, c := range list {
		i := grantKey{c.Application, c.Version}.shard()
		if !copied[i] {
			shards[i], copied[i] = maps.Clone(shards[i]), true
		}
	}
	return grants{shards: &shards}
}

func decodeRoute(document []byte) (*version, error) {
	var r Route
	if err := json.Unmarshal(document, &r); err != nil {
		return nil, fmt.Errorf("decode route: %w", err)
	}
	return compileRoute(r)
}
