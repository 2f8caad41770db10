package project

import "testing"

func TestMasks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ mask, value, want string }{
		{"last-4", "000123456789", "******6789"},
		{"last-4", " 0000000789 ", "******0789"},
		{"last-6", "12345", "******45"},
		{"last-4", "1", "******"},
		{"last-2", "", "******"},
		{"last-2", "Đặng", "******ng"},
		{"initials", "Nguyễn Văn An", "N. V. A."},
		{"initials", "đặng  thị\tba", "Đ. T. B."},
		{"initials", "Y", "******"},
		{"initials", "Y Moan", "Y. M."},
		{"initials", "079 123", "******"},
		{"year", "1990-05-17", "1990"},
		{"year", "1990-05", "1990"},
		{"year", "1990-05-17T00:00:00+07:00", "1990"},
		{"year", "17/05/1990", "1990"},
		{"year", "17-5-1990", "1990"},
		{"year", "05/1990", "1990"},
		{"year", "1990", "******"},
		{"year", "000123456789", "******"},
		{"year", "1990-05-17 Nguyễn Văn An", "******"},
		{"hash", "An", ""},
	} {
		m, err := ParseMask(tt.mask)
		if err != nil {
			t.Fatal(err)
		}
		got := m.of(tt.value, []byte("key"))
		if m == maskHash {
			if len(got) != 32 || got != m.of("An", []byte("key")) || got == m.of("An", []byte("another")) || got == m.of("Ba", []byte("key")) || m.of("An", nil) != hidden {
				t.Errorf("hash: got %q", got)
			}
			continue
		}
		if got != tt.want {
			t.Errorf("%s of %q: got %q, want %q", tt.mask, tt.value, got, tt.want)
		}
	}
	for _, name := range []string{"", "last", "last-", "last-0", "last-7", "last-10", "last-+4", "LAST-4", "none", "open"} {
		if _, err := ParseMask(name); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

// TestMaskedFields: a mask holds wherever an agreed field covers it, and what
// holds it has the shape that its path says.
func TestMaskedFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fields []string
		masks  []Masked
		in     string
		want   string // "": refused
	}{
		{"the field itself", []string{"/so"}, []Masked{{"/so", "last-4"}}, `{"so":"000123456789","x":1}`, `{"so":"******6789"}`},
		{"beneath an agreed field", []string{"/chu"}, []Masked{{"/chu/so", "last-4"}}, `{"chu":{"ten":"An","so":"000123456789"}}`, `{"chu":{"ten":"An","so":"******6789"}}`},
		{"beneath everything", []string{""}, []Masked{{"/ds/*/so", "last-4"}}, `{"ds":[{"so":"000123456789","k":{"so":"1"}}],"so":"2"}`, `{"ds":[{"so":"******6789","k":{"so":"1"}}],"so":"2"}`},
		{"elements", []string{"/so"}, []Masked{{"/so/*", "last-4"}}, `{"so":["000123456789",12345678,null]}`, `{"so":["******6789","******5678",null]}`},
		{"not agreed", []string{"/ten"}, []Masked{{"/so", "last-4"}}, `{"ten":"An","so":"000123456789"}`, `{"ten":"An"}`},
		{"not agreed, of an object", []string{"/chu/ten"}, []Masked{{"/chu/so", "last-4"}}, `{"chu":{"ten":"An","so":"000123456789"}}`, `{"chu":{"ten":"An"}}`},
		{"a list in place of an object", []string{"/chu"}, []Masked{{"/chu/so", "last-4"}}, `{"chu":[{"so":"000123456789"}]}`, `{}`},
		{"a text in place of an object", []string{"/chu"}, []Masked{{"/chu/so", "last-4"}}, `{"chu":"000123456789"}`, `{}`},
		{"a text in place of a list", []string{"/so"}, []Masked{{"/so/*", "last-4"}}, `{"so":"000123456789"}`, `{}`},
		{"null in place of an object", []string{"/chu"}, []Masked{{"/chu/so", "last-4"}}, `{"chu":null}`, `{"chu":null}`},
		{"escapes", []string{"/so"}, []Masked{{"/so", "last-4"}}, `{"so":"00012345\u0036789\""}`, `{"so":"******789\""}`},
		{"an object", []string{"/so"}, []Masked{{"/so", "last-4"}}, `{"so":{"x":"1"}}`, ``},
		{"a list", []string{"/so"}, []Masked{{"/so", "last-4"}}, `{"so":["1"]}`, ``},
		{"yes", []string{"/so"}, []Masked{{"/so", "last-4"}}, `{"so":true}`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := filterOf(t, tt.fields, tt.masks...)
			got, err := f.Apply([]byte(tt.in))
			if string(got) != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			streamedTheSame(t, f, []byte(tt.in))
		})
	}
	f := filterOf(t, []string{"/chu", "/so", "/ds"}, Masked{"/chu/so", "hash"}, Masked{"/so", "hash"}, Masked{"/ds/*", "hash"})
	for field, want := range map[string]bool{"/chu/ten": true, "/chu/so": false, "/so": false, "/ds": false, "/ds/*": false, "/la": false} {
		if got := f.Covers(field); got != want {
			t.Errorf("covers %s: got %v", field, got)
		}
	}
}
