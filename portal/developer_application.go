package portal

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/web"
)

// applicationFormData is the data of the page "developer-application-new".
type applicationFormData struct {
	Owners []web.Option // the reader, and agencies they speak for; only one: not asked
	Kinds  []web.Option
}

// applicationForm answers GET /developer/applications/new.
func (p *Portal) applicationForm(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := applicationFormData{Owners: []web.Option{{Value: "", Text: who.Name}}}
	agencies, err := p.agenciesOf(r, who)
	if err != nil {
		return page{}, err
	}
	data.Owners = append(data.Owners, agencies...)
	for _, kind := range []string{auth.Confidential, auth.Public} {
		option := web.Option{Value: kind}
		if option.Text, err = p.Pages.Text(localeOf(r), "developer.kind-"+kind); err != nil {
			return page{}, err
		}
		if option.Hint, err = p.Pages.Text(localeOf(r), "developer.kind-"+kind+"-hint"); err != nil {
			return page{}, err
		}
		data.Kinds = append(data.Kinds, option)
	}
	return page{Name: "developer-application-new", Data: data}, nil
}

// createApplication answers POST /developer/applications/new.
func (p *Portal) createApplication(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	n := auth.NewApplication{
		Name: r.PostFormValue("name"), Description: r.PostFormValue("description"), Kind: r.PostFormValue("kind"),
		RedirectURIs: strings.Fields(r.PostFormValue("redirect_uris")),
	}
	if owner := r.PostFormValue("agency"); owner != "" {
		if n.Agency, err = uuid.Parse(owner); err != nil {
			return page{}, problem.Errorf(problem.Invalid, "agency is not a UUID")
		}
	}
	app, issued, err := p.Auth.CreateApplication(r.Context(), who, n)
	if err != nil {
		return again(r, p.applicationForm, err)
	}
	return p.showSecrets(r, app, issued...)
}

// secretsData is the data of the page "developer-secret", the only one that
// ever shows these secrets.
type secretsData struct {
	Application auth.Application
	Issued      []auth.Issued
	First       *firstCallData // with the API key among them; nil: there is none
	TokenCall   string         // when a client secret is among them
}

// showSecrets is the page on which new secrets are shown, once.
func (p *Portal) showSecrets(r *http.Request, app auth.Application, issued ...auth.Issued) (page, error) {
	data := secretsData{Application: app, Issued: issued}
	for _, one := range issued {
		switch one.Kind {
		case auth.APIKey:
			first, err := p.firstCallWith(r, one.Secret)
			if err != nil {
				return page{}, err
			}
			data.First = &first
		case auth.ClientSecret:
			data.TokenCall = p.tokenCall(app.ID.String(), p.Gateway+"/…/v1")
		}
	}
	return page{Name: "developer-secret", Status: http.StatusCreated, Data: data}, nil
}

// applicationData is the data of the page "developer-application".
type applicationData struct {
	Application auth.Application
	Credentials []credentialRow
	Agreements  []agreementRow
	Calls       []callRow
	Older       string // address of the calls before these, "" at the end
	First       string // address of the newest calls, "" when they are shown
	Now         time.Time
	Usage       usage
	Failures    []failureRow // the latest kinds of them, of the last days
	Untold      int          // ends of sessions that it was not told of, at most 100
	GivenUp     int          // of these, those that are not tried again
}

// credentialRow is one credential that has not ended long ago.
type credentialRow struct {
	auth.Credential
	Live bool
	By   string // the name of who made it, "" when it is not known
}

// Prefix is what the credential begins with.
func (c credentialRow) Prefix() string {
	if c.Kind == auth.ClientSecret {
		return "lgsp_secret_" + c.Lookup
	}
	return "lgsp_key_" + c.Lookup
}

// ReadsOnly reports whether the credential opens GET and HEAD alone.
func (c credentialRow) ReadsOnly() bool { return slices.Contains(c.Scopes, auth.ScopeRead) }

// OperationsNamed is to how many operations the credential is limited; 0: not so.
func (c credentialRow) OperationsNamed() int {
	n := len(c.Scopes)
	if c.ReadsOnly() {
		n--
	}
	return n
}

// agreementRow is one agreement, and what is left of its quota while it is in
// force.
type agreementRow struct {
	agreement.Agreement
	Over  bool // its last day has passed
	Quota *Quota
}

