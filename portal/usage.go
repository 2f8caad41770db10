package portal

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// usageMonths is how many months are drawn.
const usageMonths = 12

func (p *Portal) usageRoutes(r *mux.Router) {
	r.Handle("/agency/{agency}/usage", p.page(p.agencyUsage)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/calls", p.page(p.agencyCalls)).Methods("GET", "HEAD")
	r.Handle("/operator/usage", p.page(p.portalUsage)).Methods("GET", "HEAD")
	r.Handle("/operator/usage", p.page(p.publishUsage)).Methods("POST")
}

// countView counts that a person opened a public dataset's page. What is not
// counted: turning, sorting and filtering its table, which comes from the page
// itself; what the browser fetches ahead; robots; and the agency's own people.
func (p *Portal) countView(r *http.Request, d catalog.Dataset) {
	who, agent := whoever(r), r.UserAgent()
	switch {
	case r.Method != http.MethodGet, d.State != catalog.Published:
	case !strings.HasPrefix(agent, "Mozilla/"), catalog.IsRobot(agent): // every browser calls itself so
	case strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch"):
	case p.cameFrom(r, "/dataset/"+d.Slug):
	case who.SignedIn() && p.Catalog.May(r.Context(), who, "dataset.edit", d.AgencyID) == nil:
	default:
		p.Catalog.CountUse(catalog.Use{Kind: catalog.UseView, Dataset: d.ID})
	}
}

// cameFrom reports whether a page of ours led here, in either language.
func (p *Portal) cameFrom(r *http.Request, path string) bool {
	from, err := url.Parse(r.Referer())
	return err == nil && from.Scheme+"://"+from.Host == p.Origin && strings.TrimPrefix(from.Path, "/en") == path
}

// countDownload counts that somebody fetched a file, or rows as one.
func countDownload(c *catalog.Catalog, r *http.Request, of catalog.Use) {
	if r.Method == http.MethodGet && !catalog.IsRobot(r.UserAgent()) {
		of.Kind = catalog.UseDownload
		c.CountUse(of)
	}
}

// fileAnswer notes with which status a file is answered.
type fileAnswer struct {
	http.ResponseWriter
	status int
}

// WriteHeader is of http.ResponseWriter.
func (f *fileAnswer) WriteHeader(status int) {
	f.status = status
	f.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach what is underneath.
func (f *fileAnswer) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// isBegun reports whether the file's first byte was sent: a reader that has the
// file, or fetches a later piece of it, has been counted.
func (f *fileAnswer) isBegun(r *http.Request) bool {
	return f.status == http.StatusOK || f.status == http.StatusPartialContent && strings.HasPrefix(r.Header.Get("Range"), "bytes=0-")
}

// The picture's measures, in its own units; the height is that of an
// application's calls.
const (
	monthStep = 30
	monthBar  = 20
)

// monthForm is how the table writes a month, and the picture.
var monthForm = map[string][2]string{"vi": {"1/2006", "1/06"}, "en": {"January 2006", "1/06"}}

// usageView is the use of something by month, drawn and as a table.
type usageView struct {
	Months                      []usageColumn // oldest first
	Sum                         catalog.UsageCounts
	Files                       []usageFile // of a dataset's distributions, those that were used
	Width, Height, Base, LabelY int
}

// usageColumn is one month, and where its bar lies.
type usageColumn struct {
	Month string // as people write it
	catalog.UsageCounts
	Catalogue       map[string]int64 // of the whole portal
	Label           string           // below the bar; "" when it is not written
	Numbered        bool             // its number stands on top
	X, Middle, Y, H int
	Width, NumberY  int
}

// usageFile is the use of one distribution over all months shown.
type usageFile struct {
	catalog.Distribution
	catalog.UsageCounts
}

// Newest are the months since something was first used, the newest first, as
// the table has them.
func (u usageView) Newest() []usageColumn {
	list := slices.Clone(u.Months)
	for len(list) > 1 && list[0].Total() == 0 && len(list[0].Catalogue) == 0 {
		list = list[1:]
	}
	slices.Reverse(list)
	return list
}

// drawMonths says where each month's bar lies. Bars begin at zero; a number
// stands on each while they have room, else on the highest and the last.
func drawMonths(r *http.Request, months []usageColumn) usageView {
	v := usageView{Months: months, Width: monthStep * len(months), Base: usageTop + usageHeight,
		LabelY: usageTop + usageHeight + 15, Height: usageTop + usageHeight + 20}
	most := int64(1)
	for _, m := range months {
		most = max(most, m.Total())
		v.Sum = catalog.UsageCounts{Views: v.Sum.Views + m.Views, Downloads: v.Sum.Downloads + m.Downloads, RowCalls: v.Sum.RowCalls + m.RowCalls}
	}
	form := monthForm[localeOf(r)]
	for i := range months {
		m := &months[i]
		if day, err := time.Parse("2006-01", m.Month); err == nil {
			m.Month = day.Format(form[0])
			if (len(months)-1-i)%2 == 0 {
				m.Label = day.Format(form[1])
			}
		}
		m.H = heightOf(m.Total(), most)
		m.X, m.Middle, m.Width, m.Y = i*monthStep+(monthStep-monthBar)/2, i*monthStep+monthStep/2, monthBar, v.Base-m.H
		m.NumberY = m.Y - 5
		m.Numbered = m.Total() > 0 && (most < 1000 || m.Total() == most || i == len(months)-1)
	}
	return v
}

// usageOfDataset is the use of a dataset that the reader has before them; nil
// for one that was never public.
func (p *Portal) usageOfDataset(r *http.Request, d catalog.Dataset) (*usageView, error) {
	if d.PublishedAt == nil {
		return nil, nil
	}
	list, err := p.Catalog.UsageOf(r.Context(), d, usageMonths)
	if err != nil {
		return nil, err
	}
	parts := map[uuid.UUID]catalog.UsageCounts{}
	months := make([]usageColumn, len(list))
	for i, m := range list {
		months[i] = usageColumn{Month: m.Month, UsageCounts: m.UsageCounts}
		for _, part := range m.Distributions {
			had := parts[part.ID]
			parts[part.ID] = catalog.UsageCounts{Downloads: had.Downloads + part.Downloads, RowCalls: had.RowCalls + part.RowCalls}
		}
	}
	v := drawMonths(r, months)
	for _, part := range d.Distributions {
		if counts, used := parts[part.ID]; used {
			v.Files = append(v.Files, usageFile{part, counts})
		}
	}
	return &v, nil
}

// agencyUsageData is the data of the page "agency-usage".
type agencyUsageData struct {
	desk
	List        []catalog.DatasetUsage
	First, Next string // addresses of other pages
}

// agencyUsage answers GET /agency/{agency}/usage: the agency's public datasets
// by their use in the last twelve months.
func (p *Portal) agencyUsage(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := agencyUsageData{desk: d}
	after := r.URL.Query().Get("after")
	var next string
	data.List, next, err = p.Catalog.MostUsed(r.Context(), catalog.UsageFilter{Agency: d.Agency.ID, Limit: 50, After: after})
	if next != "" {
		data.Next = d.At("usage") + "?after=" + url.QueryEscape(next)
	}
	if after != "" {
		data.First = d.At("usage")
	}
	return page{Name: "agency-usage", Data: data}, err
}

// portalUsageData is the data of the page "operator-usage".
type portalUsageData struct {
	usageView
	Formats  []string // in which the whole catalogue was fetched
	Dataset  *catalog.Dataset
	Made     catalog.UsageDataset
	Agencies []web.Option
}

// portalUsage answers GET /operator/usage: the use of everything, and the
// dataset that it is published as.
func (p *Portal) portalUsage(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	if err := p.Catalog.May(ctx, who, "platform.read", uuid.Nil); err != nil {
		return page{}, err
	}
	list, err := p.Catalog.PortalUsageOf(ctx, usageMonths)
	if err != nil {
		return page{}, err
	}
	formats := map[string]bool{}
	months := make([]usageColumn, len(list))
	for i, m := range list {
		months[i] = usageColumn{Month: m.Month, UsageCounts: m.UsageCounts, Catalogue: m.Catalogue}
		for format := range m.Catalogue {
			formats[format] = true
		}
	}
	data := portalUsageData{usageView: drawMonths(r, months), Formats: slices.Sorted(maps.Keys(formats))}
	made, there, err := p.Catalog.UsageDataset(ctx)
	if err != nil {
		return page{}, err
	}
	if there {
		d, err := p.Catalog.Dataset(ctx, who, made.DatasetID)
		if err != nil && !problem.Is(err, problem.NotFound) && !problem.Is(err, problem.Gone) { // an auditor reads of it once it is public
			return page{}, err
		}
		if data.Made = made; err == nil {
			data.Dataset = &d
		}
	} else if p.Catalog.May(ctx, who, "dataset.edit", uuid.Nil) == nil {
		if data.Agencies, err = p.agencyChoices(r); err != nil {
			return page{}, err
		}
	}
	return page{Name: "operator-usage", Data: data}, nil
}

// publishUsage answers POST /operator/usage: an agency is given the draft.
func (p *Portal) publishUsage(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	agency, err := p.chosenAgency(r)
	if err == nil {
		_, err = p.Catalog.BeginUsageDataset(r.Context(), who, agency)
	}
	if err != nil {
		return again(r, p.portalUsage, err)
	}
	return page{To: "/operator/usage", Flash: &web.Flash{Key: "usage.begun"}}, nil
}
