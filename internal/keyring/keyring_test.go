package keyring

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func key(c string) []byte { return []byte(strings.Repeat(c, 32)) }

func TestRing(t *testing.T) {
	t.Parallel()
	now := 2
	r := New(map[int][]byte{1: key("a"), 2: key("b"), 3: key("c")}, func() int { return now })
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	if r.Current() != 2 || !bytes.Equal(r.Key(), key("b")) || !r.Old(1) || r.Old(2) || r.Old(3) {
		t.Errorf("current is %d, %s", r.Current(), r.Key())
	}
	if got, want := r.Any(), [][]byte{key("b"), key("c"), key("a")}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := r.At(4); ok {
		t.Error("a version that is not there has a key")
	}
	text := []byte("text")
	for _, k := range r.Any() {
		if sum := Sum(k, text); !r.Verify(text, sum) || !r.Verify(text, sum[:16]) || r.Verify(text, sum[:15]) || r.Verify([]byte("other"), sum) {
			t.Errorf("what %s makes is not verified as it should", k[:1])
		}
	}
	if r.Verify(text, Sum(key("d"), text)) || r.Verify(text, nil) {
		t.Error("what a strange key makes is verified")
	}
	sealed, version, err := r.Seal([]byte("secret"), []byte("of"))
	if err != nil || version != 2 {
		t.Fatalf("seal: version %d, %v", version, err)
	}
	now = 3
	if got, err := r.Open(sealed, 2, []byte("of")); err != nil || string(got) != "secret" {
		t.Errorf("open: got %q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"by another version": func() ([]byte, error) { return r.Open(sealed, 1, []byte("of")) },
		"of something else":  func() ([]byte, error) { return r.Open(sealed, 2, []byte("it")) },
		"by none":            func() ([]byte, error) { return r.Open(sealed, 9, []byte("of")) },
		"too short":          func() ([]byte, error) { return r.Open(sealed[:23], 2, []byte("of")) },
		"cut":                func() ([]byte, error) { return r.Open(sealed[:len(sealed)-1], 2, []byte("of")) },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s: opened %q", name, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]Ring{
		"none": {}, "short": Of(key("a")[:31]), "no current one": New(map[int][]byte{1: key("a")}, func() int { return 2 }),
		"an old one too long": New(map[int][]byte{1: append(key("a"), 'a'), 2: key("b")}, func() int { return 2 }),
	} {
		if r.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := Of(key("a")).Check(); err != nil {
		t.Error(err)
	}
}
