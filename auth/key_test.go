package auth

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

var keyForm = regexp.MustCompile(`^lgsp_(key|secret|pat|reg|client)_[0-9A-Za-z]{49}$`)

func TestNewKeyParses(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, kind := range []string{KindKey, KindSecret, KindToken} {
		for range 200 {
			k := NewKey(kind)
			got, err := ParseKey(k.Secret())
			if err != nil || got != k {
				t.Fatalf("got %v, %v, want %v", got, err, k)
			}
			if !keyForm.MatchString(k.Secret()) || k.Kind != kind || len(k.Lookup) != 12 || seen[k.Lookup] {
				t.Fatalf("%s is not of the form or not new", k.Secret())
			}
			seen[k.Lookup] = true
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	good := NewKey(KindKey).Secret()
	swapped := []byte(good)
	for i := 20; i < 40; i++ { // the first two neighbours that differ
		if swapped[i] != swapped[i+1] {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			break
		}
	}
	for name, text := range map[string]string{
		"empty":              "",
		"somebody else's":    "ghp_" + good[9:],
		"another kind":       "lgsp_pat_" + good[9:],
		"an unknown kind":    "lgsp_root_" + good[9:],
		"one short":          good[:len(good)-1],
		"one long":           good + "0",
		"a space at the end": good + " ",
		"two swapped":        string(swapped),
		"not base62":         good[:30] + "-" + good[31:],
		"huge":               "lgsp_key_" + strings.Repeat("a", 1<<20),
	} {
		if _, err := ParseKey(text); problem.Code(err) != "key-malformed" || !problem.Is(err, problem.Unauthorized) {
			t.Errorf("%s: got %v, want key-malformed", name, err)
		}
	}
}

func TestKeyMatchesOnlyItself(t *testing.T) {
	t.Parallel()
	pepper := []byte("pepper")
	k, other := NewKey(KindKey), NewKey(KindKey)
	hash, peppers := k.Hash(pepper), keyring.New(map[int][]byte{1: []byte("another"), 2: pepper}, func() int { return 2 })
	switch {
	case !k.Matches(peppers, 2, hash):
		t.Error("it does not match its own hash")
	case other.Matches(peppers, 2, hash):
		t.Error("another key matches")
	case k.Matches(peppers, 1, hash):
		t.Error("it matches under another pepper")
	case k.Matches(peppers, 2, nil):
		t.Error("it matches no hash at all")
	case k.Matches(peppers, 3, k.Hash(nil)), k.Matches(peppers, 0, k.Hash(nil)):
		t.Error("it matches under a pepper that is not there")
	}
}

func TestKeyPrintsWithoutItsSecret(t *testing.T) {
	t.Parallel()
	k := NewKey(KindSecret)
	hidden := k.Secret()[len("lgsp_secret_")+12:]
	for _, verb := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		if text := fmt.Sprintf(verb, k); strings.Contains(text, hidden) || !strings.Contains(text, k.Lookup) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
	if text := k.LogValue().String(); strings.Contains(text, hidden) {
		t.Errorf("slog prints %s", text)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("")
	f.Add("lgsp_key_")
	f.Add("lgsp__" + strings.Repeat("0", 49))
	f.Add(NewKey(KindKey).Secret())
	f.Add(NewKey(KindSecret).Secret())
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		if !keyForm.MatchString(text) || k.Secret() != text || !strings.Contains(text, k.Lookup) || !strings.Contains(text, k.Last4) {
			t.Errorf("%q is taken for %#v", text, k)
		}
	})
}
