package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
	"lgsp/portal/notice"
	"lgsp/web"
)

// noticeWords are what a notice says to its reader, in their language.
type noticeWords struct {
	Subject string
	Text    string // of a letter
	Path    string // of the page that it is about, without language
}

// at is an address of the portal in a language.
func (p *Portal) at(locale, path string) string {
	if locale == "en" {
		return p.Origin + "/en" + path
	}
	return p.Origin + path
}

// titleIn is a text in a language, the Vietnamese one where there is no other.
func titleIn(locale, vi, en string) string {
	if locale == "en" && en != "" {
		return en
	}
	return vi
}

// said fills a subject and a text, by the keys of their messages. Beside pairs
// they may name the reader and the link.
func (p *Portal) said(to auth.Person, path, subject, text string, pairs ...any) (noticeWords, error) {
	pairs = append(pairs, "name", to.Name, "link", p.at(to.Locale, path))
	w := noticeWords{Path: path}
	var err error
	if w.Subject, err = p.Pages.Text(to.Locale, subject, pairs...); err == nil {
		w.Text, err = p.Pages.Text(to.Locale, text, pairs...)
	}
	return w, err
}

// wordsOf are the words of a notice. Nothing is asked of the database for them:
// what they are filled with came with the event.
func (p *Portal) wordsOf(to auth.Person, n notice.Notice) (noticeWords, error) {
	var w noticeWords
	var err error
	switch n.Kind {
	case notice.Security, notice.Decision, notice.Request, notice.AgreeEnd:
		w, err = fill(p.agreementWords, to, n)
	case notice.KeyLeak, notice.KeyExpiry:
		w, err = fill(p.keyWords, to, n)
	case notice.Team:
		w, err = fill(p.teamWords, to, n)
	case notice.VersionEnd:
		w, err = fill(p.lifeWords, to, n)
	case notice.DataAsked, notice.DataAnswer, notice.Question, notice.Answer, notice.Reuse, notice.ReuseState, notice.Promotion:
		w, err = fill(p.dataWords, to, n)
	case notice.Overdue:
		w, err = fill(p.overdueWords, to, n)
	case notice.Duties:
		w, err = fill(p.dutyWords, to, n)
	case notice.MonthReport:
		w, err = fill(p.reportWords, to, n)
	case notice.Links:
		w, err = fill(p.linkWords, to, n)
	case notice.Outage:
		w, err = fill(p.outageWords, to, n)
	case notice.News:
		w, err = fill(p.newsWords, to, n)
	default:
		err = fmt.Errorf("no words for kind %q", n.Kind)
	}
	if err != nil {
		return w, fmt.Errorf("words of notice %s: %w", n.ID, err)
	}
	return w, nil
}

// fill reads the body of a notice for its words.
func fill[B any](words func(auth.Person, string, B) (noticeWords, error), to auth.Person, n notice.Notice) (noticeWords, error) {
	var body B
	if err := json.Unmarshal(n.Body, &body); err != nil {
		return noticeWords{}, fmt.Errorf("read body: %w", err)
	}
	return words(to, n.What, body)
}

// A source is a room that owes people notices.
type source struct {
	every  time.Duration
	gather func(context.Context) error
}

func (p *Portal) sources() []source {
	return []source{
		{5 * time.Second, p.gatherKeys},
		{5 * time.Second, p.gatherData},
		{10 * time.Minute, func(ctx context.Context) error { _, err := p.Auth.RemindOfExpiry(ctx); return err }},
		{10 * time.Minute, p.gatherDuties},
		{time.Minute, p.gatherNews},
		{time.Hour, func(ctx context.Context) error {
			return errors.Join(p.Auth.SweepKeyLetters(ctx), p.Catalog.SweepLetters(ctx), p.Notices.Sweep(ctx))
		}},
	}
}

// gatherEvery is the time between two looks at the sources.
const gatherEvery = 5 * time.Second

