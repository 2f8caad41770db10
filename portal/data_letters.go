package portal

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/portal/notice"
)

// dataKinds are the kinds of notice that the catalogue's letters are of; those
// about a version's end have a kind of their own.
var dataKinds = map[string]string{
	catalog.LetterQuestion: notice.Question, catalog.LetterAnswer: notice.Answer,
	catalog.LetterRequest: notice.DataAsked, catalog.LetterRequestNow: notice.DataAnswer,
	catalog.LetterReuse: notice.Reuse, catalog.LetterReuseNow: notice.ReuseState,
	catalog.LetterPromotion: notice.Promotion, catalog.LetterPromotionNow: notice.Promotion,
}

// gatherData tells people what the catalogue owes them: about discussions,
// requests, reuses, promotions, and versions that end.
func (p *Portal) gatherData(ctx context.Context) error {
	letters, err := p.Catalog.ClaimLetters(ctx, gatherAtOnce)
	if err != nil {
		return err
	}
	return gather(ctx, p, letters, func(l catalog.Letter) (notice.Event, error) {
		kind := dataKinds[l.Kind]
		if strings.HasPrefix(l.Kind, catalog.LetterVersion) {
			kind = notice.VersionEnd
		}
		e, err := notice.New(kind, l.Kind, l.Detail)
		e.ID, e.Agency = l.ID, l.Agency
		if l.Person != uuid.Nil {
			e.People = []uuid.UUID{l.Person}
		}
		return e, err
	}, func(ctx context.Context, l catalog.Letter) error { return p.Catalog.LetterSent(ctx, l.ID) })
}

// dataWords are those of a discussion, a request for data, a reuse, or a
// promotion.
func (p *Portal) dataWords(to auth.Person, what string, d catalog.LetterDetail) (noticeWords, error) {
	subject, text := "discussion.letter-subject-", "discussion.letter-text-"
	switch what {
	case catalog.LetterRequest, catalog.LetterRequestNow:
		subject, text = "wanted.letter-subject-", "wanted.letter-text-"
	case catalog.LetterReuse, catalog.LetterReuseNow:
		subject, text = "reuse.letter-subject-", "reuse.letter-text-"
	case catalog.LetterPromotion, catalog.LetterPromotionNow:
		subject, text = "bundle.letter-subject-", "bundle.letter-text-"
	}
	if d.State != "" {
		what += "-" + d.State
	}
	return p.said(to, d.Path, subject+what, text+what,
		"title", titleIn(to.Locale, d.TitleVI, d.TitleEN), "subject", d.Subject, "text", d.Text)
}
