package catalog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/text/unicode/norm"

	"lgsp/auth"
	"lgsp/catalog/guard"
	"lgsp/catalog/search"
	"lgsp/internal/problem"
)

// The states of what people say.
const (
	Shown  = "shown"
	Held   = "held"   // looked suspicious: nobody reads it, and nobody is written to, until a steward has
	Hidden = "hidden" // by a steward, with a reason
)

// What people say is plain text within these bounds, in characters.
const (
	maxSaidTitle = 150
	maxSaid      = 4000
)

// How much one person may say: in ten minutes and in a day; officials about
// their own agency's data more.
const (
	saidInTenMinutes, saidInADay = 5, 20
	officially                   = 10
)

// clean brings a text to one form: NFC, no control characters but line ends.
func clean(text string) string {
	text = norm.NFC.String(strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), ""))
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text))
}

// checkSaid brings a title and a text to one form, and fails with Invalid when
// one is missing or too long. A title of nil is not asked for.
func checkSaid(title, text *string) error {
	e := problem.Errorf(problem.Invalid, "what is said is not complete").Coded("said-invalid")
	for _, f := range []struct {
		name string
		text *string
		most int
	}{{"title", title, maxSaidTitle}, {"text", text, maxSaid}} {
		if f.text == nil {
			continue
		}
		*f.text = clean(*f.text)
		if f.name == "title" {
			*f.text = strings.Join(strings.Fields(*f.text), " ")
		}
		if *f.text == "" {
			e.Wrong(f.name, "required", "is required")
		}
		if utf8.RuneCountInString(*f.text) > f.most {
			e.Wrong(f.name, "text-too-long", "longer than allowed", "max", strconv.Itoa(f.most))
		}
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// aPerson fails unless a person acts: an application asks and answers nothing.
func aPerson(who auth.Principal) error {
	switch {
	case !who.SignedIn():
		return problem.Errorf(problem.Unauthorized, "sign in first").Coded("said-sign-in")
	case who.Person == uuid.Nil:
		return problem.Errorf(problem.Forbidden, "only a person can do this").Coded("said-person")
	}
	return nil
}

var linkForm = regexp.MustCompile(`(?i)https?:|www\.|\b[a-z0-9-]{2,}\.(com|net|org|info|vn|xyz|top|click|shop|site|online|club|biz|io|me|ly|gg)\b`)

// fingerprint is the same for texts that differ in marks, case and spacing only.
func fingerprint(text string) []byte {
	sum := sha256.Sum256([]byte(search.Fold(text)))
	return sum[:]
}

const (
	// One person speaks at a time: what is counted stays true until it is said.
	oneAtATimeSQL = `select pg_advisory_xact_lock(hashtextextended('said ' || $1::text, 0))`

	saidLatelySQL = `
select (select count(*) from catalog.post where author = $1 and created_at > $2)
     + (select count(*) from catalog.data_request where author = $1 and created_at > $2)
     + (select count(*) from catalog.reuse where author = $1 and created_at > $2) as lately,
       (select count(*) from catalog.post where author = $1 and created_at > $3)
     + (select count(*) from catalog.data_request where author = $1 and created_at > $3)
     + (select count(*) from catalog.reuse where author = $1 and created_at > $3) as today`

	saidBeforeSQL = `
select exists (select from catalog.post where fingerprint = $1 and created_at > $2)
    or exists (select from catalog.data_request where fingerprint = $1 and created_at > $2)`
)

// maySpeak fails with TooMany when a person has said too much lately; official
// raises the bound tenfold.
func (c *Catalog) maySpeak(ctx context.Context, tx pgx.Tx, person uuid.UUID, official int) error {
	if _, err := tx.Exec(ctx, oneAtATimeSQL, person); err != nil {
		return fmt.Errorf("wait for person %s: %w", person, err)
	}
	now := c.Now().UTC()
	var lately, today int
	err := tx.QueryRow(ctx, saidLatelySQL, person, now.Add(-10*time.Minute), now.AddDate(0, 0, -1)).Scan(&lately, &today)
	if err != nil {
		return fmt.Errorf("count what person %s said: %w", person, err)
	}
	if lately < saidInTenMinutes*official && today < saidInADay*official {
		return nil
	}
	wait := 10 * time.Minute
	if today >= saidInADay*official {
		wait = time.Hour
	}
	e := problem.Errorf(problem.TooMany, "this person has said much lately").Coded("said-too-much")
	return e.Sends("Retry-After", strconv.Itoa(int(wait.Seconds())))
}

// suspicious says why a text is held before anybody reads it: links, repeat,
// personal; "" for none.
func (c *Catalog) suspicious(ctx context.Context, tx pgx.Tx, texts ...string) (string, error) {
	text := strings.Join(texts, "\n")
	if linkForm.MatchString(text) {
		return "links", nil
	}
	if len(guard.Words(c.Now().Year(), map[string]string{"": text})) > 0 {
		return "personal", nil
	}
	if utf8.RuneCountInString(text) < 20 { // Cảm ơn.
		return "", nil
	}
	var before bool
	if err := tx.QueryRow(ctx, saidBeforeSQL, fingerprint(text), c.Now().UTC().AddDate(0, 0, -7)).Scan(&before); err != nil {
		return "", fmt.Errorf("look for a repeated text: %w", err)
	}
	if before {
		return "repeat", nil
	}
	return "", nil
}

const (
	forgetDiscussionsSQL = `update catalog.discussion set author = null where author = $1`
	forgetPostsSQL       = `update catalog.post set author = null where author = $1`
	forgetReportsSQL     = `delete from catalog.post_report where person = $1`
	forgetRequestsSQL    = `update catalog.data_request set author = null where author = $1`
	forgetReusesSQL      = `update catalog.reuse set author = null where author = $1`
	forgetVotesSQL       = `delete from catalog.data_request_vote where person = $1`
	forgetRatingsSQL     = `delete from catalog.rating where person = $1`
	forgetLettersSQL     = `delete from catalog.letter where person = $1`
	forgetFollowerSQL    = `delete from catalog.follower where person = $1`
)

// ForgetPerson takes who deletes their account from what they said and voted
// for, inside the transaction that deletes it. The texts stay, as nobody's; the
// number of votes stays too. Ratings go.
func ForgetPerson(ctx context.Context, tx pgx.Tx, person uuid.UUID) error {
	for _, sql := range []string{forgetDiscussionsSQL, forgetPostsSQL, forgetReportsSQL, forgetRequestsSQL, forgetReusesSQL, forgetVotesSQL, forgetRatingsSQL, forgetLettersSQL, forgetFollowerSQL} {
		if _, err := tx.Exec(ctx, sql, person); err != nil {
			return fmt.Errorf("forget person %s: %w", person, err)
		}
	}
	return nil
}
