package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
)

// callFix is what its owner does about a call that was refused.
type callFix struct {
	Key  string // message first.fix-…; "": nothing is known
	Href string // where it is done; "": nowhere in particular
	Day  string // YYYY-MM-DD that the message speaks of, ""
}

// fixes say what is done about a refusal, by its code; codes that begin alike
// stand once, with a hyphen at the end.
var fixes = map[string]string{
	"no-agreement": "ask", "operation-not-agreed": "extend", "field-not-agreed": "extend",
	"agreement-expired": "renew", "agreement-suspended": "suspended", "agreement-not-begun": "not-begun", "agreement-ended": "ended",
	"key-for-personal-data": "token", "purpose-required": "purpose", "purpose-unsaid": "purpose", "purpose-not-agreed": "purpose", "purpose-twice": "purpose",
	"rate-exceeded": "slower", "quota-exceeded": "quota", "quota-month-exceeded": "quota",
	"key-scope": "key", "key-for-another-api": "key", "address-not-allowed": "key",
	"outside-hours": "conditions", "outside-network": "conditions", "assurance-low": "conditions",
	"request-not-as-described": "request", "request-not-json": "request", "query-malformed": "request", "path-not-canonical": "request",
	"content-type-not-taken": "request", "no-such-operation": "address", "method-not-offered": "address",
	"version-ended": "version", "version-succeeded": "version",
	"upstream-": "upstream", "queue-": "upstream", "answer-": "upstream",
}

// fixOf is the fix for a code, "" where none is known.
func fixOf(code string) string {
	if fix := fixes[code]; fix != "" {
		return fix
	}
	begin, _, _ := strings.Cut(code, "-")
	return fixes[begin+"-"]
}

// diagnose says of each refused call of an application what to do about it. The
// agreements are asked for once, and only where a refusal is about one.
func (p *Portal) diagnose(r *http.Request, app auth.Application, rows []callRow) error {
	var agreements []agreement.Agreement
	for i := range rows {
		row := &rows[i]
		fix := fixOf(row.Code)
		if row.Code == "" || fix == "" {
			continue
		}
		switch row.Fix.Key = fix; fix {
		case "renew", "suspended", "not-begun", "ended":
			if agreements == nil {
				mine, err := p.Agreements.Mine(r.Context(), whoever(r), agreement.Filter{Application: app.ID, Limit: 50})
				if err != nil {
					return err
				}
				agreements = append(mine.Items, agreement.Agreement{}) // not nil: asked once
			}
			p.aboutAgreement(row, agreements)
		case "ask", "extend":
			if row.Version != nil {
				row.Fix.Href = "/apis" + row.Version.Prefix() + "/request?" + withQuery("operation", row.Operation, "application", app.ID.String())
			}
		case "key":
			row.Fix.Href = "/developer/applications/" + app.ID.String() + "#credentials"
		case "quota":
			row.Fix.Href = "/developer/applications/" + app.ID.String() + "#agreements"
		case "upstream":
			row.Fix.Href = "/status"
		case "version", "address":
			if row.Version != nil {
				row.Fix.Href = "/apis" + row.Version.Prefix()
			}
		case "slower":
		default:
			row.Fix.Href = row.Href
		}
	}
	return nil
}

// aboutAgreement leads to the agreement that a refusal is about: the one on
// record, else the one on the same version that lasts longest. One that ended
// yesterday is told so.
func (p *Portal) aboutAgreement(row *callRow, agreements []agreement.Agreement) {
	var about agreement.Agreement
	if i := slices.IndexFunc(agreements, func(g agreement.Agreement) bool { return g.ID == row.AgreementID }); i >= 0 && row.AgreementID != uuid.Nil {
		about = agreements[i]
	} else {
		for _, g := range agreements {
			if g.VersionID == row.VersionID && g.Ends > about.Ends {
				about = g
			}
		}
	}
	if about.Ends == "" {
		return
	}
	row.Fix.Href = "/agreements/" + about.ID.String()
	switch row.Fix.Key {
	case "renew":
		if row.Fix.Day = about.Ends; p.daysLeft(about.Ends) == -1 {
			row.Fix.Key = "renew-yesterday"
		}
	case "not-begun":
		row.Fix.Day = about.Starts
	}
}
