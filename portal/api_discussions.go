package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
)

func (a *API) discussionRoutes(r routes) {
	r.get("/datasets/{slug}/discussions", a.listDiscussions)
	r.post("/datasets/{slug}/discussions", a.beginDiscussion)
	r.get("/apis/{id}/discussions", a.listAPIDiscussions)
	r.post("/apis/{id}/discussions", a.beginAPIDiscussion)
	r.get("/discussions/{id}", a.showDiscussion)
	r.post("/discussions/{id}/posts", a.addPost)
	r.post("/discussions/{id}/close", a.closeDiscussion)
	r.post("/posts/{id}/report", a.reportPost)
	r.post("/posts/{id}/hide", a.hidePost)
	r.post("/posts/{id}/show", a.showPost)
	r.get("/agencies/{id}/posts", a.listWaitingPosts)
}

// said is what somebody says.
type said struct {
	Title string `json:"title"` // of a new discussion, at most 150 characters
	Text  string `json:"text"`  // plain, at most 4000 characters
}

// listDiscussions answers GET /datasets/{slug}/discussions.
//
//	@Summary	What is asked about a dataset, the newest said first
//	@Tags		people
//	@Param		slug	path		string	true	"slug of the dataset"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.Discussion]
//	@Router		/datasets/{slug}/discussions [get]
func (a *API) listDiscussions(w http.ResponseWriter, r *http.Request) error {
	return a.discussionsOf(w, r, a.datasetTopic(r))
}

// listAPIDiscussions answers GET /apis/{id}/discussions.
//
//	@Summary	What is asked about an API, the newest said first
//	@Tags		people
//	@Param		id		path		string	true	"id of the API"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.Discussion]
//	@Router		/apis/{id}/discussions [get]
func (a *API) listAPIDiscussions(w http.ResponseWriter, r *http.Request) error {
	return a.discussionsOf(w, r, a.apiTopic(r))
}

// topicFor reads what a discussion is about, as who may see it.
type topicFor func(context.Context, auth.Principal) (catalog.Topic, error)

func (a *API) datasetTopic(r *http.Request) topicFor {
	return func(ctx context.Context, who auth.Principal) (catalog.Topic, error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		return d.Topic(), err
	}
}

func (a *API) apiTopic(r *http.Request) topicFor {
	return func(ctx context.Context, who auth.Principal) (catalog.Topic, error) {
		id, err := pathID(r, "id")
		if err != nil {
			return catalog.Topic{}, err
		}
		api, err := a.Catalog.APIByID(ctx, who, id)
		return api.Topic(), err
	}
}

func (a *API) discussionsOf(w http.ResponseWriter, r *http.Request, topic topicFor) error {
	values, err := query(r, "limit", "after")
	if err != nil {
		return err
	}
	limit, err := limitOf(values)
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Discussion], error) {
		t, err := topic(ctx, who)
		if err != nil {
			return items[catalog.Discussion]{}, err
		}
		list, next, err := a.Catalog.Discussions(ctx, who, t, values.Get("after"), limit)
		return items[catalog.Discussion]{list, next}, err
	})
}

// beginDiscussion answers POST /datasets/{slug}/discussions.
//
//	@Summary	Ask about a dataset; what looks suspicious waits for a steward
//	@Tags		people
//	@Security	bearer
//	@Param		slug	path		string	true	"slug of the dataset"
//	@Param		body	body		said	true	"title and text, plain"
//	@Success	201		{object}	catalog.Discussion
//	@Router		/datasets/{slug}/discussions [post]
func (a *API) beginDiscussion(w http.ResponseWriter, r *http.Request) error {
	return a.begin(w, r, a.datasetTopic(r))
}

// beginAPIDiscussion answers POST /apis/{id}/discussions.
//
//	@Summary	Ask about an API; what looks suspicious waits for a steward
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string	true	"id of the API"
//	@Param		body	body		said	true	"title and text, plain"
//	@Success	201		{object}	catalog.Discussion
//	@Router		/apis/{id}/discussions [post]
func (a *API) beginAPIDiscussion(w http.ResponseWriter, r *http.Request) error {
	return a.begin(w, r, a.apiTopic(r))
}

func (a *API) begin(w http.ResponseWriter, r *http.Request, topic topicFor) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, s said) (catalog.Discussion, string, error) {
		t, err := topic(ctx, who)
		if err != nil {
			return catalog.Discussion{}, "", err
		}
		made, err := a.Catalog.Ask(ctx, who, t, s.Title, s.Text)
		return made, "/discussions/" + made.ID.String(), err
	})
}

// showDiscussion answers GET /discussions/{id}.
//
//	@Summary	One discussion with its posts
//	@Tags		people
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.Discussion
//	@Router		/discussions/{id} [get]
func (a *API) showDiscussion(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Discussion, error) {
		s, _, err := a.Catalog.Discussion(ctx, who, id)
		return s, err
	})
}

// addPost answers POST /discussions/{id}/posts.
//
//	@Summary	Answer in a discussion
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		said	true	"the text, plain; no title"
//	@Success	201		{object}	catalog.Post
//	@Router		/discussions/{id}/posts [post]
func (a *API) addPost(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return create(a, w, r, func(ctx context.Context, who auth.Principal, s said) (catalog.Post, string, error) {
		p, err := a.Catalog.Answer(ctx, who, id, s.Text)
		return p, "/discussions/" + id.String(), err
	})
}

// closeDiscussion answers POST /discussions/{id}/close.
//
//	@Summary	Close a discussion: who began it may, and the agency
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.Discussion
//	@Router		/discussions/{id}/close [post]
func (a *API) closeDiscussion(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.CloseDiscussion)
}

// reportPost answers POST /posts/{id}/report.
//
//	@Summary	Tell the agency's steward what is wrong with a post
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string				true	"id"
//	@Param		body	body		catalog.PostReport	true	"the reason"
//	@Success	200		{object}	catalog.Post
//	@Router		/posts/{id}/report [post]
func (a *API) reportPost(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, a.Catalog.ReportPost)
}

// hidePost answers POST /posts/{id}/hide.
//
//	@Summary	Hide a post, with the reason
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string	true	"id"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	catalog.Post
//	@Router		/posts/{id}/hide [post]
func (a *API) hidePost(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, why remark) (catalog.Post, error) {
		return a.Catalog.HidePost(ctx, who, id, why.Text)
	})
}

// showPost answers POST /posts/{id}/show.
//
//	@Summary	Show a post that was held or hidden, or settle its reports
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	catalog.Post
//	@Router		/posts/{id}/show [post]
func (a *API) showPost(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.ShowPost)
}

// listWaitingPosts answers GET /agencies/{id}/posts.
//
//	@Summary	Posts about an agency's datasets that are held or reported
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[catalog.WaitingPost]
//	@Router		/agencies/{id}/posts [get]
func (a *API) listWaitingPosts(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.WaitingPost], error) {
		list, err := a.Catalog.WaitingPosts(ctx, who, id)
		return items[catalog.WaitingPost]{Items: list}, err
	})
}
