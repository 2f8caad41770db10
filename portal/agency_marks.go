package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lgsp/catalog"
	"lgsp/web"
)

// marksData is the data of the page "agency-marks".
type marksData struct {
	versionPage
	Rows []markRow
}

// markRow is one operation to be marked.
type markRow struct {
	catalog.Operation
	Preset   catalog.Mark // as it is marked, or suggested
	Why      string       // the preset is a suggestion: "document" says so or "names" do; "" it was marked
	Subjects []web.Option // where the subject's number may stand
}

// Name is the name of one of the operation's fields in the form, and in what
// MarkOperations finds wrong.
func (m markRow) Name(field string) string { return markName(m.Slug, field) }

func markName(slug, field string) string { return "operations/" + slug + "/" + field }

// Subject is the preset's place of the subject's number, as an option has it.
func (m markRow) Subject() string { return subjectOption(m.Preset.SubjectIn, m.Preset.SubjectName) }

// Choices are the places as choices after none; in are the words for path,
// query, header and body.
func (m markRow) Choices(none string, in ...string) []web.Option {
	options := []web.Option{{Text: none}}
	for _, o := range m.Subjects {
		place := slices.Index([]string{"path", "query", "header", "body"}, o.Hint)
		options = append(options, web.Option{Value: o.Value, Text: o.Text + " (" + in[place] + ")"})
	}
	return options
}

// subjectOption writes a place as one value: "path soDinhDanh", "body /nguoi/so".
func subjectOption(in, name string) string {
	if in == "" {
		return ""
	}
	return in + " " + name
}

// marksForm answers GET …/{version}/marks: who may call each operation, and
// how what it gives is classified. What the document hints at, or else names
// in it suggest, is filled in and said to be a suggestion.
func (p *Portal) marksForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	text, err := p.Catalog.SpecJSON(r.Context(), v.who, v.Version.ID, p.Gateway)
	if err != nil {
		return page{}, err
	}
	hints, err := hintsIn(text)
	if err != nil {
		return page{}, err
	}
	data := marksData{versionPage: v}
	for _, o := range v.Operations {
		row := markRow{Operation: o, Preset: o.Mark, Subjects: subjectsOf(o)}
		if o.Access == "" {
			row.Preset, row.Why = o.Suggest(), "names"
			if hint := hints[o.Method+" "+o.Path]; hint.Access != "" {
				row.Preset, row.Why = hint, "document"
			}
		}
		data.Rows = append(data.Rows, row)
	}
	return page{Name: "agency-marks", Data: data}, nil
}

// subjectsOf are the places of a call in which its subject's number may stand.
func subjectsOf(o catalog.Operation) []web.Option {
	var options []web.Option
	for _, q := range o.Doc.Parameters {
		if q.In != "cookie" {
			options = append(options, web.Option{Value: subjectOption(q.In, q.Name), Text: q.Name, Hint: q.In})
		}
	}
	if o.Doc.Body != nil {
		for _, f := range o.Doc.Body.Fields {
			if f.Type != "object" && f.Type != "array" && !strings.Contains(f.Path, "*") {
				options = append(options, web.Option{Value: subjectOption("body", f.Path), Text: f.Path, Hint: "body"})
			}
		}
	}
	return options
}

// hintsIn are the marks that a document proposes for its operations, by
// method and path: x-lgsp-access, x-lgsp-classification, x-lgsp-subject.
func hintsIn(document []byte) (map[string]catalog.Mark, error) {
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("read hints of document: %w", err)
	}
	hints := map[string]catalog.Mark{}
	for path, item := range doc.Paths {
		for method, text := range item {
			var o struct {
				Access         string                    `json:"x-lgsp-access"`
				Classification string                    `json:"x-lgsp-classification"`
				Subject        struct{ In, Name string } `json:"x-lgsp-subject"`
			}
			if json.Unmarshal(text, &o) == nil { // an item holds more than operations
				hints[strings.ToUpper(method)+" "+path] = catalog.Mark{Access: o.Access, Classification: o.Classification,
					SubjectIn: o.Subject.In, SubjectName: o.Subject.Name}
			}
		}
	}
	return hints, nil
}

// mark answers POST …/{version}/marks.
func (p *Portal) mark(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	marks := map[string]catalog.Mark{}
	for _, o := range v.Operations {
		m := catalog.Mark{Access: r.PostFormValue(markName(o.Slug, "access")), Classification: r.PostFormValue(markName(o.Slug, "classification"))}
		if m.Access == catalog.Personal {
			m.SubjectIn, m.SubjectName = subjectOf(r.PostFormValue(markName(o.Slug, "subject_name")))
		}
		marks[o.Slug] = m
	}
	if _, err := p.Catalog.MarkOperations(r.Context(), v.who, v.Version.ID, marks); err != nil {
		return again(r, p.marksForm, err)
	}
	if v.Public() {
		return page{To: v.Base()}, nil
	}
	return page{To: v.Base() + "/publish"}, nil
}

// subjectOf reads an option; a pointer alone stands in a body of which the
// document says nothing.
func subjectOf(option string) (in, name string) {
	if strings.HasPrefix(option, "/") {
		return "body", option
	}
	in, name, _ = strings.Cut(option, " ")
	return in, name
}
