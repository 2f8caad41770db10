package gateway

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lgsp/auth/policy"
)

// notOfCalls are codes of the gateway that no call is refused with: of what is
// set, and of questions.
var notOfCalls = []string{"traffic-wrong", "traffic-invalid", "limits-invalid", "route-taken", "route-unservable", "field-path", "check-too-large"}

// TestEveryCodeHasItsStep: whatever code stands in the gateway's source, its
// step is known, and is one only.
func TestEveryCodeHasItsStep(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	coded, found := regexp.MustCompile(`Coded\("([a-z-]+)"`), 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range coded.FindAllStringSubmatch(string(text), -1) {
			found++
			if code := match[1]; StepOf(code) == "" && !slices.Contains(notOfCalls, code) {
				t.Errorf("%s: no step refuses with %s", file, code)
			}
		}
	}
	if found < 50 {
		t.Errorf("found %d codes in the source", found)
	}
	for _, rule := range policy.CallRules() {
		if step := StepOf(rule[1]); rule[5] == "deny" && step != StepAgreement {
			t.Errorf("rule %s: got step %q", rule[1], step)
		}
	}
	seen := map[string]string{}
	for step, codes := range stepCodes {
		for _, code := range codes {
			if seen[code] != "" {
				t.Errorf("%s is of %s and of %s", code, seen[code], step)
			}
			seen[code] = step
		}
	}
}

// TestRuleOfARecord: the rule that decided a recorded call, and where it
// stopped.
func TestRuleOfARecord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		e        Exchange
		at, rule string
	}{
		{"open", Exchange{Operation: "a", Access: Open, Credential: "none", Status: 200}, "", "open"},
		{"under an agreement", Exchange{Operation: "a", Access: Restricted, Credential: "api_key", Status: 200}, "", "restricted-agreement"},
		{"personal data", Exchange{Operation: "a", Access: Personal, Credential: "token", Status: 200}, "", "personal-token"},
		{"a key", Exchange{Operation: "a", Access: Personal, Credential: "api_key", Code: "key-for-personal-data"}, StepAgreement, "key-for-personal-data"},
		{"expired", Exchange{Operation: "a", Access: Restricted, Credential: "api_key", Code: "agreement-expired"}, StepAgreement, "no-agreement"},
		{"outside hours", Exchange{Operation: "a", Access: Restricted, Credential: "api_key", Code: "outside-hours"}, StepAgreement, "outside-hours"},
		{"too many", Exchange{Operation: "a", Access: Restricted, Credential: "token", Code: "rate-exceeded"}, StepLimits, "restricted-agreement"},
		{"the system fails", Exchange{Operation: "a", Access: Personal, Credential: "token", Code: "upstream-timeout"}, StepUpstream, "personal-token"},
		{"a wrong key", Exchange{Operation: "a", Access: Restricted, Credential: "api_key", Code: "key-wrong"}, StepCredential, ""},
		{"of auth", Exchange{Operation: "a", Access: Restricted, Credential: "token", Code: "dpop-proof"}, StepCredential, ""},
		{"nowhere", Exchange{Code: "no-such-operation"}, StepAddress, ""},
		{"stale", Exchange{Operation: "a", Access: Restricted, Credential: "token", Code: "config-stale"}, StepAgreement, ""},
		{"unknown code, late", Exchange{Operation: "a", Access: Open, Credential: "none", Code: "internal"}, StepUpstream, "open"},
		{"unknown code, early", Exchange{Operation: "a", Access: Open, Code: "internal"}, StepCredential, ""},
	} {
		rule, err := tt.e.RuleOf()
		if at := tt.e.RefusedAt(); err != nil || at != tt.at || rule != tt.rule {
			t.Errorf("%s: got %q, %q, %v, want %q, %q", tt.name, at, rule, err, tt.at, tt.rule)
		}
	}
}
