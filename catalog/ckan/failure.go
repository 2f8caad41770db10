package ckan

import (
	"fmt"
	"net/http"
	"strings"

	"lgsp/internal/problem"
)

// The types of errors that clients of CKAN know.
const (
	notAllowed  = "Authorization Error"
	notFound    = "Not Found Error"
	notValid    = "Validation Error"
	queryWrong  = "Search Query Error"
	searchWrong = "Search Error"
	engineAway  = "Search Connection Error"
	ours        = "Internal Server Error"
)

// failure is an error as CKAN tells it.
type failure struct {
	status  int
	kind    string
	message string              // "" for a validation error
	fields  map[string][]string // of a validation error
}

// Error is the message, for logs and tests.
func (f *failure) Error() string { return f.kind + ": " + f.message + fmt.Sprint(f.fields) }

func (f *failure) body() map[string]any {
	body := map[string]any{"__type": f.kind}
	if f.kind != notValid {
		body["message"] = f.message
	}
	for name, texts := range f.fields {
		body[name] = texts
	}
	return body
}

func denied(why string) error {
	return &failure{status: http.StatusForbidden, kind: notAllowed, message: "Access denied: " + why}
}

func missing(why string) error {
	message := "Not found"
	if why != "" {
		message += ": " + why
	}
	return &failure{status: http.StatusNotFound, kind: notFound, message: message}
}

// invalid says what is wrong with one parameter or field.
func invalid(field, format string, args ...any) error {
	return &failure{status: http.StatusConflict, kind: notValid, fields: map[string][]string{field: {fmt.Sprintf(format, args...)}}}
}

// unsearchable is a query that cannot be read.
func unsearchable(format string, args ...any) error {
	return &failure{status: http.StatusConflict, kind: searchWrong, message: "Search error: " + fmt.Sprintf(format, args...)}
}

// ckanNames are the fields of a package by the catalogue's names for them.
var ckanNames = map[string]string{
	"slug": "name", "title_vi": "title", "title_en": "title_translated", "notes_vi": "notes", "notes_en": "notes_translated",
	"keywords_vi": "tags", "keywords_en": "tags", "licence": "license_id", "theme": "groups", "frequency": "extras", "spatial": "extras",
	"temporal_start": "extras", "temporal_end": "extras", "source_document": "extras", "source_url": "url",
	"contact_name": "maintainer", "contact_email": "maintainer_email", "contact_phone": "extras", "distributions": "resources",
}

// failureOf tells a problem of the catalogue in CKAN's words.
func failureOf(e *problem.Error) *failure {
	switch e.Kind {
	case problem.Forbidden, problem.Unauthorized:
		return &failure{status: http.StatusForbidden, kind: notAllowed, message: "Access denied: " + e.Detail}
	case problem.NotFound, problem.Gone: // CKAN knows no tombstones
		return &failure{status: http.StatusNotFound, kind: notFound, message: "Not found"}
	case problem.Invalid, problem.Conflict, problem.TooLarge, problem.UnsupportedMedia:
		return validation(e)
	case problem.Timeout:
		return &failure{status: http.StatusConflict, kind: notValid, fields: map[string][]string{"query": {"Query took too long"}}}
	case problem.Unavailable:
		return &failure{status: http.StatusInternalServerError, kind: engineAway, message: "the database does not answer; try again in a few seconds"}
	}
	return &failure{status: http.StatusInternalServerError, kind: ours, message: "something went wrong on our side"}
}

func validation(e *problem.Error) *failure {
	f := &failure{status: http.StatusConflict, kind: notValid, fields: map[string][]string{}}
	switch {
	case e.Code == "dataset-slug-taken":
		f.fields["name"] = []string{"That URL is already in use."}
	case len(e.Fields) > 0:
		for _, field := range e.Fields {
			name, ok := ckanNames[field.Name]
			if own, is := strings.CutPrefix(field.Name, "fields/"); is {
				name, ok = own, true
			}
			text := field.Detail
			switch {
			case !ok:
				name = field.Name
			case name == "extras":
				text = field.Name + " " + text
			}
			f.fields[name] = append(f.fields[name], text)
		}
	case e.Kind == problem.TooLarge || e.Kind == problem.UnsupportedMedia:
		f.fields["upload"] = []string{e.Detail}
	default:
		f.fields["message"] = []string{e.Detail}
	}
	return f
}
