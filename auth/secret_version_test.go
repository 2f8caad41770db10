package auth

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/keyring"
	"lgsp/internal/problem"
)

// turning is a shop whose secret has several versions, of which one is in use.
type turning struct {
	shop
	inUse int
}

// has gives the shop the keys of these versions and no others.
func (s *turning) has(versions ...int) {
	peppers, seals := map[int][]byte{}, map[int][]byte{}
	for _, v := range versions {
		peppers[v], seals[v] = []byte(strings.Repeat(string(rune('0'+v)), 32)), []byte(strings.Repeat(string(rune('a'+v)), 32))
	}
	current := func() int { return s.inUse }
	s.Peppers, s.Seals = keyring.New(peppers, current), keyring.New(seals, current)
}

func newTurning(t *testing.T) *turning {
	t.Helper()
	s := &turning{inUse: 1}
	s.shop.desk = txDesk(t)
	s.has(1)
	s.shop = newShop(t, s.shop.desk)
	return s
}

// stored counts what the versions still protect, without what is nothing.
func (s *turning) stored(t *testing.T, version int) map[string]int {
	t.Helper()
	counts, err := s.StoredUnder(t.Context())
	ok(t, "count", err)
	return counts[version]
}

// TestSecretsOutliveTheirPepper: what was made under version 1 is good under
// version 2, is stored under 2 from its use on, and lives on without 1; what
// was not used is counted, and lost without it.
func TestSecretsOutliveTheirPepper(t *testing.T) {
	t.Parallel()
	s, ctx := newTurning(t), t.Context()
	_, pat, err := s.CreateToken(ctx, s.who, "máy", time.Hour)
	ok(t, "token", err)
	_, unused, err := s.CreateToken(ctx, s.who, "máy khác", time.Hour)
	ok(t, "another token", err)
	_, initial, err := s.CreateRegistrationToken(ctx, s.who, NewRegistrationToken{Name: "x", GrantTypes: []string{GrantClient}, MaxUses: 5})
	ok(t, "registration token", err)
	asks := Registering{Scopes: []string{}, NewApplication: NewApplication{Name: "App", Kind: Confidential, Protocol: Protocol{AuthMethod: SecretBasic, GrantTypes: []string{GrantClient}}}}
	made, err := s.Register(ctx, initial, asks)
	ok(t, "register", err)
	s.honeyOf(t, s.app.ID, s.who, APIKey)
	_, totp, codes := s.withApp(t, "lan@x.vn")
	want1 := map[string]int{APIKey: 1, ClientSecret: 2, TokenLeak: 2, RegistrationLeak: 1, ClientLeak: 1, "recovery_code": recoveryCodes, honeyLetter: 1, SealedApps: 1}
	if got := s.stored(t, 1); !reflect.DeepEqual(got, want1) {
		t.Errorf("under version 1: got %v, want %v", got, want1)
	}

	s.inUse = 2
	s.has(1, 2)
	key, _ := ParseKey(s.key.Secret)
	known := s.gatewayKnows(t, key)
	if known.PepperVersion != 1 || !key.Matches(s.Peppers, 1, known.Hash) {
		t.Errorf("a gateway knows %+v", known)
	}
	ok(t, "a gateway tells the key", s.TouchCredentials(ctx, []Use{Use{Lookup: key.Lookup, At: s.now, From: office, Count: 1}.Renewing(key, s.Peppers, known.PepperVersion)}))
	ok(t, "the secret", s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office))
	ok(t, "the registered one's", s.VerifySecret(ctx, made.ID.String(), made.Secret.Secret, office))
	ok(t, "save uses", s.SaveUses(ctx))
	for range 2 {
		_, err = s.WhoByToken(ctx, pat)
		ok(t, "token", err)
		_, err = s.Register(ctx, initial, asks)
		ok(t, "register", err)
		_, err = s.Registration(ctx, made.ID, made.Token)
		ok(t, "registration", err)
	}
	lost, err := s.Reseal(ctx)
	if err != nil || lost != 0 {
		t.Errorf("reseal: %d lost, %v", lost, err)
	}
	p := s.pending(t)
	_, err = s.FinishSession(ctx, p.Secret, Shown{Recovery: codes[0]})
	ok(t, "a recovery code of before", err)
	if got, want := s.stored(t, 1), map[string]int{TokenLeak: 1, "recovery_code": recoveryCodes - 1, honeyLetter: 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("under version 1 after their use: got %v, want %v", got, want)
	}
	if got := s.stored(t, 2); got[APIKey] != 1 || got[ClientSecret] != 4 || got[TokenLeak] != 1 || got[RegistrationLeak] != 1 || got[ClientLeak] != 3 || got[SealedApps] != 1 {
		t.Errorf("under version 2: got %v", got)
	}

	s.has(2)
	if !s.live(t, s.key.Secret) {
		t.Error("the key is refused without the pepper it was made under")
	}
	ok(t, "the secret without version 1", s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office))
	_, err = s.WhoByToken(ctx, pat)
	ok(t, "the token without version 1", err)
	_, err = s.Register(ctx, initial, asks)
	ok(t, "the registration token without version 1", err)
	_, err = s.Registration(ctx, made.ID, made.Token)
	ok(t, "the registration without version 1", err)
	s.desk.now = s.desk.now.Add(time.Minute)
	_, err = s.FinishSession(ctx, s.pending(t).Secret, Shown{Code: s.code(totp)})
	ok(t, "the app without version 1", err)
	_, err = s.WhoByToken(ctx, unused)
	want(t, "a token that was not used", err, problem.Unauthorized, "token-refused")
	_, err = s.FinishSession(ctx, s.pending(t).Secret, Shown{Recovery: codes[1]})
	want(t, "a recovery code without version 1", err, problem.Unauthorized, "code-wrong")
}

