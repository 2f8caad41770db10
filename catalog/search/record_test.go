package search

import (
	"strings"
	"testing"
)

func TestWeightedReadsWhatIndexWrites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		vector string
		want   map[byte]string
	}{
		{"", map[byte]string{}},
		{"'chơ5':1A 'mã':24 'quê':2A,12C 'về':14C", map[byte]string{'A': "chơ5 quê", 'C': "quê ; về", 'D': "mã"}},
		{`'a''b\\c':3B 'd':4B`, map[byte]string{'B': `a'b\c d`}},
		{"'broken", map[byte]string{}},
		{"'a':1A nonsense", map[byte]string{'A': "a"}},
	} {
		got := Weighted(tt.vector)
		if len(got) != len(tt.want) {
			t.Errorf("%s gives %q, want %q", tt.vector, got, tt.want)
		}
		for weight, text := range tt.want {
			if got[weight] != text {
				t.Errorf("%s gives %q for %c, want %q", tt.vector, got[weight], weight, text)
			}
		}
	}
}

func TestExactShare(t *testing.T) {
	t.Parallel()
	q := Parse("chợ quê")
	for keys, want := range map[string]float64{"chơ5 ; quê": 1, "cho1 quê": 0.5, "": 0} {
		if got := q.ExactShare(keys); got != want {
			t.Errorf("%q holds %v, want %v", keys, got, want)
		}
	}
	if got := Parse("cho que").ExactShare("cho que"); got != 0 {
		t.Errorf("typed without marks: %v", got)
	}
}

func FuzzWeighted(f *testing.F) {
	f.Add(Index([]Field{{"Chợ quê, 4259/UBND a'b\\c", 'A'}, {"chợ", 'C'}}).Folded)
	f.Add(`'a':1A,2,3C 'b'`)
	f.Fuzz(func(t *testing.T, vector string) {
		if len(vector) > 10_000 {
			return
		}
		for _, text := range Weighted(vector) {
			if strings.Count(text, " ") > 10*len(vector) {
				t.Fatalf("%q grows to %d bytes", vector, len(text))
			}
		}
	})
}
