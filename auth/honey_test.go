package auth

import (
	"context"
	"encoding/base64"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// honeyOf makes a honey key of each kind for an application.
func (s shop) honeyOf(t *testing.T, application uuid.UUID, who Principal, kind string) IssuedHoneyKey {
	t.Helper()
	made, err := s.AddHoneyKey(t.Context(), who, NewHoneyKey{Application: application, Kind: kind, Name: " Kho mã  nguồn "})
	ok(t, "add honey key", err)
	return made
}

func (d *desk) operatorPerson(t *testing.T) Principal {
	t.Helper()
	return d.person(t, "van-hanh@x.vn", Membership{Role: RoleOperator})
}

// shows tells that a key was shown, as a node does each minute.
func (s shop) shows(t *testing.T, key, where string, from netip.Addr) {
	t.Helper()
	s.NoteShown(t.Context(), ReadKeys([]string{key}), where, from)
	ok(t, "save uses", s.SaveUses(t.Context()))
}

// honeyLetters are those that wait, by whom they are for.
func (s shop) honeyLetters(t *testing.T) map[uuid.UUID][]KeyLetter {
	t.Helper()
	list, err := s.ClaimKeyLetters(t.Context(), 100)
	ok(t, "claim", err)
	by := map[uuid.UUID][]KeyLetter{}
	for _, l := range list {
		by[l.PersonID] = append(by[l.PersonID], l)
		ok(t, "sent", s.KeyLetterSent(t.Context(), l.ID))
	}
	return by
}

// TestAHoneyKeyTells: its owner and the operators by letter, at most one an
// hour, the ledger beside it, and its list at every use.
func TestAHoneyKeyTells(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	boss := s.operatorPerson(t)
	k := s.honeyOf(t, s.app.ID, s.who, APIKey)
	if k.Name != "Kho mã nguồn" || k.Secret == "" || k.Uses != 0 {
		t.Errorf("made %+v", k.HoneyKey)
	}
	s.told(t, "honey-key.add", k.Secret)
	s.shows(t, NewKey(KindKey).Secret(), AtGateway, office)
	s.shows(t, k.Secret[:len(k.Secret)-1]+"_", AtGateway, office)
	if letters := s.honeyLetters(t); len(letters) != 0 {
		t.Fatalf("letters about keys that are none: %+v", letters)
	}

	home := netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	s.shows(t, k.Secret, AtAPI, home)
	letters := s.honeyLetters(t)
	at := monday
	want := KeyLetterDetail{What: "application_honey_key", Name: "Kho mã nguồn", Shown: k.Shown(), Application: "App", ID: &s.app.ID,
		At: &at, From: "2001:db8:1:2::/64", Where: AtAPI}
	if got := letters[s.who.Person]; len(got) != 1 || got[0].Kind != KeyHoney || got[0].About != k.ID || !reflect.DeepEqual(got[0].Detail, want) {
		t.Errorf("the owner gets %+v, want one letter with %+v", got, want)
	}
	want.ID = nil
	if got := letters[boss.Person]; len(got) != 1 || !reflect.DeepEqual(got[0].Detail, want) {
		t.Errorf("the operator gets %+v, want one letter with %+v", got, want)
	}
	act := s.acts[len(s.acts)-1]
	if act.Verb != "honey-key.used" || act.About != k.ID || act.Detail["uses"] != int64(1) || act.Detail["where"] != AtAPI {
		t.Errorf("the ledger was told %+v", act)
	}
	for _, v := range act.Detail {
		if v == "2001:db8:1:2::/64" {
			t.Error("the ledger keeps the address")
		}
	}

	acts := len(s.acts)
	s.desk.now = monday.Add(59 * time.Minute)
	s.shows(t, k.Secret, AtGateway, office)
	if letters := s.honeyLetters(t); len(letters) != 0 || len(s.acts) != acts {
		t.Errorf("within the hour: %+v, acts %v", letters, s.verbs())
	}
	list, err := s.HoneyKeys(ctx, s.who, s.app.ID)
	if err != nil || len(list) != 1 || list[0].Uses != 2 || list[0].LastUsedWhere != AtGateway || list[0].LastUsedFrom != office.String() ||
		!list[0].LastUsedAt.Equal(s.desk.now) {
		t.Errorf("listed %+v, %v, want two uses, the last at the gateway", list, err)
	}
	s.desk.now = monday.Add(time.Hour)
	s.shows(t, k.Secret, AtOAuth, office)
	if letters := s.honeyLetters(t); len(letters[s.who.Person]) != 1 || len(letters[boss.Person]) != 1 {
		t.Errorf("an hour later: %+v, want one letter each", letters)
	}

	ok(t, "end", s.EndHoneyKey(ctx, s.who, k.ID))
	ok(t, "end again", s.EndHoneyKey(ctx, s.who, k.ID))
	s.told(t, "honey-key.end")
	s.desk.now = monday.Add(3 * time.Hour)
	s.shows(t, k.Secret, AtGateway, office)
	ok(t, "what a node saw before", s.TouchCredentials(ctx, []Use{{Lookup: k.Lookup, At: s.desk.now, From: office, Count: 1, Where: AtGateway}}))
	if letters := s.honeyLetters(t); len(letters) != 0 {
		t.Errorf("after its end: %+v", letters)
	}
}

// TestAHoneyKeyOpensNothing: whatever it looks like, it is answered as what is
// unknown, and the credentials of its application go on as they were.
func TestAHoneyKeyOpensNothing(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	scanner := newScanner(t, s.desk)
	secret, token, key := s.honeyOf(t, s.app.ID, s.who, ClientSecret), s.honeyOf(t, s.app.ID, s.who, TokenLeak), s.honeyOf(t, s.app.ID, s.who, APIKey)
	want(t, "as a secret", s.VerifySecret(ctx, s.app.ID.String(), secret.Secret, office), problem.Unauthorized, "client-refused")
	_, err := s.WhoByToken(ctx, token.Secret)
	want(t, "as a token", err, problem.Unauthorized, "token-refused")
	if s.live(t, key.Secret) {
		t.Error("a gateway takes it for a key")
	}
	all, err := s.GatewayCredentials(ctx)
	ok(t, "gateway credentials", err)
	honey := slices.DeleteFunc(all, func(c GatewayCredential) bool { return !c.Honey })
	for _, c := range honey {
		if c.Application != uuid.Nil || !c.Expires.IsZero() {
			t.Errorf("a gateway knows %+v of it, want nothing that could open", c)
		}
	}
	if len(honey) != 3 {
		t.Errorf("the gateways know %d honey keys, want 3", len(honey))
	}
	if labels := scanner.report(t, key.Secret, s.key.Secret); labels[0] != "false_positive" || labels[1] != "true_positive" {
		t.Errorf("a scanner is told %v", labels)
	}
	ok(t, "save", s.SaveUses(ctx))
	if letters := s.honeyLetters(t)[s.who.Person]; len(letters) != 2 { // the leaked key, and the honey key that was found
		t.Errorf("got %+v", letters)
	}
	ended, err := s.RevokeEverything(ctx, s.who, s.app.ID, uuid.Nil)
	list, _ := s.HoneyKeys(ctx, s.who, s.app.ID)
	if err != nil || ended.Credentials != 1 || slices.ContainsFunc(list, func(k HoneyKey) bool { return k.RevokedAt != nil }) {
		t.Errorf("revoke everything: got %+v, %v, %+v; honey keys stay", ended, err, list)
	}
}

func TestHoneyKeyRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	boss, stranger := s.operatorPerson(t), s.person(t, "la@x.vn")
	own, err := s.AddHoneyKey(ctx, boss, NewHoneyKey{Kind: ClientSecret, Name: "Hộp thư"})
	ok(t, "the platform's", err)
	of := s.honeyOf(t, s.app.ID, s.who, APIKey)
	add := func(who Principal, n NewHoneyKey) error {
		_, err := s.AddHoneyKey(ctx, who, n)
		return err
	}
	list := func(who Principal, application uuid.UUID) error {
		_, err := s.HoneyKeys(ctx, who, application)
		return err
	}
	official := s.who
	official.Needs = AAL2
	good := NewHoneyKey{Application: s.app.ID, Kind: APIKey, Name: "A"}
	for _, tt := range []struct {
		name string
		err  error
		kind problem.Kind
		code string
	}{
		{"an application makes one", add(Principal{Application: s.app.ID}, good), problem.Unauthorized, "sign-in-first"},
		{"an official with one factor", add(official, good), problem.Forbidden, "second-factor-first"},
		{"a stranger's application", add(stranger, good), problem.NotFound, "application-unknown"},
		{"the platform's by anybody", add(stranger, NewHoneyKey{Kind: APIKey, Name: "A"}), problem.Forbidden, "forbidden"},
		{"a list of another's application", list(stranger, s.app.ID), problem.NotFound, "application-unknown"},
		{"a list of all by anybody", list(s.who, uuid.Nil), problem.Forbidden, "forbidden"},
		{"a stranger ends one", s.EndHoneyKey(ctx, stranger, of.ID), problem.NotFound, "honey-unknown"},
		{"an owner ends the platform's", s.EndHoneyKey(ctx, s.who, own.ID), problem.NotFound, "honey-unknown"},
		{"none", s.EndHoneyKey(ctx, boss, uuid.New()), problem.NotFound, "honey-unknown"},
	} {
		want(t, tt.name, tt.err, tt.kind, tt.code)
	}
	if got := fields(add(s.who, NewHoneyKey{Application: s.app.ID, Kind: "reg"})); got["kind"] != "honey-kind" || got["name"] != "name-missing" {
		t.Errorf("neither kind nor name: got %v", got)
	}
	for range maxHoney - 1 {
		s.honeyOf(t, s.app.ID, s.who, APIKey)
	}
	want(t, "one too many", add(s.who, good), problem.Conflict, "honey-full")
	all, err := s.HoneyKeys(ctx, boss, uuid.Nil)
	if err != nil || len(all) != maxHoney+1 {
		t.Errorf("the operator sees %d, %v, want %d", len(all), err, maxHoney+1)
	}
	ok(t, "an operator ends an owner's", s.EndHoneyKey(ctx, boss, of.ID))
	ok(t, "room for another", add(s.who, good))
	ok(t, "disable", s.DisableApplication(ctx, s.who, s.app.ID))
	want(t, "a disabled application's", add(s.who, good), problem.Conflict, "application-disabled")
}

