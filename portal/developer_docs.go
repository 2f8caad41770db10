package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
)

// documentationRoutes are the pages that say what each API answers. Anyone
// reads them, without an account.
func (p *Portal) documentationRoutes(r *mux.Router) {
	r.Handle("/docs/lesson", p.page(p.lesson)).Methods("GET", "HEAD")
	r.Handle("/apis", p.page(p.listAPIs)).Methods("GET", "HEAD")
	r.Handle("/apis/{agency}/{api}", p.page(p.newestVersion)).Methods("GET", "HEAD")
	r.Handle("/apis/{agency}/{api}/{version}", p.page(p.showVersion)).Methods("GET", "HEAD")
	for file, make := range map[string]func(*http.Request, catalog.Version) ([]byte, error){
		"openapi.json": p.openAPI, "openapi.yaml": p.openAPIYAML, "postman.json": p.postman,
	} {
		r.Handle("/apis/{agency}/{api}/{version}/"+file, p.download(file, make)).Methods("GET", "HEAD")
	}
	r.Handle("/apis/{agency}/{api}/{version}/request", p.page(p.requestForm)).Methods("GET", "HEAD")
	r.Handle("/apis/{agency}/{api}/{version}/request", p.page(p.request)).Methods("POST")
	r.Handle("/apis/{agency}/{api}/{version}/token", told(p.tryToken)).Methods("POST")
	r.Handle("/apis/{agency}/{api}/{version}/service.wsdl", told(p.wsdl)).Methods("GET", "HEAD")
	r.Handle("/apis/{agency}/{api}/{version}/pages/{page}", p.page(p.showDocPage)).Methods("GET", "HEAD")
	r.Handle("/apis/{agency}/{api}/{version}/{operation}", p.page(p.showOperation)).Methods("GET", "HEAD")
}

// apisData is the data of the page "developer-apis".
type apisData struct {
	Query    string
	Total    int
	Agencies []agencyAPIs
	Next     string // address of the next page, "" at the end
	Partial  bool   // nothing holds every word; these are near
}

// agencyAPIs are the APIs of one agency.
type agencyAPIs struct {
	catalog.Agency
	APIs []catalog.Hit
}

// listAPIs answers GET /apis: everything by agency, or what was searched for.
func (p *Portal) listAPIs(r *http.Request) (page, error) {
	data := apisData{Query: r.FormValue("q")}
	found, err := p.Catalog.Find(r.Context(), catalog.FindQuery{Text: data.Query, Kind: "api", Limit: 100, After: r.FormValue("after")})
	if err != nil {
		return page{}, err
	}
	data.Total, data.Partial = found.Total, found.Partial
	for _, hit := range found.Hits {
		hit.SummaryVI, hit.SummaryEN = firstSentence(hit.SummaryVI), firstSentence(hit.SummaryEN)
		i := slices.IndexFunc(data.Agencies, func(a agencyAPIs) bool { return a.ID == hit.Agency.ID })
		if i < 0 {
			i, data.Agencies = len(data.Agencies), append(data.Agencies, agencyAPIs{Agency: hit.Agency})
		}
		data.Agencies[i].APIs = append(data.Agencies[i].APIs, hit)
	}
	if data.Query == "" { // what was searched for stays in order of fit
		slices.SortFunc(data.Agencies, func(a, b agencyAPIs) int { return cmp.Compare(a.TitleVI, b.TitleVI) })
	}
	if found.Next != "" {
		data.Next = "/apis?" + withQuery("q", data.Query, "after", found.Next)
	}
	return page{Name: "developer-apis", Data: data}, nil
}

// firstSentence is where a description says what it is about.
func firstSentence(text string) string {
	first, _, more := strings.Cut(text, ". ")
	if more {
		return first + "."
	}
	return text
}

