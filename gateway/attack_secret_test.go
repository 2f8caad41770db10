package gateway

import (
	"encoding/base64"
	"testing"

	"lgsp/auth"
)

// TestAttackSecrets: wherever in a call a secret, a number or a question is
// put, neither record nor log nor figure nor problem has it.
func TestAttackSecrets(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	secret := auth.NewKey(auth.KindSecret).Secret()
	a.secrets = append(a.secrets, secret)
	basic := base64.StdEncoding.EncodeToString([]byte(a.app.String() + ":" + secret))
	a.secrets = append(a.secrets, basic)
	token := "Authorization: Bearer {T}"
	a.each(t, []attack{
		{name: "a secret as a key", sent: asks("GET", "{P}/ho-so", "X-API-Key: "+secret), status: 401, code: "not-a-key"},
		{name: "a secret by Basic", sent: asks("GET", "{P}/ho-so", "Authorization: Basic "+basic), status: 401, code: "credential-scheme"},
		{name: "a secret as a token", sent: asks("GET", "{P}/ho-so", "Authorization: Bearer "+secret), status: 401, code: "key-as-bearer"},
		{name: "a key with a letter more", sent: asks("GET", "{P}/ho-so", "X-API-Key: {K}x"), status: 401, code: "key-malformed"},
		{name: "a key in the query", sent: asks("GET", "{P}/ho-so?a={K}"), status: 400, code: "credential-in-query"},
		{name: "a key as the name of a parameter", sent: asks("GET", "{P}/ho-so?{K}=1", "Accept-Language: vi"), status: 400, code: "credential-in-query"},
		{name: "a key as a version", sent: asks("GET", "/so-noi-vu/ho-so/{K}/ho-so"), status: 404, code: "no-such-operation"},
		{name: "a key as a host", sent: "GET {P}/ho-so HTTP/1.1\r\nHost: {K}\r\nConnection: close\r\n\r\n", status: 401, code: "no-credential"},
		{name: "a key as a method", sent: asks("{K}", "{P}/ho-so"), status: 400, code: "request-malformed"},
		{name: "a key as an id", sent: asks("GET", "{P}/ho-so", "X-Request-Id: {K} "+asked), status: 401, code: "no-credential"},
		{name: "a key as a purpose", sent: keyed("{P}/ho-so", "LGSP-Purpose: {K}"), status: 403, code: "purpose-not-agreed"},
		{name: "a number as a purpose", sent: keyed("{P}/ho-so", "LGSP-Purpose: {N}"), status: 403, code: "purpose-not-agreed"},
		{name: "a question that chooses", sent: asks("GET", "{P}/nguoi/{N}?where={Q}", token), status: 403, code: "field-not-agreed"},
		{name: "a question for the name of a parameter", sent: keyed("{P}/ho-so?{Q}[hoTen]=1"), status: 403, code: "field-not-agreed"},
		{name: "a number that is too long", sent: asks("GET", "{P}/nguoi/{N}0000000000000000000000000000000000000000000000000000000000000000", token), status: 400, code: "subject-missing"},
		{name: "a body that is no JSON", sent: "POST {P}/tra-cuu HTTP/1.1\r\nHost: h\r\n" + token + "\r\nConnection: close\r\nContent-Length: 18\r\n\r\n{B}", status: 400, code: "subject-missing"},
		{name: "a malformed request", sent: "GET {P}/ho-so HTTP/1.1\r\nHost: h\r\nX-API-Key: {K}\x00{Q}\r\n\r\n", status: 400, code: "request-malformed"},
		{name: "an encoding", sent: asks("POST", "{P}/ho-so", "Transfer-Encoding: {Q}"), status: 501, code: "request-malformed"},
		{name: "an expectation", sent: asks("POST", "{P}/ho-so", "Expect: {Q}"), status: 417, code: "request-malformed"},
		{name: "a path that is not canonical", sent: keyed("{P}/nguoi/{N}/../{Q}"), status: 400, code: "path-not-canonical"},
		{name: "a call that is answered", sent: asks("GET", "{P}/nguoi/{N}?a={Q}", token, "Cookie: {Q}"), status: 200, reached: 1},
	})
}
