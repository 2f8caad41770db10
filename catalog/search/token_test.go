package search

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func exact(text string) string {
	var list []string
	for _, t := range Words(text) {
		list = append(list, t.Exact)
	}
	return strings.Join(list, " ")
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, exact, folded string }{
		{"marks become a tone digit", "Mười hai", "mươi2 hai", "muoi hai"},
		{"old tone place", "hòa thủy", "hoa2 thuy3", "hoa thuy"},
		{"new tone place", "hoà thuỷ", "hoa2 thuy3", "hoa thuy"},
		{"decomposed", norm.NFD.String("Quảng Ngãi"), "quang3 ngai4", "quang ngai"},
		{"half composed, as windows-1258 writes", "Vi\u00ea\u0323t", "viêt5", "viet"},
		{"đ", "Đất đai", "đât1 đai", "dat dai"},
		{"Eth for đ", "\u00d0ất \u00f0ai", "đât1 đai", "dat dai"},
		{"African d for đ", "\u0189ất", "đât1", "dat"},
		{"i for y at the end", "Kỹ Lý Mỹ tỷ sỹ hy", "ki4 li1 mi4 ti3 si4 hi", "ki li mi ti si hi"},
		{"y stays after u and alone", "quý y tế thuỳ", "quy1 y tê1 thuy2", "quy y te thuy"},
		{"code with a dot", "PM2.5", "pm2.5", "pm2.5"},
		{"agency code", "H48.11", "h48.11", "h48.11"},
		{"document number", "số 4259/UBND-KGVX.", "sô1 4259/ubnd-kgvx", "so 4259/ubnd-kgvx"},
		{"date", "ngày 30/7/2019", "ngay2 30/7/2019", "ngay 30/7/2019"},
		{"joint without a digit parts", "kinh tế-xã hội", "kinh tê1 xa4 hôi5", "kinh te xa hoi"},
		{"capitals", "THỦ TỤC", "thu3 tuc5", "thu tuc"},
		{"nothing", " …,;!  ", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := exact(tt.text); got != tt.exact {
				t.Errorf("exact %q, want %q", got, tt.exact)
			}
			if got := Fold(tt.text); got != tt.folded {
				t.Errorf("folded %q, want %q", got, tt.folded)
			}
		})
	}
}

func TestPunctuationBreaksNeighbours(t *testing.T) {
	t.Parallel()
	at := map[string]int{}
	for _, w := range Tokens("đất đai, môi trường (2019) A-B") {
		at[w.Folded] = w.Pos
	}
	want := map[string]int{"dat": 1, "dai": 2, "moi": 4, "truong": 5, "2019": 7, "a": 9, "b": 11}
	for key, pos := range want {
		if at[key] != pos {
			t.Errorf("%s at %d, want %d", key, at[key], pos)
		}
	}
}

func TestCodesAreFoundWholeAndInParts(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, w := range Tokens("4259/UBND-KGVX và PM2.5") {
		have[w.Folded] = true
	}
	for _, key := range []string{"4259/ubnd-kgvx", "4259ubndkgvx", "4259", "ubnd", "kgvx", "pm2.5", "pm25", "pm", "2.5"} {
		if !have[key] {
			t.Errorf("no key %s in %v", key, have)
		}
	}
}

func TestVectorsQuoteWhatTheyHold(t *testing.T) {
	t.Parallel()
	d := Index([]Field{{"Đất", 'A'}, {"đất", 'C'}})
	if want := "'đât1':1A,12C"; d.Exact != want {
		t.Errorf("exact %q, want %q", d.Exact, want)
	}
	if got, want := quote(`a'b\c`), `'a''b\\c'`; got != want {
		t.Errorf("quote %s, want %s", got, want)
	}
}

