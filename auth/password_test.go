package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"lgsp/internal/problem"
)

func TestPasswordMatches(t *testing.T) {
	t.Parallel()
	p, ctx := NewPasswords(1, 1), t.Context()
	stored, err := p.hash(ctx, "Quảng Ngãi đẹp") // composed
	ok(t, "hash", err)
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %s", stored)
	}
	for _, tt := range []struct {
		name, stored, password string
		want                   bool
	}{
		{"the same", stored, "Quảng Ngãi đẹp", true},
		{"decomposed, as another keyboard sends it", stored, "Qua\u0309ng Nga\u0303i \u0111e\u0323p", true},
		{"another", stored, "Quảng Ngãi xấu", false},
		{"empty", stored, "", false},
		{"nothing is stored", "", "", false},
	} {
		got, err := p.match(ctx, tt.stored, tt.password)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
	for _, broken := range []string{"plain", argonPrefix, argonPrefix + "!$!", strings.Replace(stored, "t=2", "t=1", 1)} {
		if got, err := p.match(ctx, broken, "plain"); got || err == nil && broken != argonPrefix {
			t.Errorf("stored %q: got %v, %v", broken, got, err)
		}
	}
}

func TestPasswordsAreBounded(t *testing.T) {
	t.Parallel()
	p := NewPasswords(1, 1)
	p.slots <- struct{}{} // one is being hashed, for ever
	p.places.Add(-1)

	ctx, leave := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { _, err := p.hash(ctx, goodPassword); waiting <- err }()
	for deadline := time.Now().Add(5 * time.Second); p.places.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the second does not wait for its turn")
		}
	}
	_, err := p.hash(t.Context(), goodPassword)
	want(t, "one more than may wait", err, problem.TooMany, "sign-in-busy")
	if got := problem.Of(err).Header.Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After: got %q, want 3", got)
	}
	leave()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("who went away: got %v, want context.Canceled", err)
	}
	if got := p.places.Load(); got != 1 {
		t.Errorf("places left: got %d, want 1", got)
	}
}
