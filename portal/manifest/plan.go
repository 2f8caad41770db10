package manifest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Plan is what puts a document in force. Its units do not depend on each
// other; the steps of one come one after another.
type Plan struct {
	Diff   string   // from what the platform has to the document, as a unified diff; "" when they are the same
	Left   []string // what the platform has and the document does not: it stays
	Over   []string // what the document has as ended and the platform not at all: it is not begun
	Unseen []string // the parts that the token's person may not see, and so are not compared
	units  []unit
}

// unit is a thing with all that is to be done about it.
type unit struct {
	name  string
	steps []step
}

// step is one change. One that another person must make waits for them.
type step struct {
	what  string // what is done, in the past tense of a report
	do    func(ctx context.Context, c *Client) error
	waits bool // a refusal leaves it, and what follows, to somebody else
}

// Steps is how many changes there are.
func (p Plan) Steps() int {
	n := 0
	for _, u := range p.units {
		n += len(u.steps)
	}
	return n
}

// Compare finds what puts the document in force. It fails when the document
// asks for what no change leads to, or for what is another agency's, and then
// nothing is to be done of it.
func Compare(ctx context.Context, c *Client, d Document) (Plan, error) {
	s, err := read(ctx, c, d.Agency)
	if err != nil {
		return Plan{}, err
	}
	if slices.Contains(s.unseen, "members") && len(d.Members) > 0 {
		return Plan{}, fmt.Errorf("the document names members, whom only a steward of %s or an operator may see and change", d.Agency)
	}
	p := Plan{Left: s.left(d), Unseen: s.unseen}
	d.sort()
	if p.Diff, err = diff(s.beside(d), d); err != nil {
		return Plan{}, err
	}
	p.units = append(p.units, s.planMembers(d), s.planHosts(d))
	for _, a := range d.APIs {
		a.Versions = slices.DeleteFunc(slices.Clone(a.Versions), func(v Version) bool {
			over := v.State == "retired" && s.versions[a.Slug+"/"+v.Number] == ""
			if over {
				p.Over = append(p.Over, "version "+a.Slug+"/"+v.Number)
			}
			return over
		})
		u, err := s.planAPI(a)
		if err != nil {
			return Plan{}, err
		}
		p.units = append(p.units, u)
	}
	for _, set := range d.Datasets {
		if set.State == "withdrawn" && !s.hasDataset(set.Slug) {
			p.Over = append(p.Over, "dataset "+set.Slug)
			continue
		}
		u, err := s.planDataset(ctx, c, set)
		if err != nil {
			return Plan{}, err
		}
		p.units = append(p.units, u)
	}
	p.units = slices.DeleteFunc(p.units, func(u unit) bool { return len(u.steps) == 0 })
	return p, nil
}

// left names what the document does not speak of.
func (s state) left(d Document) (left []string) {
	both := s.beside(d)
	for _, m := range s.Members {
		if len(d.Members) > 0 && !slices.Contains(both.Members, m) {
			left = append(left, "member "+m.Email+" as "+m.Role)
		}
	}
	for _, a := range s.APIs {
		i := slices.IndexFunc(both.APIs, func(other API) bool { return other.Slug == a.Slug })
		if i < 0 {
			left = append(left, "API "+a.Slug)
			continue
		}
		for _, v := range a.Versions {
			if !slices.ContainsFunc(both.APIs[i].Versions, func(other Version) bool { return other.Number == v.Number }) {
				left = append(left, "version "+a.Slug+"/"+v.Number)
			}
		}
	}
	for _, set := range s.Datasets {
		if !slices.ContainsFunc(both.Datasets, func(other Dataset) bool { return other.Slug == set.Slug }) {
			left = append(left, "dataset "+set.Slug)
		}
	}
	return left
}

func (s state) planMembers(d Document) unit {
	u := unit{name: "members"}
	for _, m := range d.Members {
		if !slices.Contains(s.Members, m) {
			u.send(http.MethodPost, "/agencies/"+s.id+"/members", m, "made %s a %s", m.Email, m.Role)
		}
	}
	return u
}

func (s state) planHosts(d Document) unit {
	u := unit{name: "hosts"}
	for _, h := range d.Hosts {
		if !slices.Contains(s.Hosts, h) {
			u.send(http.MethodPost, "/agencies/"+s.id+"/upstreams", map[string]string{"host_port": h}, "asked the operator to approve %s", h)
		}
	}
	return u
}

// send adds a step that is one request.
func (u *unit) send(method, path string, body any, what string, args ...any) {
	u.steps = append(u.steps, step{what: fmt.Sprintf(what, args...), do: func(ctx context.Context, c *Client) error {
		return c.do(ctx, method, path, body, nil)
	}})
}

