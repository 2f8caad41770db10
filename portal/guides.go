package portal

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/docs"
	"lgsp/internal/problem"
)

// guideRoutes are the guides inside the portal, of the version that runs.
func (p *Portal) guideRoutes(r *mux.Router) {
	r.Handle("/docs", p.page(plainPage("guides"))).Methods("GET", "HEAD")
	r.Handle("/docs/problems", p.page(p.problems)).Methods("GET", "HEAD")
	r.Handle("/docs/problems/{code:[a-z0-9-]{1,80}}", p.page(p.problemCode)).Methods("GET", "HEAD")
	r.Handle("/docs/words", p.page(p.words)).Methods("GET", "HEAD")
	r.Handle("/docs/journey", p.page(p.journey)).Methods("GET", "HEAD")
	r.Handle("/docs/pictures/{name:[a-z.-]{1,40}}", p.file(guidePicture)).Methods("GET", "HEAD")
	one := "/docs/{guide:" + strings.Join(docs.Names, "|") + "}"
	r.Handle(one, p.page(p.guide)).Methods("GET", "HEAD")
	r.Handle(one+"/{section}", p.page(p.guideSection)).Methods("GET", "HEAD")
}

// guides are the guides by language, read once.
var guides = sync.OnceValues(docs.Read)

// guidePage is the data of the pages "guide" and "guide-section".
type guidePage struct {
	docs.Guide
	Section        *docs.Section
	Former, Follow *docs.Section // before and after it
}

// guide answers GET /docs/{guide}: what stands before its sections, and what they are.
func (p *Portal) guide(r *http.Request) (page, error) {
	all, err := guides()
	if err != nil {
		return page{}, err
	}
	g := all[localeOf(r)][slices.Index(docs.Names, mux.Vars(r)["guide"])]
	return page{Name: "guide", Data: guidePage{Guide: g}}, nil
}

// guideSection answers GET /docs/{guide}/{section}. What is called so in the
// other language only leads to the guide.
func (p *Portal) guideSection(r *http.Request) (page, error) {
	all, err := guides()
	if err != nil {
		return page{}, err
	}
	name, id := mux.Vars(r)["guide"], mux.Vars(r)["section"]
	is := func(s docs.Section) bool { return s.ID == id }
	g := all[localeOf(r)][slices.Index(docs.Names, name)]
	i := slices.IndexFunc(g.Sections, is)
	if i < 0 {
		for _, list := range all {
			if slices.ContainsFunc(list[slices.Index(docs.Names, name)].Sections, is) {
				return page{To: "/docs/" + name}, nil
			}
		}
		return page{}, problem.Errorf(problem.NotFound, "the guide %s has no section %s", name, id)
	}
	data := guidePage{Guide: g, Section: &g.Sections[i]}
	if i > 0 {
		data.Former = &g.Sections[i-1]
	}
	if i+1 < len(g.Sections) {
		data.Follow = &g.Sections[i+1]
	}
	return page{Name: "guide-section", Data: data}, nil
}

// guidePicture answers GET /docs/pictures/{name}.
func guidePicture(w http.ResponseWriter, r *http.Request) error {
	picture, err := docs.Picture(mux.Vars(r)["name"])
	if err != nil {
		return problem.Errorf(problem.NotFound, "there is no such picture")
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(picture) // the reader may have gone
	return nil
}

// problemGroups are all problem codes, read once.
var problemGroups = sync.OnceValues(docs.Problems)

// problems answers GET /docs/problems: every code, or those that hold what was typed.
func (p *Portal) problems(r *http.Request) (page, error) {
	groups, err := problemGroups()
	if err != nil {
		return page{}, err
	}
	typed := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	data := problemsData{Typed: typed}
	for _, group := range groups {
		group.Problems = slices.DeleteFunc(slices.Clone(group.Problems), func(one docs.Problem) bool {
			return typed != "" && !strings.Contains(strings.ToLower(strings.Join([]string{one.Code, one.Status, one.TitleVI, one.TitleEN}, " ")), typed)
		})
		data.Count += len(group.Problems)
		if len(group.Problems) > 0 {
			data.Groups = append(data.Groups, group)
		}
	}
	return page{Name: "guide-problems", Data: data}, nil
}

type problemsData struct {
	Typed  string
	Groups []docs.ProblemGroup
	Count  int
}

// problemCode answers GET /docs/problems/{code}.
func (p *Portal) problemCode(r *http.Request) (page, error) {
	groups, err := problemGroups()
	if err != nil {
		return page{}, err
	}
	for _, group := range groups {
		for _, one := range group.Problems {
			if one.Code == mux.Vars(r)["code"] {
				return page{Name: "guide-problem", Data: problemData{Problem: one, Group: group}}, nil
			}
		}
	}
	return page{}, problem.Errorf(problem.NotFound, "there is no problem code %s", mux.Vars(r)["code"])
}

type problemData struct {
	docs.Problem
	Group docs.ProblemGroup
}

// journey answers GET /docs/journey, in the demonstration only: what to try as
// whom.
func (p *Portal) journey(r *http.Request) (page, error) {
	if p.DemoAccounts == nil {
		return p.notFound(r)
	}
	return page{Name: "guide-journey"}, nil
}

// searchedGuides are the guides whose sections search finds.
var searchedGuides = []string{"citizens", "developers", "agencies", "operators"}

// sections are the sections of the guides as search is to find them, each in
// the languages it has.
func (p *Portal) sections() ([]catalog.Document, error) {
	all, err := guides()
	if err != nil {
		return nil, err
	}
	var list []catalog.Document
	for language, those := range all {
		for _, g := range those {
			if g.Language != language || !slices.Contains(searchedGuides, g.Name) {
				continue
			}
			for _, section := range g.Sections {
				d := catalog.Document{Path: g.Path(section)}
				if language == "vi" {
					d.TitleVI, d.TextVI = section.Title, section.Text
				} else {
					d.TitleEN, d.TextEN = section.Title, section.Text
				}
				list = append(list, d)
			}
		}
	}
	return list, nil
}
