package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// rulesData is the data of the page "operator-rules".
type rulesData struct {
	Model     string
	Nouns     []actNoun
	CallModel string
	CallRules []callRule

	Acts, Roles, Agencies, Credentials []web.Option

	Email, Role, Act, Agency         string // what was asked of the management rules
	Agreement, Operation, Credential string // and of those of calls
	Asked                            *actAnswer
	Call                             *callAnswer
}

// WithPlatform are the agencies as choices, after the whole platform.
func (d rulesData) WithPlatform(platform string) []web.Option {
	return append([]web.Option{{Text: platform}}, d.Agencies...)
}

// WithPerson are the roles as choices, after that the person of an address is meant.
func (d rulesData) WithPerson(person string) []web.Option {
	return append([]web.Option{{Text: person}}, d.Roles...)
}

// actNoun is what acts are about, with the rules that allow them.
type actNoun struct {
	Noun string
	Acts []actRule
}

// actRule is an act with the rules that allow it, for people to read.
type actRule struct {
	Act   string
	Words string // the key of its words
	Roles []actRole
}

// actRole is who may: Wide when everywhere, else in the agency where they have
// the role.
type actRole struct {
	Role, Rule string
	Wide       bool
}

// rules answers GET /operator/rules: the rules as they run, in words, and,
// asked about somebody and an act or about a call, what they answer and why.
func (p *Portal) rules(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	data := rulesData{Model: p.Policy.Model(), CallModel: policy.CallModel(), CallRules: callRules(),
		Email: r.FormValue("email"), Role: r.FormValue("role"), Act: r.FormValue("act"), Agency: r.FormValue("agency"),
		Agreement: strings.TrimSpace(r.FormValue("agreement")), Operation: r.FormValue("operation"), Credential: cmp.Or(r.FormValue("credential"), policy.Token)}
	compiled, err := p.Policy.Rules()
	if err != nil {
		return page{}, err
	}
	data.Nouns = actNouns(compiled)
	if err := p.ruleChoices(r, compiled, &data); err != nil {
		return page{}, err
	}
	answer := page{Name: "operator-rules"}
	switch {
	case data.Agreement != "":
		data.Call, err = p.askCall(r, who, &data)
	case data.Email != "" || data.Role != "":
		data.Asked, err = p.askPolicy(r, who)
	}
	if e := problem.Of(err); e != nil && err != nil && e.Kind < 500 {
		title, detail := words(r, e)
		answer.Form, err = &web.Form{Values: r.Form, Title: title, Detail: detail}, nil
	}
	answer.Data = data
	return answer, err
}

// actNouns are the rules (p, rule, role, act) by what they are about.
func actNouns(compiled [][]string) []actNoun {
	byAct := map[string][]actRole{}
	for _, row := range compiled {
		role := row[2]
		byAct[row[3]] = append(byAct[row[3]], actRole{Role: role, Rule: row[1], Wide: role == auth.RoleOperator || role == auth.RoleAuditor})
	}
	var nouns []actNoun
	for _, act := range actsIn(compiled) {
		if last := len(nouns) - 1; last < 0 || nouns[last].Noun != nounOf(act) {
			nouns = append(nouns, actNoun{Noun: nounOf(act)})
		}
		noun := &nouns[len(nouns)-1]
		noun.Acts = append(noun.Acts, actRule{Act: act, Words: "room.act-" + strings.ReplaceAll(act, ".", "-"), Roles: byAct[act]})
	}
	return nouns
}

// ruleChoices fills in what the forms offer.
func (p *Portal) ruleChoices(r *http.Request, compiled [][]string, data *rulesData) error {
	for _, act := range actsIn(compiled) {
		if err := p.choice(r, &data.Acts, act, "room.act-"+strings.ReplaceAll(act, ".", "-")); err != nil {
			return err
		}
	}
	for _, role := range []string{auth.RolePublisher, auth.RoleSteward, auth.RoleOperator, auth.RoleAuditor} {
		if err := p.choice(r, &data.Roles, role, "agency.role-"+role); err != nil {
			return err
		}
	}
	for _, credential := range []string{policy.NoCredential, policy.APIKey, policy.Token, policy.ForeignToken, policy.Signature} {
		if err := p.choice(r, &data.Credentials, credential, "room.credential-"+strings.ReplaceAll(credential, "_", "-")); err != nil {
			return err
		}
	}
	live, err := p.liveAgencies(r)
	for _, agency := range live {
		data.Agencies = append(data.Agencies, web.Option{Value: agency.ID.String(), Text: nameIn(localeOf(r), agency.Agency)})
	}
	return err
}

