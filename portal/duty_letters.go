package portal

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
)

const (
	dutyLettersEvery = 10 * time.Minute
	dutiesInLetter   = 20
)

// SendDutyLetters tells the publishers of each agency, once a week at most,
// which of its public datasets are to be looked through or renewed, until ctx
// ends. A letter that cannot be sent is logged and tried again in an hour.
func (p *Portal) SendDutyLetters(ctx context.Context) error {
	for {
		if err := p.sendDutyLetters(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "letters about duties", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(dutyLettersEvery):
		}
	}
}

func (p *Portal) sendDutyLetters(ctx context.Context) error {
	claimed, err := p.Catalog.ClaimDutyLetters(ctx)
	if err != nil {
		return err
	}
	var failed []error // one agency's keeps no letter from the others
	for agency, duties := range claimed {
		if err := p.tellPublishers(ctx, agency, duties); err != nil {
			failed = append(failed, err, p.Catalog.UnclaimDutyLetter(ctx, agency))
		}
	}
	return errors.Join(failed...)
}

// tellPublishers writes to each publisher of an agency. It fails when none of
// the letters could be sent; a single bad address is only logged, so that the
// others are not written to again.
func (p *Portal) tellPublishers(ctx context.Context, agency uuid.UUID, duties []catalog.Duty) error {
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{agency})
	if err != nil {
		return err
	}
	ids, err := p.Auth.Holders(ctx, auth.RolePublisher, agency)
	if err != nil {
		return err
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	var failed []error
	for _, person := range people {
		letter, err := p.dutyLetter(person, agencies[agency], duties)
		if err == nil {
			err = p.Mailer.Send(ctx, letter)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == len(people) {
		return errors.Join(failed...)
	}
	if len(failed) > 0 {
		slog.ErrorContext(ctx, "letter about duties not sent", "err", errors.Join(failed...))
	}
	return nil
}

// dutyLetter is the letter in the language of its reader.
func (p *Portal) dutyLetter(to auth.Person, agency auth.Agency, duties []catalog.Duty) (mail.Letter, error) {
	origin, name := p.Origin, agency.NameVI
	if to.Locale == "en" {
		origin = p.Origin + "/en"
		if agency.NameEN != "" {
			name = agency.NameEN
		}
	}
	var lines []string
	for _, duty := range duties[:min(len(duties), dutiesInLetter)] {
		title, key := duty.TitleVI, "workflow.letter-"+duty.Kind
		if to.Locale == "en" && duty.TitleEN != "" {
			title = duty.TitleEN
		}
		if duty.Overdue {
			key += "-overdue"
		}
		line, err := p.Pages.Text(to.Locale, key, "title", title, "at", momentIn(to.Locale, &duty.Due))
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	if rest := len(duties) - len(lines); rest > 0 {
		line, err := p.Pages.Text(to.Locale, "workflow.letter-rest", "n", rest)
		if err != nil {
			return mail.Letter{}, err
		}
		lines = append(lines, line)
	}
	letter := mail.Letter{To: to.Email}
	for key, into := range map[string]*string{"workflow.letter-subject": &letter.Subject, "workflow.letter-text": &letter.Text} {
		var err error
		if *into, err = p.Pages.Text(to.Locale, key, "name", to.Name, "agency", name, "list", strings.Join(lines, "\n"),
			"link", origin+"/agency/"+agency.Slug+"/due"); err != nil {
			return mail.Letter{}, err
		}
	}
	return letter, nil
}
