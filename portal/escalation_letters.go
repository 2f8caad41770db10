package portal

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/mail"
)

const requestsInLetter = 20

// SendEscalations tells of requests that are over their term: the stewards of
// the agency, who run its desk and its members, and later the operators, each
// once a request. An agency without a steward has its letters go to the
// operators. A letter that cannot be sent is tried again in ten minutes.
func (p *Portal) SendEscalations(ctx context.Context) error {
	claimed, err := p.Agreements.ClaimEscalations(ctx)
	if err != nil {
		return err
	}
	var failed []error // one agency's keeps no letter from the others
	for _, e := range claimed {
		if err := p.escalate(ctx, e); err != nil {
			failed = append(failed, err, p.Agreements.Unescalated(ctx, e))
			continue
		}
		failed = append(failed, p.Agreements.Escalated(ctx, e))
	}
	return errors.Join(failed...)
}

// escalate writes to each reader of an escalation. It fails when none of the
// letters could be sent, so that the others are not written to again.
func (p *Portal) escalate(ctx context.Context, e agreement.Escalation) error {
	ids, err := p.Auth.Holders(ctx, auth.RoleSteward, e.Agency)
	if err == nil && (e.Level == agreement.ToOperator || len(ids) == 0) {
		ids, err = p.Auth.Holders(ctx, auth.RoleOperator, uuid.Nil)
	}
	if err != nil {
		return err
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{e.Agency})
	if err != nil {
		return err
	}
	sent := 0
	var failed []error
	for _, person := range people {
		letter, err := p.escalationLetter(person, agencies[e.Agency], e)
		if err == nil {
			err = p.Mailer.Send(ctx, letter)
		}
		if err == nil {
			sent++
		}
		failed = append(failed, err)
	}
	if sent == 0 {
		return errors.Join(failed...)
	}
	return nil
}

// escalationLetter is the letter in the language of its reader.
func (p *Portal) escalationLetter(to auth.Person, agency auth.Agency, e agreement.Escalation) (mail.Letter, error) {
	origin, name := p.Origin, agency.NameVI
	if to.Locale == "en" {
		origin = p.Origin + "/en"
		if agency.NameEN != "" {
			name = agency.NameEN
		}
	}
	link := origin + "/agency/" + agency.Slug + "/requests"
	if e.Level == agreement.ToOperator {
		link = origin + "/operator/clocks"
	}
	var lines []string
	for _, r := range e.Requests[:min(len(e.Requests), requestsInLetter)] {
		service := r.ServiceVI
		if to.Locale == "en" && r.ServiceEN != "" {
			service = r.ServiceEN
		}
		application, err := p.applicationIn(to.Locale, r.ApplicationName)
		if err != nil {
			return mail.Letter{}, err
		}
		line, err := p.Pages.Text(to.Locale, "registers.letter-line", "application", application, "service", service, "n", r.Term.Late,
			"link", origin+"/agreements/"+r.ID.String())
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	if rest := len(e.Requests) - len(lines); rest > 0 {
		line, err := p.Pages.Text(to.Locale, "registers.letter-rest", "n", rest)
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	letter := mail.Letter{To: to.Email}
	for key, into := range map[string]*string{"registers.letter-subject-" + e.Level: &letter.Subject, "registers.letter-text-" + e.Level: &letter.Text} {
		var err error
		if *into, err = p.Pages.Text(to.Locale, key, "name", to.Name, "agency", name, "n", len(e.Requests), "list", strings.Join(lines, "\n"), "link", link); err != nil {
			return mail.Letter{}, err
		}
	}
	return letter, nil
}

// applicationIn is an application's name, or what stands for one whose owner's
// account is deleted.
func (p *Portal) applicationIn(locale, name string) (string, error) {
	if name == auth.Deleted {
		return p.Pages.Text(locale, "agreement.deleted-application")
	}
	return name, nil
}
