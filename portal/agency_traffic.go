package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/web"
)

// trafficData is the data of the page "agency-traffic".
type trafficData struct {
	versionPage
	Limits    []limitRow
	Per       []web.Option
	Unchecked int // things of the document that calls cannot be held to
	Caches    []cacheRow
	Issuers   []web.Option // whose tokens may be taken beside ours
}

// limitRow is a limit as a row of the form; one without calls is none.
type limitRow struct {
	Row     int
	Per     string
	Calls   string
	Window  string
	Windows []web.Option
}

// groups takes out what people put between the digits of a whole number.
var groups = strings.NewReplacer(".", "", ",", "", " ", "", "\u00a0", "")

// Name is the name of one of the row's fields in the form.
func (l limitRow) Name(field string) string { return "limits/" + strconv.Itoa(l.Row) + "/" + field }

// emptyRows are offered below the limits there are, as far as there may be more.
const emptyRows = 2

// windows are the times that the form offers; any other that is set stays.
var windows = []string{"1s", "10s", "1m", "5m", "15m", "1h", "12h", "day", "month"}

// trafficForm answers GET …/{version}/traffic: how the version's calls are
// held and sent beside its plan, a section for each part of it.
func (p *Portal) trafficForm(r *http.Request) (page, error) {
	v, err := p.versionPage(r)
	if err != nil {
		return page{}, err
	}
	data := trafficData{versionPage: v, Caches: cacheRows(r, v)}
	if data.Issuers, err = p.issuerOptions(r, data.Traffic.ForeignIssuer); err != nil {
		return page{}, err
	}
	for _, f := range v.Version.Findings {
		if strings.HasPrefix(f.Code, "spec-unchecked-") {
			data.Unchecked++
		}
	}
	for _, per := range gateway.LimitPer() {
		if err := p.choice(r, &data.Per, per, "traffic.per-"+per); err != nil {
			return page{}, err
		}
	}
	for row := range min(len(data.Traffic.Limits)+emptyRows, gateway.MaxLimits) {
		l := limitRow{Row: row, Per: gateway.LimitPer()[0], Window: "1m"}
		if row < len(data.Traffic.Limits) {
			set := data.Traffic.Limits[row]
			l.Per, l.Calls, l.Window = set.Per, strconv.Itoa(set.Calls), set.Window
		}
		for _, w := range windows {
			if err := p.choice(r, &l.Windows, w, "traffic.window-"+w); err != nil {
				return page{}, err
			}
		}
		if !slices.Contains(windows, l.Window) {
			l.Windows = append(l.Windows, web.Option{Value: l.Window, Text: l.Window})
		}
		data.Limits = append(data.Limits, l)
	}
	return page{Name: "agency-traffic", Data: data}, nil
}

// choice adds one choice with the words of key.
func (p *Portal) choice(r *http.Request, options *[]web.Option, value, key string) error {
	text, err := p.Pages.Text(localeOf(r), key)
	*options = append(*options, web.Option{Value: value, Text: text})
	return err
}

// setLimits answers POST …/{version}/traffic/limits.
func (p *Portal) setLimits(r *http.Request) (page, error) {
	var list []gateway.Limit
	var rows []int // of the form, by place in the list
	for row := range gateway.MaxLimits {
		l := limitRow{Row: row}
		typed := strings.TrimSpace(r.PostFormValue(l.Name("calls")))
		if typed == "" {
			continue
		}
		calls, err := strconv.Atoi(groups.Replace(typed))
		if err != nil {
			calls = 0 // which is told to be wrong
		}
		list, rows = append(list, gateway.Limit{Per: r.PostFormValue(l.Name("per")), Calls: calls, Window: r.PostFormValue(l.Name("window"))}), append(rows, row)
	}
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) { t.Limits = list })
	if err != nil {
		inRows(err, rows)
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// setSizes answers POST …/{version}/traffic/sizes: how large a request may be,
// how long the upstream may take, and whether calls may become WebSockets.
func (p *Portal) setSizes(r *http.Request) (page, error) {
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) {
		t.RequestBytes = wholeNumber(r, "request_bytes")
		t.Timeouts = gateway.Timeouts{AnswerSeconds: int(wholeNumber(r, "timeouts/answer_seconds")), WholeSeconds: int(wholeNumber(r, "timeouts/whole_seconds"))}
		t.WebSocket = r.PostFormValue("websocket") != ""
	})
	if err != nil {
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// setChecks answers POST …/{version}/traffic/check: how calls are held to the document.
func (p *Portal) setChecks(r *http.Request) (page, error) {
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) {
		t.Check = gateway.Check{Requests: r.PostFormValue("check/requests"), Answers: r.PostFormValue("check/answers"), SamplePercent: int(wholeNumber(r, "check/sample_percent"))}
	})
	if err != nil {
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// setConcurrency answers POST …/{version}/traffic/concurrency: how many calls
// the agency's system gets at once, and how many wait for how long.
func (p *Portal) setConcurrency(r *http.Request) (page, error) {
	answer, err := p.setTraffic(r, "traffic.saved", func(t *gateway.Traffic) {
		t.Concurrency = gateway.Concurrency{
			Calls: int(wholeNumber(r, "concurrency/calls")), Queue: int(wholeNumber(r, "concurrency/queue")), WaitSeconds: int(wholeNumber(r, "concurrency/wait_seconds")),
		}
	})
	if err != nil {
		return again(r, p.trafficForm, err)
	}
	return answer, nil
}

// startChecks has a version that is to be published tell its owner what is not
// as described, unless something was set before.
func (p *Portal) startChecks(r *http.Request, d apiDesk, v catalog.Version) error {
	t, err := trafficOf(v.Traffic)
	if err != nil || t.Check.On() {
		return err
	}
	t.Check = gateway.Check{Requests: gateway.CheckReport, Answers: gateway.CheckSample}
	document, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write traffic: %w", err)
	}
	_, err = p.Catalog.SetTraffic(r.Context(), d.who, v.ID, document)
	return err
}

// wholeNumber is a whole number as people type it, 0 for none, and below 0, which is
// told to be wrong, for what is no number.
func wholeNumber(r *http.Request, name string) int64 {
	typed := groups.Replace(r.PostFormValue(name))
	n, err := strconv.ParseInt(typed, 10, 64)
	if typed != "" && err != nil {
		return -1
	}
	return n
}

// setTraffic changes one part of a version's traffic, as change does, leaves
// the others, and goes back to the page of the version whose message is said.
func (p *Portal) setTraffic(r *http.Request, said string, change func(*gateway.Traffic)) (page, error) {
	d, v, err := p.version(r)
	if err != nil {
		return page{}, err
	}
	t, err := trafficOf(v.Traffic)
	if err != nil {
		return page{}, err
	}
	change(&t)
	document, err := json.Marshal(t)
	if err != nil {
		return page{}, fmt.Errorf("write traffic: %w", err)
	}
	if _, err := p.Catalog.SetTraffic(r.Context(), d.who, v.ID, document); err != nil {
		return page{}, err
	}
	return page{To: d.At("apis", d.API.Slug, v.Number, strings.TrimSuffix(said, ".saved")), Flash: &web.Flash{Key: said}}, nil
}