// application answers GET /developer/applications/{id}.
func (p *Portal) application(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	data := applicationData{Application: app, Now: p.Now().UTC()}
	credentials, err := p.Auth.Credentials(ctx, who, app.ID)
	if err != nil {
		return page{}, err
	}
	if data.Credentials, err = p.credentialRows(ctx, credentials); err != nil {
		return page{}, err
	}
	agreements, err := p.Agreements.Mine(ctx, who, agreement.Filter{Application: app.ID, Limit: 50})
	if err != nil {
		return page{}, err
	}
	for _, g := range agreements.Items {
		row, err := p.withQuota(r, g)
		if err != nil {
			return page{}, err
		}
		data.Agreements = append(data.Agreements, row)
	}
	after, next := r.FormValue("after"), ""
	if data.Calls, next, err = p.calls(r, app, ledger.ExchangeFilter{After: after}); err != nil {
		return page{}, err
	}
	here := "/developer/applications/" + app.ID.String()
	if next != "" {
		data.Older = here + "?" + withQuery("after", next) + "#calls"
	}
	if after != "" {
		data.First = here + "#calls"
	}
	if data.Usage, err = p.usageOf(r, app.ID); err != nil {
		return page{}, err
	}
	if data.Failures, err = p.failuresOf(r, app, p.Now().AddDate(0, 0, -glanceDays), glanceFailures); err != nil {
		return page{}, err
	}
	untold, err := p.OAuth.UntoldLogouts(ctx, app.ID)
	for _, notice := range untold {
		data.Untold++
		if notice.DueAt == nil {
			data.GivenUp++
		}
	}
	return page{Name: "developer-application", Data: data}, err
}

// credentialRows are the credentials that have not ended long ago, with who made them.
func (p *Portal) credentialRows(ctx context.Context, credentials []auth.Credential) ([]credentialRow, error) {
	var makers []uuid.UUID
	for _, c := range credentials {
		if c.CreatedBy != nil {
			makers = append(makers, *c.CreatedBy)
		}
	}
	people, err := p.Auth.Persons(ctx, makers)
	if err != nil {
		return nil, err
	}
	var rows []credentialRow
	for _, c := range credentials {
		if !p.live(c) && !c.ExpiresAt.After(p.Now().Add(-soon)) {
			continue
		}
		row := credentialRow{Credential: c, Live: p.live(c)}
		if c.CreatedBy != nil {
			row.By = people[*c.CreatedBy].Name
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// withQuota adds to an agreement in force what is left of its quota.
func (p *Portal) withQuota(r *http.Request, g agreement.Agreement) (agreementRow, error) {
	row := agreementRow{Agreement: g, Over: g.State == agreement.Active && p.daysLeft(g.Ends) < 0}
	if g.State != agreement.Active || row.Over {
		return row, nil
	}
	quota, err := p.Remaining(r.Context(), g)
	row.Quota = &quota
	return row, err
}

// addCredential answers POST /developer/applications/{id}/credentials.
func (p *Portal) addCredential(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	issued, err := p.Auth.AddCredential(r.Context(), who, app.ID, auth.NewCredential{Kind: r.PostFormValue("kind")})
	if err != nil {
		return again(r, p.application, err)
	}
	return p.showSecrets(r, app, issued)
}

// rotateCredential answers POST …/credentials/{credential}/rotate: a new one,
// while the old one works on for the hours chosen.
func (p *Portal) rotateCredential(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "credential")
	if err != nil {
		return page{}, err
	}
	hours, err := strconv.Atoi(r.PostFormValue("overlap"))
	if err != nil {
		hours = int(auth.DefaultOverlap.Hours())
	}
	issued, err := p.Auth.RotateCredential(r.Context(), who, id, overlapOf(hours))
	if err != nil {
		return again(r, p.application, err)
	}
	return p.showSecrets(r, app, issued)
}

// overlapOf is an overlap of so many hours. What is out of bounds stays so,
// without overflow.
func overlapOf(hours int) time.Duration {
	return time.Duration(max(-1, min(hours, 1+int(auth.MaxOverlap.Hours())))) * time.Hour
}

// revokeCredential answers POST …/credentials/{credential}/revoke.
func (p *Portal) revokeCredential(r *http.Request) (page, error) {
	app, who, err := p.workedApplication(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "credential")
	if err != nil {
		return page{}, err
	}
	if err := p.Auth.RevokeCredential(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/developer/applications/" + app.ID.String(), Flash: &web.Flash{Key: "developer.revoked"}}, nil
}
