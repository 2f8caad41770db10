package portal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/internal/problem"
	"lgsp/web"
)

// promotionRoutes are how a version, or what is prepared beside it, goes live as
// one bundle.
func (p *Portal) promotionRoutes(r *mux.Router) {
	const version = "/agency/{agency}/apis/{api}/{version:v[0-9]+}/promotion"
	r.Handle(version, p.page(p.promotion)).Methods("GET", "HEAD")
	r.Handle(version+"/propose", p.page(p.proposePromotion)).Methods("POST")
	r.Handle(version+"/promote", p.page(p.promote)).Methods("POST")
	r.Handle(version+"/return", p.page(p.returnPromotion)).Methods("POST")
	r.Handle(version+"/drop", p.page(p.dropPromotion)).Methods("POST")
	r.Handle("/agency/{agency}/decisions/releases", p.page(p.setReleaseRule)).Methods("POST")
}

// promotionData is the data of the page "agency-promotion".
type promotionData struct {
	apiDesk
	Version  catalog.Version
	Release  catalog.Release
	Plan     string // its title
	Checks   []releaseCheck
	Groups   []catalog.DocumentChanges
	Settings []settingLine
	Findings []findingGroup
	Told     *effectData // who would lose or gain what; nil: nobody, or it is not known
	Refusal  string      // why it could not go live, in words, beside the checks
	Address  string      // at the gateway
}

// Base is the address of the version's desk.
func (d promotionData) Base() string { return d.At("apis", d.API.Slug, d.Version.Number) }

// Live reports whether the version can be called already.
func (d promotionData) Live() bool {
	return d.Version.State == catalog.Published || d.Version.State == catalog.Deprecated
}

// State is how far the bundle came; "" : it is not proposed, and nothing is
// prepared.
func (d promotionData) State() string {
	if d.Release.Promotion == nil {
		return ""
	}
	return d.Release.Promotion.State
}

// Proposes and Promotes report whether the reader may, as things stand.
func (d promotionData) Proposes() bool {
	return d.May("api.publish") && (d.State() == catalog.Prepared || d.State() == catalog.Returned || !d.Live() && (d.State() == "" || d.Release.Behind))
}

// Decides reports whether the bundle waits for somebody like the reader.
func (d promotionData) Decides() bool { return d.May("api.promote") && d.State() == catalog.Proposed }

// Own reports whether the reader had a hand in it, and so does not promote it.
func (d promotionData) Own() bool {
	p := d.Release.Promotion
	return p != nil && (slices.Contains(p.PreparedBy, d.who.Person) || p.ProposedBy != nil && *p.ProposedBy == d.who.Person)
}

// releaseCheck is one thing that going live needs.
type releaseCheck struct {
	Key  string // of its words: bundle.check-KEY
	Bad  []string
	Href string // where it is put right
}

// promotion answers GET …/{version}/promotion: what would go live, whole, and
// what becomes otherwise by it.
func (p *Portal) promotion(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	if !d.May("api.promote") {
		if err := p.Catalog.May(r.Context(), d.who, "api.edit", d.Agency.ID); err != nil {
			return page{}, err
		}
	}
	at, err := p.apiAt(r, d)
	if err != nil {
		return page{}, err
	}
	data := promotionData{}
	if data.apiDesk, data.Version, err = at.version(r); err != nil {
		return page{}, err
	}
	data.Address = p.Gateway + data.Version.Prefix()
	if data.Release, err = p.Catalog.ReleaseOf(r.Context(), d.who, data.Version.ID); err != nil {
		return page{}, err
	}
	data.Groups = catalog.ByOperation(data.Release.Changes.Document)
	shown := data.Version
	shown.Findings = data.Release.Findings
	data.Findings = grouped(shown)
	if data.Settings, err = p.settingLines(r, data.Release.Changes.Settings); err != nil {
		return page{}, err
	}
	if data.Plan, err = p.planTitle(r, data.Release.Bundle.Plan); err != nil {
		return page{}, err
	}
	data.check(r)
	return page{Name: "agency-promotion", Data: data}, p.tellPromotionEffect(r, &data)
}

// tellPromotionEffect adds who would lose or gain what by what is prepared.
func (p *Portal) tellPromotionEffect(r *http.Request, data *promotionData) error {
	if p.VersionEffect == nil || !data.Live() || data.State() == "" || data.Release.Refusal() != nil || data.Release.Behind {
		return nil
	}
	e, err := p.VersionEffect(r.Context(), data.who, data.Version.ID, VersionChange{Prepared: true})
	if err != nil {
		return err
	}
	told := tellEffect(r, e)
	data.Told = &told
	return nil
}

