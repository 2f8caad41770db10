package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// scanner signs reports as secret-scanning programmes do.
type scanner struct {
	*desk
	kid     string
	private *ecdsa.PrivateKey
}

func pemOf(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	ok(t, "encode key", err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func newScanner(t *testing.T, d *desk) scanner {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "generate", err)
	kid := "kid-" + uuid.NewString() // others' tests wait for none of its own
	_, err = d.AddScanner(t.Context(), operator, "GitHub", kid, pemOf(t, &private.PublicKey))
	ok(t, "add scanner", err)
	return scanner{d, kid, private}
}

func (s scanner) sign(t *testing.T, body string) LeakReport {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	signature, err := ecdsa.SignASN1(rand.Reader, s.private, sum[:])
	ok(t, "sign", err)
	return LeakReport{KID: s.kid, Signature: base64.StdEncoding.EncodeToString(signature), Body: []byte(body)}
}

// report tells of tokens, and gives the labels.
func (s scanner) report(t *testing.T, tokens ...string) []string {
	t.Helper()
	list := []map[string]string{}
	for _, token := range tokens {
		list = append(list, map[string]string{"token": token, "type": "x", "url": "https://github.example/a/b\n?q=1", "source": "content"})
	}
	body, err := json.Marshal(list)
	ok(t, "encode", err)
	verdicts, err := s.ReportLeaks(t.Context(), s.sign(t, string(body)))
	ok(t, "report", err)
	labels := []string{}
	for i, v := range verdicts {
		sum := sha256.Sum256([]byte(tokens[i]))
		if v.TokenHash != base64.StdEncoding.EncodeToString(sum[:]) || v.TokenType != "x" {
			t.Errorf("verdict %+v is not of the token sent", v)
		}
		labels = append(labels, v.Label)
	}
	return labels
}

func (d *desk) keyLetters(t *testing.T) []KeyLetter {
	t.Helper()
	list, err := d.ClaimKeyLetters(t.Context(), 100)
	ok(t, "letters", err)
	return list
}

func TestALeakedKeyIsRevokedAndItsOwnerTold(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	from := newScanner(t, s.desk)
	_, token, err := s.CreateToken(ctx, s.who, "kịch bản", tokenLast)
	ok(t, "token", err)
	stranger := NewKey(KindKey).Secret()
	s.grant(t)

	got := from.report(t, stranger, s.key.Secret, "lgsp_key_"+strings.Repeat("0", 49), token, s.key.Secret, "ghp_abc")
	if wanted := []string{"false_positive", "true_positive", "false_positive", "true_positive", "true_positive", "false_positive"}; !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %v, want %v", got, wanted)
	}
	if s.live(t, s.key.Secret) {
		t.Error("the leaked key is taken")
	}
	_, err = s.WhoByToken(ctx, token)
	want(t, "the leaked token", err, problem.Unauthorized, "token-refused")
	s.told(t, "credential.leaked", s.key.Secret, token, "github.example")
	if app, err := s.Application(ctx, s.app.ID); err != nil || app.TokensNotBefore != nil {
		t.Errorf("a leaked API key ended the application's tokens: %v, %v", app.TokensNotBefore, err)
	}
	letters := s.keyLetters(t)
	if len(letters) != 2 {
		t.Fatalf("got %d letters, want one about the key and one about the token", len(letters))
	}
	for _, l := range letters {
		if l.PersonID != s.who.Person || l.Kind != KeyLeaked || l.Detail.Found != "https://github.example/a/b" || l.Detail.Scanner != "GitHub" ||
			!strings.Contains(l.Detail.Shown, "…") || strings.Contains(l.Detail.Shown, s.key.Secret) {
			t.Errorf("got letter %+v", l)
		}
	}
	if got := from.report(t, s.key.Secret); got[0] != "true_positive" || len(s.keyLetters(t)) != 0 {
		t.Errorf("reported again: got %v, want true_positive and no letter", got)
	}
}

func TestALeakedSecretTakesItsTokensAlong(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	from := newScanner(t, s.desk)
	s.grant(t)
	if got := from.report(t, s.secret.Secret); got[0] != "true_positive" {
		t.Fatalf("got %v", got)
	}
	err := s.VerifySecret(ctx, s.app.ID.String(), s.secret.Secret, office)
	want(t, "the secret", err, problem.Unauthorized, "client-refused")
	moments, err := s.TokensNotBefore(ctx)
	if err != nil || moments[s.app.ID].IsZero() || !s.live(t, s.key.Secret) {
		t.Errorf("got %v, %v, want its tokens ended and the API key not", moments, err)
	}
	s.told(t, "credential.leaked")
}