// newestVersion answers GET /apis/{agency}/{api}: it goes on to the newest
// version in use, else to the newest of all.
func (p *Portal) newestVersion(r *http.Request) (page, error) {
	vars := mux.Vars(r)
	api, err := p.Catalog.APIBySlug(r.Context(), whoever(r), vars["agency"], vars["api"])
	if err != nil {
		return page{}, err
	}
	if len(api.Versions) == 0 {
		return page{}, problem.Errorf(problem.NotFound, "no version of %s", vars["api"])
	}
	newest := api.Versions[0]
	for _, state := range []string{catalog.Published, catalog.Deprecated} {
		if i := slices.IndexFunc(api.Versions, func(v catalog.Version) bool { return v.State == state }); i >= 0 {
			newest = api.Versions[i]
			break
		}
	}
	return page{To: "/apis" + newest.Prefix()}, nil
}

// service is what every page about one version knows of it.
type service struct {
	API     catalog.API
	Version catalog.Version
	Href    string // of the version's page
	Base    string // address at the gateway: of the sandbox, where there is nothing else
	Sandbox string // address of the sandbox, "" where there is none
	Plan    catalog.Plan
	Clock   agreement.Clock       // how long an approval takes
	Agreed  []agreement.Agreement // the reader's own agreements on it that are not over
}

// OnOffer reports whether an agreement can be asked for. On a deprecated
// version one can only be renewed.
func (s service) OnOffer() bool { return s.Version.State == catalog.Published }

// service reads the version in the address, as the reader may see it, with the
// terms that it is offered on.
func (p *Portal) service(r *http.Request) (service, error) {
	s, err := p.versionAt(r)
	if err != nil {
		return service{}, err
	}
	plans, err := p.Catalog.Plans(r.Context())
	if err != nil {
		return service{}, err
	}
	for _, plan := range plans {
		if plan.Slug == s.Version.PlanSlug {
			s.Plan = plan
		}
	}
	return s, p.terms(r, &s)
}

// versionAt reads the version in the address, as the reader may see it, and
// nothing about it.
func (p *Portal) versionAt(r *http.Request) (service, error) {
	vars := mux.Vars(r)
	api, err := p.Catalog.APIBySlug(r.Context(), whoever(r), vars["agency"], vars["api"])
	if err != nil {
		return service{}, err
	}
	i := slices.IndexFunc(api.Versions, func(v catalog.Version) bool { return v.Number == vars["version"] })
	if i < 0 {
		return service{}, problem.Errorf(problem.NotFound, "no version %s of %s", vars["version"], vars["api"])
	}
	s := service{API: api, Version: api.Versions[i]}
	s.Href, s.Base = "/apis"+s.Version.Prefix(), p.Gateway+s.Version.Prefix()
	if s.Version.HasSandbox() {
		s.Sandbox = p.Gateway + s.Version.SandboxPrefix()
	}
	if s.Version.State == catalog.Sandbox {
		s.Base = s.Sandbox
	}
	return s, nil
}

// terms reads how long an approval takes, and the reader's own agreements.
func (p *Portal) terms(r *http.Request, s *service) error {
	ctx, who := r.Context(), whoever(r)
	var err error
	if s.Clock, err = p.Agreements.DecisionClock(ctx); err != nil || !who.SignedIn() {
		return err
	}
	mine, err := p.Agreements.Mine(ctx, who, agreement.Filter{Version: s.Version.ID, Limit: 20})
	for _, g := range mine.Items {
		if g.State == agreement.Requested || g.State == agreement.Active || g.State == agreement.Suspended {
			s.Agreed = append(s.Agreed, g)
		}
	}
	return err
}

// versionData is the data of the page "developer-version".
type versionData struct {
	SOAP bool // it has a WSDL
	service
	Groups []operationGroup
	Pages  []catalog.DocPage
	Access map[string]int // how many operations are open, restricted, personal
	Strip  *strip         // nil: nobody calls it yet
	Follow *followButton  // nil: it is not public yet
	Rating ratingForm     // likewise

	Discussions []catalog.Discussion // the newest
}

