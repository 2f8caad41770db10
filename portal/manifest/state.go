package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many requests are under way together.
const atOnce = 8

// The states that a document may name, in the order a thing goes through them.
var (
	versionStates = []string{"draft", "review", "sandbox", "published", "deprecated", "retired"}
	datasetStates = []string{"draft", "review", "approved", "published", "withdrawn"}
)

// state is an agency as the platform has it, with the ids that its changes are
// addressed by.
type state struct {
	Document
	id         string
	apis       map[string]string // ids by slug
	versions   map[string]string // ids by slug/number
	writable   writable
	twoPersons bool     // what goes live does so by a bundle that another person promotes
	unseen     []string // the parts that the token's person may not see
}

// writable are the keys that the API takes of what it gives.
type writable struct{ api, dataset, mark []string }

// Export gives an agency as the platform has it, and what of it the token's
// person may not see.
func Export(ctx context.Context, c *Client, agency string) (Document, []string, error) {
	s, err := read(ctx, c, agency)
	return s.Document, s.unseen, err
}

func read(ctx context.Context, c *Client, agency string) (state, error) {
	s := state{Document: Document{Format: Format, Agency: agency}, apis: map[string]string{}, versions: map[string]string{}}
	var found struct{ ID, Slug string }
	if err := c.do(ctx, http.MethodGet, "/agencies/"+url.PathEscape(agency), nil, &found); err != nil {
		return s, err
	}
	s.id, s.Agency = found.ID, found.Slug
	for _, step := range []func(context.Context, *Client) error{s.isOurs, s.readRule, s.readWritable, s.readMembers, s.readHosts, s.readAPIs, s.readDatasets} {
		if err := step(ctx, c); err != nil {
			return s, err
		}
	}
	s.sort()
	return s, nil
}

// isOurs fails for who works neither for the agency nor for the platform: they
// would see a part of it, and take it for the whole.
func (s *state) isOurs(ctx context.Context, c *Client) error {
	var me struct {
		Memberships []struct {
			Role   string
			Agency *struct{ Slug string } // nil: a role of the platform
		}
	}
	if err := c.do(ctx, http.MethodGet, "/me", nil, &me); err != nil {
		return err
	}
	for _, m := range me.Memberships {
		if m.Agency == nil && m.Role == "operator" || m.Agency != nil && m.Agency.Slug == s.Agency {
			return nil
		}
	}
	return fmt.Errorf("the token's person does not work for %s", s.Agency)
}