func TestALeakedRefreshTokenEndsItsGrant(t *testing.T) {
	t.Parallel()
	s := newShop(t, txDesk(t))
	from := newScanner(t, s.desk)
	s.grant(t)
	grant := uuid.Nil
	ok(t, "find grant", s.DB.QueryRow(t.Context(), `select id from auth.oauth_grant`).Scan(&grant))
	s.GrantOfRefresh = func(_ context.Context, token string) (uuid.UUID, error) {
		if token == "lgsp_refresh_ours" {
			return grant, nil
		}
		return uuid.Nil, nil
	}
	if got := from.report(t, "lgsp_refresh_theirs", "lgsp_refresh_ours", "lgsp_refresh_ours"); !reflect.DeepEqual(got, []string{"false_positive", "true_positive", "true_positive"}) {
		t.Errorf("got %v", got)
	}
	var revoked bool
	ok(t, "look", s.DB.QueryRow(t.Context(), `select revoked_at is not null from auth.oauth_grant`).Scan(&revoked))
	if letters := s.keyLetters(t); !revoked || len(letters) != 1 || letters[0].Detail.What != RefreshLeak {
		t.Errorf("revoked %t, letters %+v", revoked, letters)
	}
}

// asks counts what reaches the database.
type asks struct {
	pg.DB
	n int
}

func (a *asks) Begin(ctx context.Context) (pgx.Tx, error) {
	a.n++
	return a.DB.Begin(ctx)
}

func TestWhatIsNoKeyCostsNoLookAtTheDatabase(t *testing.T) {
	t.Parallel()
	d := txDesk(t)
	from := newScanner(t, d)
	counted := &asks{DB: d.DB}
	d.DB = counted
	typo := []byte(NewKey(KindKey).Secret())
	typo[20] = map[bool]byte{true: 'b', false: 'a'}[typo[20] == 'a']
	if got := from.report(t, string(typo), "lgsp_secret_x", "", "\x00"); slices.Contains(got, "true_positive") || counted.n != 0 {
		t.Errorf("got %v after %d looks, want none", got, counted.n)
	}
}

func TestReportRefusals(t *testing.T) {
	t.Parallel()
	s := newShop(t, txDesk(t))
	from := newScanner(t, s.desk)
	body := `[{"token":"` + s.key.Secret + `","type":"x","url":""}]`
	good := from.sign(t, body)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "generate", err)
	foreign := scanner{s.desk, from.kid, other}.sign(t, body)
	many := "[" + strings.Repeat(`{"token":"a"},`, 100) + `{"token":"a"}]`
	for _, tt := range []struct {
		name   string
		report LeakReport
		kind   problem.Kind
		code   string
	}{
		{"no key named", LeakReport{Signature: good.Signature, Body: good.Body}, problem.Unauthorized, "scanner-unknown"},
		{"a key we do not know", LeakReport{KID: "kid-2", Signature: good.Signature, Body: good.Body}, problem.Unauthorized, "scanner-unknown"},
		{"no signature", LeakReport{KID: from.kid, Body: good.Body}, problem.Unauthorized, "scanner-signature"},
		{"another body", LeakReport{KID: from.kid, Signature: good.Signature, Body: []byte(body + " ")}, problem.Unauthorized, "scanner-signature"},
		{"another's signature", foreign, problem.Unauthorized, "scanner-signature"},
		{"no base64", LeakReport{KID: from.kid, Signature: "%", Body: good.Body}, problem.Unauthorized, "scanner-signature"},
		{"no list", from.sign(t, `{"token":"a"}`), problem.Invalid, "leaks-form"},
		{"no JSON", from.sign(t, `[`), problem.Invalid, "leaks-form"},
		{"101 tokens", from.sign(t, many), problem.TooLarge, "leaks-many"},
	} {
		_, err := s.ReportLeaks(t.Context(), tt.report)
		want(t, tt.name, err, tt.kind, tt.code)
	}
	if !s.live(t, s.key.Secret) {
		t.Error("a refused report revoked the key")
	}
}

