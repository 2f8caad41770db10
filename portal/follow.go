package portal

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
	"lgsp/internal/problem"
	"lgsp/web"
)

func (p *Portal) followRoutes(r *mux.Router) {
	r.Handle("/follow", p.page(p.follow)).Methods("POST")
	r.Handle("/account/follows", p.page(p.follows)).Methods("GET", "HEAD")
	r.Handle("/account/follows", p.page(p.setDigest)).Methods("POST")
	r.Handle("/unsubscribe", p.page(p.unsubscribeForm)).Methods("GET", "HEAD")
	r.Handle("/unsubscribe", p.page(p.unsubscribe)).Methods("POST")
}

// followButton is the form with which something is followed, or no longer.
type followButton struct {
	Kind     string
	Target   uuid.UUID
	Back     string // the page it stands on
	Followed bool
	SignedIn bool
}

func (p *Portal) followButton(r *http.Request, kind string, target uuid.UUID, back string) (followButton, error) {
	who := whoever(r)
	yes, err := p.Catalog.IsFollowed(r.Context(), who, kind, target)
	return followButton{Kind: kind, Target: target, Back: back, Followed: yes, SignedIn: who.SignedIn()}, err
}

// follow answers POST /follow; follow=no ends it.
func (p *Portal) follow(r *http.Request) (page, error) {
	target, err := uuid.Parse(r.PostFormValue("target"))
	if err != nil {
		return page{}, problem.Errorf(problem.Invalid, "target is no id").Coded("follow-unknown")
	}
	do, told := p.Catalog.Follow, "follow.followed"
	if r.PostFormValue("follow") == "no" {
		do, told = p.Catalog.Unfollow, "follow.unfollowed"
	}
	if err := do(r.Context(), whoever(r), r.PostFormValue("kind"), target); err != nil {
		return page{}, err
	}
	return page{To: backFrom(r.PostFormValue("back")), Flash: &web.Flash{Key: told}}, nil
}

// backFrom is a page of a dataset or an agency, else what is followed: a form
// leads nowhere else.
func backFrom(path string) string {
	for _, head := range []string{"/dataset/", "/agencies/"} {
		if rest, ok := strings.CutPrefix(path, head); ok && rest != "" && !strings.ContainsAny(rest, "/\\?#:") {
			return path
		}
	}
	return "/account/follows"
}

// follows answers GET /account/follows.
func (p *Portal) follows(r *http.Request) (page, error) {
	if _, err := signedIn(r); err != nil {
		return page{}, err
	}
	f, err := p.Catalog.Follows(r.Context(), whoever(r))
	return page{Name: "account-follows", Data: f}, err
}

// setDigest answers POST /account/follows.
func (p *Portal) setDigest(r *http.Request) (page, error) {
	if err := p.Catalog.SetDigest(r.Context(), whoever(r), r.PostFormValue("every")); err != nil {
		return again(r, p.follows, err)
	}
	return page{To: "/account/follows", Flash: &web.Flash{Key: "follow.saved"}}, nil
}

// unsubscribeToken shows that somebody has a digest of a person; it opens
// nothing but the end of digests.
func (p *Portal) unsubscribeToken(person uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString(append(person[:], p.Cookies.Sum(unsubscribeText(person))...))
}

func unsubscribeText(person uuid.UUID) []byte { return append([]byte("unsubscribe\x00"), person[:]...) }

// personOfToken reads such a token; it fails with NotFound.
func (p *Portal) personOfToken(token string) (uuid.UUID, error) {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(text) > 16 {
		person := uuid.UUID(text[:16])
		if p.Cookies.Verify(unsubscribeText(person), text[16:]) {
			return person, nil
		}
	}
	return uuid.Nil, problem.Errorf(problem.NotFound, "no such link").Coded("unsubscribe-unknown")
}

// unsubscribeData is the data of the page "unsubscribe".
type unsubscribeData struct {
	Token string
	Done  bool
}

