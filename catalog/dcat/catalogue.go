package dcat

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
)

const (
	pageSize  = 100  // datasets, and services, on a page of the catalogue
	mostPages = 1000 // that can be reached by number
	mostFound = 1000 // datasets that a dump of a search holds
)

// question is what a reader of the catalogue asks for.
type question struct {
	filter    catalog.DumpFilter
	text      string
	agency    string
	page      int
	datasets  uuid.UUID // those of the page come behind this one
	services  uuid.UUID
	after     bool // the two were given
	path      string
	asWritten string // modified_since
}

// parameters are what /catalog takes; anything else is refused, for a filter
// that nobody heeds would give everything.
var parameters = []string{"page", "after", "modified_since", "q", "agency", "theme", "format"}

// catalogue answers GET /catalog.{ttl,rdf,xml,jsonld}: a page of what is
// published, in the order of ids, with links to the others (Hydra).
func (s *Site) catalogue(w http.ResponseWriter, r *http.Request) error {
	q, err := s.asked(r)
	if err != nil {
		return err
	}
	g := newGraph()
	if err := s.describeCatalogue(r.Context(), g, q); err != nil {
		return err
	}
	at, err := s.Catalog.LastChange(r.Context(), uuid.Nil)
	if err != nil {
		return err
	}
	if q.isWhole() {
		s.count(r, syntaxOf(mux.Vars(r)["ending"]).ending)
	}
	if at.Unix() > 0 {
		g.add(s.Origin+"/catalog", "dct:modified", instant(at))
	}
	return answer(w, r, g, at)
}

// isWhole reports whether this is where somebody begins to read everything.
func (q question) isWhole() bool {
	f := q.filter
	return q.page == 1 && !q.after && q.text == "" && f.Agency == uuid.Nil && f.Theme == "" && f.Format == "" && f.Since.IsZero()
}

// count notes that a program, no search engine, fetched the whole catalogue.
func (s *Site) count(r *http.Request, format string) {
	if r.Method == http.MethodGet && !catalog.IsRobot(r.UserAgent()) {
		s.Catalog.CountCatalogue(format)
	}
}

// asked reads the parameters of /catalog. It fails with Invalid for one that is
// unknown or wrong, and for a search that finds too much.
func (s *Site) asked(r *http.Request) (question, error) {
	values := r.URL.Query()
	q := question{page: 1, path: "/catalog." + syntaxOf(mux.Vars(r)["ending"]).ending, asWritten: values.Get("modified_since")}
	for name := range values {
		if !slices.Contains(parameters, name) {
			return q, problem.Errorf(problem.Invalid, "there is no parameter %s; known are %s", name, strings.Join(parameters, ", ")).
				Coded("dump-parameter", "name", name, "known", strings.Join(parameters, ", "))
		}
	}
	var err error
	if page := values.Get("page"); page != "" {
		if q.page, err = strconv.Atoi(page); err != nil || q.page < 1 || q.page > mostPages {
			return q, problem.Errorf(problem.Invalid, "page is 1 to %d", mostPages).Coded("dump-page", "most", strconv.Itoa(mostPages))
		}
	}
	if after := values.Get("after"); after != "" {
		datasets, services, _ := strings.Cut(after, ",")
		if q.datasets, err = uuid.Parse(datasets); err == nil {
			q.services, err = uuid.Parse(services)
		}
		if q.after = true; err != nil {
			return q, badCursor()
		}
	}
	if q.filter.Since, err = since(q.asWritten); err != nil {
		return q, err
	}
	q.filter.Theme, q.filter.Format = values.Get("theme"), strings.ToUpper(values.Get("format"))
	if q.agency = values.Get("agency"); q.agency != "" {
		agency, err := s.Catalog.AgencyBySlug(r.Context(), q.agency)
		if err != nil {
			return q, err
		}
		q.filter.Agency = agency.ID
	}
	if q.text = strings.TrimSpace(values.Get("q")); q.text != "" {
		q.filter.IDs, err = s.found(r.Context(), q.text)
	}
	return q, err
}

func badCursor() error {
	return problem.Errorf(problem.Invalid, "after is not a cursor of this list").Coded("page-cursor")
}

// since reads a day or a moment; "" is the zero time.
func since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil && at.Year() > 0 && at.Year() < 10_000 {
			return at, nil
		}
	}
	return time.Time{}, problem.Errorf(problem.Invalid, "modified_since is no date as 2026-11-30 or 2026-11-30T08:00:00Z").Coded("dump-since")
}

// found are the datasets that hold every word of a text.
func (s *Site) found(ctx context.Context, text string) ([]uuid.UUID, error) {
	ids := []uuid.UUID{}
	for after := ""; ; {
		answer, err := s.Catalog.Find(ctx, catalog.FindQuery{Text: text, Kind: "dataset", Limit: 100, After: after})
		if err != nil {
			return nil, err
		}
		if answer.Partial { // these are only near
			return ids, nil
		}
		if answer.Total > mostFound {
			return nil, problem.Errorf(problem.Invalid, "%d datasets are found, more than %d", answer.Total, mostFound).
				Coded("dump-broad", "n", strconv.Itoa(answer.Total), "most", strconv.Itoa(mostFound))
		}
		for _, hit := range answer.Hits {
			ids = append(ids, hit.ID)
		}
		if after = answer.Next; after == "" {
			return ids, nil
		}
	}
}

