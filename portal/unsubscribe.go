package portal

import (
	"encoding/base64"
	"net/http"
	"net/url"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/internal/problem"
	"lgsp/portal/notice"
)

func (p *Portal) unsubscribeRoutes(r *mux.Router) {
	r.Handle("/unsubscribe", p.page(p.unsubscribeForm)).Methods("GET", "HEAD")
	r.Handle("/unsubscribe", p.page(p.unsubscribe)).Methods("POST")
}

// unsubscribePath is the address that ends letters of a kind to a person, or
// those that bundle others. Its token opens nothing but that.
func (p *Portal) unsubscribePath(person uuid.UUID, what string) string {
	token := base64.RawURLEncoding.EncodeToString(append(person[:], p.Cookies.Sum(unsubscribeText(person, what))...))
	if what == notice.News { // as letters had it before there were kinds
		return "/unsubscribe?token=" + token
	}
	return "/unsubscribe?kind=" + url.QueryEscape(what) + "&token=" + token
}

func unsubscribeText(person uuid.UUID, what string) []byte {
	text := append([]byte("unsubscribe\x00"), person[:]...)
	if what == notice.News {
		return text
	}
	return append(text, what...)
}

// unsubscribeData is the data of the page "unsubscribe".
type unsubscribeData struct {
	What   string // a kind, or one of notice.Bundles
	Action string
	Done   bool
}

// unsubscribed reads what the link of a letter ends, and for whom; it fails
// with NotFound.
func (p *Portal) unsubscribed(r *http.Request) (uuid.UUID, string, error) {
	what := r.URL.Query().Get("kind")
	if what == "" {
		what = notice.News
	}
	text, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("token"))
	if err == nil && len(text) > 16 {
		person := uuid.UUID(text[:16])
		if p.Cookies.Verify(unsubscribeText(person, what), text[16:]) {
			return person, what, nil
		}
	}
	return uuid.Nil, "", problem.Errorf(problem.NotFound, "no such link").Coded("unsubscribe-unknown")
}

// unsubscribeForm answers GET /unsubscribe: a program that follows links ends
// nothing by it.
func (p *Portal) unsubscribeForm(r *http.Request) (page, error) {
	person, what, err := p.unsubscribed(r)
	if err != nil {
		return page{}, err
	}
	return page{Name: "unsubscribe", Data: unsubscribeData{What: what, Action: p.unsubscribePath(person, what)}}, nil
}

// unsubscribe answers POST /unsubscribe, from the page or from a mail program
// (RFC 8058): it needs no session, and doing it twice is no mistake.
func (p *Portal) unsubscribe(r *http.Request) (page, error) {
	person, what, err := p.unsubscribed(r)
	if err != nil {
		return page{}, err
	}
	if what == notice.News {
		err = p.Catalog.Unsubscribe(r.Context(), person)
	} else {
		err = p.Notices.Unsubscribe(r.Context(), person, what)
	}
	return page{Name: "unsubscribe", Data: unsubscribeData{What: what, Done: true}}, err
}
