package portal

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/web"
)

// auditRoutes are the pages of the evidence.
func (p *Portal) auditRoutes(r *mux.Router) {
	r.Handle("/audit", p.page(p.audit)).Methods("GET", "HEAD")
	r.Handle("/audit/acts", p.page(p.auditActs)).Methods("GET", "HEAD")
	r.Handle("/audit/ledger", p.page(p.auditLedger)).Methods("GET", "HEAD")
}

// auditor is who reads the evidence: of the whole platform, or of the agencies
// where they may.
type auditor struct {
	Whole    bool         // the whole platform, and administrative acts
	Agencies []web.Option // to choose from
}

// Choices are the agencies to choose from; who reads the whole platform may
// also choose every.
func (a auditor) Choices(every string) []web.Option {
	if !a.Whole {
		return a.Agencies
	}
	return append([]web.Option{{Text: every}}, a.Agencies...)
}

// auditor finds out what the reader may read. It is Forbidden to those who
// may read nothing.
func (p *Portal) auditor(r *http.Request) (auditor, error) {
	who, err := signedIn(r)
	if err != nil {
		return auditor{}, err
	}
	ctx := r.Context()
	refused := p.Ledger.May(ctx, who, "exchange.read", uuid.Nil)
	if refused == nil {
		list, _, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100})
		return auditor{Whole: true, Agencies: agencyOptions(localeOf(r), list)}, err
	}
	var ids []uuid.UUID
	for _, m := range who.Memberships {
		if p.Ledger.May(ctx, who, "exchange.read", m.Agency) == nil {
			ids = append(ids, m.Agency)
		}
	}
	if len(ids) == 0 {
		return auditor{}, refused
	}
	byID, err := p.Auth.Agencies(ctx, ids)
	if err != nil {
		return auditor{}, err
	}
	var list []auth.Agency
	for _, a := range byID {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b auth.Agency) int { return strings.Compare(a.Slug, b.Slug) })
	return auditor{Agencies: agencyOptions(localeOf(r), list)}, nil
}

// auditData is the data of the page "audit".
type auditData struct {
	auditor
	Agency, Application, Status, Since, Trace string // as they are in force
	Rows                                      []exchangeRow
	First, Next                               string
}

// audit answers GET /audit: calls through the gateway, newest first.
func (p *Portal) audit(r *http.Request) (page, error) {
	a, err := p.auditor(r)
	if err != nil {
		return page{}, err
	}
	data := auditData{auditor: a, Agency: r.FormValue("agency"), Application: r.FormValue("application"),
		Status: r.FormValue("status"), Since: r.FormValue("since"), Trace: r.FormValue("trace")}
	if !a.Whole && !slices.ContainsFunc(a.Agencies, func(o web.Option) bool { return o.Value == data.Agency }) {
		data.Agency = a.Agencies[0].Value
	}
	answer := page{Name: "audit"}
	f, err := data.filter()
	if err == nil {
		f.After = r.FormValue("after")
		var list ledger.ExchangePage
		if list, err = p.Ledger.ListExchanges(r.Context(), whoever(r), f); err == nil {
			if data.Rows, err = p.exchangeRows(r, list.Items); err != nil {
				return page{}, err
			}
			data.Next = list.Next
		}
	}
	if problem.Is(err, problem.Invalid) {
		answer.Form, answer.Status = formOf(r, err), int(problem.Invalid)
	} else if err != nil {
		return page{}, err
	}
	kept := []string{"agency", data.Agency, "application", data.Application, "status", data.Status, "since", data.Since, "trace", data.Trace}
	data.First, data.Next = listLinks(r, "/audit", data.Next, kept)
	answer.Data = data
	return answer, nil
}

// listLinks are the addresses of a list's first page, "" when on it, and of
// the page that begins after next, "" at the end.
func listLinks(r *http.Request, path, next string, kept []string) (first, onward string) {
	if r.FormValue("after") != "" {
		first = path + "?" + withQuery(kept...)
	}
	if next != "" {
		onward = path + "?" + withQuery(append(kept, "after", next)...)
	}
	return first, onward
}

// formOf is a search form that came back with what is wrong in it.
func formOf(r *http.Request, err error) *web.Form {
	e := problem.Of(err)
	form := &web.Form{Values: r.Form}
	form.Title, form.Detail = words(r, e)
	for _, f := range e.Fields {
		form.Errors = append(form.Errors, web.FieldError{Name: f.Name, Text: f.Words(localeOf(r))})
	}
	return form
}

