package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"lgsp/internal/problem"
)

const (
	userPresent  = 1
	userVerified = 4
	attested     = 64
)

// device is an authenticator with one key.
type device struct {
	t      *testing.T
	key    *ecdsa.PrivateKey
	id     []byte
	handle []byte // the user handle it was given
	origin string
	flags  byte
	count  uint32
}

func newDevice(t *testing.T) *device {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, "make key", err)
	id := make([]byte, 16)
	rand.Read(id)
	return &device{t: t, key: key, id: id, origin: "https://portal.test", flags: userPresent | userVerified, count: 1}
}

// options are what the browser would read of a challenge.
func (v *device) options(c Challenge) (challenge string, user []byte) {
	v.t.Helper()
	text, err := json.Marshal(c.Options)
	ok(v.t, "encode options", err)
	var options struct {
		Challenge string
		User      struct{ ID string }
	}
	ok(v.t, "read options", json.Unmarshal(text, &options))
	user, err = base64.RawURLEncoding.DecodeString(options.User.ID)
	ok(v.t, "read user handle", err)
	return options.Challenge, user
}

func (v *device) data(flags byte) []byte {
	party := sha256.Sum256([]byte("portal.test"))
	return binary.BigEndian.AppendUint32(append(party[:], flags), v.count)
}

func (v *device) answer(c Challenge, kind string, response map[string]string) Answer {
	challenge, _ := v.options(c)
	client, err := json.Marshal(map[string]string{"type": kind, "challenge": challenge, "origin": v.origin})
	ok(v.t, "encode client data", err)
	b64 := base64.RawURLEncoding.EncodeToString
	response["clientDataJSON"] = b64(client)
	if kind == "webauthn.get" {
		data, sum := v.data(v.flags), sha256.Sum256(client)
		whole := sha256.Sum256(append(data, sum[:]...))
		signature, err := ecdsa.SignASN1(rand.Reader, v.key, whole[:])
		ok(v.t, "sign", err)
		response["authenticatorData"], response["signature"], response["userHandle"] = b64(v.data(v.flags)), b64(signature), b64(v.handle)
		v.count++
	}
	text, err := json.Marshal(map[string]any{"id": b64(v.id), "rawId": b64(v.id), "type": "public-key", "response": response, "clientExtensionResults": struct{}{}})
	ok(v.t, "encode answer", err)
	return Answer{c.Handle, string(text)}
}

// register answers a challenge for a new key.
func (v *device) register(c Challenge) Answer {
	v.t.Helper()
	_, v.handle = v.options(c)
	point, err := v.key.PublicKey.Bytes()
	ok(v.t, "read key", err)
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	ok(v.t, "encode key", err)
	data := append(v.data(v.flags|attested), make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(v.id)))
	data = append(append(data, v.id...), cose...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": struct{}{}, "authData": data})
	ok(v.t, "encode attestation", err)
	v.count++
	return v.answer(c, "webauthn.create", map[string]string{"attestationObject": base64.RawURLEncoding.EncodeToString(object)})
}

func (v *device) sign(c Challenge) Answer { return v.answer(c, "webauthn.get", map[string]string{}) }

