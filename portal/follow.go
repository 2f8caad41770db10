package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

func (p *Portal) followRoutes(r *mux.Router) {
	r.Handle("/follow", p.page(p.follow)).Methods("POST")
	r.Handle("/account/follows", p.page(p.follows)).Methods("GET", "HEAD")
	r.Handle("/account/follows", p.page(p.setDigest)).Methods("POST")
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

// backFrom is a page of a dataset, an API's version or an agency, else what is
// followed: a form leads nowhere else.
func backFrom(path string) string {
	names := map[string]int{"dataset": 1, "agencies": 1, "apis": 3} // in an address, after its room
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[0] != "" || len(parts)-2 != names[parts[1]] {
		return "/account/follows"
	}
	if slices.ContainsFunc(parts[2:], func(name string) bool {
		return strings.Trim(name, ".") == "" || strings.ContainsAny(name, `\?#:`)
	}) {
		return "/account/follows"
	}
	return path
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

// newsWords are those of what happened to what a person follows.
func (p *Portal) newsWords(to auth.Person, every string, d catalog.Digest) (noticeWords, error) {
	origin := p.at(to.Locale, "")
	var lines []string
	for _, n := range d.News {
		ends := ""
		if n.Ends != nil {
			ends = n.Ends.In(province).Format(dayForm[to.Locale])
		}
		line, err := p.Pages.Text(to.Locale, "follow.news-"+n.Kind, "title", titleIn(to.Locale, n.TitleVI, n.TitleEN), "about", n.About,
			"day", n.At.In(province).Format(dayForm[to.Locale]), "ends", ends, "link", origin+n.Address())
		if err != nil {
			return noticeWords{}, err
		}
		lines = append(lines, line)
	}
	for _, s := range d.Searches {
		line, err := p.searchNews(to.Locale, origin, s)
		if err != nil {
			return noticeWords{}, err
		}
		lines = append(lines, line)
	}
	return p.said(to, "/account/follows", "follow.letter-subject-"+every, "follow.letter-text", "news", strings.Join(lines, "\n\n"),
		"follows", origin+"/account/follows")
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
