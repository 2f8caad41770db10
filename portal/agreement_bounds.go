package portal

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// boundsForm is the part of a form in which calls of an operation are bound.
type boundsForm struct {
	Slug         string // of the operation
	Parameters   []boundField
	Rows         []boundField
	Dossier      string // "yes": stands in the form at first
	Purpose      string
	Open         bool // something stands in it
	IsOfApproval bool // what was asked for stays, whatever is taken away here
}

// boundField is one parameter, or one field of rows.
type boundField struct {
	Name             string // of the field in the form
	TitleVI, TitleEN string
	Key              string // the parameter's name, the field's path
	Value            string // values, with commas between; * behind what a value begins with
}

// boundPrefix begins the names of these fields: bound.query.tim.maXa.
const boundPrefix = "bound."

// DossierName and PurposeName are the names of the boxes.
func (f boundsForm) DossierName() string { return boundPrefix + "dossier." + f.Slug }

// PurposeName is of the other.
func (f boundsForm) PurposeName() string { return boundPrefix + "purpose." + f.Slug }

// boundsFormOf is the form of an operation: what can be bound, and what is.
func boundsFormOf(can, is agreement.Bounds) boundsForm {
	f := boundsForm{Slug: can.Operation, Open: !is.IsEmpty()}
	for _, p := range can.Parameters {
		field := boundField{Name: boundPrefix + p.In + "." + can.Operation + "." + p.Name, TitleVI: p.TitleVI, TitleEN: p.TitleEN, Key: p.Name}
		for _, set := range is.Parameters {
			if set.In == p.In && set.Name == p.Name {
				field.Value = set.Words()
			}
		}
		f.Parameters = append(f.Parameters, field)
	}
	for _, r := range can.Rows {
		field := boundField{Name: boundPrefix + "rows." + can.Operation + "." + r.Field, TitleVI: r.TitleVI, TitleEN: r.TitleEN, Key: r.Field}
		for _, set := range is.Rows {
			if set.Field == r.Field {
				field.Value = set.Words()
			}
		}
		f.Rows = append(f.Rows, field)
	}
	if is.Dossier {
		f.Dossier = "yes"
	}
	if is.Purpose {
		f.Purpose = "yes"
	}
	return f
}

// boundsForms are those of a version's operations, by operation; none of a
// version of which nothing is offered any more.
func (p *Portal) boundsForms(r *http.Request, g agreement.Agreement, is []agreement.Bounds) (map[string]boundsForm, error) {
	offer, err := p.Agreements.Offer(r.Context(), g.VersionID)
	if problem.Is(err, problem.NotFound) || problem.Is(err, problem.Conflict) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	set := agreement.Agreement{Bounds: is}
	forms := map[string]boundsForm{}
	for _, o := range offer.Operations {
		can := offer.Boundable[o.ID]
		can.Operation = o.ID
		form := boundsFormOf(can, set.BoundsOf(o.ID))
		form.IsOfApproval = true
		forms[o.ID] = form
	}
	return forms, nil
}

// askedBounds fills in what can be bound of the operations that are asked for,
// and what another agreement binds.
func (p *Portal) askedBounds(r *http.Request, data *requestData, old *agreement.Agreement) error {
	of := agreement.Agreement{VersionID: data.Version.ID}
	if old != nil {
		of.Bounds = old.Bounds
	}
	forms, err := p.boundsForms(r, of, of.Bounds)
	for i, o := range data.Operations {
		data.Operations[i].Bound = forms[o.Slug]
		data.Operations[i].Bound.Slug, data.Operations[i].Bound.IsOfApproval = o.Slug, false
	}
	return err
}

// boundsIn reads the fields of the operations that a form is about.
func boundsIn(form url.Values, wanted []agreement.Wanted) []agreement.Bounds {
	var out []agreement.Bounds
	for _, w := range wanted {
		b := agreement.Bounds{Operation: w.Operation,
			Dossier: form.Get(boundPrefix+"dossier."+w.Operation) == "yes", Purpose: form.Get(boundPrefix+"purpose."+w.Operation) == "yes"}
		for name := range form {
			rest, _ := strings.CutPrefix(name, boundPrefix)
			kind, rest, _ := strings.Cut(rest, ".")
			key, mine := strings.CutPrefix(rest, w.Operation+".")
			text := form.Get(name)
			if !strings.HasPrefix(name, boundPrefix) || !mine || strings.TrimSpace(text) == "" {
				continue
			}
			if kind == "rows" {
				b.Rows = append(b.Rows, agreement.RowBound{Field: key, Values: listed(text)})
				continue
			}
			p := agreement.ParameterBound{In: kind, Name: key}
			for _, value := range listed(text) {
				if prefix, begins := strings.CutSuffix(value, "*"); begins {
					p.Prefixes = append(p.Prefixes, prefix)
				} else {
					p.Values = append(p.Values, value)
				}
			}
			b.Parameters = append(b.Parameters, p)
		}
		slices.SortFunc(b.Parameters, func(a, b agreement.ParameterBound) int { return strings.Compare(a.In+a.Name, b.In+b.Name) })
		slices.SortFunc(b.Rows, func(a, b agreement.RowBound) int { return strings.Compare(a.Field, b.Field) })
		if !b.IsEmpty() {
			out = append(out, b)
		}
	}
	return out
}

// listed are the values that commas, semicolons and line ends stand between.
func listed(text string) []string {
	var values []string
	for _, value := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '\r' }) {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}

// boundSample is an agreed operation's call, which says what is bound.
func boundSample(base string, o catalog.Operation, b agreement.Bounds) string {
	o.Doc.Parameters = slices.Clone(o.Doc.Parameters)
	var headers []string
	for _, p := range b.Parameters {
		value := append(slices.Clone(p.Values), p.Prefixes...)[0]
		for i, have := range o.Doc.Parameters {
			if have.In == p.In && have.Name == p.Name {
				o.Doc.Parameters[i].Example, o.Doc.Parameters[i].Required = value, true
			}
		}
		if p.In == "header" {
			headers = append(headers, p.Name+": "+value)
		}
	}
	if b.Purpose {
		headers = append(headers, "LGSP-Purpose: $LGSP_PURPOSE")
	}
	if b.Dossier {
		headers = append(headers, "LGSP-Dossier: $LGSP_DOSSIER")
	}
	call := callOf(base, o).curl()
	for _, header := range headers {
		call += " \\\n  -H \"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(header) + `"`
	}
	return call
}
