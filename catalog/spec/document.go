// Package spec answers what an API's document says: it reads OpenAPI 3.0 and
// 3.1 (Swagger 2.0 is lifted to 3.0) and tells what it found and what is wrong.
package spec

import (
	"lgsp/internal/problem"
)

// Document is what was read from an OpenAPI document. The document's own text
// is Vietnamese; English stands beside it in x-title-en, x-description-en and
// x-summary-en.
type Document struct {
	OpenAPI       string      `json:"openapi"` // 3.0.3, 3.1.0, 2.0 …, as the document says
	TitleVI       string      `json:"title_vi"`
	TitleEN       string      `json:"title_en"`
	DescriptionVI string      `json:"description_vi"`
	DescriptionEN string      `json:"description_en"`
	Version       string      `json:"version"` // info.version
	Servers       []string    `json:"servers"` // where the document says the API is; the platform does not use it
	Operations    []Operation `json:"operations"`
	Findings      []Finding   `json:"findings"` // worst first
	JSON          []byte      `json:"-"`        // the document as JSON, in the order it was written
}

// Operation is one method and path template.
type Operation struct {
	Method        string      `json:"method"` // upper case
	Path          string      `json:"path"`
	Slug          string      `json:"slug"` // lower case letters, digits and hyphens; unique in the document
	OperationID   string      `json:"operation_id"`
	SummaryVI     string      `json:"summary_vi"`
	SummaryEN     string      `json:"summary_en"`
	DescriptionVI string      `json:"description_vi"`
	DescriptionEN string      `json:"description_en"`
	Tags          []string    `json:"tags"`
	Deprecated    bool        `json:"deprecated"`
	Parameters    []Parameter `json:"parameters"`
	Body          *Body       `json:"body"` // nil when the operation takes none
	Answers       []Answer    `json:"answers"`
	Fields        []Field     `json:"fields"`              // of the 2xx JSON or XML answers together: what an agreement chooses from
	Personal      []string    `json:"personal"`            // fields and parameters whose names suggest personal data
	Sensitive     []Sensitive `json:"sensitive,omitempty"` // places of the fields that leave masked unless an agreement gives them open
	XML           *XML        `json:"xml,omitempty"`       // how the fields stand in the 2xx XML answers; null: there is none
}

// Parameter is one input beside the body.
type Parameter struct {
	Name          string   `json:"name"`
	In            string   `json:"in"` // path, query, header, cookie
	Required      bool     `json:"required"`
	Type          string   `json:"type"`
	Format        string   `json:"format"`
	DescriptionVI string   `json:"description_vi"`
	DescriptionEN string   `json:"description_en"`
	Example       string   `json:"example"`
	Enum          []string `json:"enum"`
	Default       string   `json:"default"`
}

// Body is what an operation takes.
type Body struct {
	Required      bool     `json:"required"`
	DescriptionVI string   `json:"description_vi"`
	DescriptionEN string   `json:"description_en"`
	MediaTypes    []string `json:"media_types"`
	Fields        []Field  `json:"fields"`
	Example       string   `json:"example"`
}

// Answer is what an operation answers with one status.
type Answer struct {
	Status        string   `json:"status"` // 200, 4XX, default
	DescriptionVI string   `json:"description_vi"`
	DescriptionEN string   `json:"description_en"`
	MediaTypes    []string `json:"media_types"`
	Fields        []Field  `json:"fields"`
	Example       string   `json:"example"`
}

// Field is one place in a body. Path is a JSON Pointer (RFC 6901) in which *
// stands for each element of an array. Agreeing a path agrees all below it.
type Field struct {
	Path          string   `json:"path"`
	Type          string   `json:"type"` // string, integer, number, boolean, object, array, or "" when the document says nothing
	Format        string   `json:"format"`
	TitleVI       string   `json:"title_vi"`
	TitleEN       string   `json:"title_en"`
	DescriptionVI string   `json:"description_vi"`
	DescriptionEN string   `json:"description_en"`
	Required      bool     `json:"required"`
	Nullable      bool     `json:"nullable"`
	Enum          []string `json:"enum"`
	Example       string   `json:"example"`
	SameAs        string   `json:"same_as"` // a circular schema is shown once: the path where it is, / for the whole body
}

// The severities of a finding.
const (
	Error   = "error"   // the version cannot be published
	Warning = "warning" // readers will miss something
	Info    = "info"    // good to know
)

// Finding is one thing found in a document.
type Finding struct {
	Severity string            `json:"severity"`
	Code     string            `json:"code"`
	Line     int               `json:"line"`   // from 1; 0 when no line can be named
	Where    string            `json:"where"`  // "GET /thu-tuc", or ""
	Detail   string            `json:"detail"` // English
	Args     map[string]string `json:"args"`
}

// Words gives the text of the finding in a locale, "vi" or "en".
func (f Finding) Words(locale string) string {
	return problem.Field{Code: f.Code, Detail: f.Detail, Args: f.Args}.Words(locale)
}
