package gateway

import (
	"slices"
	"strings"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// withinLimits is nil when the owner of a key lets it make a call of a method
// to an operation, wherever it comes from: else key-for-another-api or key-scope.
func withinLimits(known *auth.GatewayCredential, v *version, operation, method string) error {
	if len(known.Versions) > 0 && !slices.Contains(known.Versions, v.Version) {
		return problem.Errorf(problem.Forbidden, "the key is limited to other APIs than this").Coded("key-for-another-api")
	}
	if auth.ScopesAllow(known.Scopes, v.Version, operation, method) {
		return nil
	}
	limits := auth.ScopeOperations(known.Scopes, v.Version)
	if slices.Contains(known.Scopes, auth.ScopeRead) {
		limits = append([]string{"GET, HEAD"}, limits...)
	}
	e := problem.Errorf(problem.Forbidden, "the key's owner limits it, here, to: %s", strings.Join(limits, "; ")).
		Coded("key-scope", "scopes", strings.Join(limits, "; "))
	e.Extra = map[string]any{"scopes": known.Scopes}
	return e
}

// explainKey is what would become of an imagined call by an API key that it
// names, before any agreement is looked at; nil: it is let on. The networks of
// the key are not asked: nobody says where the call would come from.
func (s *snapshot) explainKey(call Imagined, v *version, o *operation) error {
	if call.Credential != policy.APIKey || call.Key == "" {
		return nil
	}
	known := s.keys.of(call.Key)
	if known == nil || known.Application != call.Application {
		return problem.Errorf(problem.Unauthorized, "the API key is unknown, expired or revoked").Coded("key-wrong")
	}
	return withinLimits(known, v, o.ID, o.Method)
}
