package portal

import (
	"net/http"
	"regexp"

	"lgsp/internal/problem"
)

// callRefusals are the codes that a call through the gateway is refused with,
// by their status, in the order in which a reader would look for them.
var callRefusals = []struct {
	status int
	codes  []string
}{
	{400, []string{"request-not-as-described", "request-not-json", "purpose-required", "purpose-unsaid", "purpose-twice", "field-path", "query-malformed", "path-not-canonical",
		"credential-in-query", "two-credentials", "subject-missing", "subject-twice", "body-broken", "check-too-large", "digest-wrong"}},
	{401, []string{"no-credential", "key-malformed", "key-wrong", "not-a-key", "key-as-bearer", "credential-scheme", "key-for-personal-data", "basic-malformed", "caller-disabled", "assurance-low",
		"token-expired", "token-audience", "token-malformed", "token-untrusted", "token-revoked", "token-certificate", "token-absent",
		"dpop-absent", "dpop-address", "dpop-key", "dpop-nonce", "dpop-proof", "dpop-replayed", "dpop-time", "dpop-token", "dpop-unbound",
		"signature-covers-little", "signature-malformed", "signature-replayed", "signature-time", "signature-wrong", "foreign-client-unknown", "foreign-token-inactive"}},
	{403, []string{"no-agreement", "operation-not-agreed", "agreement-expired", "agreement-suspended", "agreement-not-begun", "agreement-ended", "purpose-not-agreed",
		"field-not-agreed", "outside-hours", "outside-network", "address-not-allowed", "key-for-another-api", "key-scope", "basic-not-private", "refused-by-rule"}},
	{404, []string{"no-such-operation"}},
	{405, []string{"method-not-offered"}},
	{410, []string{"version-ended", "version-succeeded"}},
	{413, []string{"request-too-large"}},
	{415, []string{"content-type-not-taken", "content-encoding-not-taken"}},
	{429, []string{"rate-exceeded", "quota-exceeded", "quota-month-exceeded"}},
	{502, []string{"upstream-unreachable", "upstream-broken", "upstream-upgrade", "answer-not-as-described", "answer-not-projectable", "answer-too-large"}},
	{503, []string{"upstream-down", "upstream-busy", "queue-full", "queue-timeout", "gateway-starting", "config-stale", "evidence-unavailable", "dpop-busy", "signature-busy",
		"foreign-issuer-absent", "foreign-issuer-down"}},
	{504, []string{"upstream-timeout", "not-cached"}},
	{508, []string{"call-loop"}},
}

// errorGroup are the codes of one status.
type errorGroup struct {
	Status int
	Rows   []errorRow
}

// errorRow is one code, and what it means and asks for.
type errorRow struct{ Code, Title, Detail string }

// gaps are what is filled in when a problem is told.
var gaps = regexp.MustCompile(`\{[a-z_-]+\}`)

// errors answers GET /docs/errors: what each refusal of the gateway means.
func (p *Portal) errors(r *http.Request) (page, error) {
	var groups []errorGroup
	for _, of := range callRefusals {
		group := errorGroup{Status: of.status}
		for _, code := range of.codes {
			title, detail := (&problem.Error{Code: code}).Words(localeOf(r))
			group.Rows = append(group.Rows, errorRow{code, title, gaps.ReplaceAllString(detail, "…")})
		}
		groups = append(groups, group)
	}
	return page{Name: "developer-errors", Data: groups}, nil
}