// GatherNotices delivers what the rooms owe people, until ctx ends. What cannot
// be delivered is logged and tried again later.
func (p *Portal) GatherNotices(ctx context.Context) error {
	sources := p.sources()
	due := make([]time.Time, len(sources))
	for {
		for i, s := range sources {
			now := p.Now()
			if now.Before(due[i]) {
				continue
			}
			due[i] = now.Add(s.every)
			if err := s.gather(ctx); err != nil && ctx.Err() == nil {
				slog.ErrorContext(ctx, "gather notices", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(gatherEvery):
		}
	}
}

// gather delivers what a room gave to this portal alone, and tells the room of
// each that it is done; one that fails keeps none from the others.
func gather[L any](ctx context.Context, p *Portal, list []L, event func(L) (notice.Event, error), done func(context.Context, L) error) error {
	var failed []error
	for _, one := range list {
		e, err := event(one)
		if err == nil {
			err = p.Notices.Deliver(ctx, e)
		}
		if err == nil {
			err = done(ctx, one)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// MailNotice sends the letter of one notice. It is the work of notice.MailJob.
func (p *Portal) MailNotice(ctx context.Context, args []byte) error {
	var about notice.Letter
	if err := json.Unmarshal(args, &about); err != nil {
		return fmt.Errorf("read letter of a notice: %w", err)
	}
	n, err := p.Notices.ToMail(ctx, about.Notice)
	if n == nil || err != nil {
		return err
	}
	to, ok, err := p.receiver(ctx, n.PersonID)
	if err != nil {
		return err
	}
	if ok {
		if err := p.mailNotice(ctx, to, *n); err != nil {
			return err
		}
	}
	return p.Notices.Mailed(ctx, n.ID)
}

// receiver is who a letter goes to; false: their account is disabled or gone.
func (p *Portal) receiver(ctx context.Context, id uuid.UUID) (auth.Person, bool, error) {
	people, err := p.Auth.Persons(ctx, []uuid.UUID{id})
	to, known := people[id]
	return to, known && to.DisabledAt == nil, err
}

func (p *Portal) mailNotice(ctx context.Context, to auth.Person, n notice.Notice) error {
	w, err := p.wordsOf(to, n)
	if err != nil {
		return err
	}
	l := mail.Letter{ID: n.ID.String(), To: to.Email, Subject: w.Subject, Text: w.Text}
	if what := endsBy(n.Kind); what != "" {
		l.Unsubscribe = p.Origin + p.unsubscribePath(n.PersonID, what)
	}
	return p.sendLetter(ctx, to.Locale, l, web.Letter{Link: p.at(to.Locale, w.Path), Why: whyKey(n.Kind)})
}

// endsBy is what the link of a letter of this kind ends; "" where nothing does.
func endsBy(kind string) string {
	for _, k := range notice.Kinds() {
		if k.Name == kind && (k.Chosen() || k.Name == notice.News) {
			return kind
		}
	}
	return ""
}

// whyKey is the message that says why somebody gets letters of a kind.
func whyKey(kind string) string {
	for _, k := range notice.Kinds() {
		if k.Name == kind && k.Owed != "" {
			return "inbox.owed-" + k.Owed
		}
	}
	return "inbox.letter-why"
}

// sendLetter sends a letter, as text and as HTML, with the foot that tells where it
// can be ended.
func (p *Portal) sendLetter(ctx context.Context, locale string, l mail.Letter, look web.Letter) error {
	look.Subject, look.Text, look.Home = l.Subject, l.Text, p.at(locale, "/")
	look.Settings = p.at(locale, "/account/notices/settings")
	if rest, ours := strings.CutPrefix(l.Unsubscribe, p.Origin); ours && l.Unsubscribe != "" {
		look.Unsubscribe = p.at(locale, rest)
	}
	text, html, err := p.Pages.Letter(locale, look)
	if err != nil {
		return fmt.Errorf("letter %q: %w", l.Subject, err)
	}
	l.Text, l.HTML = text, html
	return p.Mailer.Send(ctx, l)
}

// bundledInLetter is how many notices a bundle names; the rest are counted.
const bundledInLetter = 50

// MailBundle sends one letter with several notices. It is the work of
// notice.BundleJob.
func (p *Portal) MailBundle(ctx context.Context, args []byte) error {
	var b notice.Bundle
	if err := json.Unmarshal(args, &b); err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	list, err := p.Notices.InBundle(ctx, b)
	if err != nil || len(list) == 0 {
		return err
	}
	to, ok, err := p.receiver(ctx, b.Person)
	if err != nil {
		return err
	}
	var ids []uuid.UUID
	var unread []notice.Notice
	for _, n := range list {
		ids = append(ids, n.ID)
		if n.ReadAt == nil {
			unread = append(unread, n)
		}
	}
	if ok && len(unread) > 0 {
		if err := p.mailBundle(ctx, to, b, unread); err != nil {
			return err
		}
	}
	return p.Notices.Mailed(ctx, ids...)
}

func (p *Portal) mailBundle(ctx context.Context, to auth.Person, b notice.Bundle, list []notice.Notice) error {
	var lines []string
	for _, n := range list[:min(len(list), bundledInLetter)] {
		w, err := p.wordsOf(to, n)
		if err != nil {
			return err
		}
		lines = append(lines, "- "+w.Subject+"\n  "+p.at(to.Locale, w.Path))
	}
	w, err := p.said(to, "/account/notices", "inbox.bundle-subject-"+b.Every, "inbox.bundle-text", "n", len(list), "list", strings.Join(lines, "\n\n"))
	if err != nil {
		return err
	}
	l := mail.Letter{ID: uuid.NewSHA1(b.Person, []byte(b.Every+b.Before.String())).String(), To: to.Email, Subject: w.Subject, Text: w.Text,
		Unsubscribe: p.Origin + p.unsubscribePath(b.Person, b.Every)}
	return p.sendLetter(ctx, to.Locale, l, web.Letter{Link: p.at(to.Locale, w.Path), Why: "inbox.letter-bundled"})
}

// gatherNews tells people of what they follow.
func (p *Portal) gatherNews(ctx context.Context) error {
	digests, err := p.Catalog.ClaimDigests(ctx, gatherAtOnce)
	if err != nil {
		return err
	}
	var list []catalog.Digest
	var empty []error
	for _, d := range digests {
		if d.IsEmpty() {
			empty = append(empty, p.Catalog.DigestSent(ctx, d))
			continue
		}
		list = append(list, d)
	}
	return errors.Join(errors.Join(empty...), gather(ctx, p, list, func(d catalog.Digest) (notice.Event, error) {
		e, err := notice.New(notice.News, d.Every, d)
		e.ID, e.People = uuid.NewSHA1(d.Person, []byte("news since "+d.Since.UTC().Format(time.RFC3339Nano))), []uuid.UUID{d.Person}
		return e, err
	}, p.Catalog.DigestSent))
}

// gatherAtOnce is how much is claimed of a source at a time.
const gatherAtOnce = 50
