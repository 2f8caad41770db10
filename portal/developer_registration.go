package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// registrationData is the data of the page "developer-registration".
type registrationData struct {
	Tokens []registrationRow
	Older  string // address of the tokens before these, "" at the end
	First  string // address of the newest, "" when they are shown
	Owners []web.Option
	Grants []web.Option
	Usual  []string     // grants that are ticked at first
	Terms  []web.Option // how long a new token may last
}

// registrationRow is one token with which applications register themselves.
type registrationRow struct {
	auth.RegistrationToken
	Grants []string // in words
	Owner  string   // the agency's name; "" when it is a person's
	By     string   // who made it
	Live   bool
}

// Spent reports whether it has registered as many applications as it may.
func (t registrationRow) Spent() bool { return t.Uses >= t.MaxUses }

var registrable = []string{auth.GrantCode, auth.GrantRefresh, auth.GrantClient, auth.GrantDevice, auth.GrantExchange}

// registrationTokens answers GET /developer/registration-tokens.
func (p *Portal) registrationTokens(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := registrationData{Owners: []web.Option{{Value: "", Text: who.Name}}, Usual: []string{auth.GrantCode, auth.GrantRefresh}}
	agencies, err := p.agenciesOf(r, who)
	if err != nil {
		return page{}, err
	}
	data.Owners = append(data.Owners, agencies...)
	grants, err := p.choices(r, "keys.grant-", registrable)
	if err != nil {
		return page{}, err
	}
	if data.Grants = grants; len(agencies) == 0 {
		data.Grants = grants[:4] // only an agency's exchanges tokens
	}
	for _, days := range []int{1, 7, 30, 90, 365} {
		text, err := p.Pages.Text(localeOf(r), "developer.days", "n", days)
		if err != nil {
			return page{}, err
		}
		data.Terms = append(data.Terms, web.Option{Value: strconv.Itoa(days), Text: text})
	}
	after := r.FormValue("after")
	tokens, next, err := p.Auth.RegistrationTokens(r.Context(), who, auth.Page{After: after, Limit: 20})
	if err != nil {
		return page{}, err
	}
	if next != "" {
		data.Older = "/developer/registration-tokens?" + withQuery("after", next)
	}
	if after != "" {
		data.First = "/developer/registration-tokens"
	}
	data.Tokens, err = p.registrationRows(r, tokens, agencies, grants)
	return page{Name: "developer-registration", Data: data}, err
}

// registrationRows are tokens in words; agencies are those that may own one,
// grants all there are.
func (p *Portal) registrationRows(r *http.Request, tokens []auth.RegistrationToken, agencies, grants []web.Option) ([]registrationRow, error) {
	words := map[string]string{}
	for _, option := range slices.Concat(agencies, grants) {
		words[option.Value] = option.Text
	}
	var makers []uuid.UUID
	for _, t := range tokens {
		makers = append(makers, t.CreatedBy)
	}
	people, err := p.Auth.Persons(r.Context(), makers)
	if err != nil {
		return nil, err
	}
	var rows []registrationRow
	for _, t := range tokens {
		row := registrationRow{RegistrationToken: t, By: people[t.CreatedBy].Name}
		row.Live = t.RevokedAt == nil && t.ExpiresAt.After(p.Now()) && !row.Spent()
		if t.OwnerAgency != nil {
			row.Owner = words[t.OwnerAgency.String()]
		}
		for _, grant := range t.GrantTypes {
			row.Grants = append(row.Grants, words[grant])
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// registrationTokenData is the data of the page "developer-registration-token",
// the only one that ever shows the token.
type registrationTokenData struct {
	Token  auth.RegistrationToken
	Secret string
	Call   string // that registers an application
}

// createRegistrationToken answers POST /developer/registration-tokens.
func (p *Portal) createRegistrationToken(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	n := auth.NewRegistrationToken{
		Name: r.PostFormValue("name"), GrantTypes: r.PostForm["grant_types"],
		MaxUses: numberIn(r, "max_uses"), Days: numberIn(r, "days"),
	}
	if owner := r.PostFormValue("agency"); owner != "" {
		if n.Agency, err = uuid.Parse(owner); err != nil {
			return page{}, problem.Errorf(problem.Invalid, "agency is not a UUID")
		}
	}
	token, secret, err := p.Auth.CreateRegistrationToken(r.Context(), who, n)
	if err != nil {
		return again(r, p.registrationTokens, err)
	}
	call, err := p.registrationCall(token, secret)
	return page{Name: "developer-registration-token", Status: http.StatusCreated, Data: registrationTokenData{token, secret, call}}, err
}

// registrationCall registers an application with what a token allows (RFC 7591 §3.1).
func (p *Portal) registrationCall(token auth.RegistrationToken, secret string) (string, error) {
	metadata := struct {
		Name      string   `json:"client_name"`
		Grants    []string `json:"grant_types"`
		Redirects []string `json:"redirect_uris,omitempty"`
	}{"Trạm 7", token.GrantTypes, nil}
	if slices.Contains(token.GrantTypes, auth.GrantCode) {
		metadata.Redirects = []string{"https://tram7.example.vn/cb"}
	}
	body, err := json.Marshal(metadata)
	return "curl " + p.Origin + "/oauth2/register \\\n  -H 'Authorization: Bearer " + secret + "' \\\n  -H 'Content-Type: application/json' \\\n  -d '" +
		string(body) + "'", err
}

// numberIn is the number in a field; -1, which none of them may be, when none
// stands there or it is 0: nothing is chosen for the person.
func numberIn(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.PostFormValue(name))
	if err != nil || n == 0 {
		return -1
	}
	return n
}

// revokeRegistrationToken answers POST /developer/registration-tokens/{id}/revoke.
func (p *Portal) revokeRegistrationToken(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.RevokeRegistrationToken(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/developer/registration-tokens", Flash: &web.Flash{Key: "developer.token-revoked"}}, nil
}
