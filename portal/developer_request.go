package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// requestData is the data of the page "developer-request".
type requestData struct {
	service
	Applications   []web.Option
	Application    string // chosen before anyone did
	Operations     []askedOperation
	PurposeOptions []web.Option
	BasisOptions   []web.Option
	First          agreement.Request    // what stands in the form before anyone typed
	Old            *agreement.Agreement // that the request is to take over from
	Amends         *agreement.Agreement // the request that waits for an answer, and is changed with it
}

// Calls is how many calls a day stand in the form at first, "" for none.
func (d requestData) Calls() string {
	if d.First.VolumePerDay == 0 {
		return ""
	}
	return strconv.Itoa(d.First.VolumePerDay)
}

// Kept is how many days of keeping stand in the form at first, "" for none.
func (d requestData) Kept() string {
	if d.First.RetentionDays == nil {
		return ""
	}
	return strconv.Itoa(*d.First.RetentionDays)
}

// askedOperation is an operation that can be asked for, and the fields of its
// answer.
type askedOperation struct {
	catalog.Operation
	Tree    []choice
	Chosen  bool
	Checked map[string]bool // paths
	masking
}

// fieldsPrefix begins the name of the boxes of an operation's fields.
const fieldsPrefix = "fields."

// FieldsName is the name of the boxes of the operation's fields.
func (o askedOperation) FieldsName() string { return fieldsPrefix + o.Slug }

// Leaves is how many fields can be ticked.
func (o askedOperation) Leaves() int { return len(leaves(o.Tree)) }

// requestForm answers GET /apis/…/request: what can be asked for, nothing
// chosen. operation ticks one; from fills in what another agreement says, and
// takes over from it while it runs.
func (p *Portal) requestForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	s, err := p.service(r)
	if err != nil {
		return page{}, err
	}
	offer, err := p.Catalog.Offer(r.Context(), s.Version.ID)
	if err != nil {
		return page{}, err
	}
	data := requestData{service: s, Application: r.FormValue("application")}
	if data.First, err = p.firstRequest(); err != nil {
		return page{}, err
	}
	old, err := p.copied(r, who)
	if err != nil {
		return page{}, err
	}
	if data.Amends, err = p.amends(r, who); err != nil {
		return page{}, err
	}
	if data.Amends != nil {
		old = data.Amends
		data.First.Starts, data.First.Ends, data.First.Note = old.Starts, old.Ends, old.Note
	}
	data.Operations = asked(offer.Operations, r, old)
	if old != nil {
		data.Application = old.ApplicationID.String()
		data.First.Purpose, data.First.PurposeText, data.First.LegalBasis = old.Purpose, old.PurposeText, old.LegalBasis
		data.First.Subjects, data.First.VolumePerDay, data.First.RetentionDays, data.First.Onward = old.Subjects, old.VolumePerDay, old.RetentionDays, old.Onward
		if old.State == agreement.Active || old.State == agreement.Suspended {
			data.Old = old
		}
	}
	if err := p.requestOptions(r, who, &data); err != nil {
		return page{}, err
	}
	return page{Name: "developer-request", Data: data}, nil
}

// firstRequest is what stands in the form at first: a year from today.
func (p *Portal) firstRequest() (agreement.Request, error) {
	day, err := time.Parse(time.DateOnly, p.today())
	return agreement.Request{Starts: day.Format(time.DateOnly), Ends: day.AddDate(1, 0, -1).Format(time.DateOnly)}, err
}

// copied is the agreement that fills in the form, or nil.
func (p *Portal) copied(r *http.Request, who auth.Principal) (*agreement.Agreement, error) {
	id, err := uuid.Parse(cmp.Or(r.FormValue("replaces"), r.FormValue("from")))
	if err != nil {
		return nil, nil // none is named
	}
	old, err := p.Agreements.Get(r.Context(), who, id)
	return &old, err
}

// requestOptions fills in what can be chosen from. A clause that is not
// confirmed is never shown as law.
func (p *Portal) requestOptions(r *http.Request, who auth.Principal, data *requestData) error {
	apps, _, err := p.Auth.Applications(r.Context(), who, auth.Page{Limit: 100})
	if err != nil {
		return err
	}
	for _, app := range apps {
		if app.DisabledAt == nil {
			data.Applications = append(data.Applications, web.Option{Value: app.ID.String(), Text: app.Name})
		}
	}
	say := func(vi, en string) string {
		if localeOf(r) == "en" && en != "" || vi == "" {
			return en
		}
		return vi
	}
	purposes, err := p.Agreements.Purposes(r.Context())
	if err != nil {
		return err
	}
	choose, err := p.Pages.Text(localeOf(r), "agreement.choose")
	if err != nil {
		return err
	}
	data.PurposeOptions = []web.Option{{Text: choose}}
	for _, one := range purposes {
		data.PurposeOptions = append(data.PurposeOptions, web.Option{Value: one.Code, Text: say(one.TitleVI, one.TitleEN)})
	}
	bases, err := p.Agreements.LegalBases(r.Context())
	if err != nil {
		return err
	}
	unconfirmed, err := p.Pages.Text(localeOf(r), "agreement.unconfirmed")
	if err != nil {
		return err
	}
	warning, err := p.Pages.Text(localeOf(r), "agreement.unconfirmed-text")
	for _, b := range bases {
		option := web.Option{Value: b.ID, Text: say(b.DocumentVI, b.DocumentEN) + ", " + say(b.ArticleVI, b.ArticleEN), Hint: say(b.TextVI, b.TextEN)}
		if !b.Confirmed {
			option.Text += " (" + unconfirmed + ")"
			option.Hint += ". " + warning
		}
		data.BasisOptions = append(data.BasisOptions, option)
	}
	return err
}

