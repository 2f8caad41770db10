package portal

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// accountData is the data of the page "developer-account".
type accountData struct {
	Person auth.Person
	Tokens []auth.PersonalToken
	Now    time.Time
	Terms  []web.Option // how long a new token may last

	Locales []web.Option // languages of letters

	Outside    string // name of the outside provider; "" without one
	Identities []auth.Identity
}

// account answers GET /account.
func (p *Portal) account(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	people, err := p.Auth.Persons(r.Context(), []uuid.UUID{who.Person})
	if err != nil {
		return page{}, err
	}
	data := accountData{Person: people[who.Person], Now: p.Now().UTC(),
		Locales: []web.Option{{Value: "vi", Text: "Tiếng Việt"}, {Value: "en", Text: "English"}}}
	if data.Tokens, err = p.Auth.Tokens(r.Context(), who); err != nil {
		return page{}, err
	}
	if data.Outside = p.outsideName(r); data.Outside != "" {
		if data.Identities, err = p.Auth.Identities(r.Context(), who); err != nil {
			return page{}, err
		}
	}
	for _, days := range []int{1, 7, 30, 90, 365} {
		text, err := p.Pages.Text(localeOf(r), "developer.days", "n", days)
		if err != nil {
			return page{}, err
		}
		data.Terms = append(data.Terms, web.Option{Value: strconv.Itoa(days), Text: text})
	}
	return page{Name: "developer-account", Data: data}, nil
}

// tokenData is the data of the page "developer-token", the only one that ever
// shows the token.
type tokenData struct {
	Token  auth.PersonalToken
	Secret string
}

// createToken answers POST /account/tokens.
func (p *Portal) createToken(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	days, err := strconv.Atoi(r.PostFormValue("lasts"))
	if err != nil || days < 0 || days > 1000 {
		days = 0 // refused below, with words
	}
	token, secret, err := p.Auth.CreateToken(r.Context(), who, r.PostFormValue("name"), time.Duration(days)*24*time.Hour)
	if err != nil {
		return again(r, p.account, err)
	}
	return page{Name: "developer-token", Status: http.StatusCreated, Data: tokenData{token, secret}}, nil
}

// revokeToken answers POST /account/tokens/{id}/revoke.
func (p *Portal) revokeToken(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.RevokeToken(r.Context(), who, id); err != nil && !problem.Is(err, problem.NotFound) {
		return page{}, err // gone already is what was wanted
	}
	return page{To: "/account", Flash: &web.Flash{Key: "developer.token-revoked"}}, nil
}
