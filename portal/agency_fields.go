package portal

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// fieldRoutes are the pages about what an agency asks of its datasets beside
// what every dataset is asked.
func (p *Portal) fieldRoutes(r *mux.Router) {
	r.Handle("/agency/{agency}/fields", p.page(p.fieldSchema)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/fields", p.page(p.setFieldSchema)).Methods("POST")
}

// fieldSchemaData is the data of the page "agency-fields".
type fieldSchemaData struct {
	desk
	Schema   catalog.FieldSchema
	Versions []catalog.FieldSchemaVersion
	Text     string       // in the form, before anyone typed
	Old      int          // the version that is looked at; 0: the one in force
	Preview  []ownControl // of what is in the form, or in force
	Tried    bool         // the preview is of what is typed, and not kept
	Lines    []line       // around what is wrong first
}

// fieldExample is a schema as it is explained on the page.
const fieldExample = `fields:
  - name: so_hieu
    label: {vi: Số hiệu bản đồ, en: Map number}
    help: {vi: Ghi như trên bìa., en: As on the cover.}
    type: text
    required: true
    max_length: 40
    property: schema:serialNumber
  - name: he_toa_do
    label: {vi: Hệ toạ độ, en: Coordinate system}
    type: choice
    choices:
      - {value: VN2000, label: {vi: VN-2000, en: VN-2000}}
      - {value: WGS84, label: {vi: WGS 84, en: WGS 84}}
  - name: ghi_chu
    label: {vi: Ghi chú nội bộ, en: Internal note}
    type: long-text
    shown: agency
`

// Example is a schema to begin from.
func (fieldSchemaData) Example() string { return fieldExample }

// MayEdit reports whether the reader may change the schema.
func (d fieldSchemaData) MayEdit() bool { return d.May("schema.edit") }

// fieldSchema answers GET /agency/{agency}/fields; version looks at a former
// wording.
func (p *Portal) fieldSchema(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := fieldSchemaData{desk: d}
	if data.Schema, err = p.Catalog.FieldSchema(r.Context(), d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	if data.Versions, err = p.Catalog.FieldSchemaVersions(r.Context(), d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	data.Text = data.Schema.Text
	if old, err := strconv.Atoi(r.URL.Query().Get("version")); err == nil && old != data.Schema.Version {
		i := slices.IndexFunc(data.Versions, func(v catalog.FieldSchemaVersion) bool { return v.Version == old })
		if i < 0 {
			return page{}, problem.Errorf(problem.NotFound, "no schema %d of %s", old, d.Agency.Slug)
		}
		data.Old, data.Text = old, data.Versions[i].Text
	}
	data.Preview = controlsOf(localeOf(r), data.Schema.Schema(), nil)
	return page{Name: "agency-fields", Data: data}, nil
}

// setFieldSchema answers POST /agency/{agency}/fields: the schema that was typed
// or whose file was chosen, to be looked at or to be kept.
func (p *Portal) setFieldSchema(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	text, err := givenSchema(r)
	if err != nil {
		return again(r, p.fieldSchema, err)
	}
	if utf8.ValidString(text) && len(text) <= bodyLimit {
		r.PostForm.Set("text", text) // where it came from a file, it goes on in the form
	}
	version, err := strconv.Atoi(r.PostFormValue("version"))
	if err != nil {
		version = -1 // which none has
	}
	var read catalog.FieldSchema
	if r.PostFormValue("act") == "preview" {
		read, err = p.Catalog.CheckFieldSchema(r.Context(), d.who, d.Agency.ID, text)
	} else {
		_, err = p.Catalog.SetFieldSchema(r.Context(), d.who, d.Agency.ID, catalog.FieldSchemaText{Text: text, Version: version})
		if err == nil {
			return page{To: d.At("fields"), Flash: &web.Flash{Key: "fields.kept"}}, nil
		}
	}
	answer, failed := page{}, error(nil)
	if err != nil {
		answer, failed = again(r, p.fieldSchema, err)
	} else if answer, failed = p.fieldSchema(r); failed == nil {
		answer.Form = &web.Form{Values: r.PostForm}
	}
	data, is := answer.Data.(fieldSchemaData)
	if failed != nil || !is {
		return answer, failed
	}
	if err != nil {
		if wrong := problem.Of(err).Fields; len(wrong) > 0 {
			data.Lines = linesAround(text, wrong[0].Args["line"])
		}
	} else {
		data.Preview, data.Tried = controlsOf(localeOf(r), read.Schema(), nil), true
	}
	answer.Data = data
	return answer, nil
}

// givenSchema is the schema in the form: the file, else what was typed.
func givenSchema(r *http.Request) (string, error) {
	if file, _, err := r.FormFile("file"); err == nil {
		defer file.Close()
		text, err := io.ReadAll(io.LimitReader(file, bodyLimit))
		if err != nil {
			return "", problem.Errorf(problem.Invalid, "the file cannot be read").Because(err)
		}
		return string(text), nil
	}
	return strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n"), nil
}

// ownControl is a field of an agency's own as a control of a form.
type ownControl struct {
	Name, Label, Help  string
	Control, InputMode string
	Value              string
	Values             []string
	Options            []web.Option
	Max                string
	Optional           bool
}

// controlsOf are the fields of a schema as controls, with their values.
func controlsOf(locale string, schema catalog.OwnSchema, values catalog.OwnValues) []ownControl {
	list := make([]ownControl, len(schema.Fields))
	for i, f := range schema.Fields {
		v := values[f.Name]
		c := ownControl{Name: "fields/" + f.Name, Label: inWords(locale, f.LabelVI, f.LabelEN), Help: inWords(locale, f.HelpVI, f.HelpEN),
			Control: "text", Value: v.Text, Values: v.Texts(), Optional: !f.Required}
		if f.MaxLength > 0 {
			c.Max = strconv.Itoa(f.MaxLength)
		}
		switch f.Type {
		case catalog.OwnLong:
			c.Control = "textarea"
		case catalog.OwnNumber:
			c.InputMode = "decimal"
		case catalog.OwnDate, catalog.OwnURL, catalog.OwnEmail:
			c.Control = string(f.Type)
		case catalog.OwnYesNo:
			c.Control = "select"
			c.Options = []web.Option{{Text: inWords(locale, "— Chọn —", "— Choose —")}, {Value: "yes", Text: inWords(locale, "Có", "Yes")}, {Value: "no", Text: inWords(locale, "Không", "No")}}
		case catalog.OwnChoice:
			c.Control, c.Options = "select", []web.Option{{Text: inWords(locale, "— Chọn —", "— Choose —")}}
		case catalog.OwnChoices:
			c.Control = "boxes"
		}
		for _, o := range f.Choices {
			c.Options = append(c.Options, web.Option{Value: o.Value, Text: inWords(locale, o.LabelVI, o.LabelEN)})
		}
		list[i] = c
	}
	return list
}

// inWords is an agency's text in a language, else in Vietnamese.
func inWords(locale, vi, en string) string {
	if locale == "en" && en != "" {
		return en
	}
	return vi
}

// ownFact is a value of an agency's own field, to be read.
type ownFact struct {
	LabelVI, LabelEN string
	Type             catalog.OwnType
	VI, EN           []string
	Day              time.Time // of a date
	Name             string    // of a value that has no field any more, and no label
}

// ownFacts are the values of d that the reader may see, in the schema's order.
func ownFacts(d catalog.Dataset) []ownFact {
	var list []ownFact
	for _, h := range d.OwnFields() {
		f := ownFact{LabelVI: h.LabelVI, LabelEN: h.LabelEN, Type: h.Type}
		if f.LabelEN == "" {
			f.LabelEN = f.LabelVI
		}
		f.VI, f.EN = h.Words(h.Value)
		if h.Type == catalog.OwnDate {
			f.Day = day(h.Value.Text)
		}
		list = append(list, f)
	}
	return list
}

// keptFacts are the values of d whose field is gone from the schema.
func keptFacts(d catalog.Dataset) []ownFact {
	var list []ownFact
	for _, name := range d.KeptFields() {
		texts := d.Fields[name].Texts()
		list = append(list, ownFact{Name: name, VI: texts, EN: texts})
	}
	return list
}

// OwnFacts are the agency's own fields on the dataset's page.
func (v datasetView) OwnFacts() []ownFact { return ownFacts(v.Dataset) }

// OwnFacts are the same on its desk.
func (d datasetData) OwnFacts() []ownFact { return ownFacts(d.ownDataset()) }

// KeptFacts are those whose field is gone from the schema.
func (d datasetData) KeptFacts() []ownFact { return keptFacts(d.ownDataset()) }

// OwnControls are the agency's own fields in the dataset's form.
func (d datasetData) OwnControls(locale string) []ownControl {
	return controlsOf(locale, d.Own, d.Dataset.Fields)
}

// LacksFields are the agency's own fields that a dataset needs and does not have.
func (d datasetData) LacksFields() []catalog.OwnField {
	var list []catalog.OwnField
	for _, f := range d.Own.Fields {
		if f.Required && d.Dataset.Fields[f.Name].Empty() {
			list = append(list, f)
		}
	}
	return list
}

// ownDataset is the dataset with the whole of its agency's schema.
func (d datasetData) ownDataset() catalog.Dataset {
	set := d.Dataset
	set.Schema = d.Own
	return set
}

// typedFields reads the agency's own fields in a dataset's form. drop names
// those to be taken away that the schema has no field for.
func typedFields(r *http.Request) catalog.OwnValues {
	values := catalog.OwnValues{}
	for key, list := range r.PostForm {
		name, own := strings.CutPrefix(key, "fields/")
		switch {
		case own && len(list) == 1:
			values[name] = catalog.OwnValue{Text: list[0]}
		case own:
			values[name] = catalog.OwnValue{Many: list}
		}
	}
	for _, name := range r.PostForm["drop"] {
		values[name] = catalog.OwnValue{}
	}
	return values
}
