package portal

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// tryData is the form from which a page's script calls an operation. The
// script sends to the gateway itself; the portal forwards nothing.
type tryData struct {
	Method, Base, Path string
	Fields             []tryField
	Sends              []sampleHeader // beside what is filled in, always
	Takes              bool           // a body
	Type, Body         string         // of it
	Access             string         // of the operation
	Token              string         // address that gives a token for one of Callers; "": none is needed
	Callers            []tryCaller
	Key                string // on the page that has just shown it
	SignIn             bool   // nobody is signed in, and somebody must be
	Ask                string // address where an agreement is asked for, when the reader has none
}

// Optional is how many of the parameters may be left out.
func (d tryData) Optional() int {
	n := 0
	for _, f := range d.Fields {
		if !f.Required {
			n++
		}
	}
	return n
}

// tryField is one parameter of the form.
type tryField struct {
	catalog.Parameter
	ID      string
	Value   string   // it begins with
	Options []string // of a choice; nil: anything may be typed
	List    bool     // values are parted by commas
}

// tryCaller is an application that the call can be made for, under one of its
// agreements.
type tryCaller struct {
	Application uuid.UUID
	Name        string
	Purpose     string // code; "" unless it must be named, as there are several
	About       string // what the agreement is for
}

// tryOf is the form for an operation of a version, nil where the gateway does
// not serve it. conditions are those beside an agreement.
func (p *Portal) tryOf(s service, o catalog.Operation, conditions []string, signedIn bool) *tryData {
	if s.Version.State != catalog.Published && s.Version.State != catalog.Deprecated {
		return nil
	}
	d := &tryData{Method: o.Method, Base: s.Base, Path: o.Path, Access: o.Access}
	for _, parameter := range o.Doc.Parameters {
		if parameter.In != "cookie" { // none is carried
			d.Fields = append(d.Fields, tryFieldOf(parameter, "try-"+strconv.Itoa(len(d.Fields))))
		}
	}
	if b := o.Doc.Body; b != nil && len(b.MediaTypes) > 0 {
		d.Takes, d.Type, d.Body = true, b.MediaTypes[0], bodyOf(b)
	}
	if o.Access == catalog.Open {
		return d
	}
	d.Token = s.Href + "/token"
	for _, g := range s.Agreed {
		if g.State == agreement.Active && p.daysLeft(g.Ends) >= 0 && slices.ContainsFunc(g.Operations, func(a agreement.Operation) bool { return a.ID == o.Slug }) {
			d.Callers = append(d.Callers, tryCaller{Application: g.ApplicationID, Name: g.ApplicationName, Purpose: g.Purpose, About: g.PurposeText})
		}
	}
	if len(d.Callers) == 1 && !slices.Contains(conditions, "purpose") {
		d.Callers[0].Purpose = "" // it goes without saying
	}
	if d.SignIn = !signedIn; signedIn && len(d.Callers) == 0 {
		d.Ask = s.Href + "/request?operation=" + o.Slug
	}
	return d
}

func tryFieldOf(p catalog.Parameter, id string) tryField {
	f := tryField{Parameter: p, ID: id, Options: p.Enum, List: p.Type == "array"}
	if p.Type == "boolean" {
		f.Options = []string{"true", "false"}
	}
	if f.List {
		f.Options = nil
	}
	if p.Required && f.Value == "" {
		for _, value := range append([]string{p.Example, p.Default}, p.Enum...) {
			if f.Value = value; value != "" {
				break
			}
		}
	}
	return f
}

// tryToken answers POST /apis/{agency}/{api}/{version}/token, for the script: a
// token for an application that the reader owns, on this version.
func (p *Portal) tryToken(w http.ResponseWriter, r *http.Request) error {
	r, err := p.identified(r)
	if err != nil {
		return err
	}
	if err := readForm(w, r, bodyLimit); err != nil {
		return err
	}
	who, err := signedIn(r)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(r.PostFormValue("application"))
	if err != nil {
		return problem.Errorf(problem.Invalid, "application is not a UUID")
	}
	s, err := p.versionAt(r)
	if err != nil {
		return err
	}
	if err := p.Auth.WorksOn(r.Context(), who, id); err != nil {
		return err
	}
	app, err := p.Auth.Application(r.Context(), id)
	if err != nil {
		return err
	}
	trial, err := p.OAuth.TryToken(r.Context(), who, app, s.Base)
	if err != nil {
		return err
	}
	return writeJSON(w, trial)
}
