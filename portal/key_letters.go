package portal

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/portal/notice"
)

// gatherKeys tells the owners of keys and tokens that one of them ends, was
// found where it does not belong, or was used as a trap.
func (p *Portal) gatherKeys(ctx context.Context) error {
	letters, err := p.Auth.ClaimKeyLetters(ctx, gatherAtOnce)
	if err != nil {
		return err
	}
	return gather(ctx, p, letters, func(l auth.KeyLetter) (notice.Event, error) {
		kind := notice.KeyLeak
		if l.Kind == auth.KeyExpiring {
			kind = notice.KeyExpiry
		}
		e, err := notice.New(kind, l.Kind, l.Detail)
		e.ID, e.People = l.ID, []uuid.UUID{l.PersonID}
		return e, err
	}, func(ctx context.Context, l auth.KeyLetter) error { return p.Auth.KeyLetterSent(ctx, l.ID) })
}

// keyWords are those about a key or a token.
func (p *Portal) keyWords(to auth.Person, kind string, d auth.KeyLetterDetail) (noticeWords, error) {
	from, where := "", ""
	var err error
	if kind == auth.KeyHoney {
		if from, where, err = p.shownWhere(to.Locale, d); err != nil {
			return noticeWords{}, err
		}
	}
	what, err := p.Pages.Text(to.Locale, "keys.letter-what-"+d.What, "name", d.Name, "shown", d.Shown, "application", d.Application)
	if err != nil {
		return noticeWords{}, err
	}
	return p.said(to, keyPath(kind, d.ID), "keys.letter-subject-"+kind, "keys.letter-text-"+kind,
		"what", what, "expires", momentIn(to.Locale, d.Expires), "found", d.Found, "scanner", d.Scanner,
		"at", momentIn(to.Locale, d.At), "from", from, "where", where)
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

// keyPath is the page where the reader of a notice about a key acts: that of
// the application, if it is theirs.
func keyPath(kind string, application *uuid.UUID) string {
	switch {
	case kind == auth.KeyHoney && application == nil:
		return "/operator/honey-keys"
	case kind == auth.KeyHoney:
		return "/developer/applications/" + application.String() + "/honey-keys"
	case application == nil:
		return "/account"
	default:
		return "/developer/applications/" + application.String()
	}
}