// unsubscribeForm answers GET /unsubscribe: a program that follows links ends
// nothing by it.
func (p *Portal) unsubscribeForm(r *http.Request) (page, error) {
	token := r.URL.Query().Get("token")
	_, err := p.personOfToken(token)
	return page{Name: "unsubscribe", Data: unsubscribeData{Token: token}}, err
}

// unsubscribe answers POST /unsubscribe, from the page or from a mail program
// (RFC 8058): it needs no session, and doing it twice is no mistake.
func (p *Portal) unsubscribe(r *http.Request) (page, error) {
	person, err := p.personOfToken(r.URL.Query().Get("token"))
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.Unsubscribe(r.Context(), person); err != nil {
		return page{}, err
	}
	return page{Name: "unsubscribe", Data: unsubscribeData{Done: true}}, nil
}

const (
	digestsEvery  = time.Minute
	digestsAtOnce = 50
)

// SendDigests sends the digests that are due, until ctx ends. One that cannot
// be sent is logged and due again soon.
func (p *Portal) SendDigests(ctx context.Context) error {
	for {
		if err := p.sendDigests(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "digests", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(digestsEvery):
		}
	}
}

func (p *Portal) sendDigests(ctx context.Context) error {
	digests, err := p.Catalog.ClaimDigests(ctx, digestsAtOnce)
	if err != nil || len(digests) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(digests))
	for i, d := range digests {
		ids[i] = d.Person
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	var failed []error // one bad address keeps no letter from the others
	for _, d := range digests {
		to, known := people[d.Person]
		if known && to.DisabledAt == nil && !d.IsEmpty() {
			out, err := p.digest(to, d)
			if err == nil {
				err = p.Mailer.Send(ctx, out)
			}
			if err != nil {
				failed = append(failed, err)
				continue
			}
		}
		failed = append(failed, p.Catalog.DigestSent(ctx, d))
	}
	return errors.Join(failed...)
}

// digest is the letter, in the language of its reader.
func (p *Portal) digest(to auth.Person, d catalog.Digest) (mail.Letter, error) {
	origin := p.Origin
	if to.Locale == "en" {
		origin += "/en"
	}
	var lines []string
	for _, n := range d.News {
		title := n.TitleVI
		if to.Locale == "en" && n.TitleEN != "" {
			title = n.TitleEN
		}
		line, err := p.Pages.Text(to.Locale, "follow.news-"+n.Kind, "title", title, "about", n.About,
			"day", n.At.In(province).Format(dayForm[to.Locale]), "link", origin+"/dataset/"+n.Slug)
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	for _, s := range d.Searches {
		line, err := p.searchNews(to.Locale, origin, s)
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	token := p.unsubscribeToken(d.Person)
	out := mail.Letter{To: to.Email, Unsubscribe: p.Origin + "/unsubscribe?token=" + token}
	for key, into := range map[string]*string{"follow.letter-subject-" + d.Every: &out.Subject, "follow.letter-text": &out.Text} {
		text, err := p.Pages.Text(to.Locale, key, "name", to.Name, "news", strings.Join(lines, "\n\n"),
			"follows", origin+"/account/follows", "unsubscribe", origin+"/unsubscribe?token="+token)
		if err != nil {
			return out, err
		}
		*into = text
	}
	return out, nil
}

// searchNews are the lines of a letter about what is new for a kept search.
func (p *Portal) searchNews(locale, origin string, s catalog.SearchNews) (string, error) {
	text, err := p.Pages.Text(locale, "told.news", "name", s.Name, "n", s.Total, "link", origin+s.Address())
	if err != nil {
		return "", err
	}
	for _, hit := range s.Hits {
		title := hit.TitleVI
		if title == "" || locale == "en" && hit.TitleEN != "" {
			title = hit.TitleEN
		}
		text += "\n- " + title + "\n  " + origin + hit.Address()
	}
	return text, nil
}
