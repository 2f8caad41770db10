package portal

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/portal/notice"
)

// overdueTold is what a notice tells of an agency's requests that are over
// their term.
type overdueTold struct {
	AgencyVI string           `json:"agency_vi"`
	AgencyEN string           `json:"agency_en"`
	Slug     string           `json:"slug"`
	Requests []overdueRequest `json:"requests"` // the first of them
	All      int              `json:"all"`
}

// overdueRequest is one of them.
type overdueRequest struct {
	ID          uuid.UUID `json:"id"`
	Application string    `json:"application"`
	ServiceVI   string    `json:"service_vi"`
	ServiceEN   string    `json:"service_en"`
	Late        int       `json:"late"` // working days
}

// SendEscalations tells of requests that are over their term: the stewards of
// the agency, who run its desk and its members, and later the operators, each
// once a request. What cannot be told is tried again in ten minutes.
func (p *Portal) SendEscalations(ctx context.Context) error {
	claimed, err := p.Agreements.ClaimEscalations(ctx)
	if err != nil {
		return err
	}
	var failed []error // one agency's keeps none from the others
	for _, e := range claimed {
		if err := p.escalate(ctx, e); err != nil {
			failed = append(failed, err, p.Agreements.Unescalated(ctx, e))
			continue
		}
		failed = append(failed, p.Agreements.Escalated(ctx, e))
	}
	return errors.Join(failed...)
}

func (p *Portal) escalate(ctx context.Context, e agreement.Escalation) error {
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{e.Agency})
	if err != nil {
		return err
	}
	of := agencies[e.Agency]
	told := overdueTold{AgencyVI: of.NameVI, AgencyEN: of.NameEN, Slug: of.Slug, All: len(e.Requests)}
	var ids strings.Builder
	for i, r := range e.Requests {
		ids.WriteString(r.ID.String())
		if i < listedInLetter {
			told.Requests = append(told.Requests, overdueRequest{r.ID, r.ApplicationName, r.ServiceVI, r.ServiceEN, r.Term.Late})
		}
	}
	event, err := notice.New(notice.Overdue, e.Level, told)
	if err != nil {
		return err
	}
	event.ID, event.Agency = uuid.NewSHA1(e.Agency, []byte(e.Level+ids.String())), &e.Agency
	if e.Level == agreement.ToOperator {
		event.Agency = &uuid.Nil
	}
	return p.Notices.Deliver(ctx, event)
}

// overdueWords are those of requests that are over their term.
func (p *Portal) overdueWords(to auth.Person, level string, o overdueTold) (noticeWords, error) {
	path := "/agency/" + o.Slug + "/requests"
	if level == agreement.ToOperator {
		path = "/operator/clocks"
	}
	var lines []string
	for _, r := range o.Requests {
		application, err := p.applicationIn(to.Locale, r.Application)
		if err != nil {
			return noticeWords{}, err
		}
		line, err := p.Pages.Text(to.Locale, "registers.letter-line", "application", application, "service", titleIn(to.Locale, r.ServiceVI, r.ServiceEN),
			"n", r.Late, "link", p.at(to.Locale, "/agreements/"+r.ID.String()))
		if err != nil {
			return noticeWords{}, err
		}
		lines = append(lines, line)
	}
	lines, err := p.andMore(to.Locale, lines, "registers.letter-rest", o.All-len(o.Requests))
	if err != nil {
		return noticeWords{}, err
	}
	return p.said(to, path, "registers.letter-subject-"+level, "registers.letter-text-"+level,
		"agency", titleIn(to.Locale, o.AgencyVI, o.AgencyEN), "n", o.All, "list", strings.Join(lines, "\n"))
}

// applicationIn is an application's name, or what stands for one whose owner's
// account is deleted.
func (p *Portal) applicationIn(locale, name string) (string, error) {
	if name == auth.Deleted {
		return p.Pages.Text(locale, "agreement.deleted-application")
	}
	return name, nil
}
