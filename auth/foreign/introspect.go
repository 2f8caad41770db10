package foreign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an issuer's answer, in bytes.
const maxAnswer = 64 << 10

// introspect asks about one token (RFC 7662 §2). An error says that the issuer
// did not answer as it should, not that the token is bad.
func (i *issuer) introspect(ctx context.Context, client *http.Client, token string, now time.Time) (verdict, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return verdict{}, fmt.Errorf("ask %s: %w", i.URL, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(url.QueryEscape(i.ClientID), url.QueryEscape(i.Secret)) // RFC 6749 §2.3.1
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // our secret goes to nobody else
	res, err := own.Do(r)
	if err != nil {
		return verdict{}, err // net/http says of what; it holds no token
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return verdict{}, fmt.Errorf("it answers %d", res.StatusCode)
	}
	if mediaType, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return verdict{}, errors.New("it does not answer in JSON")
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return verdict{}, err
	}
	if len(text) > maxAnswer {
		return verdict{}, fmt.Errorf("its answer is larger than %d bytes", maxAnswer)
	}
	return i.read(text, now)
}

// answer is what RFC 7662 §2.2 has of an issuer's answer, as far as it decides.
type answer struct {
	Active    bool            `json:"active"`
	Client    string          `json:"client_id"`
	TokenType string          `json:"token_type"`
	Expires   *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
	Issued    *float64        `json:"iat"`
	Issuer    string          `json:"iss"`
	Audience  audience        `json:"aud"`
	Bound     json.RawMessage `json:"cnf"`
}

// audience is one string or several (RFC 7519 §4.1.3).
type audience []string

// UnmarshalJSON is of encoding/json.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// read judges an issuer's answer. A token that is bound to a key or a
// certificate is not believed: what it is bound to was not shown here.
func (i *issuer) read(text []byte, now time.Time) (verdict, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return verdict{}, fmt.Errorf("its answer cannot be read: %w", err)
	}
	no := verdict{until: now.Add(disbelieved)}
	expires, notBefore, issued := at(a.Expires), at(a.NotBefore), at(a.Issued)
	switch {
	case !a.Active,
		a.Client == "",
		a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer") && !strings.EqualFold(a.TokenType, "access_token"),
		a.Issuer != "" && a.Issuer != i.Identifier,
		i.Audience != "" && !slices.Contains(a.Audience, i.Audience),
		len(a.Bound) > 0 && string(a.Bound) != "null",
		a.Expires != nil && !now.Before(expires),
		now.Add(clockLeeway).Before(notBefore):
		return no, nil
	}
	yes := verdict{active: true, client: a.Client, issued: issued, until: now.Add(believed)}
	if a.Expires != nil && expires.Before(yes.until) {
		yes.until = expires
	}
	return yes, nil
}

// clockLeeway is how far an issuer's clock may be ahead of ours.
const clockLeeway = 30 * time.Second

// at is a NumericDate (RFC 7519 §2); zero for none, and for what is no time.
func at(seconds *float64) time.Time {
	if seconds == nil || *seconds < 0 || *seconds > math.MaxUint32*64 || math.IsNaN(*seconds) {
		return time.Time{}
	}
	return time.Unix(int64(*seconds), 0).UTC()
}
