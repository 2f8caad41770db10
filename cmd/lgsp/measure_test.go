package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"lgsp/gateway"
	"lgsp/ledger"
)

// TestWhatIsMeasuredIsWhatTheGatewaySays: the ledger tells by a code whose doing
// a refusal was; the gateway knows at which step it refuses with it.
func TestWhatIsMeasuredIsWhatTheGatewaySays(t *testing.T) {
	t.Parallel()
	looked := 0
	for _, code := range everyCode(t) {
		step := gateway.StepOf(code)
		if step == "" || slices.Contains([]string{"sandbox-too-large", "sandbox-no-example", "call-loop", "not-cached"}, code) {
			continue
		}
		looked++
		behind := step == gateway.StepUpstream || step == gateway.StepAnswer
		e := ledger.Exchange{AgencyID: uuid.New(), VersionID: uuid.New(), Operation: "xem", Code: code, Outcome: "refused", Status: 404}
		if counts, failed, own := e.Measured(); counts != behind || failed || own {
			t.Errorf("%s with 404: got %v, %v, %v", code, counts, failed, own)
		}
		e.Status = 503
		if counts, failed, own := e.Measured(); !counts || !failed || own == behind {
			t.Errorf("%s with 503: got %v, %v, %v", code, counts, failed, own)
		}
	}
	if looked < 50 {
		t.Errorf("only %d codes were looked at", looked)
	}
}

// everyCode are the codes of all problems.
func everyCode(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../internal/problem/messages/*.en.json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]json.RawMessage{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &all) // adds to what is there
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return slices.Sorted(maps.Keys(all))
}
