package auth

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

func TestParseNetwork(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", " 10.1.2.3/16 ": "10.1.0.0/16", "2001:DB8::1": "2001:db8::1/128", "2001:db8:ffff::/33": "2001:db8:8000::/33",
		"::ffff:10.0.0.9": "10.0.0.9/32", "::ffff:10.0.0.9/104": "10.0.0.0/8", "0.0.0.0/0": "0.0.0.0/0",
		"": "", "10.1": "", "10.0.0.0/33": "", "fe80::1%eth0": "", "::ffff:0.0.0.0/90": "", "10.0.0.0/08": "", "example.vn": "", "1.2.3.4/": "",
	} {
		got, err := ParseNetwork(text)
		if want == "" && err == nil || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, seed := range []string{"10.0.0.1", "::1/64", "::ffff:1.2.3.4/97", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseNetwork(text)
		if err != nil {
			return
		}
		again, err := ParseNetwork(got.String())
		if err != nil || again != got || got.Masked() != got || got.Addr().Is4In6() {
			t.Errorf("%q is %v, which is read as %v, %v", text, got, again, err)
		}
	})
}

func TestASecretIsHeldToItsNetworks(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	c, err := s.LimitCredential(ctx, s.who, s.secret.ID, Limits{Name: " Máy chủ ", Networks: []string{"10.9.9.9/8", "2001:db8::/32", "10.0.0.0/8"}})
	ok(t, "limit", err)
	wanted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	if c.Name != "Máy chủ" || !reflect.DeepEqual(c.Networks, wanted) {
		t.Errorf("got %+v, want the name trimmed and %v", c, wanted)
	}
	s.told(t, "credential.limit")
	for from, allowed := range map[string]bool{"10.20.30.40": true, "::ffff:10.1.1.1": true, "2001:db8:1::5": true, "192.0.2.1": false, "2001:db9::1": false} {
		err := s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, netip.MustParseAddr(from))
		if allowed {
			ok(t, from, err)
		} else {
			want(t, from, err, problem.Unauthorized, "address-not-allowed")
		}
	}
	err = s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, netip.Addr{})
	want(t, "from nowhere", err, problem.Unauthorized, "address-not-allowed")
	err = s.VerifySecret(ctx, s.app.ID.String(), NewKey(KindSecret).Secret(), office)
	want(t, "a wrong secret from elsewhere", err, problem.Unauthorized, "client-refused")

	fresh, err := s.RotateCredential(ctx, s.who, s.secret.ID, DefaultOverlap)
	if err != nil || fresh.Name != c.Name || !reflect.DeepEqual(fresh.Networks, wanted) {
		t.Errorf("rotated: got %+v, %v, want the same name and networks", fresh, err)
	}
	_, err = s.LimitCredential(ctx, s.who, s.secret.ID, Limits{})
	ok(t, "lift", err)
	err = s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office)
	ok(t, "without limits", err)
}

func TestLimitRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	stranger := s.person(t, "stranger@x.vn")
	do := func(_ Credential, err error) error { return err }
	many := Limits{Versions: make([]uuid.UUID, 51)}
	tooMany := Limits{Versions: []uuid.UUID{s.app.ID}}
	for i := range 101 {
		tooMany.Scopes = append(tooMany.Scopes, OperationScope(s.app.ID, fmt.Sprintf("op-%d", i)))
	}
	for i := range 11 {
		many.Networks = append(many.Networks, fmt.Sprintf("10.0.0.%d", i))
	}
	for _, tt := range []struct {
		name   string
		err    error
		kind   problem.Kind
		code   string
		fields map[string]string
	}{
		{"a stranger", do(s.LimitCredential(ctx, stranger, s.key.ID, Limits{})), problem.NotFound, "credential-unknown", nil},
		{"an application", do(s.LimitCredential(ctx, Principal{Application: s.app.ID}, s.key.ID, Limits{})), problem.Unauthorized, "sign-in-first", nil},
		{"nothing", do(s.LimitCredential(ctx, s.who, uuid.New(), Limits{})), problem.NotFound, "credential-unknown", nil},
		{"no network", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{Networks: []string{"10.0.0.0/8", "văn phòng"}})), problem.Invalid, "fields-wrong",
			map[string]string{"networks": "network-form"}},
		{"too many", do(s.LimitCredential(ctx, s.who, s.key.ID, many)), problem.Invalid, "fields-wrong",
			map[string]string{"networks": "network-many", "versions": "version-many"}},
		{"a long name", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{Name: strings.Repeat("x", 121)})), problem.Invalid, "fields-wrong",
			map[string]string{"name": "name-long"}},
		{"a broken name", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{Name: "a\x00b"})), problem.Invalid, "fields-wrong",
			map[string]string{"name": "text-unreadable"}},
		{"a secret by version", do(s.LimitCredential(ctx, s.who, s.secret.ID, Limits{Versions: []uuid.UUID{uuid.New()}})), problem.Invalid, "fields-wrong",
			map[string]string{"versions": "version-of-secret"}},
		{"a secret by scope", do(s.LimitCredential(ctx, s.who, s.secret.ID, Limits{Scopes: []string{ScopeRead}})), problem.Invalid, "fields-wrong",
			map[string]string{"scopes": "scope-of-secret"}},
		{"no scope", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{Scopes: []string{"write"}})), problem.Invalid, "fields-wrong",
			map[string]string{"scopes": "scope-form"}},
		{"no operation", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{Versions: []uuid.UUID{s.app.ID}, Scopes: []string{s.app.ID.String() + "/Tìm"}})),
			problem.Invalid, "fields-wrong", map[string]string{"scopes": "scope-form"}},
		{"an operation of another version", do(s.LimitCredential(ctx, s.who, s.key.ID,
			Limits{Versions: []uuid.UUID{s.app.ID}, Scopes: []string{OperationScope(s.key.ID, "tim")}})), problem.Invalid, "fields-wrong",
			map[string]string{"scopes": "scope-of-other-version"}},
		{"too many operations", do(s.LimitCredential(ctx, s.who, s.key.ID, tooMany)), problem.Invalid, "fields-wrong",
			map[string]string{"scopes": "scope-many"}},
	} {
		want(t, tt.name, tt.err, tt.kind, tt.code)
		if tt.fields != nil && !reflect.DeepEqual(fields(tt.err), tt.fields) {
			t.Errorf("%s: got fields %v, want %v", tt.name, fields(tt.err), tt.fields)
		}
	}
	for _, days := range []int{-1, 366} {
		_, err := s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey, Days: days})
		if got := fields(err); got["days"] != "lasts-range" {
			t.Errorf("%d days: got %v", days, err)
		}
	}
	short, err := s.AddCredential(ctx, s.who, s.app.ID, NewCredential{Kind: APIKey, Days: 7, Limits: Limits{Name: "Thử", Versions: []uuid.UUID{s.app.ID}}})
	if err != nil || !short.ExpiresAt.Equal(monday.AddDate(0, 0, 7)) || short.Name != "Thử" || len(short.Versions) != 1 {
		t.Errorf("for a week: got %+v, %v", short, err)
	}
	ok(t, "revoke", s.RevokeCredential(ctx, s.who, s.key.ID))
	want(t, "a revoked one", do(s.LimitCredential(ctx, s.who, s.key.ID, Limits{})), problem.Conflict, "credential-ended")
	ok(t, "disable", s.DisableApplication(ctx, s.who, s.app.ID))
	want(t, "a disabled application's", do(s.LimitCredential(ctx, s.who, s.secret.ID, Limits{})), problem.Conflict, "application-disabled")
}
