package route

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestCanonical is the table of path confusion: what two programs could read
// differently is refused.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, want string
		err              error
	}{
		{"plain", "/so-noi-vu/ho-so/v1/x", "/so-noi-vu/ho-so/v1/x", nil},
		{"root", "/", "/", nil},
		{"slash at the end", "/a/", "/a/", nil},
		{"sub-delimiters", "/a!$&'()*+,=:@b", "/a!$&'()*+,=:@b", nil},
		{"encoded slash", "/a%2Fb", "/a%2Fb", nil},
		{"small hexadecimal digits are raised", "/a%2fb%c3%a1", "/a%2Fb%C3%A1", nil},
		{"two encoded slashes", "/http:%2F%2Fx", "/http:%2F%2Fx", nil},
		{"encoded space", "/a%20b", "/a%20b", nil},
		{"encoded percent sign", "/100%25", "/100%25", nil},
		{"dots within a name", "/a..b/...", "/a..b/...", nil},
		{"empty", "", "", ErrForm},
		{"asterisk", "*", "", ErrForm},
		{"no slash", "a/b", "", ErrForm},
		{"dot", "/a/./b", "", ErrDot},
		{"dots", "/a/../b", "", ErrDot},
		{"dots at the end", "/a/..", "", ErrDot},
		{"encoded dots", "/a/%2e%2e/b", "", ErrNeedless},
		{"one encoded dot", "/a/.%2E/b", "", ErrNeedless},
		{"dots behind an encoded slash", "/a%2F..%2Fb", "", ErrDot},
		{"dots before an encoded slash", "/a/..%2Fb", "", ErrDot},
		{"dots behind a small encoded slash", "/a%2f..", "", ErrDot},
		{"two slashes", "/a//b", "", ErrEmpty},
		{"two slashes at first", "//a", "", ErrEmpty},
		{"backslash", `/a\b`, "", ErrBackslash},
		{"encoded backslash", "/a%5C..%5Cb", "", ErrBackslash},
		{"NUL", "/a%00.json", "", ErrControl},
		{"line break", "/a%0d%0aX: y", "", ErrControl},
		{"DEL", "/a%7F", "", ErrControl},
		{"semicolon", "/a;x=1/b", "", ErrSemicolon},
		{"dots and semicolon", "/a/..;/b", "", ErrSemicolon},
		{"encoded semicolon", "/a%3Bx", "", ErrSemicolon},
		{"encoded letter", "/%61dmin", "", ErrNeedless},
		{"encoded hyphen", "/a%2Db", "", ErrNeedless},
		{"encoded twice", "/a%252e%252e/b", "", ErrTwice},
		{"slash encoded twice", "/a%252Fb", "", ErrTwice},
		{"percent sign alone", "/100%", "", ErrEncoding},
		{"half an encoding", "/a%2", "", ErrEncoding},
		{"wrong encoding", "/a%zz", "", ErrEncoding},
		{"%u encoding", "/a%u002e", "", ErrEncoding},
		{"overlong dot", "/a/%C0%AE%C0%AE/b", "", ErrUTF8},
		{"half a letter", "/a%C3", "", ErrUTF8},
		{"letter not encoded", "/hồ-sơ", "", ErrByte},
		{"space", "/a b", "", ErrByte},
		{"quote", `/a"b`, "", ErrByte},
		{"number sign", "/a#b", "", ErrByte},
		{"question mark", "/a?b", "", ErrByte},
		{"brackets", "/a[1]", "", ErrByte},
		{"too long", "/" + strings.Repeat("a", maxPath), "", ErrLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Canonical(tt.path)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q: got %q, %v; want %q, %v", tt.path, got, err, tt.want, tt.err)
			}
		})
	}
}

// FuzzCanonical: what is canonical stays so, is what net/url would send, and
// holds nothing that cleaning would change.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a%2fb", "/%2e%2e/", "/a;b", "//", "/%25%32%65", "/a%C3%A1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		once, err := Canonical(path)
		if err != nil {
			return
		}
		if twice, err := Canonical(once); err != nil || twice != once {
			t.Fatalf("%q became %q, then %q, %v", path, once, twice, err)
		}
		if !strings.EqualFold(path, once) {
			t.Fatalf("%q was changed to %q", path, once)
		}
		decoded, err := url.PathUnescape(once)
		if err != nil {
			t.Fatalf("%q does not decode: %v", once, err)
		}
		if sent := (&url.URL{Path: decoded, RawPath: once}).EscapedPath(); sent != once {
			t.Fatalf("%q would be sent as %q", once, sent)
		}
		for part := range strings.SplitSeq(decoded, "/") {
			if part == "." || part == ".." || strings.ContainsAny(part, "\\;\x00") {
				t.Fatalf("%q decodes to %q", once, decoded)
			}
		}
	})
}

