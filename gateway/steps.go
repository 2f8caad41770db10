package gateway

import (
	"slices"
	"strings"

	"lgsp/auth/policy"
)

// The steps of the pipeline, as those who ask about a call are told of them.
const (
	StepAddress    = "address"    // is something served there, and not ended
	StepCredential = "credential" // who calls
	StepAgreement  = "agreement"  // may they: the agreement, and the policy's decision
	StepLimits     = "limits"
	StepRequest    = "request"  // fits the document and what was agreed
	StepRecord     = "record"   // evidence before personal data leaves
	StepUpstream   = "upstream" // the agency's system
	StepAnswer     = "answer"   // held to the document and to the agreed fields
)

// Steps are all, in the order in which a call takes them.
func Steps() []string {
	return []string{StepAddress, StepCredential, StepAgreement, StepLimits, StepRequest, StepRecord, StepUpstream, StepAnswer}
}

// stepCodes are the codes of the problems of each step. A code that is not
// here is that of a credential where it begins like one (credentialCodes).
var stepCodes = map[string][]string{
	StepAddress: {"no-such-operation", "method-not-offered", "path-not-canonical", "query-malformed", "call-loop", "version-ended", "version-succeeded", "gateway-starting", "soap-no-operation", "soap-query"},
	StepCredential: {"address-not-allowed", "caller-disabled", "two-credentials", "not-a-key", "digest-wrong", "foreign-issuer-absent",
		"application-disabled", "client-refused"},
	StepAgreement: {"config-stale", "purpose-twice", "no-credential", "key-for-personal-data", "foreign-token-for-personal-data", "signature-for-personal-data",
		"no-agreement", "operation-not-agreed", "outside-hours", "outside-network", "assurance-low", "purpose-unsaid", "purpose-required", "purpose-not-agreed", "dossier-missing", "dossier-twice", "dossier-form",
		"agreement-suspended", "agreement-ended", "agreement-not-begun", "agreement-expired", "refused-by-rule"},
	StepLimits: {"rate-exceeded", "quota-exceeded", "quota-month-exceeded"},
	StepRequest: {"field-not-agreed", "subject-missing", "subject-twice", "content-encoding-not-taken", "content-type-not-taken", "request-not-as-described",
		"request-not-json", "request-too-large", "body-broken", "body-too-slow", "not-cached", "range-not-satisfiable", "soap-not-read", "soap-other-operation"},
	StepRecord: {"evidence-unavailable"},
	StepUpstream: {"queue-full", "queue-timeout", "upstream-broken", "upstream-refused", "upstream-upgrade", "upstream-timeout", "upstream-unreachable",
		"upstream-down", "upstream-busy", "upstream-conflict", "upstream-invalid", "upstream-not-found"},
	StepAnswer: {"answer-not-projectable", "answer-not-as-described", "answer-too-large", "sandbox-too-large", "sandbox-no-example"},
}

// credentialCodes are what the codes of problems with a credential begin with:
// those of auth are among them.
var credentialCodes = []string{"key-", "token-", "basic-", "credential-", "signature-", "dpop-", "client-", "foreign-"}

// StepOf is the step that refuses with a code; "" when no step is known to.
func StepOf(code string) string {
	for _, step := range Steps() {
		if slices.Contains(stepCodes[step], code) {
			return step
		}
	}
	if slices.ContainsFunc(credentialCodes, func(start string) bool { return strings.HasPrefix(code, start) }) {
		return StepCredential
	}
	return ""
}

// RefusedAt is the step that refused a recorded call; "" when none did. What
// the code does not tell, what was found out before it does.
func (e Exchange) RefusedAt() string {
	switch step := StepOf(e.Code); {
	case e.Code == "":
		return ""
	case step != "":
		return step
	case e.Operation == "":
		return StepAddress
	case e.Credential == "":
		return StepCredential
	}
	return StepUpstream
}

// RuleOf is the rule of the policy that let a recorded call pass, or refused
// it: the policy is asked again what it says of such a call, which no later
// change alters. "" when the call did not come as far as the policy.
func (e Exchange) RuleOf() (string, error) {
	if e.Operation == "" || e.Access == "" {
		return "", nil
	}
	at := e.RefusedAt()
	if at == StepAddress || at == StepCredential || e.Code == "config-stale" || e.Code == "purpose-twice" {
		return "", nil
	}
	if at == StepAgreement && policy.IsRule(e.Code) {
		return e.Code, nil
	}
	rules, err := policy.NewCalls([]policy.Operation{{ID: e.Operation, Access: e.Access}})
	if err != nil {
		return "", err
	}
	call := policy.Call{Operation: e.Operation, Credential: or(e.Credential, policy.NoCredential)}
	if at != StepAgreement { // it was agreed, or needed no agreement
		call.Agreed = []string{e.Operation}
	}
	verdict, err := rules.Decide(call)
	return verdict.Rule, err
}

// ChangeOf names what a caller refused with a code, or the agency, would have
// to do, as Explanation.Change does; none for a code that no step is known to
// refuse with.
func ChangeOf(code string) []string {
	if list := change(code); len(list) > 0 {
		return list
	}
	switch StepOf(code) {
	case StepAddress:
		if code == "version-ended" || code == "version-succeeded" {
			return []string{"move-version"}
		}
		return []string{"look-at-address"}
	case StepCredential:
		return []string{"new-credential"}
	case StepLimits:
		return []string{"slow-down"}
	case StepRequest:
		return []string{"mend-request"}
	case StepAgreement, StepRecord:
		return []string{"try-again"}
	case StepUpstream, StepAnswer:
		return []string{"ask-agency"}
	}
	return []string{}
}