// TestKeysShown: in whatever part of a request a key stands.
func TestKeysShown(t *testing.T) {
	t.Parallel()
	key := NewKey(KindSecret).Secret()
	basic := func(user, pass string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+pass))
	}
	for name, headers := range map[string][]string{
		"bearer": {"Authorization", "Bearer " + key}, "ApiKey": {"Authorization", "ApiKey  " + key}, "X-API-Key": {"X-API-Key", key},
		"password": {"Authorization", basic("id", key)}, "user": {"Authorization", basic(key, "")}, "dpop": {"Authorization", "DPoP " + key},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Add(headers[0], headers[1])
		if keys := KeysShown(r); len(keys) != 1 || keys[0].Secret() != key {
			t.Errorf("%s: got %v", name, keys)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Add("Authorization", "Basic ???")
	r.Form = url.Values{"client_secret": {key}, "grant_type": {"client_credentials"}}
	if keys := KeysShown(r); len(keys) != 1 || keys[0].Secret() != key {
		t.Errorf("form: got %v", keys)
	}
}

// TestHoneyIsNotKnownForAMoment: with the database away nothing fails for it.
func TestHoneyIsNotKnownForAMoment(t *testing.T) {
	t.Parallel()
	s := newShop(t, txDesk(t))
	k := s.honeyOf(t, s.app.ID, s.who, APIKey)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s.NoteShown(gone, ReadKeys([]string{k.Secret}), AtAPI, office)
	if err := s.uses.Tell(t.Context(), func(context.Context, []Use) error { t.Error("something was counted"); return nil }); err != nil {
		t.Error(err)
	}
}