func TestPasskeys(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	var err error
	d.Passkeys, err = NewPasskeys("https://portal.test")
	ok(t, "set up", err)
	who := d.person(t, "lan@x.vn")
	s, err := d.StartSession(ctx, who.Person, ByPassword)
	ok(t, "start", err)

	phone := newDevice(t)
	ask := func() Challenge {
		t.Helper()
		c, err := d.AskNewPasskey(ctx, s.Secret)
		ok(t, "ask for a new one", err)
		return c
	}
	first := ask()
	phone.flags = userPresent
	_, err = d.AddPasskey(ctx, s.Secret, "Điện thoại", phone.register(first))
	want(t, "without verifying its user", err, problem.Unauthorized, "passkey-refused")
	phone.flags |= userVerified
	_, err = d.AddPasskey(ctx, s.Secret, "Điện thoại", phone.register(first))
	want(t, "a challenge that was answered", err, problem.Unauthorized, "passkey-late")
	_, err = d.AddPasskey(ctx, s.Secret, "  ", phone.register(ask()))
	want(t, "without a name", err, problem.Invalid, "fields-wrong")
	late := ask()
	d.now = d.now.Add(challengeLast)
	_, err = d.AddPasskey(ctx, s.Secret, "Điện thoại", phone.register(late))
	want(t, "after 5 minutes", err, problem.Unauthorized, "passkey-late")
	e, err := d.AddPasskey(ctx, s.Secret, "Điện thoại", phone.register(ask()))
	ok(t, "add", err)
	if len(e.Codes) != recoveryCodes {
		t.Errorf("got %d recovery codes", len(e.Codes))
	}
	d.told(t, "factor.add", e.Codes[0])
	proof, err := d.SessionProof(ctx, e.Session.Secret)
	if err != nil || proof.Level() != AAL2 {
		t.Errorf("the session it was added in: got %+v, %v", proof, err)
	}

	question := func() Challenge {
		t.Helper()
		c, err := d.AskPasskey(ctx)
		ok(t, "ask", err)
		return c
	}
	begun, err := d.SignInByPasskey(ctx, phone.sign(question()))
	ok(t, "sign in", err)
	proof, err = d.SessionProof(ctx, begun.Session.Secret)
	if err != nil || proof.Level() != AAL2 || proof.Methods[0] != ByHardware {
		t.Errorf("signed in: got %+v, %v", proof, err)
	}
	same := phone.sign(question())
	_, err = d.SignInByPasskey(ctx, same)
	ok(t, "once", err)
	_, err = d.SignInByPasskey(ctx, same)
	want(t, "twice", err, problem.Unauthorized, "passkey-late")
	for name, spoil := range map[string]func(v *device){
		"another site's":            func(v *device) { v.origin = "https://portal.evil.test" },
		"its user not verified":     func(v *device) { v.flags = userPresent },
		"another key":               func(v *device) { v.key = newDevice(t).key },
		"an unknown key":            func(v *device) { v.id = newDevice(t).id },
		"another person's handle":   func(v *device) { v.handle = make([]byte, 16) },
		"without a user's presence": func(v *device) { v.flags = userVerified },
	} {
		other := *phone
		spoil(&other)
		_, err := d.SignInByPasskey(ctx, other.sign(question()))
		want(t, name, err, problem.Unauthorized, "passkey-refused")
	}
	copied := *phone
	copied.count = 2
	_, err = d.SignInByPasskey(ctx, copied.sign(question()))
	want(t, "a copy, whose counter is behind", err, problem.Unauthorized, "passkey-copied")

	// The second step takes the person's own passkey, not another's.
	pending, err := d.BeginSession(ctx, who.Person, ByPassword)
	if err != nil || pending.Pending == nil {
		t.Fatalf("got %+v, %v, want a second step", pending, err)
	}
	stranger := d.person(t, "minh@x.vn")
	theirs, err := d.StartSession(ctx, stranger.Person, ByPassword)
	ok(t, "start", err)
	key := newDevice(t)
	asked, err := d.AskNewPasskey(ctx, theirs.Secret)
	ok(t, "ask", err)
	added, err := d.AddPasskey(ctx, theirs.Secret, "Khoá", key.register(asked))
	ok(t, "add", err)
	_, err = d.FinishSession(ctx, pending.Pending.Secret, Shown{Passkey: key.sign(question())})
	want(t, "a stranger's passkey", err, problem.Unauthorized, "passkey-refused")
	_, err = d.FinishSession(ctx, pending.Pending.Secret, Shown{Passkey: phone.sign(question())})
	ok(t, "one's own", err)

	factors, err := d.Factors(ctx, who.Person)
	if err != nil || len(factors.Passkeys) != 1 || factors.Passkeys[0].LastUsedAt == nil {
		t.Fatalf("got %+v, %v", factors, err)
	}
	want(t, "a stranger removes it", d.RemovePasskey(ctx, added.Session.Secret, factors.Passkeys[0].ID), problem.NotFound, "passkey-unknown")
	ok(t, "remove", d.RemovePasskey(ctx, e.Session.Secret, factors.Passkeys[0].ID))
	_, err = d.SignInByPasskey(ctx, phone.sign(question()))
	want(t, "removed", err, problem.Unauthorized, "passkey-refused")
}

func TestPasskeysNeedAName(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]bool{"https://du-lieu.example.vn": true, "http://localhost:8080": true, "http://127.0.0.1:8080": false, "http://[::1]:8080": false} {
		if p, err := NewPasskeys(origin); err != nil || (p != nil) != want {
			t.Errorf("%s: got %v, %v, want passkeys %t", origin, p, err, want)
		}
	}
	d := txDesk(t)
	_, err := d.AskPasskey(t.Context())
	want(t, "ask", err, problem.NotFound, "passkeys-off")
}

// Whatever a browser says as a passkey's answer is refused or believed, and
// never worse.
func FuzzPasskeyAnswer(f *testing.F) {
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{}}`)
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := readAssertion(text); err != nil && !problem.Is(err, problem.Unauthorized) {
			t.Errorf("%q: got %v", text, err)
		}
	})
}
