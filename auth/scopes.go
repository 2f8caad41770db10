package auth

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// ScopeRead limits an API key to reading: GET and HEAD.
const ScopeRead = "read"

// maxOperations is how many operations an API key may be limited to.
const maxOperations = 100

// OperationScope limits an API key, on one version, to the operations so named.
func OperationScope(version uuid.UUID, operation string) string {
	return version.String() + "/" + operation
}

// operationScope is what OperationScope writes: a version's id in lower case,
// and the slug of an operation (catalog/spec).
var operationScope = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[a-z0-9][a-z0-9-]{0,99}$`)

// tidyScopes gives the scopes in order, each once, and adds what is wrong with
// them. Operations are of versions that the credential is limited to: a scope
// of another one would promise what the key does not open.
func (l Limits) tidyScopes(wrong *problem.Error, kind string) []string {
	scopes, operations := []string{}, 0
	for _, scope := range l.Scopes {
		scope = strings.TrimSpace(scope)
		if slices.Contains(scopes, scope) {
			continue
		}
		scopes = append(scopes, scope)
		if scope == ScopeRead {
			continue
		}
		operations++
		version, _, _ := strings.Cut(scope, "/")
		switch {
		case !operationScope.MatchString(scope):
			wrong.Wrong("scopes", "scope-form", "read, or an operation as <version>/<operation>", "scope", scope)
			return scopes
		case !slices.ContainsFunc(l.Versions, func(id uuid.UUID) bool { return id.String() == version }):
			wrong.Wrong("scopes", "scope-of-other-version", "an operation of one of the versions that the key is for", "scope", scope)
			return scopes
		}
	}
	switch {
	case operations > maxOperations:
		wrong.Wrong("scopes", "scope-many", "at most 100 operations", "max", fmt.Sprint(maxOperations))
	case len(scopes) > 0 && kind != APIKey:
		wrong.Wrong("scopes", "scope-of-secret", "a client secret buys tokens, and a token is narrowed when it is asked for; limit an API key")
	}
	slices.Sort(scopes)
	return scopes
}

// ScopesAllow reports whether a key of these scopes may make a call: where
// reading is named, of GET and HEAD only; on a version of which operations are
// named, of those only.
func ScopesAllow(scopes []string, version uuid.UUID, operation, method string) bool {
	if len(scopes) == 0 {
		return true
	}
	if slices.Contains(scopes, ScopeRead) && method != http.MethodGet && method != http.MethodHead {
		return false
	}
	named := ScopeOperations(scopes, version)
	return len(named) == 0 || slices.Contains(named, operation)
}

// ScopeOperations are the operations of a version that scopes name; none when
// they name none of this version.
func ScopeOperations(scopes []string, version uuid.UUID) []string {
	var named []string
	of := OperationScope(version, "")
	for _, scope := range scopes {
		if operation, ok := strings.CutPrefix(scope, of); ok {
			named = append(named, operation)
		}
	}
	return named
}
