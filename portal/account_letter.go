package portal

import (
	"context"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"lgsp/auth"
	"lgsp/internal/mail"
	"lgsp/web"
)

// letterRound is how often letters are looked for besides when one is asked for.
const letterRound = 15 * time.Second

// sendLetters sends the letters about accounts until ctx ends, at once when
// asked tells of one.
func (p *Portal) sendLetters(ctx context.Context, asked <-chan struct{}) {
	for {
		if err := p.SendLetters(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "letters about accounts", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-asked:
		case <-time.After(letterRound):
		}
	}
}

// SendLetters sends every letter about an account that is due now. One that
// cannot be sent is logged and stays, to be tried again.
func (p *Portal) SendLetters(ctx context.Context) error {
	for {
		l, err := p.Auth.NextLetter(ctx)
		if l == nil || err != nil {
			return err
		}
		letter, err := p.accountLetter(*l)
		if err == nil {
			err = p.sendLetter(ctx, l.Locale, letter, web.Letter{Link: letterLink(p.at(l.Locale, ""), *l)})
		}
		if err == nil {
			err = p.Auth.LetterSent(ctx, l.ID)
		}
		if err != nil {
			slog.ErrorContext(ctx, "letter not sent", "letter_id", l.ID, "kind", l.Kind, "err", err)
		}
	}
}

// letterPages are where the links of letters lead.
var letterPages = map[string]string{
	auth.LetterSignUp:       "/sign-up/confirm",
	auth.LetterReset:        "/set-password",
	auth.LetterEmail:        "/account/email/confirm",
	auth.LetterEmailChanged: "/account/email/confirm",
	auth.LetterInvitation:   "/invitation",
	auth.LetterTeam:         "/team-invitation",
}

// letterLink is where the link of a letter leads.
func letterLink(origin string, l auth.Letter) string {
	return origin + letterPages[l.Kind] + "?token=" + url.QueryEscape(l.Token)
}

// accountLetter writes a letter in the language of who reads it.
func (p *Portal) accountLetter(l auth.Letter) (mail.Letter, error) {
	origin, key := p.Origin, l.Kind
	if l.Locale == "en" {
		origin += "/en"
	}
	if l.Known && l.Kind != auth.LetterReset {
		key += "-known"
	}
	name := l.Name
	if !l.Known && (l.Kind == auth.LetterSignUp || l.Kind == auth.LetterEmail) {
		name = l.Email // what somebody typed for a name says whatever they like to whoever this is
	}
	link := letterLink(origin, l)
	if l.Team != nil {
		return p.teamLetter(l, link)
	}
	if l.Invites != nil {
		return p.invitationLetter(l, link)
	}
	dropped, err := p.droppedWords(l)
	if err != nil {
		return mail.Letter{}, err
	}
	letter := mail.Letter{To: l.Email}
	for message, into := range map[string]*string{"letter.subject-" + key: &letter.Subject, "letter.text-" + key: &letter.Text} {
		text, err := p.Pages.Text(l.Locale, message, "name", name, "link", link, "portal", origin+"/",
			"signin", origin+"/sign-in", "forgot", origin+"/forgot-password", "dropped", dropped, "developer", origin+"/developer")
		if err != nil {
			return letter, err
		}
		*into = text
	}
	return letter, nil
}

// droppedWords are the paragraphs about the ways in that a new password ended;
// "" when it ended none.
func (p *Portal) droppedWords(l auth.Letter) (string, error) {
	if len(l.About.Dropped) == 0 {
		return "", nil
	}
	var lines []string
	for _, way := range l.About.Dropped {
		name, err := p.Pages.Text(l.Locale, "account.way-"+way.Kind, "name", way.Name)
		if err != nil {
			return "", err
		}
		line, err := p.Pages.Text(l.Locale, "letter.dropped-way", "way", name, "day", way.AddedAt.In(province).Format(dayForm[l.Locale]))
		if err != nil {
			return "", err
		}
		lines = append(lines, line)
	}
	text, err := p.Pages.Text(l.Locale, "letter.dropped", "ways", strings.Join(lines, "\n"))
	if err != nil || !l.About.Vouch {
		return text, err
	}
	vouch, err := p.Pages.Text(l.Locale, "letter.dropped-vouch")
	return text + vouch, err
}

// dayForm is how a letter writes a day.
var dayForm = map[string]string{"vi": "2/1/2006", "en": "2 January 2006"}
