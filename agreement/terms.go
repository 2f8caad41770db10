package agreement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
)

// Terms are what an agreement is about: what is asked for, and what is agreed.
type Terms struct {
	Operations    []Operation `json:"operations"`
	Purpose       string      `json:"purpose"`
	PurposeText   string      `json:"purpose_text"`
	LegalBasis    string      `json:"legal_basis"`
	Subjects      string      `json:"subjects"`
	VolumePerDay  int         `json:"volume_per_day"`
	RetentionDays *int        `json:"retention_days"`
	Onward        string      `json:"onward"`
	Starts        string      `json:"starts"`
	Ends          string      `json:"ends"`
	RatePerMinute int         `json:"rate_per_minute"`
	QuotaPerDay   int         `json:"quota_per_day"`
	QuotaPerMonth int         `json:"quota_per_month"`
}

// Terms are the agreement's.
func (g Agreement) Terms() Terms {
	return Terms{
		Operations: g.Operations, Purpose: g.Purpose, PurposeText: g.PurposeText, LegalBasis: g.LegalBasis, Subjects: g.Subjects,
		VolumePerDay: g.VolumePerDay, RetentionDays: g.RetentionDays, Onward: g.Onward, Starts: g.Starts, Ends: g.Ends,
		RatePerMinute: g.RatePerMinute, QuotaPerDay: g.QuotaPerDay, QuotaPerMonth: g.QuotaPerMonth,
	}
}

// Difference is one thing in which terms differ.
type Difference struct {
	What      string `json:"what"`      // operation, field, open (a sensitive value unmasked), purpose, purpose_text, legal_basis, subjects, volume, retention, onward, starts, ends, rate, day, month
	Operation string `json:"operation"` // of a field, as people read it
	Was       string `json:"was"`       // "": it was not there, or not said
	Is        string `json:"is"`        // "": it is there no more, or not said
}

// Differences gives in which of their points terms differ, in locale "vi" or "en".
func (a *Agreements) Differences(ctx context.Context, was, is Terms, locale string) ([]Difference, error) {
	say := saying(locale)
	out := operationsDiffer(was.Operations, is.Operations, say)
	differ := func(what, was, is string) {
		if was != is {
			out = append(out, Difference{What: what, Was: was, Is: is})
		}
	}
	if was.Purpose != is.Purpose {
		var titles [2]string
		for i, code := range []string{was.Purpose, is.Purpose} {
			p, err := pg.One[Purpose](ctx, a.DB, purposeSQL, code)
			if err != nil {
				return nil, fmt.Errorf("read purpose %q: %w", code, err)
			}
			titles[i] = say(p.TitleVI, p.TitleEN)
		}
		differ("purpose", titles[0], titles[1])
	}
	differ("purpose_text", was.PurposeText, is.PurposeText)
	if was.LegalBasis != is.LegalBasis {
		var clauses [2]string
		for i, id := range []string{was.LegalBasis, is.LegalBasis} {
			b, err := a.Basis(ctx, id)
			if err != nil {
				return nil, err
			}
			clauses[i] = say(b.DocumentVI, b.DocumentEN) + ", " + say(b.ArticleVI, b.ArticleEN)
		}
		differ("legal_basis", clauses[0], clauses[1])
	}
	differ("subjects", was.Subjects, is.Subjects)
	differ("volume", number(was.VolumePerDay), number(is.VolumePerDay))
	differ("retention", days(was.RetentionDays), days(is.RetentionDays))
	differ("onward", was.Onward, is.Onward)
	differ("starts", dayInWords(was.Starts), dayInWords(is.Starts))
	differ("ends", dayInWords(was.Ends), dayInWords(is.Ends))
	differ("rate", number(was.RatePerMinute), number(is.RatePerMinute))
	differ("day", number(was.QuotaPerDay), number(is.QuotaPerDay))
	differ("month", number(was.QuotaPerMonth), number(is.QuotaPerMonth))
	return out, nil
}

// operationsDiffer gives the operations and fields that one list only has. One
// that comes or goes as a whole is told with its fields.
func operationsDiffer(was, is []Operation, say func(vi, en string) string) []Difference {
	out := onlyIn(was, is, say)
	for _, d := range onlyIn(is, was, say) {
		d.Was, d.Is = "", d.Was
		out = append(out, d)
	}
	return out
}

// onlyIn are the operations and fields of a list that the other has not, each as what was.
func onlyIn(list, other []Operation, say func(vi, en string) string) []Difference {
	out := []Difference{}
	for _, o := range list {
		i := slices.IndexFunc(other, func(have Operation) bool { return have.ID == o.ID })
		if i < 0 {
			out = append(out, Difference{What: "operation", Was: o.title(say)})
		}
		for _, f := range o.Fields {
			same := func(have Field) bool { return have.Path == f.Path }
			if i < 0 || !slices.ContainsFunc(other[i].Fields, same) {
				out = append(out, Difference{What: "field", Operation: o.title(say), Was: f.title(say)})
			}
		}
		against := Operation{}
		if i >= 0 {
			against = other[i]
		}
		out = append(out, openOnlyIn(o, against, say)...)
	}
	return out
}

func (o Operation) title(say func(vi, en string) string) string {
	return cmp.Or(say(o.TitleVI, o.TitleEN), o.Method+" "+o.Path)
}

func (f Field) title(say func(vi, en string) string) string {
	return cmp.Or(say(f.TitleVI, f.TitleEN), f.Path)
}

// saying chooses the text of a locale; the other where there is none.
func saying(locale string) func(vi, en string) string {
	return func(vi, en string) string {
		if locale == "en" && en != "" || vi == "" {
			return en
		}
		return vi
	}
}

// number is a number as differences show it, "" for none.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// days is how long, "" when it was not said.
func days(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// dayInWords is a day as people write it here.
func dayInWords(day string) string {
	t, err := time.Parse(dayLayout, day)
	if err != nil {
		return day
	}
	return t.Format("02/01/2006")
}

const (
	keepTermsSQL  = `insert into agreement.terms (agreement_id, revision, terms) values ($1, $2, $3)`
	firstTermsSQL = `select terms from agreement.terms where agreement_id = $1 order by revision limit 1`
)

// keepTerms keeps terms that are about to be changed.
func (a *Agreements) keepTerms(ctx context.Context, tx pgx.Tx, g Agreement) error {
	if _, err := tx.Exec(ctx, keepTermsSQL, g.ID, g.Revision, g.Terms()); err != nil {
		return fmt.Errorf("keep the terms of agreement %s: %w", g.ID, err)
	}
	return nil
}

// firstTerms are the terms that were asked for first; the agreement's own when
// they never changed.
func (a *Agreements) firstTerms(ctx context.Context, g Agreement) (Terms, error) {
	var t Terms
	err := a.DB.QueryRow(ctx, firstTermsSQL, g.ID).Scan(&t)
	if errors.Is(err, pgx.ErrNoRows) {
		return g.Terms(), nil
	} else if err != nil {
		return Terms{}, fmt.Errorf("read the first terms of agreement %s: %w", g.ID, err)
	}
	return t, nil
}