// pending begins a sign-in of the person with an app.
func (s *turning) pending(t *testing.T) Pending {
	t.Helper()
	begun, err := s.SignIn(t.Context(), "lan@x.vn", goodPassword)
	ok(t, "sign in", err)
	return *begun.Pending
}

// gatewayKnows is what a gateway node knows of a key.
func (s *turning) gatewayKnows(t *testing.T, key Key) GatewayCredential {
	t.Helper()
	all, err := s.GatewayCredentials(t.Context())
	ok(t, "gateway credentials", err)
	i := slices.IndexFunc(all, func(c GatewayCredential) bool { return c.Lookup == key.Lookup })
	if i < 0 {
		t.Fatalf("the gateways do not know %s", key)
	}
	return all[i]
}

// TestLateWordOfAnOldPepper: what a node with the older secret tells, late,
// takes nothing back.
func TestLateWordOfAnOldPepper(t *testing.T) {
	t.Parallel()
	s, ctx := newTurning(t), t.Context()
	s.inUse = 3
	s.has(1, 2, 3)
	key, _ := ParseKey(s.key.Secret)
	newer, older := Use{Lookup: key.Lookup, At: s.now, Count: 1}.Renewing(key, s.Peppers, 1), Use{Lookup: key.Lookup, At: s.now, Count: 1}
	older.Hash, older.Version = []byte("of version 2"), 2
	for _, u := range []Use{newer, older, {Lookup: key.Lookup, At: s.now, Count: 1}} {
		ok(t, "touch", s.TouchCredentials(ctx, []Use{u}))
		if got := s.gatewayKnows(t, key); got.PepperVersion != 3 || !key.Matches(s.Peppers, 3, got.Hash) {
			t.Errorf("stored under version %d, want 3, and the key's", got.PepperVersion)
		}
	}
	var uses Uses
	for _, u := range []Use{older, newer, older, {Lookup: key.Lookup, At: s.now}} {
		uses.Note(u)
	}
	ok(t, "tell", uses.Tell(ctx, func(ctx context.Context, told []Use) error {
		if len(told) != 1 || told[0].Version != 3 || !key.Matches(s.Peppers, 3, told[0].Hash) {
			t.Errorf("told %+v, want the newest", told)
		}
		return s.TouchCredentials(ctx, told)
	}))
	if c, _ := s.credential(ctx, s.key.ID); c.Uses != 7 {
		t.Errorf("counted %d uses, want 7", c.Uses)
	}
	if current := (Use{}).Renewing(key, s.Peppers, 3); current.Hash != nil {
		t.Error("what is stored under the current pepper is stored anew")
	}
}

func TestResealLeavesWhatItCannotOpen(t *testing.T) {
	t.Parallel()
	s, ctx := newTurning(t), t.Context()
	s.withApp(t, "lan@x.vn")
	s.inUse = 2
	s.has(2)
	if lost, err := s.Reseal(ctx); err != nil || lost != 1 {
		t.Errorf("without its key: %d lost, %v, want 1", lost, err)
	}
	_, err := s.FinishSession(ctx, s.pending(t).Secret, Shown{Code: "123456"})
	if err == nil || problem.Is(err, problem.Unauthorized) || !strings.Contains(err.Error(), "version 1 of the secret") {
		t.Errorf("got %v, want a fault of ours that names the version", err)
	}
	s.has(1, 2)
	if lost, err := s.Reseal(ctx); err != nil || lost != 0 || s.stored(t, 2)[SealedApps] != 1 {
		t.Errorf("with its key again: %d lost, %v", lost, err)
	}
}