func TestScanners(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	from := newScanner(t, d)
	who := d.person(t, "dev@x.vn")
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ok(t, "generate", err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	ok(t, "generate", err)
	good := pemOf(t, &from.private.PublicKey)
	do := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		name, kid, key, field, code string
	}{
		{"", "k", good, "name", "name-missing"},
		{"X", "", good, "kid", "scanner-kid"},
		{"X", "k k", good, "kid", "scanner-kid"},
		{"X", "k", "", "public_key", "scanner-key"},
		{"X", "k", good + good, "public_key", "scanner-key"},
		{"X", "k", pemOf(t, &p384.PublicKey), "public_key", "scanner-key"},
		{"X", "k", pemOf(t, &long.PublicKey), "public_key", "scanner-key"},
	} {
		_, err := d.AddScanner(ctx, operator, tt.name, tt.kid, tt.key)
		if got := fields(err); !reflect.DeepEqual(got, map[string]string{tt.field: tt.code}) {
			t.Errorf("%+v: got %v", tt, got)
		}
	}
	_, err = d.AddScanner(ctx, operator, "X", from.kid, good)
	want(t, "a kid twice", err, problem.Conflict, "scanner-kid-taken")
	_, err = d.AddScanner(ctx, who, "X", "k", good)
	want(t, "add by anybody", err, problem.Forbidden, "forbidden")
	want(t, "list by anybody", do(d.Scanners(ctx, who)), problem.Forbidden, "forbidden")
	list, err := d.Scanners(ctx, operator)
	if err != nil || len(list) != 1 || list[0].Name != "GitHub" {
		t.Fatalf("got %+v, %v", list, err)
	}
	want(t, "remove by anybody", d.RemoveScanner(ctx, who, list[0].ID), problem.Forbidden, "forbidden")
	ok(t, "remove", d.RemoveScanner(ctx, operator, list[0].ID))
	want(t, "remove again", d.RemoveScanner(ctx, operator, list[0].ID), problem.NotFound, "scanner-unknown")
	_, err = d.ReportLeaks(ctx, from.sign(t, `[]`))
	want(t, "a report afterwards", err, problem.Unauthorized, "scanner-unknown")
}

// TestLeakPatterns holds the expressions that docs/security.md publishes for
// scanners to what NewKey makes; that of refresh tokens is held in auth/oauth.
func TestLeakPatterns(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/security.md")
	ok(t, "read", err)
	for _, kind := range []string{KindKey, KindSecret, KindToken, KindRegistration, KindClient} {
		line := regexp.MustCompile("`(lgsp_" + kind + "_[^`]+)`").FindSubmatch(page)
		if line == nil {
			t.Errorf("no expression for lgsp_%s_", kind)
			continue
		}
		pattern := regexp.MustCompile("^" + string(line[1]) + "$")
		for range 50 {
			if key := NewKey(kind); !pattern.MatchString(key.Secret()) {
				t.Errorf("%s is not matched by %s", key, pattern)
			}
		}
	}
}

func TestLeakedRegistrationTokens(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	from := newScanner(t, s.desk)
	_, initial, err := s.CreateRegistrationToken(ctx, s.who, NewRegistrationToken{Name: "đợt 1", GrantTypes: []string{GrantClient}, MaxUses: 5})
	ok(t, "token", err)
	asks := Registering{Scopes: []string{}, NewApplication: NewApplication{Name: "App", Kind: Confidential,
		Protocol: Protocol{AuthMethod: SecretBasic, GrantTypes: []string{GrantClient}}}}
	made, err := s.Register(ctx, initial, asks)
	ok(t, "register", err)

	unknown := NewKey(KindRegistration).Secret()
	got := from.report(t, unknown, NewKey(KindClient).Secret(), initial, made.Token, initial, made.Token)
	if wanted := []string{"false_positive", "false_positive", "true_positive", "true_positive", "true_positive", "false_positive"}; !reflect.DeepEqual(got, wanted) {
		t.Errorf("got %v, want %v", got, wanted)
	}
	_, err = s.Register(ctx, initial, asks)
	want(t, "register with the leaked one", err, problem.Unauthorized, "registration-refused")
	_, err = s.Registration(ctx, made.ID, made.Token)
	want(t, "manage with the leaked one", err, problem.Unauthorized, "registration-refused")
	err = s.VerifySecret(ctx, made.ID.String(), made.Secret.Secret, office)
	want(t, "the secret that stood beside it", err, problem.Unauthorized, "client-refused")
	s.told(t, "credential.leaked", initial, made.Token)
	var told []string
	for _, l := range s.keyLetters(t) {
		told = append(told, l.Detail.What)
	}
	slices.Sort(told)
	if want := []string{ClientLeak, RegistrationLeak}; !reflect.DeepEqual(told, want) {
		t.Errorf("letters about %v, want %v", told, want)
	}
}
