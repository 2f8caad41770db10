package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

// explainData is the data of the page "developer-explain".
type explainData struct {
	Application auth.Application
	Detail      string              // why it would be refused, in more words
	Version     *catalog.Version    // nil: no service was found at the address called
	Operations  []catalog.Operation // of the version
	Imagined    ImaginedCall
	Keys        []credentialRow  // API keys in force that have limits of their own
	Now         *CallExplanation // what would be decided now; nil: nothing can be asked
	Title       string           // of the refusal there would be, in words
	Wrong       []string         // what is not as the document describes it, in words
	Change      []wayRow         // what would allow it, as far as there are words for it
	Said        []saidRow        // what the call can say beside its body
	Missing     []string         // names of the path that have no value, for which reason nothing said was asked
	Reaches     string           // title of the operation that its address leads to, when it is another one; ""
}

// saidRow is one parameter of an imagined call.
type saidRow struct {
	catalog.Parameter
	Field string // of the form
	Value string
	Bound string // what the agreement lets it say, in words; "": anything
}

// IsOpen reports whether the parameters are shown at once: something is said of
// them, or the agreement binds the call.
func (d explainData) IsOpen() bool {
	bound := d.Now != nil && d.Now.Bounds != nil && (len(d.Now.Bounds.Parameters) > 0 || d.Now.Bounds.Dossier || d.Now.Bounds.Purpose)
	return bound || d.Imagined.Dossier != "" || d.Imagined.Purpose != "" || slices.ContainsFunc(d.Said, func(row saidRow) bool { return row.Value != "" })
}

// MissingNames are Missing in one line.
func (d explainData) MissingNames() string { return strings.Join(d.Missing, ", ") }

// TriesSandbox is what the form's box says.
func (d explainData) TriesSandbox() string {
	if d.Imagined.Sandbox {
		return "yes"
	}
	return ""
}

// explain answers GET /explain: what the gateway would decide now on a call of
// the reader's application that nobody makes. Where no application is named it
// asks which call.
func (p *Portal) explain(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if r.FormValue("application") == "" {
		return p.explainWhich(r, who)
	}
	id, err := uuid.Parse(r.FormValue("application"))
	if err != nil {
		return page{}, problem.Errorf(problem.NotFound, "no application named")
	}
	ctx := r.Context()
	if err := p.Auth.WorksOn(ctx, who, id); err != nil {
		return page{}, err
	}
	var data explainData
	if data.Application, err = p.Auth.Application(ctx, id); err != nil {
		return page{}, err
	}
	data.Imagined = ImaginedCall{Application: id, Operation: r.FormValue("operation"), Purpose: r.FormValue("purpose"),
		Dossier: strings.TrimSpace(r.FormValue("dossier")), Sandbox: r.FormValue("sandbox") == "yes"}
	data.Imagined.Credential, data.Imagined.Key, _ = strings.Cut(r.FormValue("credential"), ":")
	if data.Keys, err = p.limitedKeys(ctx, who, id); err != nil {
		return page{}, err
	}
	if data.Imagined.Version, err = uuid.Parse(r.FormValue("version")); err != nil {
		data.Imagined.Version = uuid.Nil // nothing is asked, then
	}
	if trace := r.FormValue("trace"); trace != "" {
		return page{To: "/calls?" + withQuery("id", trace)}, nil // where calls that were made are explained
	}
	if err = p.explainNow(r, who, &data); data.Now != nil && data.Now.Code != "" {
		data.say(r)
	}
	return page{Name: "developer-explain", Data: data}, err
}

// explainWhich asks which call is to be explained: one that was made, by its id,
// or one that an agreement of the reader's applications would allow.
func (p *Portal) explainWhich(r *http.Request, who auth.Principal) (page, error) {
	list, err := p.agreementsIn(r.Context(), who, "")
	return page{Name: "developer-explain-which", Data: explainWhichData{list}}, err
}

// explainWhichData is the data of the page "developer-explain-which".
type explainWhichData struct {
	Agreements []agreement.Agreement // the newest
}

// Imagined is the address that explains a call under an agreement.
func (explainWhichData) Imagined(g agreement.Agreement) string {
	return "/explain?" + withQuery("application", g.ApplicationID.String(), "version", g.VersionID.String())
}

// limitedKeys are the API keys of an application in force that its owner has limited.
func (p *Portal) limitedKeys(ctx context.Context, who auth.Principal, application uuid.UUID) ([]credentialRow, error) {
	all, err := p.Auth.Credentials(ctx, who, application)
	var keys []credentialRow
	for _, c := range all {
		if c.Kind == auth.APIKey && p.live(c) && len(c.Versions)+len(c.Scopes) > 0 {
			keys = append(keys, credentialRow{Credential: c, Live: true})
		}
	}
	return keys, err
}

