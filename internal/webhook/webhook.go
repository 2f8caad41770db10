// Package webhook answers how a program elsewhere is told that something
// happened, so that it can be sure who tells it: Standard Webhooks 1.0, whose
// receivers there are libraries for in every language.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lgsp/internal/egress"
)

const (
	prefix    = "whsec_"
	keySize   = 32 // bytes
	maxAnswer = 64 << 10
)

// NewSecret makes a secret as both sides keep it: whsec_ and 32 random bytes in
// base64.
func NewSecret() string {
	var key [keySize]byte
	rand.Read(key[:]) // never fails (crypto/rand)
	return prefix + base64.StdEncoding.EncodeToString(key[:])
}

// Sign gives the signature of a message: HMAC-SHA-256 of id, time and body
// under a secret. It fails for a text that is no secret.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, prefix))
	if err != nil || !strings.HasPrefix(secret, prefix) {
		return "", errors.New("this is no webhook secret")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body) // never fails (package hash)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// Message is what an address is told. A repeated one has the same ID.
type Message struct {
	ID     string
	Body   []byte // JSON
	Secret string
}

// Send tells an address once, through client, and gives why that failed, ""
// when it did not: http-NNN, timeout, address-refused or unreachable. No
// redirect is followed, and what is answered beyond a status is not looked at.
func Send(ctx context.Context, client *http.Client, address string, m Message, at time.Time) string {
	signature, err := Sign(m.Secret, m.ID, at, m.Body)
	if err != nil {
		return "secret-lost"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(m.Body))
	if err != nil {
		return "address-refused" // checked when it was set
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "lgsp-webhooks")
	r.Header.Set("Webhook-Id", m.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("Webhook-Signature", signature)
	once := *client
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := once.Do(r)
	var slow interface{ Timeout() bool }
	switch {
	case errors.Is(err, egress.ErrRefused):
		return "address-refused"
	case errors.As(err, &slow) && slow.Timeout():
		return "timeout"
	case err != nil:
		return "unreachable"
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can serve again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Sprintf("http-%d", answer.StatusCode)
	}
	return ""
}
