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
	d, prefix := l.Detail, ""
	if to.Locale == "en" {
		prefix = "/en"
	}
	link := p.Origin + prefix + "/account"
	if d.ID != nil {
		link = p.Origin + prefix + "/developer/applications/" + d.ID.String()
	}
	what, err := p.Pages.Text(to.Locale, "keys.letter-what-"+d.What, "name", d.Name, "shown", d.Shown, "application", d.Application)
	if err != nil {
		return mail.Letter{}, err
	}
	expires := ""
	if d.Expires != nil {
		expires = d.Expires.In(province).Format(map[string]string{"vi": "15:04 ngày 2/1/2006", "en": "15:04 on 2 January 2006"}[to.Locale])
	}
	out := mail.Letter{To: to.Email}
	for key, into := range map[string]*string{"keys.letter-subject-" + l.Kind: &out.Subject, "keys.letter-text-" + l.Kind: &out.Text} {
		if *into, err = p.Pages.Text(to.Locale, key, "name", to.Name, "what", what, "expires", expires,
			"found", d.Found, "scanner", d.Scanner, "link", link); err != nil {
			return mail.Letter{}, err
		}
	}
	return out, nil
}
