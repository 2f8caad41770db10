package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// newestDiscussions is how many are shown on the page of what they are about.
const newestDiscussions = 3

// discussionRoutes are read without an account; to say something takes one.
func (p *Portal) discussionRoutes(r *mux.Router) {
	for _, list := range []string{"/dataset/{slug}/discussions", "/apis/{agency}/{api}/discussions"} {
		r.Handle(list, p.page(p.discussions)).Methods("GET", "HEAD")
		r.Handle(list, p.page(p.ask)).Methods("POST")
		r.Handle(list+"/{id}", p.page(p.discussion)).Methods("GET", "HEAD")
		r.Handle(list+"/{id}", p.page(p.answerIn)).Methods("POST")
		r.Handle(list+"/{id}/close", p.page(p.closeDiscussion)).Methods("POST")
		r.Handle(list+"/{id}/posts/{post}/report", p.page(p.reportPost)).Methods("POST")
	}
	r.Handle("/agency/{agency}/posts", p.page(p.waitingPosts)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/posts/{post}/hide", p.page(p.hidePost)).Methods("POST")
	r.Handle("/agency/{agency}/posts/{post}/show", p.page(p.showPost)).Methods("POST")
}

// topic reads the dataset or the API in the address, as the reader may see it.
func (p *Portal) topic(r *http.Request) (catalog.Topic, error) {
	vars := mux.Vars(r)
	if slug, ok := vars["slug"]; ok {
		d, err := p.Catalog.DatasetBySlug(r.Context(), whoever(r), slug)
		return d.Topic(), err
	}
	a, err := p.Catalog.APIBySlug(r.Context(), whoever(r), vars["agency"], vars["api"])
	return a.Topic(), err
}

// discussionsData is the data of the page "discussions".
type discussionsData struct {
	Topic    catalog.Topic
	List     []catalog.Discussion
	Next     string // cursor
	SignedIn bool
}

// discussions answers GET …/discussions of a dataset or an API.
func (p *Portal) discussions(r *http.Request) (page, error) {
	t, err := p.topic(r)
	if err != nil {
		return page{}, err
	}
	data := discussionsData{Topic: t, SignedIn: whoever(r).SignedIn()}
	data.List, data.Next, err = p.Catalog.Discussions(r.Context(), whoever(r), t, r.URL.Query().Get("after"), 20)
	return page{Name: "discussions", Data: data}, err
}

// ask answers POST …/discussions of a dataset or an API.
func (p *Portal) ask(r *http.Request) (page, error) {
	t, err := p.topic(r)
	if err != nil {
		return page{}, err
	}
	s, err := p.Catalog.Ask(r.Context(), whoever(r), t, r.PostFormValue("title"), r.PostFormValue("text"))
	if err != nil {
		return again(r, p.discussions, err)
	}
	return page{To: t.Discussions() + "/" + s.ID.String(), Flash: saidFlash(s.Shown)}, nil
}

// saidFlash tells who said something what became of it.
func saidFlash(shown bool) *web.Flash {
	if shown {
		return &web.Flash{Key: "discussion.said"}
	}
	return &web.Flash{Key: "discussion.said-held"}
}

// discussionData is the data of the page "discussion".
type discussionData struct {
	Topic      catalog.Topic
	Discussion catalog.Discussion
	SignedIn   bool
	MayClose   bool
	Moderates  bool // the reader may hide and show posts
}

// Base is the discussion's address.
func (d discussionData) Base() string {
	return d.Topic.Discussions() + "/" + d.Discussion.ID.String()
}

// discussionOf finds the discussion of the address, of what it is about there and no other.
func (p *Portal) discussionOf(r *http.Request) (discussionData, error) {
	ctx, who := r.Context(), whoever(r)
	id, err := idIn(r, "id")
	if err != nil {
		return discussionData{}, err
	}
	s, t, err := p.Catalog.Discussion(ctx, who, id)
	if err != nil {
		return discussionData{}, err
	}
	if vars := mux.Vars(r); t.Slug != vars[map[string]string{"dataset": "slug", "api": "api"}[t.Kind]] || t.Kind == "api" && t.Agency.Slug != vars["agency"] {
		return discussionData{}, problem.Errorf(problem.NotFound, "no discussion %s of %s", id, t.Slug).Coded("discussion-unknown", "id", id.String())
	}
	data := discussionData{Topic: t, Discussion: s, SignedIn: who.SignedIn()}
	if who.SignedIn() {
		data.Moderates = p.Catalog.May(ctx, who, "dataset.approve", t.Agency.ID) == nil
		data.MayClose = s.ClosedAt == nil && (s.Author == who.Person && s.Author != uuid.Nil || data.Moderates || p.Catalog.May(ctx, who, "dataset.edit", t.Agency.ID) == nil)
	}
	return data, nil
}

// discussion answers GET …/discussions/{id}.
func (p *Portal) discussion(r *http.Request) (page, error) {
	data, err := p.discussionOf(r)
	return page{Name: "discussion", Data: data}, err
}

// answerIn answers POST …/discussions/{id}.
func (p *Portal) answerIn(r *http.Request) (page, error) {
	d, err := p.discussionOf(r)
	if err != nil {
		return page{}, err
	}
	said, err := p.Catalog.Answer(r.Context(), whoever(r), d.Discussion.ID, r.PostFormValue("text"))
	if err != nil {
		return again(r, p.discussion, err)
	}
	return page{To: d.Base(), Flash: saidFlash(said.State == catalog.Shown)}, nil
}

// closeDiscussion answers POST …/discussions/{id}/close.
func (p *Portal) closeDiscussion(r *http.Request) (page, error) {
	d, err := p.discussionOf(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.CloseDiscussion(r.Context(), whoever(r), d.Discussion.ID); err != nil {
		return again(r, p.discussion, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "discussion.closed"}}, nil
}

// reportPost answers POST …/discussions/{id}/posts/{post}/report.
func (p *Portal) reportPost(r *http.Request) (page, error) {
	d, err := p.discussionOf(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "post")
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.ReportPost(r.Context(), whoever(r), id, catalog.PostReport{Reason: r.PostFormValue("reason")}); err != nil {
		return again(r, p.discussion, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "discussion.reported"}}, nil
}

// waitingPostsData is the data of the page "agency-posts".
type waitingPostsData struct {
	desk
	Posts []catalog.WaitingPost
}

// waitingPosts answers GET /agency/{agency}/posts: what a steward should look at.
func (p *Portal) waitingPosts(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := waitingPostsData{desk: d}
	data.Posts, err = p.Catalog.WaitingPosts(r.Context(), d.who, d.Agency.ID)
	return page{Name: "agency-posts", Data: data}, err
}

// hidePost answers POST /agency/{agency}/posts/{post}/hide.
func (p *Portal) hidePost(r *http.Request) (page, error) {
	return p.moderated(r, "discussion.hidden", func(d desk, id uuid.UUID) error {
		_, err := p.Catalog.HidePost(r.Context(), d.who, id, r.PostFormValue("reason"))
		return err
	})
}

// showPost answers POST /agency/{agency}/posts/{post}/show.
func (p *Portal) showPost(r *http.Request) (page, error) {
	return p.moderated(r, "discussion.shown", func(d desk, id uuid.UUID) error {
		_, err := p.Catalog.ShowPost(r.Context(), d.who, id)
		return err
	})
}

func (p *Portal) moderated(r *http.Request, told string, do func(desk, uuid.UUID) error) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "post")
	if err != nil {
		return page{}, err
	}
	if err := do(d, id); err != nil {
		return again(r, p.waitingPosts, err)
	}
	return page{To: d.At("posts"), Flash: &web.Flash{Key: told}}, nil
}