// asked are the operations on offer, ticked as the form was, or as the
// address and another agreement say. A ticked field ticks its operation.
func asked(offered []catalog.Operation, r *http.Request, old *agreement.Agreement) []askedOperation {
	chosen := r.Form["operation"]
	if r.Method == http.MethodPost {
		chosen, old = wantedOf(r.PostForm), nil
	}
	all := make([]askedOperation, len(offered))
	for i, o := range offered {
		one := askedOperation{Operation: o, Tree: choices("o-"+o.Slug, o.Doc.Fields), Checked: map[string]bool{},
			Chosen: slices.Contains(chosen, o.Slug)}
		for _, path := range r.PostForm[one.FieldsName()] {
			one.Checked[path] = true
		}
		one.masking = maskingOf(o, r.PostForm)
		if old != nil {
			one.copy(*old)
		}
		all[i] = one
	}
	return all
}

// wantedOf are the operations asked for in a form: those ticked, and those of
// which a field is.
func wantedOf(form url.Values) []string {
	wanted := slices.Clone(form["operations"])
	for name := range form {
		if slug, ok := strings.CutPrefix(name, fieldsPrefix); ok {
			wanted = append(wanted, slug)
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// copy ticks what an agreement gives. One on a whole group ticks all below.
func (o *askedOperation) copy(old agreement.Agreement) {
	i := slices.IndexFunc(old.Operations, func(have agreement.Operation) bool { return have.ID == o.Slug })
	if i < 0 {
		return
	}
	o.Chosen = true
	for _, leaf := range leaves(o.Tree) {
		o.Checked[leaf] = slices.ContainsFunc(old.Operations[i].Fields, func(f agreement.Field) bool {
			return leaf == f.Path || strings.HasPrefix(leaf, f.Path+"/")
		})
	}
	o.opened(old.Operations[i])
}

// summaryData is the data of the page "developer-request-summary".
type summaryData struct {
	service
	Draft   agreement.Agreement
	Summary agreement.Summary
	Values  []keptPair // the form, to be sent or mended
}

// request answers POST /apis/…/request. The form comes in three steps: looked
// over (the summary), sent, or taken back to be mended.
func (p *Portal) request(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	s, err := p.service(r)
	if err != nil {
		return page{}, err
	}
	step := r.PostFormValue("step")
	if step == "mend" {
		answer, err := p.requestForm(r)
		answer.Form = &web.Form{Values: r.PostForm}
		return answer, err
	}
	asked, err := requestOf(r.PostForm, s.Version.ID)
	if err != nil {
		return again(r, p.requestForm, err)
	}
	if step == "send" {
		amended, err := p.amends(r, who)
		if err != nil {
			return page{}, err
		}
		if amended != nil {
			return p.sendAmended(r, who, amended.ID, asked)
		}
		g, err := p.Agreements.Request(r.Context(), who, asked)
		if err != nil {
			return again(r, p.requestForm, err)
		}
		return page{To: "/agreements/" + g.ID.String() + "/sent"}, nil
	}
	draft, err := p.Agreements.Draft(r.Context(), who, asked)
	if err != nil {
		return again(r, p.requestForm, err)
	}
	summary, err := p.Agreements.Summary(r.Context(), draft, localeOf(r))
	data := summaryData{service: s, Draft: draft, Summary: summary}
	for name, values := range r.PostForm {
		for _, value := range values {
			if name != "step" {
				data.Values = append(data.Values, keptPair{name, value})
			}
		}
	}
	slices.SortStableFunc(data.Values, func(a, b keptPair) int { return cmp.Compare(a.Name, b.Name) })
	return page{Name: "developer-request-summary", Data: data}, err
}

// requestOf reads the form.
func requestOf(form url.Values, version uuid.UUID) (agreement.Request, error) {
	q := agreement.Request{
		VersionID: version,
		Purpose:   form.Get("purpose"), PurposeText: form.Get("purpose_text"), LegalBasis: form.Get("legal_basis"),
		Subjects: form.Get("subjects"), Onward: form.Get("onward"),
		Starts: form.Get("starts"), Ends: form.Get("ends"), Note: form.Get("note"),
	}
	wrong := problem.Errorf(problem.Invalid, "the request is not complete").Coded("request-invalid")
	if text := strings.TrimSpace(form.Get("volume_per_day")); text != "" {
		n, err := strconv.Atoi(text)
		if q.VolumePerDay = n; err != nil {
			wrong.Wrong("volume_per_day", "volume-missing", "say how many calls a day, 1 or more")
		}
	}
	if text := strings.TrimSpace(form.Get("retention_days")); text != "" {
		n, err := strconv.Atoi(text)
		if q.RetentionDays = &n; err != nil {
			wrong.Wrong("retention_days", "retention-invalid", "say how many days it is kept, 0 to 36,500")
		}
	}
	if len(wrong.Fields) > 0 {
		return q, wrong
	}
	var err error
	if q.ApplicationID, err = uuid.Parse(form.Get("application")); err != nil {
		return q, problem.Errorf(problem.Invalid, "no application is chosen").Coded("request-invalid").
			Wrong("application", "application-missing", "choose one of your applications")
	}
	if id, err := uuid.Parse(form.Get("replaces")); err == nil {
		q.Replaces = &id
	}
	for _, slug := range wantedOf(form) {
		q.Operations = append(q.Operations, agreement.Wanted{Operation: slug, Fields: form[fieldsPrefix+slug], Open: form[openPrefix+slug]})
	}
	return q, nil
}