// check fills in what going live needs, each with what of it is missing.
func (d *promotionData) check(r *http.Request) {
	query := ""
	if d.Live() {
		query = "?" + preparedQuery
	}
	base := d.Base()
	d.Checks = []releaseCheck{
		{Key: "document", Href: base + "/document" + query}, {Key: "marks", Href: base + "/marks" + query},
		{Key: "plan", Href: base + "/connection" + query}, {Key: "upstream", Href: base + "/connection" + query},
		{Key: "other", Href: base},
	}
	if errs := countErrors(d.Release.Findings); errs > 0 && d.Release.Refusal() == nil {
		d.Checks[0].Bad = append(d.Checks[0].Bad, strconv.Itoa(errs))
	}
	for _, f := range d.Release.Missing {
		at := 4
		switch {
		case f.Name == "spec":
			at = 0
		case strings.HasPrefix(f.Name, "operations/"):
			at = 1
		case f.Name == "plan":
			at = 2
		case strings.HasPrefix(f.Name, "upstream"):
			at = 3
		}
		words := f.Words(localeOf(r))
		if at == 1 {
			slug, _, _ := strings.Cut(strings.TrimPrefix(f.Name, "operations/"), "/")
			words = slug + ": " + words
		}
		d.Checks[at].Bad = append(d.Checks[at].Bad, words)
	}
	if len(d.Checks[4].Bad) == 0 {
		d.Checks = d.Checks[:4]
	}
	if e := problem.Of(d.Release.Refusal()); d.Release.Refusal() != nil && len(d.Release.Missing) == 0 && len(d.Release.Broken) == 0 {
		title, detail := words(r, e)
		d.Refusal = strings.TrimSpace(title + ". " + detail)
	}
}

// Worst is the severity of the worst finding in the document.
func (d promotionData) Worst() string {
	for _, group := range d.Findings {
		if group.Severity != imported {
			return group.Severity
		}
	}
	return spec.Info
}

// step does one step of a promotion, and shows the page again with the sentence
// done, or with what is wrong.
func (p *Portal) promotionStep(r *http.Request, done string, do func(d apiDesk, v catalog.Version) error) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	at, err := p.apiAt(r, d)
	if err != nil {
		return page{}, err
	}
	at, v, err := at.version(r)
	if err != nil {
		return page{}, err
	}
	if err := do(at, v); err != nil {
		return again(r, p.promotion, err)
	}
	return page{To: at.At("apis", at.API.Slug, v.Number, "promotion"), Flash: &web.Flash{Key: done}}, nil
}

// proposePromotion answers POST …/promotion/propose.
func (p *Portal) proposePromotion(r *http.Request) (page, error) {
	return p.promotionStep(r, "bundle.done-propose", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.ProposePromotion(r.Context(), d.who, v.ID, r.PostFormValue("why"))
		return err
	})
}

// promote answers POST …/promotion/promote: hash is that of the bundle that the
// page showed.
func (p *Portal) promote(r *http.Request) (page, error) {
	return p.promotionStep(r, "bundle.done-promote", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.Promote(r.Context(), d.who, v.ID, r.PostFormValue("hash"))
		return err
	})
}

// returnPromotion answers POST …/promotion/return.
func (p *Portal) returnPromotion(r *http.Request) (page, error) {
	return p.promotionStep(r, "bundle.done-return", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.ReturnPromotion(r.Context(), d.who, v.ID, r.PostFormValue("answer"))
		return err
	})
}

// dropPromotion answers POST …/promotion/drop.
func (p *Portal) dropPromotion(r *http.Request) (page, error) {
	return p.promotionStep(r, "bundle.done-drop", func(d apiDesk, v catalog.Version) error {
		_, err := p.Catalog.DropPromotion(r.Context(), d.who, v.ID)
		return err
	})
}

// setReleaseRule answers POST /agency/{agency}/decisions/releases.
func (p *Portal) setReleaseRule(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	_, err = p.Catalog.SetReleaseRule(r.Context(), d.who, d.Agency.ID, catalog.ReleaseRule{TwoPersons: r.PostFormValue("release_two_persons") == "yes"})
	return p.decisionsDone(r, d, "bundle.rule-set", err)
}

// preparedQuery in an address says that a page changes what is prepared beside
// a live version, instead of the version.
const preparedQuery = "prepared=yes"

func prepares(r *http.Request) bool { return r.URL.Query().Get("prepared") == "yes" }

// errShown undoes a preparation whose form comes back with what is wrong.
var errShown = errors.New("the form is shown again")

// preparable is a page that changes a version, or, where its address says so,
// what is prepared beside it: the same handler then reads and writes a catalogue
// in which that is in force, and which is undone.
func (p *Portal) preparable(handle func(*Portal, *http.Request) (page, error)) pageFunc {
	return func(r *http.Request) (page, error) {
		if !prepares(r) {
			return handle(p, r)
		}
		d, v, err := p.version(r)
		if err != nil {
			return page{}, err
		}
		var answer page
		as := func(would *catalog.Catalog) error {
			q := &Portal{Auth: p.Auth, Policy: p.Policy, Catalog: would, Agreements: p.Agreements, Ledger: p.Ledger, Drifts: p.Drifts, Pages: p.Pages,
				Now: p.Now, Origin: p.Origin, Gateway: p.Gateway, Province: p.Province, ClientCertificate: p.ClientCertificate} // no effect is shown of a part
			answer, err = handle(q, r)
			if err == nil && r.Method == http.MethodPost && answer.To == "" {
				return errShown
			}
			return err
		}
		if r.Method != http.MethodPost {
			err = p.Catalog.AsPrepared(r.Context(), d.who, v.ID, as)
			return answer, err
		}
		to := d.At("apis", d.API.Slug, v.Number, "promotion")
		switch err := p.Catalog.Prepare(r.Context(), d.who, v.ID, "", as); {
		case err == errShown: //nolint:errorlint // it is the very value
			return answer, nil
		case problem.Code(err) == "promotion-same":
			return page{To: to, Flash: &web.Flash{Key: "bundle.same"}}, nil
		case err != nil:
			return page{}, err
		}
		return page{To: to, Flash: &web.Flash{Key: "bundle.done-prepare"}}, nil
	}
}