// describeCatalogue writes a page of the catalogue. A page that was reached by
// a link begins behind the last of the page before, whatever came or went
// meanwhile; one asked for by its number alone is counted off.
func (s *Site) describeCatalogue(ctx context.Context, g *graph, q question) error {
	skip := (q.page - 1) * pageSize
	if q.after {
		skip = 0
	}
	following := q
	following.page, following.after = q.page+1, true
	datasets, next, err := s.Catalog.DumpDatasets(ctx, q.filter, catalog.DumpPage{After: q.datasets, Skip: skip, Limit: pageSize})
	if err != nil {
		return err
	}
	following.datasets = next
	var total [2]int
	if total[0], err = s.Catalog.CountDatasets(ctx, q.filter); err != nil {
		return err
	}
	var services []catalog.Service
	if q.isOfServices() {
		services, next, err = s.Catalog.DumpServices(ctx, q.filter, catalog.DumpPage{After: q.services, Skip: skip, Limit: pageSize})
		if err != nil {
			return err
		}
		following.services = next
		if total[1], err = s.Catalog.CountServices(ctx, q.filter); err != nil {
			return err
		}
	}
	it := s.describeItself(g)
	s.describePaging(g, it, q, total)
	if following.datasets != uuid.Nil || following.services != uuid.Nil {
		g.add(s.pageAt(q), "hydra:next", term{iri: s.pageAt(following.past())})
	}
	for _, d := range datasets {
		s.list(g, it, d)
	}
	for _, a := range services {
		g.add(it, "dcat:service", term{iri: s.describeService(g, a)})
	}
	return s.describeGone(ctx, g, q)
}

// isOfServices reports whether a question is about APIs too: of them no theme
// and no format is known.
func (q question) isOfServices() bool {
	return q.text == "" && q.filter.Theme == "" && q.filter.Format == ""
}

// past is a question whose page comes behind the end where one of the two
// lists is all read.
func (q question) past() question {
	if q.datasets == uuid.Nil {
		q.datasets = uuid.Max
	}
	if q.services == uuid.Nil {
		q.services = uuid.Max
	}
	return q
}

// list writes a dataset as one of the catalogue's.
func (s *Site) list(g *graph, it string, d catalog.Dataset) {
	g.add(it, "dcat:dataset", term{iri: s.describeDataset(g, d)})
	for _, part := range d.Distributions {
		if part.Rows != nil {
			g.add(it, "dcat:service", term{iri: s.Origin + "/dataset/" + d.Slug + "#rows-" + part.ID.String()})
		}
	}
}

// describeItself writes the catalogue, without what is in it, and gives its IRI.
func (s *Site) describeItself(g *graph) string {
	it, province := s.Origin+"/catalog", s.Origin+"/#province"
	g.typed(it, "dcat:Catalog")
	g.words(it, "dct:title", "Cổng dữ liệu mở tỉnh "+s.Province, "Open data portal of "+s.Province+" province")
	g.words(it, "dct:description", "Dữ liệu mở và dịch vụ dữ liệu của các cơ quan tỉnh "+s.Province+".",
		"Open data and data services of the agencies of "+s.Province+" province.")
	g.link(it, "dct:publisher", province, "foaf:Agent")
	g.words(province, "foaf:name", "Tỉnh "+s.Province, s.Province+" province")
	describeRegional(g, province)
	g.link(it, "foaf:homepage", s.Origin+"/", "foaf:Document")
	g.link(it, "dcat:themeTaxonomy", describeThemes(g))
	for _, language := range catalog.Languages() {
		if language.ID == "VIE" || language.ID == "ENG" { // what the descriptions are written in
			describeLanguage(g, it, language)
		}
	}
	g.link(it, "dct:spatial", it+"#area", "dct:Location")
	g.words(it+"#area", "skos:prefLabel", "Tỉnh "+s.Province, s.Province+" province")
	s.describeTerms(g, it)
	return it
}

// describePaging says which page this is and where others are; of is how many
// datasets and services there are. Harvesters look for the older of the two
// classes too.
func (s *Site) describePaging(g *graph, it string, q question, of [2]int) {
	page, one := s.pageAt(q), q
	g.typed(it, "hydra:Collection")
	g.add(it, "hydra:view", term{iri: page})
	g.typed(page, "hydra:PartialCollectionView", "hydra:PagedCollection")
	for _, subject := range []string{it, page} {
		g.add(subject, "hydra:totalItems", valued(strconv.Itoa(of[0]), "xsd:integer"))
	}
	g.add(page, "hydra:itemsPerPage", valued(strconv.Itoa(pageSize), "xsd:integer"))
	one.after, one.page = false, 1
	g.add(page, "hydra:first", term{iri: s.pageAt(one)})
	if one.page = q.page - 1; one.page > 0 {
		g.add(page, "hydra:previous", term{iri: s.pageAt(one)})
	}
	one.page = max(1, (max(of[0], of[1])+pageSize-1)/pageSize)
	g.add(page, "hydra:last", term{iri: s.pageAt(one)})
}

// pageAt is the address of a page of the same question.
func (s *Site) pageAt(q question) string {
	to := url.Values{"page": {strconv.Itoa(q.page)}}
	if q.after {
		to.Set("after", q.datasets.String()+","+q.services.String())
	}
	for name, value := range map[string]string{"modified_since": q.asWritten, "q": q.text,
		"agency": q.agency, "theme": q.filter.Theme, "format": q.filter.Format} {
		if value != "" {
			to.Set(name, value)
		}
	}
	return s.Origin + q.path + "?" + to.Encode()
}