// explainNow asks the gateway about the imagined call.
func (p *Portal) explainNow(r *http.Request, who auth.Principal, data *explainData) error {
	ctx := r.Context()
	v, err := p.Catalog.VersionByID(ctx, who, data.Imagined.Version)
	if problem.Is(err, problem.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	data.Version = &v
	data.Imagined.Sandbox = v.HasSandbox() && (data.Imagined.Sandbox || v.State == catalog.Sandbox)
	if data.Operations, err = p.Catalog.Operations(ctx, who, v.ID); err != nil {
		return err
	}
	if data.Imagined.Operation == "" && len(data.Operations) > 0 {
		data.Imagined.Operation = data.Operations[0].Slug
	}
	i := slices.IndexFunc(data.Operations, func(o catalog.Operation) bool { return o.Slug == data.Imagined.Operation })
	if i < 0 {
		return nil
	}
	if data.Imagined.Credential == "" {
		data.Imagined.Credential = usualCredential(data.Operations[i].Access)
	}
	data.read(r, data.Operations[i])
	now, err := p.ExplainCall(ctx, data.Imagined)
	if problem.Is(err, problem.NotFound) {
		return nil // the gateway does not serve it
	} else if err != nil {
		return err
	}
	data.Now = &now
	data.bind()
	data.Reaches = data.titleOf(r, now.Operation)
	to := callTarget{service: "/apis" + v.Prefix()}
	to.call.ApplicationID, to.call.Operation, to.call.AgreementID = data.Application.ID, data.Imagined.Operation, now.Agreement
	for _, code := range now.Change {
		if key := wayInWords(code); key != "" {
			data.Change = append(data.Change, wayRow{CallWay{code, to.way(code, &now)}, key})
		}
	}
	return nil
}

// read takes what the form says of the operation's parameters. A form that was
// not sent asks nothing of them, nor does one whose path is not whole.
func (d *explainData) read(r *http.Request, o catalog.Operation) {
	said := []gateway.Parameter{}
	for _, p := range o.Doc.Parameters {
		if p.In != "path" && p.In != "query" && p.In != "header" || o.Doc.SOAP != nil {
			continue
		}
		row := saidRow{Parameter: p, Field: p.In + ":" + p.Name}
		if row.Value = r.FormValue(row.Field); row.Value != "" {
			said = append(said, gateway.Parameter{In: p.In, Name: p.Name, Value: row.Value})
		} else if p.In == "path" {
			d.Missing = append(d.Missing, p.Name)
		}
		d.Said = append(d.Said, row)
	}
	if r.FormValue("said") == "" {
		d.Missing = nil
	} else if len(d.Missing) == 0 {
		d.Imagined.Parameters = said
	}
}

// bind tells beside each parameter what the agreement lets it say.
func (d *explainData) bind() {
	if d.Now.Bounds == nil {
		return
	}
	for _, bound := range d.Now.Bounds.Parameters {
		for i, row := range d.Said {
			if row.In == bound.In && row.Name == bound.Name {
				d.Said[i].Bound = bound.Words()
			}
		}
	}
}

// titleOf is what another operation than the one asked about is called; "" for itself.
func (d *explainData) titleOf(r *http.Request, slug string) string {
	for _, o := range d.Operations {
		if o.Slug == slug && slug != d.Imagined.Operation {
			return cmp.Or(inLanguage(r, o.Doc.SummaryVI, o.Doc.SummaryEN), slug)
		}
	}
	return ""
}

// say puts the refusal there would be into words.
func (d *explainData) say(r *http.Request) {
	d.Title, d.Detail = wordsOfCode(r, d.Now.Code)
	if d.Now.Problem == nil {
		return
	}
	d.Title, d.Detail = d.Now.Problem.Words(localeOf(r))
	for _, f := range d.Now.Problem.Fields {
		d.Wrong = append(d.Wrong, f.Name+": "+f.Words(localeOf(r)))
	}
}

// usualCredential is what an operation is called with.
func usualCredential(access string) string {
	switch access {
	case catalog.Personal:
		return "token"
	case catalog.Restricted:
		return "api_key"
	}
	return "none"
}

// changesInWords are what the gateway says would turn its decision, as far as
// there are words for it: messages developer.change-….
func changesInWords() []string {
	return []string{"send-credential", "send-token", "ask-agreement", "extend-agreement", "renew-agreement", "resume-agreement", "wait", "name-purpose", "widen-key",
		"wait-for-hours", "call-from-network", "show-two-factors", "say-what-is-agreed", "widen-bounds", "say-it-once", "name-dossier", "leave-field-out", "extend-fields"}
}
