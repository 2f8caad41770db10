// Package check answers whether a request or an answer is as the API's document
// describes it, and where it is not.
//
// An OpenAPI document is read once, when a version is published (Describe), into
// a Document that holds nothing but what is checked; a node makes it fit to check
// by (Compile). What is checked on the way of a call is bounded in steps, in the
// number of findings and in what they say: places of the document and codes of a
// closed set, never a value of the call. The validators there are (kin-openapi's,
// jsonschema) bound none of the three; kin-openapi's is what the tests compare
// this one with.
package check

import "encoding/json"

// The bounds of a check.
const (
	MaxDocument = 512 << 10 // bytes of a Document as JSON
	maxFindings = 10        // of one request or answer
	maxTold     = 5         // of those, that no call is refused for
	maxLevels   = 4_096     // schemas within schemas while one value is checked
)

// Document is what is checked of a version. It refers to nothing outside itself.
type Document struct {
	Operations map[string]*Described `json:"operations"`        // by the operation's ID; one of which nothing can be checked is left out
	Schemas    map[string]*Schema    `json:"schemas,omitempty"` // what a $ref names
}

// Described is what the document says of one operation.
type Described struct {
	Parameters []Parameter        `json:"parameters,omitempty"`
	OpenQuery  bool               `json:"open_query,omitempty"` // the query may hold names that the document does not
	Body       *Body              `json:"body,omitempty"`       // nil: the document names none
	Answers    map[string]Content `json:"answers,omitempty"`    // by status: 200, 4XX, default; nil content: none is described
}

// Parameter is one input beside the body.
type Parameter struct {
	In       string  `json:"in"` // path, query, header, cookie
	Name     string  `json:"name"`
	Required bool    `json:"required,omitempty"`
	Empty    bool    `json:"empty,omitempty"` // it may be given without a value
	List     string  `json:"list,omitempty"`  // what stands between the elements of an array; "&": it is given several times; "": no array
	Schema   *Schema `json:"schema,omitempty"`
}

// Body is what an operation takes.
type Body struct {
	Required bool    `json:"required,omitempty"`
	Content  Content `json:"content,omitempty"`
}

// Content are the media types of a body, in lower case without parameters, each
// with its schema. A nil schema takes everything.
type Content map[string]*Schema

// Schema is a schema of OpenAPI 3.0 or 3.1, in one form for both. A nil Schema,
// and the zero one, take every value.
type Schema struct {
	Ref      string            `json:"$ref,omitempty"`  // in Document.Schemas; nothing stands beside it
	Never    bool              `json:"never,omitempty"` // it takes no value
	Nullable bool              `json:"nullable,omitempty"`
	Types    []string          `json:"type,omitempty"` // null among them
	Enum     []json.RawMessage `json:"enum,omitempty"`

	Minimum          *float64 `json:"minimum,omitempty"`
	Maximum          *float64 `json:"maximum,omitempty"`
	ExclusiveMinimum *float64 `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum *float64 `json:"exclusiveMaximum,omitempty"`
	MultipleOf       float64  `json:"multipleOf,omitempty"`

	MinLength int    `json:"minLength,omitempty"` // characters
	MaxLength *int   `json:"maxLength,omitempty"`
	Pattern   string `json:"pattern,omitempty"` // as package regexp has it
	Format    string `json:"format,omitempty"`  // of those in formats

	First    []*Schema `json:"prefixItems,omitempty"`
	Items    *Schema   `json:"items,omitempty"`
	MinItems int       `json:"minItems,omitempty"`
	MaxItems *int      `json:"maxItems,omitempty"`
	Unique   bool      `json:"uniqueItems,omitempty"`

	Properties map[string]*Schema `json:"properties,omitempty"`
	Patterned  map[string]*Schema `json:"patternProperties,omitempty"`
	Others     *Schema            `json:"additionalProperties,omitempty"`
	Open       bool               `json:"open,omitempty"` // further members are foreseen
	Required   []string           `json:"required,omitempty"`
	MinMembers int                `json:"minProperties,omitempty"`
	MaxMembers *int               `json:"maxProperties,omitempty"`

	AllOf         []*Schema      `json:"allOf,omitempty"`
	OneOf         []*Schema      `json:"oneOf,omitempty"`
	AnyOf         []*Schema      `json:"anyOf,omitempty"`
	Not           *Schema        `json:"not,omitempty"`
	Discriminator *Discriminator `json:"discriminator,omitempty"`

	ReadOnly  bool `json:"readOnly,omitempty"`
	WriteOnly bool `json:"writeOnly,omitempty"`
	Loose     bool `json:"loose,omitempty"` // it takes more than the document says: something of it is left unchecked
}

// Discriminator tells by a member's value which of oneOf, else of anyOf, is meant.
type Discriminator struct {
	Member string         `json:"member"`
	Means  map[string]int `json:"means"` // value → place in the list
}

// The codes of findings.
const (
	Required     = "required"      // it is missing
	Type         = "type"          // another type than described
	Value        = "value"         // none of the values that are listed
	Range        = "range"         // too small or too large a number
	Multiple     = "multiple"      // no multiple of the number it is to be one of
	Length       = "length"        // too short or too long a text
	Pattern      = "pattern"       // the text does not fit the pattern
	Format       = "format"        // no date, UUID … as described
	Count        = "count"         // too few or too many elements or members
	Unique       = "unique"        // an element twice
	NotAllowed   = "not-allowed"   // a member that may not be there
	NotNamed     = "not-named"     // a member or parameter that the document does not name; nothing is refused for it
	OneOf        = "one-of"        // it fits none of the forms
	Several      = "several"       // it fits several of the forms, of which it may fit one
	Not          = "not"           // it fits the form that it may not fit
	WriteOnly    = "write-only"    // a member that is only for requests, in an answer
	MediaType    = "media-type"    // another content type than described
	Encoded      = "encoded"       // compressed, although it cannot be read so
	Status       = "status"        // a status that the document does not name
	NotJSON      = "not-json"      // JSON that cannot be read in one way only
	NotDescribed = "not-described" // a body where the document names none; nothing is refused for it
	TooComplex   = "too-complex"   // it takes too many steps to tell
)

// Finding is one place that is not as described.
type Finding struct {
	Place string // in the document: query/ma, body/items/*/ma; * is any element of an array, any member of a map
	At    string // in the call: Place with the numbers of elements
	Code  string
	Told  bool // nothing is refused for it
}

// Wrong reports whether there is a finding for which a call is refused.
func Wrong(findings []Finding) bool {
	for _, f := range findings {
		if !f.Told {
			return true
		}
	}
	return false
}