// askPolicy asks whether the person of an address, or whoever has a role, may
// do an act. A role of an agency is had in the agency that is asked about.
func (p *Portal) askPolicy(r *http.Request, who auth.Principal) (*actAnswer, error) {
	ctx, act := r.Context(), r.FormValue("act")
	agency, _ := uuid.Parse(r.FormValue("agency")) // none: the platform
	if role := r.FormValue("role"); role != "" {
		as := auth.Membership{Role: role}
		if role == auth.RolePublisher || role == auth.RoleSteward {
			as.Agency = agency
			if agency == uuid.Nil {
				return nil, problem.Errorf(problem.Invalid, "%s is a role of an agency", role).Coded("agency-missing")
			}
		}
		name, err := p.Pages.Text(localeOf(r), "agency.role-"+role)
		if err != nil {
			return nil, problem.Errorf(problem.Invalid, "no role %q", role).Coded("role-unknown")
		}
		why, err := p.Policy.Explain(ctx, auth.Principal{Memberships: []auth.Membership{as}}, act, agency)
		return &actAnswer{Explanation: why, Name: name, Act: act}, err
	}
	person, err := p.Auth.PersonByEmail(ctx, who, uuid.Nil, r.FormValue("email"))
	if err != nil {
		return nil, err
	}
	asked, err := p.Auth.WhoByPerson(ctx, person.ID)
	if err != nil {
		return nil, err
	}
	why, err := p.Policy.Explain(ctx, asked, act, agency)
	return &actAnswer{Explanation: why, Name: person.Name, Act: act}, err
}

// callAnswer is what the gateway would say of a call under an agreement.
type callAnswer struct {
	CallExplanation
	Application, Operation string
	ServiceVI, ServiceEN   string
	Title                  string   // of the refusal, in words
	Change                 []string // what would allow it: codes that have words
}

// askCall asks the gateway about a call of the agreement's application to an
// operation of its service; without one, to the first that was agreed. It
// fails with Invalid for an id that is none, and with NotFound.
func (p *Portal) askCall(r *http.Request, who auth.Principal, data *rulesData) (*callAnswer, error) {
	ctx := r.Context()
	id, err := uuid.Parse(data.Agreement)
	if err != nil {
		return nil, problem.Errorf(problem.Invalid, "agreement is no id").Coded("agreement-unknown")
	}
	g, err := p.Agreements.Get(ctx, who, id)
	if err != nil {
		return nil, err
	}
	operations, err := p.Catalog.Operations(ctx, who, g.VersionID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(operations, func(o catalog.Operation) bool {
		return o.Slug == data.Operation || data.Operation == "" && len(g.Operations) > 0 && o.Slug == g.Operations[0].ID
	})
	if i < 0 {
		return nil, problem.Errorf(problem.NotFound, "no operation %q there", data.Operation).Coded("operation-unknown")
	}
	data.Operation = operations[i].Slug
	why, err := p.ExplainCall(ctx, ImaginedCall{Application: g.ApplicationID, Version: g.VersionID, Operation: data.Operation, Purpose: g.Purpose, Credential: data.Credential})
	if err != nil {
		return nil, err
	}
	out := &callAnswer{CallExplanation: why, Application: g.ApplicationName, Operation: data.Operation, ServiceVI: g.ServiceVI, ServiceEN: g.ServiceEN}
	if why.Code != "" {
		out.Title, _ = wordsOfCode(r, why.Code)
	}
	for _, change := range why.Change {
		if slices.Contains(changesInWords(), change) {
			out.Change = append(out.Change, change)
		}
	}
	return out, nil
}
