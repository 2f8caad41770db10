// Package mock answers what a sandbox gives in place of an agency's system:
// the example that the API's document has for an answer, else synthetic data
// made from its schema.
//
// An OpenAPI document is read once, when something changes (Describe), into a
// Document that holds nothing but what answers are made of; a node makes it fit
// to answer by (Compile). An answer depends on the operation and what the call
// asks only: the same call gets the same bytes, on every node. What is made up
// names nobody: identity numbers begin with 000, which is no province's code,
// telephone numbers with 0000, addresses of the Internet lie in what RFC 2606,
// 3849 and 5737 reserve, and people are called Mẫu, Thử or Ví Dụ.
package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// The bounds of a mock.
const (
	MaxDocument = 512 << 10 // bytes of a Document as JSON
	MaxAnswer   = 256 << 10 // bytes of an answer that is made
	maxShapes   = 1_500     // of one answer
	maxNesting  = 40        // of shapes in one another
	maxValues   = 10_000    // of one answer that is made
	maxElements = 50        // of an array, where the document demands as many
	maxForms    = 4         // of oneOf and anyOf that are looked at
	maxKinds    = 3         // media types of an answer
)

// ErrTooLarge is that a version's Document would be larger than MaxDocument.
var ErrTooLarge = errors.New("what answers would be made of is larger than 512 KiB")

// Document is what a version's answers are made of. It refers to nothing outside itself.
type Document struct {
	Operations map[string][]Answer `json:"operations"` // by the operation's ID, in the order of statuses
}

// Answer is one way an operation answers.
type Answer struct {
	Status string  `json:"status"`         // 200, 4XX, DEFAULT
	Kind   string  `json:"kind,omitempty"` // media type; "": there is no body
	Text   string  `json:"text,omitempty"` // the body as it is, where there is no Shape
	Shape  *Shape  `json:"shape,omitempty"`
	Lacks  bool    `json:"lacks,omitempty"` // the document describes a body, gives no example of it, and none can be made
	order  float64 // of Describe: which one is preferred
}

// Shape is what a value is made by.
type Shape struct {
	Kind    string            `json:"kind,omitempty"`    // object, array, string, integer, number, boolean, null; "": one of Forms
	Values  []json.RawMessage `json:"values,omitempty"`  // it is one of these
	Example json.RawMessage   `json:"example,omitempty"` // a text, number or boolean
	Given   bool              `json:"given,omitempty"`   // it is Example, unless the call names another
	Forms   []*Shape          `json:"forms,omitempty"`

	Topic    string   `json:"topic,omitempty"`  // what a text or number is about, by its name and format
	Strict   bool     `json:"strict,omitempty"` // the document says so by a format: nothing else fits
	Pattern  string   `json:"pattern,omitempty"`
	Shortest int      `json:"shortest,omitempty"`
	Longest  *int     `json:"longest,omitempty"`
	Least    *float64 `json:"least,omitempty"`
	Most     *float64 `json:"most,omitempty"`
	Above    bool     `json:"above,omitempty"` // Least itself is too little
	Below    bool     `json:"below,omitempty"` // Most itself is too much
	Step     float64  `json:"step,omitempty"`

	Members []Member `json:"members,omitempty"`
	Others  *Shape   `json:"others,omitempty"` // of a map: its values
	First   []*Shape `json:"first,omitempty"`
	Element *Shape   `json:"element,omitempty"`
	Fewest  int      `json:"fewest,omitempty"`
	AtMost  *int     `json:"at_most,omitempty"`
	Unique  bool     `json:"unique,omitempty"`

	parsed  *syntax.Regexp // of Pattern
	matches *regexp.Regexp
}

// Member is one member of an object.
type Member struct {
	Name  string `json:"name"`
	Shape *Shape `json:"shape"`
}

// Operation gives the answers of one operation. It is safe for concurrent use.
type Operation struct {
	id      string
	answers []Answer
}

// Compile makes a Document fit to answer by.
func Compile(d *Document) (map[string]*Operation, error) {
	all := make(map[string]*Operation, len(d.Operations))
	for id, answers := range d.Operations {
		for i := range answers {
			if err := answers[i].Shape.compile(0); err != nil {
				return nil, fmt.Errorf("operation %s, answer %s: %w", id, answers[i].Status, err)
			}
		}
		all[id] = &Operation{id: id, answers: answers}
	}
	return all, nil
}

func (s *Shape) compile(depth int) error {
	if s == nil {
		return nil
	}
	if depth > maxNesting+2 {
		return errors.New("shapes are nested too deep")
	}
	if s.Pattern != "" {
		var err error
		if s.matches, err = regexp.Compile(s.Pattern); err != nil {
			return err
		}
		if s.parsed, err = syntax.Parse(s.Pattern, syntax.Perl); err != nil {
			return err
		}
	}
	inner := append(append([]*Shape{s.Others, s.Element}, s.First...), s.Forms...)
	for _, m := range s.Members {
		inner = append(inner, m.Shape)
	}
	for _, one := range inner {
		if err := one.compile(depth + 1); err != nil {
			return err
		}
	}
	return nil
}