// readWritable asks the API's own description what it takes.
func (s *state) readWritable(ctx context.Context, c *Client) error {
	var d struct {
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := c.do(ctx, http.MethodGet, "/openapi.json", nil, &d); err != nil {
		return err
	}
	for name, to := range map[string]*[]string{"catalog.APIText": &s.writable.api, "catalog.DatasetText": &s.writable.dataset, "catalog.Mark": &s.writable.mark} {
		for key := range d.Components.Schemas[name].Properties {
			*to = append(*to, key)
		}
		if len(*to) == 0 {
			return fmt.Errorf("/api/v1/openapi.json of the portal does not say what %s is", name)
		}
	}
	return nil
}

func (s *state) readMembers(ctx context.Context, c *Client) (err error) {
	s.Members, err = all[Member](ctx, c, "/agencies/"+s.id+"/members")
	return s.unlessHidden(err, "members")
}

// unlessHidden notes a part that may not be seen, and passes on any other error.
func (s *state) unlessHidden(err error, part string) error {
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusForbidden {
		s.unseen = append(s.unseen, part)
		return nil
	}
	return err
}

func (s *state) readHosts(ctx context.Context, c *Client) error {
	hosts, err := all[struct {
		HostPort string `json:"host_port"`
	}](ctx, c, "/agencies/"+s.id+"/upstreams")
	for _, h := range hosts {
		s.Hosts = append(s.Hosts, h.HostPort)
	}
	return s.unlessHidden(err, "hosts")
}

// foundAPI is an API as the API gives it, with all that it gives.
type foundAPI struct {
	Object   Object
	ID, Slug string
	Versions []foundVersion
}

// UnmarshalJSON is of encoding/json.
func (f *foundAPI) UnmarshalJSON(text []byte) error {
	type known foundAPI
	if err := json.Unmarshal(text, (*known)(f)); err != nil {
		return err
	}
	return json.Unmarshal(text, &f.Object)
}

// foundVersion is a version as the API gives it.
type foundVersion struct {
	ID, Number, State, Plan string
	Upstreams               []Upstream
	Sunset                  string
	Sandbox                 bool
}

func (s *state) readAPIs(ctx context.Context, c *Client) error {
	found, err := all[foundAPI](ctx, c, "/apis?agency="+s.id)
	if err != nil {
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	s.APIs = make([]API, len(found))
	for i, f := range found {
		a := &s.APIs[i]
		a.Slug, a.Text = f.Slug, f.Object.only(s.writable.api)
		s.apis[a.Slug] = f.ID
		a.Versions = make([]Version, len(f.Versions))
		for j, v := range f.Versions {
			s.versions[a.Slug+"/"+v.Number] = v.ID
			work.Go(func() (err error) {
				a.Versions[j], err = s.readVersion(ctx, c, v)
				return err
			})
		}
	}
	return work.Wait()
}

func (s *state) readVersion(ctx context.Context, c *Client, found foundVersion) (Version, error) {
	v := Version{Number: found.Number, State: found.State, Plan: found.Plan, Upstreams: found.Upstreams, Sandbox: found.Sandbox && found.State != "retired"}
	if v.State == "deprecated" {
		v.Sunset = found.Sunset
	}
	operations, err := all[Object](ctx, c, "/versions/"+found.ID+"/operations")
	if err != nil {
		return v, err
	}
	for _, o := range operations {
		slug, _ := o["slug"].(string)
		if v.Operations == nil {
			v.Operations = map[string]Object{}
		}
		v.Operations[slug] = o.only(s.writable.mark)
	}
	if err := c.do(ctx, http.MethodGet, "/versions/"+found.ID+"/traffic", nil, &v.Traffic); err != nil {
		return v, err
	}
	v.Traffic = v.Traffic.filled()
	if v.Pages, err = all[Object](ctx, c, "/versions/"+found.ID+"/pages"); err != nil {
		return v, err
	}
	text, err := c.bytes(ctx, http.MethodGet, "/versions/"+found.ID+"/openapi.json", nil)
	if err != nil {
		return v, err
	}
	v.Document, err = specOf(text)
	return v, err
}

func (s *state) readDatasets(ctx context.Context, c *Client) error {
	found, err := all[Object](ctx, c, "/datasets?agency="+s.id)
	if err != nil {
		return err
	}
	for _, o := range found {
		d := Dataset{Text: o.only(s.writable.dataset)}
		d.Slug, _ = o["slug"].(string)
		d.State, _ = o["state"].(string)
		if d.State == "withdrawn" {
			d.Reason, _ = o["state_reason"].(string)
		}
		delete(d.Text, "slug")
		s.Datasets = append(s.Datasets, d)
	}
	return nil
}

// beside leaves of the state what a document speaks of, to be compared with it.
func (s state) beside(d Document) Document {
	same := Document{Format: s.Format, Agency: s.Agency}
	for _, m := range s.Members {
		if slices.Contains(d.Members, m) {
			same.Members = append(same.Members, m)
		}
	}
	for _, h := range s.Hosts {
		if slices.Contains(d.Hosts, h) {
			same.Hosts = append(same.Hosts, h)
		}
	}
	for _, a := range s.APIs {
		i := slices.IndexFunc(d.APIs, func(other API) bool { return other.Slug == a.Slug })
		if i < 0 {
			continue
		}
		a.Versions = slices.DeleteFunc(slices.Clone(a.Versions), func(v Version) bool {
			return !slices.ContainsFunc(d.APIs[i].Versions, func(other Version) bool { return other.Number == v.Number })
		})
		same.APIs = append(same.APIs, a)
	}
	for _, set := range s.Datasets {
		if slices.ContainsFunc(d.Datasets, func(other Dataset) bool { return other.Slug == set.Slug }) {
			same.Datasets = append(same.Datasets, set)
		}
	}
	return same
}
