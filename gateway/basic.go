package gateway

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lgsp/internal/problem"
)

// basicScheme is HTTP Basic (RFC 7617). A version may take it, for clients
// that know nothing else: the application's id is the name, and one of its API
// keys the password. It proves what the key alone proves, and opens no more.
const basicScheme = "Basic"

// basicOffered reports whether the call's version takes HTTP Basic.
func (c *call) basicOffered() bool { return c.version != nil && c.version.Traffic.Basic }

// private reports whether nobody between the caller and the platform reads the
// call: it came over TLS, or to a gateway whose public address is https, which
// is then a matter of the proxy before it. A proxy that says it took the call
// over http is believed.
func (c *call) private(r *http.Request) bool {
	if strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http") {
		return false
	}
	return r.TLS != nil || strings.HasPrefix(c.node.GatewayURL, "https://")
}

// byBasic takes name and password apart, and notes whose key it says it is. It
// fails with Forbidden (basic-not-private) when others could read them, which
// is said before anything is looked up, and Unauthorized (basic-malformed)
// when there is no application's id, colon and key.
func (c *call) byBasic(r *http.Request, text string) (key string, err error) {
	if !c.private(r) {
		return "", problem.Errorf(problem.Forbidden, "HTTP Basic is taken over https only; the key that was sent can be read on the way, replace it").
			Coded("basic-not-private")
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(text)
	name, key, ok := strings.Cut(string(pair), ":")
	id, wrong := uuid.Parse(name)
	if err != nil || !ok || wrong != nil || len(name) != len(uuid.Nil.String()) || id == uuid.Nil {
		return "", problem.Errorf(problem.Unauthorized, "HTTP Basic takes the application's id as the name and an API key as the password").
			Coded("basic-malformed")
	}
	c.caller.named = id
	return key, nil
}
