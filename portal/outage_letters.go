package portal

import (
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/gateway"
	"lgsp/portal/notice"
)

// What the publishers of an agency are told of the system behind a version.
const (
	outageDown = "down"
	outageBack = "back"
)

// outageTold is what a notice tells of an outage.
type outageTold struct {
	TitleVI string     `json:"title_vi"`
	TitleEN string     `json:"title_en,omitempty"`
	Number  string     `json:"number"`
	Path    string     `json:"path"` // of the version's page
	Began   time.Time  `json:"began"`
	Ended   *time.Time `json:"ended,omitempty"`
}

// OutageEvent is that the system behind a version is down, or back once the
// outage has ended, for its agency's publishers.
func OutageEvent(v catalog.Version, o gateway.Outage) (notice.Event, error) {
	what := outageDown
	if o.Ended != nil {
		what = outageBack
	}
	e, err := notice.New(notice.Outage, what, outageTold{v.TitleVI, v.TitleEN, v.Number, "/apis" + v.Prefix(), o.Began, o.Ended})
	e.Agency = &v.AgencyID
	e.ID = uuid.NewSHA1(v.ID, []byte(what+o.Began.String())) // each is told once, however often it is asked for
	return e, err
}

// outageWords are those of an outage.
func (p *Portal) outageWords(to auth.Person, what string, o outageTold) (noticeWords, error) {
	return p.said(to, o.Path, "availability.letter-subject-"+what, "availability.letter-text-"+what,
		"title", titleIn(to.Locale, o.TitleVI, o.TitleEN)+" "+o.Number, "began", momentIn(to.Locale, &o.Began), "ended", momentIn(to.Locale, o.Ended))
}