// filter reads what was chosen.
func (d auditData) filter() (ledger.ExchangeFilter, error) {
	f := ledger.ExchangeFilter{Trace: d.Trace, Limit: 50}
	wrong := problem.Errorf(problem.Invalid, "the filters are not right").Coded("filter-invalid")
	for _, id := range []struct {
		name, text string
		into       *uuid.UUID
	}{{"agency", d.Agency, &f.Agency}, {"application", d.Application, &f.Application}} {
		if id.text == "" {
			continue
		}
		var err error
		if *id.into, err = uuid.Parse(id.text); err != nil {
			wrong.Wrong(id.name, "id-form", "is no id")
		}
	}
	var err error
	if d.Status != "" {
		if f.Status, err = strconv.Atoi(d.Status); err != nil || f.Status < 0 || f.Status > 599 {
			wrong.Wrong("status", "status-form", "is no status")
		}
	}
	if d.Since != "" {
		if f.Since, err = time.ParseInLocation(time.DateOnly, d.Since, time.FixedZone("Asia/Ho_Chi_Minh", 7*60*60)); err != nil {
			wrong.Wrong("since", "day-invalid", "is no day")
		}
	}
	if len(wrong.Fields) > 0 {
		return f, wrong
	}
	return f, nil
}

// actsData is the data of the page "audit-acts".
type actsData struct {
	auditor
	Agency      string
	Items       []actRow
	First, Next string
}

// actRow is one administrative act with what an auditor needs in words.
type actRow struct {
	ledger.ActEntry
	AgencyName auth.Agency
	Words      string // what was done; the verb where it has no words
	Details    []keptPair
}

// actDetails are what an act tells beside its verb, by name, in the page's
// language; what is empty is left out.
func (p *Portal) actDetails(r *http.Request, detail map[string]any) []keptPair {
	var list []keptPair
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		text := momentDetail(plainDetail(detail[name]))
		if text == "" || text == "0" {
			continue // a limit or number that was not set
		}
		label, err := p.Pages.Text(localeOf(r), "audit.detail-"+strings.ReplaceAll(name, "_", "-"))
		if err != nil {
			label = name
		}
		list = append(list, keptPair{label, text})
	}
	return list
}

// momentDetail writes a moment on the province's clock, to the minute, and a
// day as people there do; other text stays as it is.
func momentDetail(text string) string {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.In(province).Format("15:04 2/1/2006")
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.Format("2/1/2006")
	}
	return text
}

// plainDetail writes a value of JSON for a reader: the members of a list with
// commas between, those of an object with semicolons.
func plainDetail(v any) string {
	var parts []string
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		for _, one := range v {
			parts = append(parts, plainDetail(one))
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(v))) {
			parts = append(parts, plainDetail(v[name]))
		}
		return strings.Join(parts, ": ")
	}
	return fmt.Sprint(v)
}

// auditActs answers GET /audit/acts: who changed what, newest first.
func (p *Portal) auditActs(r *http.Request) (page, error) {
	a, err := p.auditor(r)
	if err != nil {
		return page{}, err
	}
	agency, _ := uuid.Parse(r.FormValue("agency")) // none: all
	list, err := p.Ledger.ListActs(r.Context(), whoever(r), ledger.ActFilter{Agency: agency, Limit: 50, After: r.FormValue("after")})
	if err != nil {
		return page{}, err
	}
	data := actsData{auditor: a, Agency: r.FormValue("agency")}
	var ids []uuid.UUID
	for _, act := range list.Items {
		ids = append(ids, act.AgencyID)
	}
	byID, err := p.Auth.Agencies(r.Context(), ids)
	if err != nil {
		return page{}, err
	}
	for _, act := range list.Items {
		done, err := p.Pages.Text(localeOf(r), "audit.act-"+strings.ReplaceAll(act.Verb, ".", "-"))
		if err != nil {
			done = act.Verb
		}
		data.Items = append(data.Items, actRow{act, byID[act.AgencyID], done, p.actDetails(r, act.Detail)})
	}
	data.First, data.Next = listLinks(r, "/audit/acts", list.Next, []string{"agency", data.Agency})
	return page{Name: "audit-acts", Data: data}, nil
}

// ledgerData is the data of the page "audit-ledger".
type ledgerData struct {
	auditor
	Signed ledger.Signed
}

// auditLedger answers GET /audit/ledger: the last signed checkpoint, and how
// to check the log without trusting us.
func (p *Portal) auditLedger(r *http.Request) (page, error) {
	a, err := p.auditor(r)
	if err != nil {
		return page{}, err
	}
	signed, err := p.Ledger.LastSigned()
	return page{Name: "audit-ledger", Data: ledgerData{auditor: a, Signed: signed}}, err
}