// operationGroup are the operations of one tag, "" for those without.
type operationGroup struct {
	Tag        string
	Operations []catalog.Operation
}

// showVersion answers GET /apis/{agency}/{api}/{version}.
func (p *Portal) showVersion(r *http.Request) (page, error) {
	s, err := p.versionAt(r)
	if err != nil {
		return page{}, err
	}
	if to := movedTo(r, s.Version); to != "" {
		return page{To: to}, nil
	}
	told, err := p.Catalog.Told(r.Context(), whoever(r), s.Version, "")
	if err != nil {
		return page{}, err
	}
	s.Plan = told.Plan
	if slices.ContainsFunc(told.Operations, func(o catalog.Operation) bool { return o.Access != catalog.Open }) {
		if err := p.terms(r, &s); err != nil {
			return page{}, err
		}
	}
	data := versionData{service: s, Access: map[string]int{}, Pages: told.Pages}
	for _, o := range told.Operations {
		data.Access[o.Access]++
		data.SOAP = data.SOAP || o.Doc.SOAP != nil
		tag := ""
		if len(o.Doc.Tags) > 0 {
			tag = o.Doc.Tags[0]
		}
		i := slices.IndexFunc(data.Groups, func(g operationGroup) bool { return g.Tag == tag })
		if i < 0 {
			i, data.Groups = len(data.Groups), append(data.Groups, operationGroup{Tag: tag})
		}
		data.Groups[i].Operations = append(data.Groups[i].Operations, o)
	}
	if data.Strip, err = p.stripOf(r, s.Version); err != nil {
		return page{}, err
	}
	if isMeasured(s.Version) {
		signedIn := whoever(r).SignedIn()
		data.Follow = &followButton{Kind: catalog.FollowAPI, Target: s.API.ID, Back: s.Href, Followed: told.Followed, SignedIn: signedIn}
		data.Rating = ratingForm{told.Ratings, s.API.Topic(), s.Href, signedIn}
		if data.Discussions, _, err = p.Catalog.Discussions(r.Context(), whoever(r), s.API.Topic(), "", newestDiscussions); err != nil {
			return page{}, err
		}
	}
	return page{Name: "developer-version", Data: data}, nil
}

// operationData is the data of the page "developer-operation".
type operationData struct {
	service
	Operation  catalog.Operation
	Parameters []parameterRow
	Body       []fieldRow
	Answers    []answerRow
	Refusals   []refusalRow
	Conditions []string        // kinds of those beside an agreement
	Hours      []gateway.Hours // of those
	Basic      bool            // HTTP Basic is taken too
	Signed     bool            // so are signatures
	Samples    []sample
	Try        *tryData // nil: the gateway does not serve it
	TokenCall  string
	Lesson     string // a call that is refused on purpose, "" of an open operation
	Trial      string // a call of the sandbox, where the operation has one beside its own
	TrialToken string // the token for it, where one is needed
}

// parameterRow is one parameter.
type parameterRow struct {
	catalog.Parameter
	KindKey string // message for its type, or ""
}

// answerRow is what is answered with one status.
type answerRow struct {
	Status                       string
	DescriptionVI, DescriptionEN string
	MediaTypes                   []string
	Anchor                       string // of its fields
	Fields                       []fieldRow
	Example                      string
}

// refusalRow is one answer of the gateway itself.
type refusalRow struct {
	Status      int
	Code, Title string
	Detail      string   // in more words
	Ways        []string // messages of what would let the call through
}

