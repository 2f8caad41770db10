// Package manifest answers how an agency is kept as one YAML document: what it
// offers and who works on it, written from the running platform and put in
// force again. It reads and writes through /api/v1, so a document can do what
// the person whose token it goes with may do, and nothing more; it holds no
// secret, because the API shows none.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format is what a document of today begins with.
const Format = "lgsp/1"

const (
	maxDocument = 64 << 20 // bytes
	maxDepth    = 100      // of what lies in what
)

// Document is an agency: APIs with their versions, datasets without their
// files, members and the hosts that its versions forward to. A list that is
// absent is not looked at. What the platform has and the document does not is
// left as it is.
type Document struct {
	Format   string    `yaml:"format"`
	Agency   string    `yaml:"agency"` // slug
	Members  []Member  `yaml:"members,omitempty"`
	Hosts    []string  `yaml:"hosts,omitempty"` // host:port; whether one is approved is the operator's to say
	APIs     []API     `yaml:"apis,omitempty"`
	Datasets []Dataset `yaml:"datasets,omitempty"`
}

// Member is a person in a role of the agency.
type Member struct {
	Email string `yaml:"email" json:"email"`
	Role  string `yaml:"role" json:"role"`
}

// API is a data service.
type API struct {
	Slug     string    `yaml:"slug"`
	Text     Object    `yaml:"text"` // as PUT /apis/{id} takes it
	Versions []Version `yaml:"versions,omitempty"`
}

// Version is one edition of an API.
type Version struct {
	Number     string            `yaml:"number"`
	State      string            `yaml:"state"`
	Sunset     string            `yaml:"sunset,omitempty"` // RFC 3339; of one that is deprecated
	Plan       string            `yaml:"plan,omitempty"`
	Sandbox    bool              `yaml:"sandbox,omitempty"` // it can be tried with synthetic data
	Upstreams  []Upstream        `yaml:"upstreams,omitempty"`
	Operations map[string]Object `yaml:"operations,omitempty"` // marks by slug, as PUT /versions/{id}/operations takes them
	Traffic    Object            `yaml:"traffic,omitempty"`    // as PUT /versions/{id}/traffic takes it
	Pages      []Object          `yaml:"pages,omitempty"`      // of documentation, as PUT /versions/{id}/pages takes them
	Document   Spec              `yaml:"document"`             // OpenAPI, without its servers
}

// Upstream is an address that a version forwards to, with its share of the calls.
type Upstream struct {
	URL    string `yaml:"url" json:"url"`
	Weight int    `yaml:"weight,omitempty" json:"weight,omitempty"`
}

// Dataset is what is written about a dataset.
type Dataset struct {
	Slug   string `yaml:"slug"`
	State  string `yaml:"state"`
	Reason string `yaml:"reason,omitempty"` // of one that is withdrawn
	Text   Object `yaml:"text"`             // as PUT /datasets/{slug} takes it
}

// Write gives the document as text: sorted, so that the same agency is always
// the same bytes.
func (d Document) Write(w io.Writer) error {
	d.sort()
	if _, err := fmt.Fprintf(w, "# %s as the platform has it: lgsp apply -f puts it in force.\n", d.Agency); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return e.Close()
}

func (d Document) sort() {
	slices.SortFunc(d.Members, func(a, b Member) int {
		return strings.Compare(a.Email+"\x00"+a.Role, b.Email+"\x00"+b.Role)
	})
	slices.Sort(d.Hosts)
	slices.SortFunc(d.APIs, func(a, b API) int { return strings.Compare(a.Slug, b.Slug) })
	for _, a := range d.APIs {
		slices.SortFunc(a.Versions, func(a, b Version) int {
			if len(a.Number) != len(b.Number) { // v10 comes after v9
				return len(a.Number) - len(b.Number)
			}
			return strings.Compare(a.Number, b.Number)
		})
		for _, v := range a.Versions {
			slices.SortFunc(v.Upstreams, func(a, b Upstream) int { return strings.Compare(a.URL, b.URL) })
		}
	}
	slices.SortFunc(d.Datasets, func(a, b Dataset) int { return strings.Compare(a.Slug, b.Slug) })
}

// Read reads a document, strictly: of at most 64 MiB, without aliases, with no
// key twice and none that is not known. An error names the line.
func Read(r io.Reader) (Document, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return Document{}, fmt.Errorf("read: %w", err)
	}
	if len(text) > maxDocument {
		return Document{}, fmt.Errorf("the document is larger than %d MiB", maxDocument>>20)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return Document{}, err
	}
	if err := plain(&root, 0); err != nil {
		return Document{}, err
	}
	var d Document
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
		return Document{}, errors.New("the document is empty")
	} else if err != nil {
		return Document{}, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Document{}, errors.New("the file holds more than one document")
	}
	return d, d.check()
}

// plain refuses what JSON has not: aliases, which let a small text stand for a
// large one, keys that are no text, keys that come twice.
func plain(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: more than %d levels deep", n.Line, maxDepth)
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not taken; write it out", n.Line)
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			switch {
			case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
				return fmt.Errorf("line %d: a key is a text", key.Line)
			case seen[key.Value]:
				return fmt.Errorf("line %d: %q stands here twice", key.Line, key.Value)
			}
			seen[key.Value] = true
		}
	}
	for _, in := range n.Content {
		if err := plain(in, depth+1); err != nil {
			return err
		}
	}
	return nil
}

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check finds what the platform could not even be asked; the rest it says itself.
func (d Document) check() error {
	if d.Format != Format {
		return fmt.Errorf("format is %q, not %q", d.Format, Format)
	}
	names := map[string]bool{}
	once := func(kind, name string) error {
		if names[kind+name] {
			return fmt.Errorf("%s %q stands in the document twice", kind, name)
		}
		names[kind+name] = true
		return nil
	}
	var wrong []error
	named := func(kind, name string) {
		if !slug.MatchString(name) {
			wrong = append(wrong, fmt.Errorf("%s %q: a slug is a to z, 0 to 9 and single - between", kind, name))
		}
		wrong = append(wrong, once(kind, name))
	}
	named("agency", d.Agency)
	for _, a := range d.APIs {
		named("API", a.Slug)
		for _, v := range a.Versions {
			wrong = append(wrong, once("version "+a.Slug+"/", v.Number))
			if !slices.Contains(versionStates, v.State) {
				wrong = append(wrong, fmt.Errorf("%s/%s: state is one of %s, not %q", a.Slug, v.Number, strings.Join(versionStates, ", "), v.State))
			}
			if (v.State == "deprecated") != (v.Sunset != "") {
				wrong = append(wrong, fmt.Errorf("%s/%s: sunset goes with the state deprecated, and only with it", a.Slug, v.Number))
			}
			if v.Document.node == nil {
				wrong = append(wrong, fmt.Errorf("%s/%s: its document is missing", a.Slug, v.Number))
			}
		}
	}
	for _, s := range d.Datasets {
		named("dataset", s.Slug)
		if !slices.Contains(datasetStates, s.State) {
			wrong = append(wrong, fmt.Errorf("dataset %s: state is one of %s, not %q", s.Slug, strings.Join(datasetStates, ", "), s.State))
		}
		if (s.State == "withdrawn") != (s.Reason != "") {
			wrong = append(wrong, fmt.Errorf("dataset %s: reason goes with the state withdrawn, and only with it", s.Slug))
		}
		if other, ok := s.Text["slug"]; ok && other != s.Slug {
			wrong = append(wrong, fmt.Errorf("dataset %s: its text names another slug", s.Slug))
		}
	}
	return errors.Join(wrong...)
}

// equal reports whether two values are the same as JSON.
func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
