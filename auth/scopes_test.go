package auth

import (
	"reflect"
	"testing"

	"github.com/google/uuid"
)

func TestScopesAllow(t *testing.T) {
	t.Parallel()
	here, there := uuid.New(), uuid.New()
	for _, tt := range []struct {
		name              string
		scopes            []string
		operation, method string
		want              bool
	}{
		{"none", nil, "gui", "POST", true},
		{"reading reads", []string{ScopeRead}, "tim", "GET", true},
		{"reading reads the head", []string{ScopeRead}, "tim", "HEAD", true},
		{"reading sends nothing", []string{ScopeRead}, "gui", "POST", false},
		{"reading deletes nothing", []string{ScopeRead}, "xoa", "DELETE", false},
		{"the operation named", []string{OperationScope(here, "gui")}, "gui", "POST", true},
		{"another operation", []string{OperationScope(here, "gui")}, "tim", "GET", false},
		{"one that begins the same", []string{OperationScope(here, "gui-them")}, "gui", "POST", false},
		{"named of another version", []string{OperationScope(there, "tim")}, "gui", "POST", true},
		{"named, but reading", []string{OperationScope(here, "gui"), ScopeRead}, "gui", "POST", false},
		{"one of two", []string{OperationScope(here, "gui"), OperationScope(here, "tim"), ScopeRead}, "tim", "GET", true},
	} {
		if got := ScopesAllow(tt.scopes, here, tt.operation, tt.method); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestScopesAreKept: in order, each once, into the rotated key and to the gateways.
func TestScopesAreKept(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	version := uuid.New()
	given := []string{ScopeRead, " " + OperationScope(version, "tim"), OperationScope(version, "mo"), ScopeRead}
	want := []string{OperationScope(version, "mo"), OperationScope(version, "tim"), ScopeRead}
	c, err := s.LimitCredential(ctx, s.who, s.key.ID, Limits{Versions: []uuid.UUID{version}, Scopes: given})
	ok(t, "limit", err)
	// An id begins with a digit or a letter up to f, before the r of read.
	if !reflect.DeepEqual(c.Scopes, want) {
		t.Errorf("got %q, want %q", c.Scopes, want)
	}
	fresh, err := s.RotateCredential(ctx, s.who, s.key.ID, DefaultOverlap)
	if err != nil || !reflect.DeepEqual(fresh.Scopes, want) {
		t.Errorf("rotated: got %q, %v, want %q", fresh.Scopes, err, want)
	}
	keys, err := s.GatewayCredentials(ctx)
	ok(t, "list", err)
	for _, k := range keys {
		if !reflect.DeepEqual(k.Scopes, want) {
			t.Errorf("the gateways know %q of %s, want %q", k.Scopes, k.Lookup, want)
		}
	}
	if len(keys) != 2 {
		t.Errorf("the gateways know %d keys, want 2", len(keys))
	}
	c, err = s.LimitCredential(ctx, s.who, s.key.ID, Limits{})
	if err != nil || len(c.Scopes) != 0 {
		t.Errorf("lifted: got %q, %v", c.Scopes, err)
	}
}
