package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/ledger"
)

func (p *Portal) callRoutes(r *mux.Router) {
	r.Handle("/calls", p.page(p.findCall)).Methods("GET", "HEAD")
	r.Handle("/calls/{id}", p.page(p.pastCall)).Methods("GET", "HEAD")
}

// explainer is how pages explain calls.
func (p *Portal) explainer() explainer { return explainer{p.Catalog, p.Agreements, p.ExplainCall} }

// findCallData is the data of the page "explain-find".
type findCallData struct {
	ID   string // that was looked for
	Rows []exchangeRow
}

// findCall answers GET /calls: a call by the request_id or trace_id of its
// error, or by its own id. One that is found alone is gone to.
func (p *Portal) findCall(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	data := findCallData{ID: strings.TrimSpace(r.FormValue("id"))}
	if data.ID == "" {
		return page{Name: "explain-find", Data: data}, nil
	}
	list, err := p.Ledger.FindExchanges(r.Context(), who, data.ID)
	if problem.Is(err, problem.NotFound) {
		e := problem.Errorf(problem.NotFound, "no call %q", data.ID).Coded("call-unknown").Wrong("id", "call-unknown", "no call has it, of those that may be seen")
		return page{Name: "explain-find", Data: data, Status: http.StatusNotFound, Form: formOf(r, e)}, nil
	} else if err != nil {
		return page{}, err
	}
	if len(list) == 1 {
		return page{To: "/calls/" + list[0].ID.String()}, nil
	}
	data.Rows, err = p.exchangeRows(r, list)
	return page{Name: "explain-find", Data: data}, err
}

// pastCallData is the data of the page "explain-call".
type pastCallData struct {
	PastCall
	Row       exchangeRow
	Title     string             // of the refusal, in words; "" when it was not refused
	Detail    string             // in more words
	NowTitle  string             // of the refusal there would be now
	NowDetail string             //
	Operation *catalog.Operation // nil when it cannot be seen
	Href      string             // of its page, ""
	Imagine   string             // address where another call is imagined, "" for who may not
	OverDays  int                // how many days ago the agreement's last day was; 0: it is not over
	Ways      []wayRow           // Change, in words
}

// wayRow is one thing that would change the decision.
type wayRow struct {
	CallWay
	Key string // of its words
}

// otherChangesInWords are those of refusals that no policy decides: messages
// explain.change-….
var otherChangesInWords = []string{"new-credential", "slow-down", "mend-request", "try-again", "ask-agency", "look-at-address", "move-version"}

// Clock is the time of day of the call, on the province's clock.
func (d pastCallData) Clock() string { return d.Call.At.In(province).Format(time.TimeOnly) }

// ForPerson reports whether it was made for a person who had signed in.
func (d pastCallData) ForPerson() bool { return d.Call.PersonID != uuid.Nil }

// Hundred is the class of the status.
func (d pastCallData) Hundred() int { return d.Call.Status / 100 }

// pastCall answers GET /calls/{id}: one call, explained.
func (p *Portal) pastCall(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	ctx := r.Context()
	e, err := p.Ledger.Exchange(ctx, who, id)
	if err != nil {
		return page{}, err
	}
	var data pastCallData
	if data.PastCall, err = p.explainer().explain(ctx, who, e); err != nil {
		return page{}, err
	}
	rows, err := p.exchangeRows(r, []ledger.ExchangeEntry{e})
	if err != nil {
		return page{}, err
	}
	data.Row = rows[0]
	if err := p.tellCall(r, who, &data); err != nil {
		return page{}, err
	}
	return page{Name: "explain-call", Data: data}, nil
}

// tellCall fills in what the page says in words, and where it leads.
func (p *Portal) tellCall(r *http.Request, who auth.Principal, data *pastCallData) error {
	e := data.Call
	if e.Code != "" {
		data.Title, data.Detail = wordsOfCode(r, e.Code)
	}
	if data.Now != nil && data.Now.Code != "" {
		data.NowTitle, data.NowDetail = wordsOfCode(r, data.Now.Code)
	}
	if data.Agreement != nil {
		data.OverDays = max(0, -p.daysLeft(data.Agreement.Ends))
	}
	for _, way := range data.Change {
		if key := wayInWords(way.Code); key != "" {
			data.Ways = append(data.Ways, wayRow{way, key})
		}
	}
	v := data.Row.Version
	if v == nil || e.Operation == "" {
		return nil
	}
	data.Href = "/apis" + v.Prefix() + "/" + e.Operation
	operations, err := p.Catalog.Operations(r.Context(), who, v.ID)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(operations, func(o catalog.Operation) bool { return o.Slug == e.Operation }); i >= 0 {
		data.Operation = &operations[i]
	}
	if e.ApplicationID != uuid.Nil && p.Auth.WorksOn(r.Context(), who, e.ApplicationID) == nil {
		data.Imagine = "/explain?" + withQuery("application", e.ApplicationID.String(), "version", v.ID.String(), "operation", e.Operation,
			"purpose", e.Purpose, "credential", e.Credential)
	}
	return nil
}

// wayInWords is the message of what would let a call through; "" where there
// are no words for it.
func wayInWords(code string) string {
	switch {
	case slices.Contains(changesInWords(), code):
		return "developer.change-" + code
	case slices.Contains(otherChangesInWords, code):
		return "explain.change-" + code
	}
	return ""
}

// refusalOf is a refusal of the gateway as the page of an operation tells of
// it: in the words of the error itself, and of the page that explains a call.
func refusalOf(r *http.Request, status int, code string) refusalRow {
	row := refusalRow{Status: status, Code: code}
	row.Title, row.Detail = wordsOfCode(r, code)
	for _, way := range gateway.ChangeOf(code) {
		if key := wayInWords(way); key != "" {
			row.Ways = append(row.Ways, key)
		}
	}
	return row
}

// lesson is the same call without its credential: what is refused shows what a
// refusal tells.
func (c sampleCall) lesson() string {
	c.Headers = slices.DeleteFunc(slices.Clone(c.Headers), func(h sampleHeader) bool { return h.Variable != "" })
	return c.curl()
}