// showOperation answers GET /apis/{agency}/{api}/{version}/{operation}.
func (p *Portal) showOperation(r *http.Request) (page, error) {
	s, err := p.versionAt(r)
	if err != nil {
		return page{}, err
	}
	if to := movedTo(r, s.Version); to != "" {
		return page{To: to}, nil
	}
	told, err := p.Catalog.Told(r.Context(), whoever(r), s.Version, mux.Vars(r)["operation"])
	if err != nil {
		return page{}, err
	}
	o := told.Operations[0]
	if s.Plan = told.Plan; o.Access != catalog.Open {
		if err := p.terms(r, &s); err != nil {
			return page{}, err
		}
	}
	traffic, err := trafficOf(told.Traffic)
	if err != nil {
		return page{}, err
	}
	data := operationData{Basic: traffic.Basic && o.Access == catalog.Restricted, Signed: traffic.Signatures && o.Access == catalog.Restricted, service: s, Operation: o, Samples: callOf(s.Base, o).samples(), Conditions: traffic.ConditionsOf(o.Slug, o.Access)}
	if data.Try, err = p.tryOf(r, s, o, data.Conditions); err != nil {
		return page{}, err
	}
	data.Hours, data.Refusals = traffic.HoursOf(o.Slug, o.Access), refusalsOf(r, o.Access, data.Conditions)
	if o.Access != catalog.Open {
		data.TokenCall, data.Lesson = p.tokenCall("$LGSP_CLIENT_ID", s.Base), callOf(s.Base, o).lesson()
	}
	if s.Sandbox != "" && s.Base != s.Sandbox {
		trial := callOf(s.Sandbox, o)
		if slices.Contains(data.Conditions, "purpose") {
			trial.Headers = append(trial.Headers, sandboxPurpose)
		}
		data.Trial = trial.curl()
		if o.Access == catalog.Personal {
			data.TrialToken = p.tokenCall("$LGSP_CLIENT_ID", s.Sandbox)
		}
	}
	for _, parameter := range o.Doc.Parameters {
		data.Parameters = append(data.Parameters, parameterRow{parameter, kindKey(parameter.Type)})
	}
	if o.Doc.Body != nil {
		data.Body = fieldRows("body", o.Doc.Body.Fields)
	}
	for _, a := range o.Doc.Answers {
		anchor := "a" + notWord.ReplaceAllString(a.Status, "x")
		data.Answers = append(data.Answers, answerRow{
			Status: a.Status, DescriptionVI: a.DescriptionVI, DescriptionEN: a.DescriptionEN, MediaTypes: a.MediaTypes,
			Anchor: anchor, Fields: fieldRows(anchor, a.Fields), Example: a.Example,
		})
	}
	return page{Name: "developer-operation", Data: data}, nil
}

// conditionRefusals are the answers to calls that lack a condition, by its kind.
var conditionRefusals = map[string]refusalRow{
	"hours": {Status: 403, Code: "outside-hours"}, "network": {Status: 403, Code: "outside-network"},
	"two-factors": {Status: 401, Code: "assurance-low"}, "purpose": {Status: 400, Code: "purpose-unsaid"},
}

// refusalsOf are the gateway's own answers to calls of an operation, which no
// agency's document tells.
func refusalsOf(r *http.Request, access string, conditions []string) []refusalRow {
	var rows []refusalRow
	add := func(status int, codes ...string) {
		for _, code := range codes {
			rows = append(rows, refusalOf(r, status, code))
		}
	}
	if access != catalog.Open {
		add(400, "purpose-required", "field-not-agreed")
		add(401, "no-credential", "key-wrong", "token-expired")
	}
	if access == catalog.Personal {
		add(401, "key-for-personal-data")
		add(403, "token-audience")
	}
	if access != catalog.Open {
		add(403, "no-agreement", "operation-not-agreed", "agreement-expired", "agreement-suspended")
	}
	for _, c := range conditions {
		refusal := conditionRefusals[c]
		add(refusal.Status, refusal.Code)
	}
	add(429, "rate-exceeded", "quota-exceeded")
	add(502, "upstream-unreachable")
	add(503, "upstream-down")
	add(504, "upstream-timeout")
	return rows
}
