package portal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/web"
)

func (p *Portal) promiseRoutes(r *mux.Router) {
	const at = "/agency/{agency}/apis/{api}/{version:v[0-9]+}/promise"
	r.Handle(at, p.page(p.promiseForm)).Methods("GET", "HEAD")
	r.Handle(at, p.page(p.setPromise)).Methods("POST")
}

// promiseData is the data of the page "agency-promise".
type promiseData struct {
	versionPage
	Promise catalog.Promise
	Last30  Answering
}

// AvailabilityText is what stands in the field for the share, "" for none.
func (d promiseData) AvailabilityText() string { return typedNumber(d.Promise.Availability) }

// P95Text is what stands in the field for the time.
func (d promiseData) P95Text() string { return typedNumber(float64(d.Promise.P95)) }

func typedNumber(n float64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// promiseForm answers GET …/{version}/promise: what is promised of the version,
// beside what was measured.
func (p *Portal) promiseForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := promiseData{versionPage: v}
	data.Promise = v.Version.Promise
	measures, err := p.measured().of(r.Context(), figureDays, v.Version.ID)
	data.Last30 = measures[v.Version.ID].Last30
	return page{Name: "agency-promise", Data: data}, err
}

// setPromise answers POST …/{version}/promise; an empty form takes it back.
func (p *Portal) setPromise(r *http.Request) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	typed := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	promise := catalog.Promise{SupportVI: typed("support_vi"), SupportEN: typed("support_en")}
	promise.Availability = readTyped(strings.TrimSuffix(typed("availability"), "%"))
	promise.P95 = int64(readTyped(typed("p95_ms")))
	if _, err := p.Catalog.SetPromise(r.Context(), d.who, v.ID, promise); err != nil {
		return again(r, p.promiseForm, err)
	}
	return page{To: d.At("apis", d.API.Slug, v.Number), Flash: &web.Flash{Key: "promise.saved"}}, nil
}

// readTyped reads a number as people there write it, with a comma or a point; of
// what is none it gives one that no promise takes.
func readTyped(text string) float64 {
	if text = strings.TrimSpace(text); text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil {
		return -1
	}
	return n
}
