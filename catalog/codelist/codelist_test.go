package codelist

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestReadTellsEveryFaultByLineAndColumn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxName+1)
	for name, tt := range map[string]struct {
		text string
		want []Fault // without why
	}{
		"right":                 {"code,name_vi,parent\nA,Lĩnh vực A,\nA.1,Nhánh,A\n", nil},
		"semicolons, BOM":       {"\xef\xbb\xbfcode;name_vi\r\nA;Một, hai\r\n", nil},
		"empty":                 {"", []Fault{{1, "", "codes-header", ""}}},
		"no codes":              {"code,name_vi\n", []Fault{{2, "", "codes-size", ""}}},
		"an unknown column":     {"code,name_vi,gia\n", []Fault{{1, "gia", "codes-header", ""}}},
		"a column twice":        {"code,code\n", []Fault{{1, "code", "codes-header", ""}}},
		"a column missing":      {"code,name_en\n", []Fault{{1, "name_vi", "codes-header", ""}}},
		"cells missing":         {"code,name_vi\nA\nB,Hai\n,Ba\n", []Fault{{2, "", "codes-row", ""}, {4, "code", "codes-value", ""}}},
		"a quote left open":     {"code,name_vi\nA,\"Một\n", []Fault{{2, "", "codes-row", ""}}},
		"values":                {"code,name_vi,valid_from,valid_to\n-A,,2026-7-1,x\n", []Fault{{2, "code", "codes-value", ""}, {2, "name_vi", "codes-value", ""}, {2, "valid_from", "codes-value", ""}, {2, "valid_to", "codes-value", ""}}},
		"ends before it begins": {"code,name_vi,valid_from,valid_to\nA,Một,2026-07-02,2026-07-01\n", []Fault{{2, "valid_to", "codes-value", ""}}},
		"too long":              {"code,name_vi\nA," + long + "\n", []Fault{{2, "name_vi", "codes-value", ""}}},
		"a formula":             {"code,name_vi\nA,=1+1\n", []Fault{{2, "name_vi", "codes-value", ""}}},
		"turned letters":        {"code,name_vi\nA,a\u202eb\n", []Fault{{2, "name_vi", "codes-value", ""}}},
		"twice":                 {"code,name_vi\nA,Một\nA,Hai\n", []Fault{{3, "code", "codes-twice", ""}}},
		"a parent of nowhere":   {"code,name_vi,parent\nA,Một,B\n", []Fault{{2, "parent", "codes-parent", ""}}},
		"a ring":                {"code,name_vi,parent\nA,Một,B\nB,Hai,A\n", []Fault{{2, "parent", "codes-parent", ""}, {3, "parent", "codes-parent", ""}}},
		"not UTF-8":             {"code,name_vi\nA,\xff\n", []Fault{{1, "", "codes-size", ""}}},
		"too large":             {"code,name_vi\n" + strings.Repeat("x", MaxBytes), []Fault{{1, "", "codes-size", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, faults := Read([]byte(tt.text))
			for i := range faults {
				if faults[i].Why == "" {
					t.Errorf("%+v says not why", faults[i])
				}
				faults[i].Why = ""
			}
			if !reflect.DeepEqual(faults, tt.want) {
				t.Errorf("got %+v, want %+v", faults, tt.want)
			}
		})
	}
	var many strings.Builder
	many.WriteString("code,name_vi\n")
	for i := range 2 * maxFaults {
		fmt.Fprintf(&many, "-%d,x\n", i)
	}
	if _, faults := Read([]byte(many.String())); len(faults) != maxFaults {
		t.Errorf("%d faults are told, want %d", len(faults), maxFaults)
	}
}

func TestCompareTellsWhatIsNotTheSame(t *testing.T) {
	t.Parallel()
	before := []Entry{{Code: "A", NameVI: "Một"}, {Code: "B", NameVI: "Hai"}, {Code: "C", NameVI: "Ba"}}
	after := []Entry{{Code: "D", NameVI: "Bốn"}, {Code: "C", NameVI: "Ba"}, {Code: "A", NameVI: "Mốt"}}
	changes, same := Compare(before, after)
	want := []Change{{"changed", &before[0], &after[2]}, {"removed", &before[1], nil}, {"added", nil, &after[0]}}
	if !reflect.DeepEqual(changes, want) || same != 1 {
		t.Errorf("got %+v, %d the same", changes, same)
	}
}

// FuzzRead: whatever the bytes, what is taken is written and read back the same.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"code,name_vi\nA,Một\n", "code;name_vi;parent\nA;\"Một; hai\";\nB;Hai;A\n", "code,name_vi\n\"A\n", "\xef\xbb\xbfcode,name_vi\r\n1,x\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, faults := Read(text)
		if (len(entries) == 0) == (len(faults) == 0) || len(faults) > maxFaults {
			t.Fatalf("%d entries and %d faults", len(entries), len(faults))
		}
		if len(faults) > 0 {
			return
		}
		again, faults := Read(Write(entries))
		if len(faults) > 0 || !reflect.DeepEqual(again, entries) {
			t.Fatalf("%+v is read back as %+v, %+v", entries, again, faults)
		}
	})
}
