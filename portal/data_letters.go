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
	dataLettersEvery  = 20 * time.Second
	dataLettersAtOnce = 50
)

// SendDataLetters sends the letters that the catalogue owes, about discussions
// and requests, until ctx ends. A letter that cannot be sent is logged and
// tried again later.
func (p *Portal) SendDataLetters(ctx context.Context) error {
	for swept := (time.Time{}); ; {
		var err error
		if now := p.Now(); now.Sub(swept) >= time.Hour {
			swept = now
			err = p.Catalog.SweepLetters(ctx)
		}
		if err = errors.Join(err, p.sendDataLetters(ctx)); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "letters about data", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(dataLettersEvery):
		}
	}
}

// sendDataLetters sends the letters that wait, each claimed for this portal alone.
func (p *Portal) sendDataLetters(ctx context.Context) error {
	letters, err := p.Catalog.ClaimLetters(ctx, dataLettersAtOnce)
	if err != nil || len(letters) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(letters))
	for i, l := range letters {
		ids[i] = l.Person
	}
	people, err := p.Auth.Persons(ctx, ids)
	if err != nil {
		return err
	}
	var failed []error // one bad address keeps no letter from the others
	for _, l := range letters {
		to, known := people[l.Person]
		if known && to.DisabledAt == nil {
			out, err := p.dataLetter(to, l)
			if err == nil {
				err = p.Mailer.Send(ctx, out)
			}
			if err != nil {
				failed = append(failed, err)
				continue
			}
		}
		failed = append(failed, p.Catalog.LetterSent(ctx, l.ID))
	}
	return errors.Join(failed...)
}

// dataLetter is a letter in the language of its reader.
func (p *Portal) dataLetter(to auth.Person, l catalog.Letter) (mail.Letter, error) {
	if strings.HasPrefix(l.Kind, catalog.LetterVersion) {
		return p.lifeLetter(to, l)
	}
	origin, title, d := p.Origin, l.Detail.TitleVI, l.Detail
	if to.Locale == "en" {
		origin += "/en"
		if d.TitleEN != "" {
			title = d.TitleEN
		}
	}
	key := l.Kind
	if d.State != "" {
		key += "-" + d.State
	}
	out := mail.Letter{To: to.Email}
	words := map[string]*string{"discussion.letter-subject-" + key: &out.Subject, "discussion.letter-text-" + key: &out.Text}
	if l.Kind == catalog.LetterRequest || l.Kind == catalog.LetterRequestNow {
		words = map[string]*string{"wanted.letter-subject-" + key: &out.Subject, "wanted.letter-text-" + key: &out.Text}
	}
	if l.Kind == catalog.LetterReuse || l.Kind == catalog.LetterReuseNow {
		words = map[string]*string{"reuse.letter-subject-" + key: &out.Subject, "reuse.letter-text-" + key: &out.Text}
	}
	for message, into := range words {
		text, err := p.Pages.Text(to.Locale, message, "name", to.Name, "title", title, "subject", d.Subject, "text", d.Text, "link", origin+d.Path)
		if err != nil {
			return out, err
		}
		*into = text
	}
	return out, nil
}
