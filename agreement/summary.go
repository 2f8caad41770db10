package agreement

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pg"
)

// Summary is a request in plain words, for the steward who decides.
type Summary struct {
	Who         string             `json:"who"` // the application and whose it is
	Service     string             `json:"service"`
	Operations  []SummaryOperation `json:"operations"`
	Purpose     string             `json:"purpose"`
	Why         string             `json:"why"` // in the requester's words
	Basis       LegalBasis         `json:"basis"`
	Subjects    string             `json:"subjects"`  // whom or what it is about, "": not said
	Volume      int                `json:"volume"`    // calls expected on a day, 0: not said
	Retention   *int               `json:"retention"` // days that it is kept, null: not said
	Onward      string             `json:"onward"`    // to whom it goes on, "": to nobody
	From        string             `json:"from"`      // dd/mm/yyyy
	Until       string             `json:"until"`     // dd/mm/yyyy, inclusive
	Days        int                `json:"days"`
	Personal    bool               `json:"personal"` // some operation gives personal data
	Due         time.Time          `json:"due"`
	DueIsTarget bool               `json:"due_is_target"` // the clock's clause is unconfirmed: the province's target, not law
	Overdue     bool               `json:"overdue"`
}

// Kept is how many days it is kept, 0 when that was not said too.
func (s Summary) Kept() int {
	if s.Retention == nil {
		return 0
	}
	return *s.Retention
}

// SummaryOperation is one operation of a Summary.
type SummaryOperation struct {
	Title    string   `json:"title"`
	Personal bool     `json:"personal"`
	Fields   []string `json:"fields"` // titles

	Sensitive []SummarySensitive `json:"sensitive"` // of what these hold, how it leaves
}

// SummarySensitive is a sensitive value of a SummaryOperation.
type SummarySensitive struct {
	Title string `json:"title"`
	Mask  string `json:"mask"` // "": it leaves as it is
}

const purposeSQL = `select code, title_vi, title_en from agreement.purpose where code = $1`

// Summary puts an agreement in plain words, in locale "vi" or "en".
func (a *Agreements) Summary(ctx context.Context, g Agreement, locale string) (Summary, error) {
	say := saying(locale)
	basis, err := a.Basis(ctx, g.LegalBasis)
	if err != nil {
		return Summary{}, err
	}
	purpose, err := pg.One[Purpose](ctx, a.DB, purposeSQL, g.Purpose)
	if err != nil {
		return Summary{}, fmt.Errorf("read purpose %q: %w", g.Purpose, err)
	}
	isTarget, err := a.isTarget(ctx, g)
	if err != nil {
		return Summary{}, err
	}
	granted, err := g.granted()
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Who: g.ApplicationName + " – " + g.OwnerName, Service: say(g.ServiceVI, g.ServiceEN), Operations: []SummaryOperation{},
		Purpose: say(purpose.TitleVI, purpose.TitleEN), Why: g.PurposeText, Basis: basis,
		Subjects: g.Subjects, Volume: g.VolumePerDay, Retention: g.RetentionDays, Onward: g.Onward,
		From: granted.NotBefore.In(vietnam()).Format("02/01/2006"), Until: granted.NotAfter.Add(-time.Second).In(vietnam()).Format("02/01/2006"),
		Days: int(granted.NotAfter.Sub(granted.NotBefore).Hours() / 24), Personal: personal(g.Operations),
		Due: g.DueAt, DueIsTarget: isTarget, Overdue: g.State == Requested && a.Now().After(g.DueAt),
	}
	for _, operation := range g.Operations {
		line := SummaryOperation{Title: operation.title(say), Personal: operation.Access == "personal", Fields: []string{}, Sensitive: []SummarySensitive{}}
		for _, field := range operation.Fields {
			line.Fields = append(line.Fields, field.title(say))
		}
		for _, value := range operation.Sensitive {
			one := SummarySensitive{Title: value.title(say), Mask: value.Mask}
			if value.Open {
				one.Mask = ""
			}
			line.Sensitive = append(line.Sensitive, one)
		}
		s.Operations = append(s.Operations, line)
	}
	return s, nil
}

// isTarget reports that no confirmed clause set the agreement's term: of a
// draft, that none would set it today.
func (a *Agreements) isTarget(ctx context.Context, g Agreement) (bool, error) {
	if g.ID == uuid.Nil {
		c, err := a.DecisionClock(ctx)
		return !c.Confirmed, err
	}
	term, err := a.TermOf(ctx, g.ID)
	return !term.Confirmed, err
}
