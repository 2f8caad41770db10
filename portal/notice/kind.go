package notice

import (
	"slices"

	"lgsp/auth"
)

// How a notice reaches somebody beside the portal's own pages.
const (
	Now    = "now"    // by a letter of its own
	Daily  = "daily"  // in one letter with the others of the day
	Weekly = "weekly" // in one letter with the others of the week
	Off    = "off"    // not by mail
	None   = "none"   // of a role: it is not told at all
)

// Kind is one kind of notice. What is said of it stands in the messages, under
// inbox.kind-NAME.
type Kind struct {
	Name string

	// Owed is why it cannot be switched off: inbox.owed-…; "" where it can.
	Owed string

	// Self reports that it is told to people for themselves.
	Self bool

	// Hears is which roles hear of it, and how, unless an agency sets it
	// otherwise. nil: it is told to no role.
	Hears map[string]string
}

// Why a kind cannot be switched off.
const (
	OwedSecurity = "security" // who did not do it themselves must learn of it
	OwedDecision = "decision" // what was decided on a request is told to who asked
	OwedTerm     = "term"     // a term that the register of clocks sets is over
	OwedService  = "service"  // else somebody's program stops without warning
)

// The kinds, in the order in which people read them.
const (
	Security    = "security"     // an account's password, address, second factors
	KeyLeak     = "key-leak"     // a key was found, or one that nobody should use was used
	KeyExpiry   = "key-expiry"   // a key or token ends soon
	Decision    = "decision"     // what becomes of one's own request for an agreement
	Request     = "request"      // an agreement is asked for
	Overdue     = "overdue"      // a request is over its term
	AgreeEnd    = "agree-end"    // an agreement ends
	VersionEnd  = "version-end"  // a version that one's applications call ends
	Team        = "team"         // who works on an application changes
	DataAsked   = "data-asked"   // data are asked for
	DataAnswer  = "data-answer"  // where one's own request for data stands
	Question    = "question"     // somebody asks about a dataset or an API
	Answer      = "answer"       // somebody answered where one takes part
	Reuse       = "reuse"        // somebody made something of a dataset
	ReuseState  = "reuse-state"  // what was decided on what one made
	Promotion   = "promotion"    // a version is proposed to go live; what became of one's own proposal
	Duties      = "duties"       // datasets are to be looked through or renewed
	Links       = "links"        // links of datasets do not work
	Outage      = "outage"       // the system behind a service gives no answer, or does again
	MonthReport = "month-report" // what a month came to
	News        = "news"         // of what one follows; how often is said where it is followed
)

// Kinds is the closed list of what people are told of.
func Kinds() []Kind {
	steward := map[string]string{auth.RoleSteward: Now}
	publisher := map[string]string{auth.RolePublisher: Now}
	both := map[string]string{auth.RolePublisher: Now, auth.RoleSteward: Now}
	return []Kind{
		{Name: Security, Owed: OwedSecurity, Self: true},
		{Name: KeyLeak, Owed: OwedSecurity, Self: true},
		{Name: Decision, Owed: OwedDecision, Self: true},
		{Name: VersionEnd, Owed: OwedService, Self: true, Hears: both},
		{Name: Overdue, Owed: OwedTerm, Hears: steward},
		{Name: Request, Hears: steward},
		{Name: AgreeEnd, Self: true, Hears: steward},
		{Name: KeyExpiry, Self: true},
		{Name: Team, Self: true},
		{Name: Question, Hears: both},
		{Name: Answer, Self: true},
		{Name: DataAsked, Hears: both},
		{Name: DataAnswer, Self: true},
		{Name: Reuse, Hears: both},
		{Name: ReuseState, Self: true},
		{Name: Promotion, Self: true, Hears: steward},
		{Name: Duties, Hears: publisher},
		{Name: Links, Hears: publisher},
		{Name: MonthReport, Hears: map[string]string{auth.RoleSteward: Now, auth.RolePublisher: Off}},
		{Name: Outage, Hears: publisher},
		{Name: News, Self: true},
	}
}

// kindOf is the kind of that name; false: there is none.
func kindOf(name string) (Kind, bool) {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

// usual is how a role hears of the kind unless its agency sets it otherwise.
func (k Kind) usual(role string) string {
	if how, ok := k.Hears[role]; ok {
		return how
	}
	return None
}

// Chosen reports whether people say themselves how its mail comes. That of News
// goes by what they follow.
func (k Kind) Chosen() bool { return k.Owed == "" && k.Name != News }

// stronger is the one of two ways that tells more and sooner.
func stronger(a, b string) string {
	order := []string{Now, Daily, Weekly, Off, None}
	if slices.Index(order, a) <= slices.Index(order, b) {
		return a
	}
	return b
}
