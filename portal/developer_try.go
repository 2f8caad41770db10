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
	Sandbox            bool   // it is what is called
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

// tryForm is the form for an operation of a version, for whoever may call it;
// nil where the gateway does not serve it.
func tryForm(s service, o catalog.Operation) *tryData {
	if s.Version.State != catalog.Published && s.Version.State != catalog.Deprecated && s.Base != s.Sandbox {
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
	return d
}

// tryOf is tryForm for the reader: with the applications that it can be called
// for, or what is in the way. Where no agreement of theirs allows the call, the
// sandbox takes it. conditions are those beside an agreement.
func (p *Portal) tryOf(r *http.Request, s service, o catalog.Operation, conditions []string) (*tryData, error) {
	d := tryForm(s, o)
	if d == nil || o.Access == catalog.Open {
		return d, nil
	}
	d.Token = s.Href + "/token"
	if d.SignIn = !whoever(r).SignedIn(); d.SignIn {
		return d, nil
	}
	for _, g := range s.Agreed {
		if g.State == agreement.Active && p.daysLeft(g.Ends) >= 0 && slices.ContainsFunc(g.Operations, func(a agreement.Operation) bool { return a.ID == o.Slug }) {
			d.Callers = append(d.Callers, tryCaller{Application: g.ApplicationID, Name: g.ApplicationName, Purpose: g.Purpose, About: g.PurposeText})
		}
	}
	if len(d.Callers) == 1 && !slices.Contains(conditions, "purpose") {
		d.Callers[0].Purpose = "" // it goes without saying
	}
	switch {
	case len(d.Callers) > 0:
		return d, nil
	case s.Sandbox != "":
		return d, p.trySandbox(r, s, d, slices.Contains(conditions, "purpose"))
	default:
		d.Ask = s.Href + "/request?operation=" + o.Slug
		return d, nil
	}
}

// sandboxPurpose is what a call of a sandbox is for, where each says so:
// whichever, for nothing is agreed for one.
var sandboxPurpose = sampleHeader{Name: "LGSP-Purpose", Value: "sandbox"}

// trySandbox turns the form to the version's sandbox, for any application of
// the reader's own.
func (p *Portal) trySandbox(r *http.Request, s service, d *tryData, purpose bool) error {
	d.Sandbox, d.Base, d.Token = true, s.Sandbox, s.Href+"/token?sandbox=yes"
	if purpose {
		d.Sends = append(d.Sends, sandboxPurpose)
	}
	own, err := p.ownApplications(r.Context(), whoever(r))
	for _, app := range own {
		d.Callers = append(d.Callers, tryCaller{Application: app.ID, Name: app.Name})
	}
	return err
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
// token for an application that the reader owns, on this version, or on its
// sandbox (?sandbox=yes).
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
	audience := s.Base
	if r.FormValue("sandbox") != "" && s.Sandbox != "" {
		audience = s.Sandbox
	}
	trial, err := p.OAuth.TryToken(r.Context(), who, app, audience)
	if err != nil {
		return err
	}
	return writeJSON(w, trial)
}
