package portal

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/portal/notice"
)

// listedInLetter is how many things a letter names; the rest are counted.
const listedInLetter = 20

// dutiesTold is what a notice tells of an agency's duties.
type dutiesTold struct {
	AgencyVI string         `json:"agency_vi"`
	AgencyEN string         `json:"agency_en"`
	Slug     string         `json:"slug"`
	Duties   []catalog.Duty `json:"duties"` // the first of them
	More     int            `json:"more"`
}

// gatherDuties tells each agency, once a week at most, which of its public
// datasets are to be looked through or renewed.
func (p *Portal) gatherDuties(ctx context.Context) error {
	claimed, err := p.Catalog.ClaimDutyLetters(ctx)
	if err != nil {
		return err
	}
	var failed []error // one agency's keeps none from the others
	for agency, duties := range claimed {
		if err := p.tellOfDuties(ctx, agency, duties); err != nil {
			failed = append(failed, err, p.Catalog.UnclaimDutyLetter(ctx, agency))
		}
	}
	return errors.Join(failed...)
}

func (p *Portal) tellOfDuties(ctx context.Context, agency uuid.UUID, duties []catalog.Duty) error {
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{agency})
	if err != nil {
		return err
	}
	of := agencies[agency]
	named := duties[:min(len(duties), listedInLetter)]
	e, err := notice.New(notice.Duties, "", dutiesTold{of.NameVI, of.NameEN, of.Slug, named, len(duties) - len(named)})
	if err != nil {
		return err
	}
	e.ID, e.Agency = uuid.NewSHA1(agency, []byte("duties of "+p.Catalog.Now().UTC().Format(time.DateOnly))), &agency
	return p.Notices.Deliver(ctx, e)
}

// dutyWords are those of an agency's duties.
func (p *Portal) dutyWords(to auth.Person, _ string, d dutiesTold) (noticeWords, error) {
	var lines []string
	for _, duty := range d.Duties {
		key := "workflow.letter-" + duty.Kind
		if duty.Overdue {
			key += "-overdue"
		}
		line, err := p.Pages.Text(to.Locale, key, "title", titleIn(to.Locale, duty.TitleVI, duty.TitleEN), "at", momentIn(to.Locale, &duty.Due))
		if err != nil {
			return noticeWords{}, err
		}
		lines = append(lines, line)
	}
	lines, err := p.andMore(to.Locale, lines, "workflow.letter-rest", d.More)
	if err != nil {
		return noticeWords{}, err
	}
	return p.said(to, "/agency/"+d.Slug+"/due", "workflow.letter-subject", "workflow.letter-text",
		"agency", titleIn(to.Locale, d.AgencyVI, d.AgencyEN), "list", strings.Join(lines, "\n"))
}

// andMore adds to the lines of a list how many it leaves out.
func (p *Portal) andMore(locale string, lines []string, key string, more int) ([]string, error) {
	if more <= 0 {
		return lines, nil
	}
	line, err := p.Pages.Text(locale, key, "n", more)
	return append(lines, line), err
}
