package portal

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

// callRow is one call, as its application's owner reads it.
type callRow struct {
	ledger.ExchangeEntry
	Application string // its name
	Version     *catalog.Version
	Href        string // of the operation's page, "" when unknown
	Title       string // of the operation, in the page's language
	Refusal     string // what the gateway refused it with, in words
	Explain     string // address of the page that explains the call
	Fix         callFix
}

// Milliseconds is how long the call took, as exact as a reader wants it.
func (c callRow) Milliseconds() float64 { return milliseconds(c.Micros) }

func milliseconds(micros int64) float64 {
	ms := float64(micros) / 1000
	if ms < 10 {
		return math.Round(ms*10) / 10
	}
	return math.Round(ms)
}

// Clock is the time of day of the call, on the province's clock.
func (c callRow) Clock() string { return c.At.In(province).Format(time.TimeOnly) }

// Hundred is the class of the status: 2, 4, 5; 0 when the answer never began.
func (c callRow) Hundred() int { return c.Status / 100 }

// OutcomeWord is what became of a call that was not refused: complete, broken
// or unknown.
func (c callRow) OutcomeWord() string {
	if c.Outcome == "broken" || c.Outcome == "unknown" {
		return c.Outcome
	}
	return "complete"
}

// called is a version that calls went to, and the titles of its operations.
type called struct {
	version *catalog.Version // nil: the reader may not see it any more
	titles  map[string]string
}

// calls are the latest calls of one application, newest first, and the next
// cursor.
func (p *Portal) calls(r *http.Request, app auth.Application, f ledger.ExchangeFilter) ([]callRow, string, error) {
	f.Application = app.ID
	list, err := p.Ledger.ListExchanges(r.Context(), whoever(r), f)
	if err != nil {
		return nil, "", err
	}
	known := map[uuid.UUID]called{uuid.Nil: {}}
	rows := make([]callRow, len(list.Items))
	for i, e := range list.Items {
		to, seen := known[e.VersionID]
		if !seen {
			if to, err = p.called(r, e.VersionID); err != nil {
				return nil, "", err
			}
			known[e.VersionID] = to
		}
		row := callRow{ExchangeEntry: e, Application: app.Name, Version: to.version, Title: to.titles[e.Operation], Explain: "/calls/" + e.ID.String()}
		if to.version != nil && e.Operation != "" {
			row.Href = "/apis" + to.version.Prefix() + "/" + e.Operation
		}
		if e.Code != "" {
			row.Refusal, _ = wordsOfCode(r, e.Code)
		}
		if e.Sandbox { // what decides there is not what decides live
			row.Explain = ""
		}
		rows[i] = row
	}
	return rows, list.Next, p.diagnose(r, app, rows)
}

// called reads a version that a call went to.
func (p *Portal) called(r *http.Request, id uuid.UUID) (called, error) {
	v, err := p.Catalog.VersionByID(r.Context(), whoever(r), id)
	if problem.Is(err, problem.NotFound) {
		return called{}, nil
	} else if err != nil {
		return called{}, err
	}
	operations, err := p.Catalog.Operations(r.Context(), whoever(r), id)
	to := called{version: &v, titles: make(map[string]string, len(operations))}
	for _, o := range operations {
		to.titles[o.Slug] = o.Doc.SummaryVI
		if localeOf(r) == "en" && o.Doc.SummaryEN != "" {
			to.titles[o.Slug] = o.Doc.SummaryEN
		}
	}
	return to, err
}

// latest are the newest n calls of several applications together.
func (p *Portal) latest(r *http.Request, apps []auth.Application, n int) ([]callRow, error) {
	var all []callRow
	for _, app := range apps {
		rows, _, err := p.calls(r, app, ledger.ExchangeFilter{Limit: n})
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortFunc(all, func(a, b callRow) int { return cmp.Compare(b.ID.String(), a.ID.String()) }) // ids are in order of time
	return all[:min(n, len(all))], nil
}
