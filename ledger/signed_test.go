package ledger

import (
	"strings"
	"testing"
)

func TestLastSigned(t *testing.T) {
	t.Parallel()
	l, _ := newLedger(t)
	got, err := l.LastSigned()
	if err != nil || got.Size != 0 || got.Note != "" || !strings.HasPrefix(got.Key, l.Origin+"+") {
		t.Errorf("before anything is signed: got %+v, %v", got, err)
	}
	fill(t, l, 3)
	got, err = l.LastSigned()
	if err != nil || got.Size != 3 || !strings.Contains(got.Note, l.Origin+"\n3\n"+got.Root+"\n") || got.At.IsZero() {
		t.Errorf("three entries: got %+v, %v", got, err)
	}
}
