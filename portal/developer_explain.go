package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
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
	Change      []string         // what would allow it: codes that have words
	Request     string           // address where an agreement is asked for
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
	data.Imagined = ImaginedCall{Application: id, Operation: r.FormValue("operation"), Purpose: r.FormValue("purpose")}
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
	err = p.explainNow(ctx, who, &data)
	if data.Now != nil && data.Now.Code != "" {
		data.Title, data.Detail = wordsOfCode(r, data.Now.Code)
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
func (p *Portal) explainNow(ctx context.Context, who auth.Principal, data *explainData) error {
	v, err := p.Catalog.VersionByID(ctx, who, data.Imagined.Version)
	if problem.Is(err, problem.NotFound) {
		return nil
	} else if err != nil {
		return err
	}
	data.Version = &v
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
	data.Request = "/apis" + v.Prefix() + "/request?" + withQuery("operation", data.Imagined.Operation, "application", data.Imagined.Application.String())
	now, err := p.ExplainCall(ctx, data.Imagined)
	if problem.Is(err, problem.NotFound) {
		return nil // the gateway does not serve it
	} else if err != nil {
		return err
	}
	data.Now = &now
	for _, change := range now.Change {
		if slices.Contains(changesInWords(), change) {
			data.Change = append(data.Change, change)
		}
	}
	return nil
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
		"wait-for-hours", "call-from-network", "show-two-factors"}
}