// TestResealForeignIssuers: the secrets at other issuers move to the new
// version, and stay what they are.
func TestResealForeignIssuers(t *testing.T) {
	t.Parallel()
	s, ctx := newTurning(t), t.Context()
	made, err := s.AddForeignIssuer(ctx, Platform("test"), NewForeignIssuer{Name: "Bộ X", Issuer: "https://sso.example.vn", URL: "https://sso.example.vn/hoi",
		ClientID: "tinh", Secret: "bi-mat"})
	ok(t, "add", err)
	s.inUse = 2
	s.has(2)
	if lost, err := s.Reseal(ctx); err != nil || lost != 1 {
		t.Errorf("without its key: %d lost, %v, want 1", lost, err)
	}
	s.has(1, 2)
	lost, err := s.Reseal(ctx)
	list, listErr := s.SealedForeignIssuers(ctx)
	ok(t, "list", listErr)
	if err != nil || lost != 0 || len(list) != 1 || list[0].ID != made.ID || list[0].SealVersion != 2 {
		t.Fatalf("with its key again: %d lost, %v, %+v", lost, err, list)
	}
	if secret, err := s.ForeignSecret(list[0]); err != nil || secret != "bi-mat" {
		t.Errorf("got %q, %v", secret, err)
	}
	list[0].ID = uuid.New()
	if _, err := s.ForeignSecret(list[0]); err == nil {
		t.Error("one issuer's secret opens as another's")
	}
}

func TestSecretVersionsBegin(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	check := []byte(strings.Repeat("c", 32))
	for range 2 {
		ok(t, "begin", d.BeginSecret(ctx, 1, check))
	}
	d.now = monday.Add(time.Hour)
	ok(t, "begin the next", d.BeginSecret(ctx, 2, check))
	list, err := d.SecretVersions(ctx)
	if err != nil || len(list) != 2 || list[0].Version != 1 || !list[0].InUseSince.Equal(monday) || list[1].Version != 2 || string(list[1].CheckValue) != string(check) {
		t.Errorf("got %+v, %v", list, err)
	}
	if n := len(slices.DeleteFunc(d.verbs(), func(verb string) bool { return verb != "secret.begin" })); n != 2 {
		t.Errorf("the ledger was told %v, want each beginning once", d.verbs())
	}
}

// TestStoredKinds: every kind that is counted has its place in the list.
func TestStoredKinds(t *testing.T) {
	t.Parallel()
	s := newTurning(t)
	_, err := s.DB.Exec(t.Context(), `insert into auth.signing_key (id, public_x, public_y, sealed, created_at, signs_from)
		values ('k', decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex'), '', now(), now())`)
	ok(t, "a signing key", err)
	grant := uuid.New()
	_, err = s.DB.Exec(t.Context(), `insert into auth.oauth_grant (id, client_id, person_id, scopes, audience, nonce, auth_time, created_at, expires_at)
		values ($1, $2, $3, '{}', 'x', '', $4, $4, $5)`, grant, s.app.ID, s.who.Person, monday, monday.AddDate(1, 0, 0))
	ok(t, "a grant", err)
	_, err = s.DB.Exec(t.Context(), `insert into auth.oauth_refresh (signature, grant_id, created_at, expires_at, hmac_version)
		values ('live', $1, $2, $3, 4), ('old', $1, $2, $2, 4)`, grant, monday, monday.AddDate(0, 1, 0))
	ok(t, "refresh tokens", err)
	if got := s.stored(t, 4); !reflect.DeepEqual(got, map[string]int{RefreshTexts: 1}) {
		t.Errorf("under version 4: got %v, want the refresh token that lives", got)
	}
	counts, err := s.StoredUnder(t.Context())
	ok(t, "count", err)
	for version, kinds := range counts {
		for kind := range maps.Keys(kinds) {
			if !slices.Contains(StoredKinds(), kind) {
				t.Errorf("version %d: %s is counted and not told", version, kind)
			}
		}
	}
	if counts[1][SealedKeys] != 1 {
		t.Errorf("got %v, want the signing key", counts)
	}
}