// leave makes the last step one that may be another person's.
func (u *unit) leave() { u.steps[len(u.steps)-1].waits = true }

func (s state) planAPI(a API) (unit, error) {
	u := unit{name: "API " + a.Slug}
	id, known := s.apis[a.Slug]
	if !known {
		body := Object{"agency_id": s.id, "slug": a.Slug}
		for key, value := range a.Text {
			body[key] = value
		}
		u.steps = append(u.steps, step{what: "began it", do: func(ctx context.Context, c *Client) error {
			return c.do(ctx, http.MethodPost, "/apis", body, &struct{ ID *string }{&id})
		}})
	}
	i := slices.IndexFunc(s.APIs, func(other API) bool { return other.Slug == a.Slug })
	var now API
	if i >= 0 {
		now = s.APIs[i]
		if !equal(now.Text, a.Text) {
			u.send(http.MethodPut, "/apis/"+id, a.Text, "changed its words")
		}
	}
	for _, v := range a.Versions {
		j := slices.IndexFunc(now.Versions, func(other Version) bool { return other.Number == v.Number })
		var has Version
		if j >= 0 {
			has = now.Versions[j]
		}
		if err := s.planVersion(&u, &id, a.Slug, v, has); err != nil {
			return u, err
		}
	}
	return u, nil
}