func TestRepairs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, w := range strings.Fields("quang ngai dat dai thu tuc so xa truong trong cho lua nong nghiep") {
		known[w] = true
	}
	for _, tt := range []struct{ name, typed, want string }{
		{"Telex left in", "quangr", "quang"},
		{"Telex left in, d doubled", "ddaats", "dat"},
		{"VNI left in", "quang3", "quang"},
		{"one letter off", "ngiep", ""}, // nghiep is one letter away
		{"s for x stays when the word is known", "xa", ""},
		{"ch for tr", "chuong", "truong"},
		{"Telex, w alone is a vowel", "trwowngf", "truong"},
		{"glued", "quangngai", "quang ngai"},
		{"glued in five", "thutucdatdaiso", "thu tuc dat dai so"},
		{"glued with a word that is nowhere", "quangbinh", ""},
		{"swapped", "nogn", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if known[tt.typed] {
				return // the plan asks for no repair
			}
			var got []string
			for _, phrase := range repairs(tt.typed, known) {
				got = append(got, strings.Join(phrase, " "))
			}
			if tt.want != "" && !strings.Contains("|"+strings.Join(got, "|")+"|", "|"+tt.want+"|") {
				t.Errorf("%s is repaired to %q, want %q", tt.typed, got, tt.want)
			}
			if tt.typed == "ngiep" && (len(got) != 1 || got[0] != "nghiep") {
				t.Errorf("ngiep is repaired to %q", got)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	synonyms := []Synonym{{"UBND", "uỷ ban nhân dân"}}
	for _, tt := range []struct{ name, typed, all, exact string }{
		{"no marks, no exact query", "ubnd tinh", "(('ubnd') | (('uy' <-> 'ban' | 'uy' <2> 'ban') & ('ban' <-> 'nhan' | 'ban' <2> 'nhan') & ('nhan' <-> 'dan' | 'nhan' <2> 'dan'))) & (('tinh'))", ""},
		{"the meaning finds the term", "Ủy ban nhân dân", "(('uy' & 'ban' & 'nhan' & 'dan') | ('ubnd'))", "'uy3' | 'ban' | 'nhân' | 'dân'"},
		{"function words go from a question", "có bao nhiêu thuê bao internet", "(('thue')) & (('bao')) & (('internet'))", "'thuê' | 'bao' | 'internet'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := Parse(tt.typed).Plan(synonyms, nil)
			if p.All != tt.all || p.Exact != tt.exact {
				t.Errorf("got %q and %q, want %q and %q", p.All, p.Exact, tt.all, tt.exact)
			}
		})
	}
}

func TestMarkEscapes(t *testing.T) {
	t.Parallel()
	got := Parse("dat").Mark(`<b>Đất</b> & "đai"`)
	if want := `&lt;b&gt;<mark>Đất</mark>&lt;/b&gt; &amp; &#34;đai&#34;`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"Quảng Ngãi", "hòa hoà", "PM2.5 4259/UBND-KGVX", "\xff\xfeđ", "a\u0301\u0300", "İK", "--..//", "\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		last := 0
		for _, w := range Tokens(s) {
			if w.Start < 0 || w.End > len(s) || w.Start >= w.End || w.Pos < 1 {
				t.Fatalf("%q: token %+v is out of bounds", s, w)
			}
			if w.Pos < last-maxCode {
				t.Fatalf("%q: position %d after %d", s, w.Pos, last)
			}
			last = w.Pos
			if !utf8.ValidString(w.Exact) || !utf8.ValidString(w.Folded) {
				t.Fatalf("%q: keys %q %q are not UTF-8", s, w.Exact, w.Folded)
			}
		}
		folded := Fold(s)
		if again := Fold(folded); again != folded {
			t.Fatalf("%q folds to %q, and that to %q", s, folded, again)
		}
		if a, b := Fold(norm.NFC.String(s)), Fold(norm.NFD.String(s)); a != b {
			t.Fatalf("%q: NFC folds to %q, NFD to %q", s, a, b)
		}
		Index([]Field{{s, 'A'}})
		q := Parse(s)
		q.Candidates(nil)
		q.Plan([]Synonym{{"UBND", "uỷ ban nhân dân"}}, map[string]bool{})
		q.Mark(s)
	})
}
