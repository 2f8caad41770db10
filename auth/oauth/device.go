package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// How long a device waits, and how often it may ask meanwhile (RFC 8628 §3.2).
const (
	deviceLife = 10 * time.Minute
	deviceWait = 5 * time.Second
	waitJitter = time.Second // of the network, which no device answers for
)

const (
	devicePrefix = "lgsp_device_"

	// A person types 8 of these 20 letters: no vowels, so that no words come
	// up, and none that is taken for another or for a digit (RFC 8628 §6.1).
	// They are 34 bits. While 1,000 devices wait, one guess in 25,600,000 hits
	// one, and a person has 10 guesses in 10 minutes, a network 100.
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

// deviceAuthorization answers POST /oauth2/device_authorization (RFC 8628
// §3.1): a device without a browser gets a code for itself, and one that its
// person types at /device.
func (s *Server) deviceAuthorization(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := readForm(w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	caller, err := s.authenticate(ctx, r, r.PostForm)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	asked, err := s.readDevice(ctx, caller, r.PostForm)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	device, typed, err := s.keepDevice(ctx, asked)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	writeJSON(w, map[string]any{
		"device_code": device, "user_code": typed,
		"verification_uri":          s.Portal + "/device",
		"verification_uri_complete": s.Portal + "/device?user_code=" + typed,
		"expires_in":                int(deviceLife / time.Second), "interval": int(deviceWait / time.Second),
	})
}

// waitingDevice is what a device asks for.
type waitingDevice struct {
	ClientID uuid.UUID
	Scopes   []string
	Audience string
}

// readDevice checks what a client asks for a device of its own: the grant, the
// scopes and the audience, as for a code.
func (s *Server) readDevice(ctx context.Context, caller fosite.Client, form url.Values) (waitingDevice, error) {
	known, ok := caller.(*client)
	if !ok {
		return waitingDevice{}, errors.New("read device: not our own client")
	}
	if err := mayUse(known, auth.GrantDevice); err != nil {
		return waitingDevice{}, err
	}
	asked := waitingDevice{ClientID: known.ID, Scopes: strings.Fields(form.Get("scope")), Audience: form.Get("audience")}
	for _, scope := range asked.Scopes {
		if !known.GetScopes().Has(scope) {
			return waitingDevice{}, fosite.ErrInvalidScope.WithHintf("Scope %q is not one that this client may ask for.", clip(scope))
		}
	}
	if asked.Audience == "" {
		asked.Audience = s.Issuer
	}
	return asked, s.audience(ctx, known, asked.Audience)
}

// mayUse refuses a grant that the client is not registered for (RFC 6749 §5.2).
func mayUse(known *client, grant string) error {
	if !known.GetGrantTypes().Has(grant) {
		return fosite.ErrUnauthorizedClient.WithHintf("This client is not registered for %s; its owner adds it to grant_types.", grant)
	}
	if known.Profile == auth.FAPI2 && grant == auth.GrantDevice {
		return fosite.ErrUnauthorizedClient.WithHint("FAPI 2.0 knows no other way to a person than the authorization code, pushed first.")
	}
	return nil
}

const keepDeviceSQL = `
insert into auth.oauth_device (device_code, user_code, client_id, scopes, audience, wait, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict on constraint oauth_device_user_code_key do nothing`

// keepDevice lets a device wait, and gives its two codes, its own first. It draws again when
// another device waits with the same letters.
func (s *Server) keepDevice(ctx context.Context, asked waitingDevice) (string, string, error) {
	handle := newHandle()
	for range 5 {
		letters := newUserCode()
		kept, err := s.DB.Exec(ctx, keepDeviceSQL, hashHandle(handle), s.HMACs.Sum(userCodeText(letters)), asked.ClientID, asked.Scopes, asked.Audience,
			deviceWait, s.Now().UTC().Add(deviceLife))
		if err != nil {
			return "", "", fmt.Errorf("keep device: %w", err)
		}
		if kept.RowsAffected() == 1 {
			return devicePrefix + handle, letters[:4] + "-" + letters[4:], nil
		}
	}
	return "", "", errors.New("keep device: five user codes in a row are taken")
}

// newUserCode draws eight letters, each as likely as any other.
func newUserCode() string {
	letters := make([]byte, 0, userCodeLength)
	for len(letters) < userCodeLength {
		var random [16]byte
		rand.Read(random[:]) // never fails (crypto/rand)
		for _, b := range random {
			// 240 is the largest multiple of 20 in a byte.
			if b < 240 && len(letters) < userCodeLength {
				letters = append(letters, userCodeLetters[b%20])
			}
		}
	}
	return string(letters)
}

// readUserCode is what was meant by what a person typed: case, spaces and
// punctuation do not matter (RFC 8628 §6.1). It is "" for what is no code.
func readUserCode(typed string) string {
	var letters strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch {
		case strings.ContainsRune(userCodeLetters, r):
			letters.WriteRune(r)
		case !strings.ContainsRune(" -_.\u00a0\u2010\u2011\u2012\u2013\u2014", r):
			return ""
		}
	}
	if letters.Len() != userCodeLength {
		return ""
	}
	return letters.String()
}

// userCodeText is what is hashed of a user code.
func userCodeText(letters string) []byte { return []byte("user code " + letters) }

func errNoDevice() error {
	return problem.Errorf(problem.Invalid, "no device waits with this code").Coded("device-code-unknown").
		Wrong("user_code", "device-code-unknown", "no device waits with this code: it was mistyped, used, or is older than 10 minutes")
}

const readDeviceSQL = `
select client_id, scopes, audience
  from auth.oauth_device
 where user_code = any($1) and denied_at is null and grant_id is null and expires_at > $2`

// waitingWith is the device behind what a person typed, and its client.
func (s *Server) waitingWith(ctx context.Context, typed string) (waitingDevice, *client, error) {
	letters := readUserCode(typed)
	if letters == "" {
		return waitingDevice{}, nil, errNoDevice()
	}
	device, err := pg.One[waitingDevice](ctx, s.DB, readDeviceSQL, s.HMACs.Sums(userCodeText(letters)), s.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return waitingDevice{}, nil, errNoDevice()
	} else if err != nil {
		return waitingDevice{}, nil, fmt.Errorf("read device: %w", err)
	}
	known, err := s.client(ctx, device.ClientID.String())
	if err == nil {
		err = s.audience(ctx, known, device.Audience)
	}
	var said *fosite.RFC6749Error
	if errors.As(err, &said) && said.CodeField < http.StatusInternalServerError {
		return waitingDevice{}, nil, errNoDevice() // disabled, or without its agreement by now
	}
	return device, known, err
}

// Device is what the page at /device asks of a person who typed a code. It
// fails with Invalid, field user_code, when no device waits with it.
func (s *Server) Device(ctx context.Context, typed string) (ConsentView, error) {
	device, known, err := s.waitingWith(ctx, typed)
	if err != nil {
		return ConsentView{}, err
	}
	return ConsentView{
		Client: known.ID, ClientName: known.Name, Description: known.Description, Agency: known.OwnerAgency, Pages: known.pages(),
		Audience: device.Audience, Scopes: device.Scopes,
	}, nil
}

const (
	denyDeviceSQL = `
update auth.oauth_device
   set denied_at = $2
 where user_code = any($1) and denied_at is null and grant_id is null and expires_at > $2`
	allowDeviceSQL = `
update auth.oauth_device
   set grant_id = $3
 where user_code = any($1) and denied_at is null and grant_id is null and expires_at > $2`
)

// DecideDevice answers for who, "allow" or "deny". A code is answered once,
// by whoever is first. It fails as Device does, and with Invalid for another
// word. What is allowed here is not remembered: the next device asks again.
func (s *Server) DecideDevice(ctx context.Context, who SignedIn, typed, word string) error {
	if word != "allow" && word != "deny" {
		return problem.Errorf(problem.Invalid, "the answer is neither allow nor deny").Coded("consent-answer")
	}
	device, known, err := s.waitingWith(ctx, typed)
	if err != nil {
		return err
	}
	now, code := s.Now().UTC(), s.HMACs.Sums(userCodeText(readUserCode(typed)))
	return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		if word == "deny" {
			return answered(tx.Exec(ctx, denyDeviceSQL, code, now))
		}
		id, err := s.grantDevice(ctx, tx, device, who)
		if err != nil {
			return err
		}
		if err := answered(tx.Exec(ctx, allowDeviceSQL, code, now, id)); err != nil {
			return err
		}
		return s.Record(ctx, tx, auth.Act{
			Who: who.Who, Verb: "device.allow", About: known.ID,
			Detail: map[string]any{"audience": device.Audience, "scopes": device.Scopes},
		})
	})
}

// answered makes an error of an answer that came second.
func answered(done interface{ RowsAffected() int64 }, err error) error {
	if err != nil {
		return fmt.Errorf("answer device: %w", err)
	}
	if done.RowsAffected() == 0 {
		return errNoDevice()
	}
	return nil
}

// grantDevice begins the family of tokens that the device will fetch. Whatever
// ends a family ends it from here on.
func (s *Server) grantDevice(ctx context.Context, tx pgx.Tx, device waitingDevice, who SignedIn) (uuid.UUID, error) {
	id, now, life := uuid.New(), s.Now().UTC(), deviceLife+accessLife
	for _, scope := range device.Scopes {
		if scope == scopeOffline {
			life = grantLife
		}
	}
	if _, err := tx.Exec(ctx, createGrantSQL, id, device.ClientID, who.Who.Person, device.Scopes, device.Audience, "", who.At, now, now.Add(life),
		who.Session, who.Methods, "", ""); err != nil {
		return uuid.Nil, fmt.Errorf("keep grant of device: %w", err)
	}
	return id, nil
}
