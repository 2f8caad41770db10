package fields

import (
	"strings"
	"testing"
	"time"
)

// No text that Read takes keeps it long, whatever is repeated in it.
func TestNothingTakesLong(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"[", "{", "? ", "- ", "a: ", "&a ", "*a ", "!a ", "\"", "'", "| ", "#\n", "a\n", "\n", "---\n", "{a: ", "[a, ",
		"? a\n", "- a\n", "\t", "%a\n", "- [", "a:\n ", "]", "\u0085", "ặ", "&a [", "*a: ", "  - {name: ab, label: a}\n"} {
		for _, begin := range []string{"", "fields: ", "fields:\n"} {
			began := time.Now()
			_, _ = Read([]byte(begin + strings.Repeat(part, (MaxBytes-len(begin))/len(part)))) // what it says is others' test
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%q took %v", part, took)
			}
		}
	}
}