// planVersion adds what makes the version has, which may be none yet, into v.
// The API's id may be known only when its first step is done.
func (s state) planVersion(u *unit, api *string, slug string, v, has Version) error {
	name := slug + "/" + v.Number
	document, err := v.Document.JSON()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	id := s.versions[name]
	at := func(method, path string, body any, what string) {
		u.steps = append(u.steps, step{what: name + ": " + what, do: func(ctx context.Context, c *Client) error {
			return c.do(ctx, method, "/versions/"+id+path, body, nil)
		}})
	}
	if s.twoPersons && isLive(has.State) {
		if has, err = u.prepare(id, name, v, has); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	switch {
	case has.Number == "":
		u.steps = append(u.steps, step{what: name + ": made a draft from its document", do: func(ctx context.Context, c *Client) error {
			return c.do(ctx, http.MethodPost, "/apis/"+*api+"/versions", map[string]string{"number": v.Number, "text": document}, &struct{ ID *string }{&id})
		}})
		has.State = "draft"
	case !has.Document.same(v.Document):
		at(http.MethodPut, "/spec", map[string]string{"text": document}, "changed its document")
	}
	if !equal(has.Operations, v.Operations) && len(v.Operations) > 0 {
		at(http.MethodPut, "/operations", v.Operations, "marked its operations")
	}
	if v.Plan != "" && v.Plan != has.Plan {
		at(http.MethodPut, "/plan", map[string]string{"plan": v.Plan}, "chose plan "+v.Plan)
	}
	if !slices.Equal(has.Upstreams, v.Upstreams) && len(v.Upstreams) > 0 {
		at(http.MethodPut, "/upstream", map[string]any{"upstreams": v.Upstreams}, "named the system behind")
		u.leave()
	}
	if !equal(has.Traffic.filled(), v.Traffic.filled()) {
		at(http.MethodPut, "/traffic", v.Traffic.filled(), "changed its traffic")
	}
	if len(has.Pages)+len(v.Pages) > 0 && !equal(has.Pages, v.Pages) {
		at(http.MethodPut, "/pages", map[string]any{"pages": append([]Object{}, v.Pages...)}, "changed its pages")
	}
	for _, path := range versionPath(has, v) {
		if path == "/publish" && s.twoPersons {
			u.propose(&id, name)
			continue
		}
		var body any
		if path == "/deprecate" {
			body = map[string]string{"sunset": v.Sunset}
		}
		at(http.MethodPost, path, body, path[1:])
		u.leave()
	}
	switch live := v.State == "published" || v.State == "deprecated"; {
	case live && v.Sandbox && !has.Sandbox && has.State != "sandbox":
		at(http.MethodPost, "/sandbox", nil, "opened its sandbox")
	case live && !v.Sandbox && (has.Sandbox || has.State == "sandbox"):
		at(http.MethodDelete, "/sandbox", nil, "closed its sandbox")
	}
	if slices.Index(versionStates, v.State) < slices.Index(versionStates, has.State) {
		return fmt.Errorf("%s is %s, and does not become %s again", name, has.State, v.State)
	}
	return nil
}

// versionPath are the requests that lead a version to its state.
func versionPath(has, v Version) (paths []string) {
	if has.State == v.State {
		if v.Sunset != has.Sunset {
			paths = append(paths, "/deprecate")
		}
		return paths
	}
	place := func(state string) int { return slices.Index(versionStates, state) }
	for _, way := range []struct{ state, path string }{{"review", "/submit"}, {"sandbox", "/sandbox"}, {"published", "/publish"}, {"deprecated", "/deprecate"}, {"retired", "/retire"}} {
		if place(has.State) < place(way.state) && place(way.state) <= place(v.State) && (way.state != "deprecated" || v.Sunset != "") && (way.state != "sandbox" || v.State == "sandbox") {
			paths = append(paths, way.path)
		}
	}
	return paths
}

func (s state) planDataset(ctx context.Context, c *Client, d Dataset) (unit, error) {
	u := unit{name: "dataset " + d.Slug}
	path := "/datasets/" + url.PathEscape(d.Slug)
	text := Object{"slug": d.Slug}
	for key, value := range d.Text {
		text[key] = value
	}
	i := slices.IndexFunc(s.Datasets, func(other Dataset) bool { return other.Slug == d.Slug })
	now := Dataset{Slug: d.Slug, State: "draft"}
	if i >= 0 {
		now = s.Datasets[i]
	}
	switch {
	case i < 0:
		if err := notAnothers(ctx, c, path, d.Slug); err != nil {
			return u, err
		}
		body := Object{"agency": s.id}
		for key, value := range text {
			body[key] = value
		}
		u.send(http.MethodPost, "/datasets", body, "began it")
	case !equal(now.Text, d.Text.filled()):
		waiting, err := waitingEdit(ctx, c, path, s.writable.dataset)
		if err != nil {
			return u, err
		}
		if now.State != "published" || !equal(waiting.Text, d.Text.filled()) {
			u.send(http.MethodPut, path, text, "changed what is written about it")
		}
		if now.State == "published" {
			u.steps = append(u.steps, step{what: "approved the change", waits: true, do: approveEdit(path, d.Text.filled(), s.writable.dataset)})
		}
	}
	return u, u.moveDataset(path, now, d)
}

// moveDataset adds what leads a dataset to its state.
func (u *unit) moveDataset(path string, now, d Dataset) error {
	if now.State == d.State {
		return nil
	}
	place := func(state string) int { return slices.Index(datasetStates, state) }
	if place(d.State) < place(now.State) {
		return fmt.Errorf("dataset %s is %s, and does not become %s through a document", d.Slug, now.State, d.State)
	}
	for _, way := range []struct{ state, path string }{{"review", "/submit"}, {"approved", "/approve"}, {"published", "/publish"}} {
		if place(now.State) < place(way.state) && place(way.state) <= place(d.State) {
			u.send(http.MethodPost, path+way.path, nil, "%s", way.path[1:])
			u.leave()
		}
	}
	if d.State == "withdrawn" {
		u.send(http.MethodPost, path+"/withdraw", map[string]string{"reason": d.Reason}, "withdrew it")
		u.leave()
	}
	return nil
}

func (s state) hasDataset(slug string) bool {
	return slices.ContainsFunc(s.Datasets, func(other Dataset) bool { return other.Slug == slug })
}

// notAnothers fails when a dataset that the agency has not is another's: a
// slug is one dataset in the whole province.
func notAnothers(ctx context.Context, c *Client, path, slug string) error {
	var other struct{ Agency struct{ Slug string } }
	err := c.do(ctx, http.MethodGet, path, nil, &other)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal) && (refusal.Status == http.StatusNotFound || refusal.Status == http.StatusGone):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("dataset %s is of %s; a document changes what is its own agency's", slug, other.Agency.Slug)
}

// edit is the change of a public dataset that waits for a steward.
type edit struct {
	ID    string
	State string
	Text  Object
}

// waitingEdit gives it, or none.
func waitingEdit(ctx context.Context, c *Client, path string, writable []string) (edit, error) {
	var e edit
	err := c.do(ctx, http.MethodGet, path+"/edit", nil, &e)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound {
		return edit{}, nil
	}
	if e.State != "review" { // it was given back
		return edit{}, err
	}
	e.Text = e.Text.only(writable)
	delete(e.Text, "slug")
	return e, err
}

// approveEdit approves the change that waits when it says what the document says.
func approveEdit(path string, want Object, writable []string) func(context.Context, *Client) error {
	return func(ctx context.Context, c *Client) error {
		waiting, err := waitingEdit(ctx, c, path, writable)
		if err != nil {
			return err
		}
		if !equal(waiting.Text, want) {
			return errors.New("the change that waits is no longer that of the document")
		}
		return c.do(ctx, http.MethodPost, path+"/edit/approve", map[string]string{"edit": waiting.ID}, nil)
	}
}