func TestTree(t *testing.T) {
	t.Parallel()
	var tree Tree[string]
	for _, o := range []string{
		"GET /", "GET /ho-so", "POST /ho-so", "GET /ho-so/{ma}", "GET /ho-so/moi", "DELETE /ho-so/moi/{x}", "GET /ho-so/{ma}/tep/{so}",
		"GET /ho-so/{ma}.json", "GET /dai/{a}-{b}", "GET /giua/{a}0{b}", "GET /hồ sơ/{x}", "GET /cuoi/", "GET /x/{a}/y", "GET /{b}/z/w",
	} {
		method, template, _ := strings.Cut(o, " ")
		if err := tree.Add(method, template, o); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ method, path, want, allow string }{
		{"GET", "/", "GET /", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so", "GET /ho-so", "GET, HEAD, OPTIONS, POST"},
		{"HEAD", "/ho-so", "GET /ho-so", "GET, HEAD, OPTIONS, POST"},
		{"PUT", "/ho-so", "", "GET, HEAD, OPTIONS, POST"},
		{"GET", "/ho-so/", "", ""},
		{"GET", "/ho-so/H1", "GET /ho-so/{ma}", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so/a%2Fb", "GET /ho-so/{ma}", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so/moi", "GET /ho-so/moi", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so/moi/tep/2", "GET /ho-so/{ma}/tep/{so}", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so/moi/2", "", "DELETE, OPTIONS"},
		{"GET", "/ho-so/H1.json", "GET /ho-so/{ma}.json", "GET, HEAD, OPTIONS"},
		{"GET", "/ho-so/.json", "GET /ho-so/{ma}", "GET, HEAD, OPTIONS"},
		{"GET", "/dai/1-2", "GET /dai/{a}-{b}", "GET, HEAD, OPTIONS"},
		{"GET", "/dai/-2", "", ""},
		{"GET", "/giua/%20", "", ""},
		{"GET", "/giua/%200%20", "GET /giua/{a}0{b}", "GET, HEAD, OPTIONS"},
		{"GET", "/h%E1%BB%93%20s%C6%A1/1", "GET /hồ sơ/{x}", "GET, HEAD, OPTIONS"},
		{"GET", "/cuoi/", "GET /cuoi/", "GET, HEAD, OPTIONS"},
		{"GET", "/cuoi", "", ""},
		{"GET", "/x/z/w", "GET /{b}/z/w", "GET, HEAD, OPTIONS"},
		{"GET", "/Ho-So", "", ""},
		{"GET", "", "", ""},
		{"", "/ho-so", "", "GET, HEAD, OPTIONS, POST"},
	} {
		got, allow, ok := tree.Match(tt.method, tt.path)
		if got != tt.want || allow != tt.allow || ok != (tt.want != "") {
			t.Errorf("%s %s: got %q, %q, %v; want %q, %q", tt.method, tt.path, got, allow, ok, tt.want, tt.allow)
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		"", "a", "/a//b", "/{a", "/a}", "/{}", "/{a}{b}", "/{a{b}}", "/..", "/a/./b", "/%2e%2e", "/a;b", `/a\b`, "/a%zz", "/a%00",
		"/{a}-{b}-{c}-{d}-{e}", "/{a}/{a}", "/{a}-{a}", strings.Repeat("/a", maxSegments+1),
	} {
		var tree Tree[int]
		if err := tree.Add("GET", template, 1); err == nil {
			t.Errorf("%q was taken", template)
		}
	}
	var tree Tree[int]
	if err := tree.Add("GET", "/a/{x}", 1); err != nil {
		t.Fatal(err)
	}
	if err := tree.Add("GET", "/a/{y}", 2); err == nil {
		t.Error("two templates that fit the same paths were taken")
	}
	if err := tree.Add("POST", "/a/{y}", 2); err != nil {
		t.Errorf("another method: %v", err)
	}
}

func TestVariable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		template, name, path, want string
		ok                         bool
	}{
		{"/nguoi/{so}", "so", "/nguoi/079", "079", true},
		{"/nguoi/{so}", "so", "/nguoi/a%2Fb%20c", "a/b c", true},
		{"/nguoi/{so}", "khac", "/nguoi/079", "", false},
		{"/nguoi/{so}", "so", "/nguoi/079/x", "", false},
		{"/{a}-{b}.json", "a", "/1-2-3.json", "1", true},
		{"/{a}-{b}.json", "b", "/1-2-3.json", "2-3", true},
		{"/{a}-{b}.json", "b", "/1.json", "", false},
	} {
		if got, ok := Variable(tt.template, tt.name, tt.path); got != tt.want || ok != tt.ok {
			t.Errorf("%s of %s in %s: got %q, %v", tt.name, tt.template, tt.path, got, ok)
		}
	}
}

// FuzzTree: a template fits the path made from it, and says its variable.
func FuzzTree(f *testing.F) {
	f.Add("/ho-so/{ma}", "H1")
	f.Add("/{a}-{b}/x", "1")
	f.Fuzz(func(t *testing.T, template, value string) {
		var tree Tree[int]
		if len(template) > 200 || tree.Add("GET", template, 1) != nil {
			return
		}
		segments, err := parse(template)
		if err != nil {
			t.Fatal(err)
		}
		value, err = encode(strings.ReplaceAll(value, "/", ""))
		if err != nil || value == "" {
			return
		}
		var path strings.Builder
		for _, s := range segments {
			path.WriteString("/" + strings.Join(s.texts, value))
		}
		if _, _, ok := tree.Match("GET", path.String()); !ok {
			t.Fatalf("%q does not fit %q", template, path.String())
		}
		for _, s := range segments {
			for _, name := range s.names {
				if _, ok := Variable(template, name, path.String()); !ok {
					t.Fatalf("%q has no %s in %q", template, name, path.String())
				}
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, size := range []int{10, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var tree Tree[int]
			for i := range size {
				if err := tree.Add("GET", fmt.Sprintf("/nhom-%d/{ma}/tep-%d", i%100, i), i); err != nil {
					b.Fatal(err)
				}
			}
			path := fmt.Sprintf("/nhom-%d/H48/tep-%d", (size-1)%100, size-1)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := tree.Match("GET", path); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}
