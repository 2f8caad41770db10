package portal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/mail"
)

const (
	keyLettersEvery  = 20 * time.Second
	remindEvery      = 10 * time.Minute
	keyLettersAtOnce = 50
)

// SendKeyLetters sends the letters that the platform owes the owners of keys and
// tokens, until ctx ends: reminders that one of them ends, and word of a leak.
// A letter that cannot be sent is logged and tried again later.
func (p *Portal) SendKeyLetters(ctx context.Context) error {
	for reminded := (time.Time{}); ; {
		var err error
		if now := p.Now(); now.Sub(reminded) >= remindEvery {
			reminded = now
			_, err = p.Auth.RemindOfExpiry(ctx)
			err = errors.Join(err, p.Auth.SweepKeyLetters(ctx))
		}
		if err = errors.Join(err, p.sendKeyLetters(ctx)); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "letters to owners", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(keyLettersEvery):
		}
	}
}

// sendKeyLetters sends the letters that wait, each claimed for this portal alone.
func (p *Portal) sendKeyLetters(ctx context.Context) error {
	letters, err := p.Auth.ClaimKeyLetters(ctx, keyLettersAtOnce)
	if err != nil || len(letters) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(letters))
	for i, l := range letters {
		ids[i] = l.PersonID
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	var failed []error // one bad address keeps no letter from the others
	for _, l := range letters {
		out, err := p.ownersLetter(people[l.PersonID], l)
		if err == nil {
			err = p.Mailer.Send(ctx, out)
		}
		if err == nil {
			err = p.Auth.KeyLetterSent(ctx, l.ID)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// ownersLetter is a letter in the language of its reader.
func (p *Portal) ownersLetter(to auth.Person, l auth.KeyLetter) (mail.Letter, error) {
	d := l.Detail
	from, where := "", ""
	var err error
	if l.Kind == auth.KeyHoney {
		if from, where, err = p.shownWhere(to.Locale, d); err != nil {
			return mail.Letter{}, err
		}
	}
	what, err := p.Pages.Text(to.Locale, "keys.letter-what-"+d.What, "name", d.Name, "shown", d.Shown, "application", d.Application)
	if err != nil {
		return mail.Letter{}, err
	}
	out := mail.Letter{To: to.Email}
	for key, into := range map[string]*string{"keys.letter-subject-" + l.Kind: &out.Subject, "keys.letter-text-" + l.Kind: &out.Text} {
		if *into, err = p.Pages.Text(to.Locale, key, "name", to.Name, "what", what, "expires", momentIn(to.Locale, d.Expires),
			"found", d.Found, "scanner", d.Scanner, "at", momentIn(to.Locale, d.At), "from", from, "where", where, "link", p.letterLink(to.Locale, l)); err != nil {
			return mail.Letter{}, err
		}
	}
	return out, nil
}

// shownWhere says from which network, and where, a honey key was shown.
func (p *Portal) shownWhere(locale string, d auth.KeyLetterDetail) (from, where string, err error) {
	if where, err = p.Pages.Text(locale, "honey.at-"+d.Where); err != nil {
		return "", "", err
	}
	if d.From != "" {
		return d.From, where, nil
	}
	from, err = p.Pages.Text(locale, "keys.from-unknown")
	return from, where, err
}

// momentIn is a moment as a letter says it, on the province's clock; "" for none.
func momentIn(locale string, at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.In(province).Format(map[string]string{"vi": "15:04 ngày 2/1/2006", "en": "15:04 on 2 January 2006"}[locale])
}

// letterLink is the page where the reader of a letter acts.
func (p *Portal) letterLink(locale string, l auth.KeyLetter) string {
	at := p.Origin
	if locale == "en" {
		at += "/en"
	}
	switch id := l.Detail.ID; {
	case l.Kind == auth.KeyHoney && id == nil:
		return at + "/operator/honey-keys"
	case l.Kind == auth.KeyHoney:
		return at + "/developer/applications/" + id.String() + "/honey-keys"
	case id == nil:
		return at + "/account"
	default:
		return at + "/developer/applications/" + id.String()
	}
}
