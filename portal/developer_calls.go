package portal

import (
	"cmp"
	"net/http"
	"slices"

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
	Refusal     string // what the gateway refused it with, in words
	Explain     string // address that says why it was refused, "" when it was not
}

// Milliseconds is how long the call took.
func (c callRow) Milliseconds() float64 { return float64(c.Micros) / 1000 }

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

// calls are the latest calls of one application, newest first.
func (p *Portal) calls(r *http.Request, app auth.Application, f ledger.ExchangeFilter) ([]callRow, string, error) {
	ctx, who := r.Context(), whoever(r)
	f.Application = app.ID
	list, err := p.Ledger.ListExchanges(ctx, who, f)
	if err != nil {
		return nil, "", err
	}
	versions := map[uuid.UUID]*catalog.Version{}
	rows := make([]callRow, len(list.Items))
	for i, e := range list.Items {
		row := callRow{ExchangeEntry: e, Application: app.Name}
		v, known := versions[e.VersionID]
		if !known && e.VersionID != uuid.Nil {
			switch version, err := p.Catalog.VersionByID(ctx, who, e.VersionID); {
			case err == nil:
				v = &version
			case !problem.Is(err, problem.NotFound):
				return nil, "", err
			}
			versions[e.VersionID] = v
		}
		if row.Version = v; v != nil && e.Operation != "" {
			row.Href = "/apis" + v.Prefix() + "/" + e.Operation
		}
		if e.Code != "" {
			row.Refusal, _ = wordsOfCode(r, e.Code)
			row.Explain = "/explain?" + withQuery("application", app.ID.String(), "trace", e.TraceID)
		}
		rows[i] = row
	}
	return rows, list.Next, nil
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
