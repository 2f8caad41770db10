package manifest

import (
	"context"
	"errors"
	"net/http"
	"slices"
)

// readRule asks whether the agency demands two persons for what goes live.
func (s *state) readRule(ctx context.Context, c *Client) error {
	var rule struct {
		TwoPersons bool `json:"two_persons"`
	}
	err := c.do(ctx, http.MethodGet, "/agencies/"+s.id+"/release-rule", nil, &rule)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound { // a portal from before there were rules
		return nil
	}
	s.twoPersons = rule.TwoPersons
	return err
}

// isLive reports whether a version in that state can be called.
func isLive(state string) bool { return state == "published" || state == "deprecated" }

// release is what a portal says of a bundle on its way to being live.
type release struct {
	Hash      string
	Behind    bool
	Promotion *struct{ State string }
}

// prepare adds what makes one bundle of all that the document has otherwise than
// a live version, and proposes it; it gives the version as if it were live.
func (u *unit) prepare(id, name string, v, has Version) (Version, error) {
	body := map[string]any{}
	if !has.Document.same(v.Document) {
		document, err := v.Document.JSON()
		if err != nil {
			return has, err
		}
		body["text"], has.Document = document, v.Document
	}
	if !equal(has.Operations, v.Operations) && len(v.Operations) > 0 {
		body["operations"], has.Operations = v.Operations, v.Operations
	}
	if v.Plan != "" && v.Plan != has.Plan {
		body["plan"], has.Plan = v.Plan, v.Plan
	}
	if !slices.Equal(has.Upstreams, v.Upstreams) && len(v.Upstreams) > 0 {
		body["upstreams"], has.Upstreams = v.Upstreams, v.Upstreams
	}
	if !equal(has.Traffic.filled(), v.Traffic.filled()) {
		body["traffic"], has.Traffic = v.Traffic.filled(), v.Traffic
	}
	if len(has.Pages)+len(v.Pages) > 0 && !equal(has.Pages, v.Pages) {
		body["pages"], has.Pages = append([]Object{}, v.Pages...), v.Pages
	}
	if len(body) == 0 {
		return has, nil
	}
	u.send(http.MethodPut, "/versions/"+id+"/promotion", body, "%s: prepared the changes as one bundle", name)
	u.propose(&id, name)
	return has, nil
}

// propose adds what proposes a bundle, unless it waits already, and makes it
// live, which is for another person to do. The version's id may be known only
// when its first step is done.
func (u *unit) propose(id *string, name string) {
	at := func(what string, do func(ctx context.Context, c *Client, path string, r release) error) {
		u.steps = append(u.steps, step{what: name + ": " + what, do: func(ctx context.Context, c *Client) error {
			path := "/versions/" + *id
			var r release
			if err := c.do(ctx, http.MethodGet, path+"/promotion", nil, &r); err != nil {
				return err
			}
			return do(ctx, c, path, r)
		}})
	}
	at("proposed that it goes live", func(ctx context.Context, c *Client, path string, r release) error {
		if r.Promotion != nil && r.Promotion.State == "proposed" && !r.Behind {
			return nil
		}
		return c.do(ctx, http.MethodPost, path+"/propose", map[string]string{}, nil)
	})
	u.leave()
	at("made it live", func(ctx context.Context, c *Client, path string, r release) error {
		return c.do(ctx, http.MethodPost, path+"/promote", map[string]string{"hash": r.Hash}, nil)
	})
	u.leave()
}
