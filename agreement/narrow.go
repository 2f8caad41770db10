package agreement

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Narrow is what a list at an agency's desk is narrowed to; zero fields do not.
type Narrow struct {
	Text    string    // words that all stand in names or purpose, with marks or without, from the fourth on in this order; at most 100 characters
	Service uuid.UUID // a version
	Owner   uuid.UUID // of the application: a person or an agency
}

// maxSought is how long what is searched for may be, in characters.
const maxSought = 100

// words are what is searched for as four patterns, for agreement.fold: the
// database is told each apart, and so knows how rare it is.
func (n Narrow) words() ([]any, error) {
	if len([]rune(n.Text)) > maxSought || strings.ContainsRune(n.Text, 0) {
		return nil, problem.Errorf(problem.Invalid, "what is searched for has more than %d characters", maxSought).
			Coded("search-too-long", "most", fmt.Sprint(maxSought))
	}
	patterns := [4]string{"%", "%", "%", "%"}
	plain := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)
	for i, word := range strings.Fields(n.Text) {
		patterns[min(i, 3)] += plain.Replace(word) + "%"
	}
	return []any{patterns[0], patterns[1], patterns[2], patterns[3]}, nil
}

// Service is a version that agreements are on, as they call it.
type Service struct {
	ID      uuid.UUID `json:"id"` // of the version
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
}

// Its walk takes one step in an index for each service, not one for each agreement.
const servicesSQL = `
with recursive walk (version_id, n) as (
  (select version_id, 1 from agreement.agreement where agency_id = $1 order by version_id limit 1)
  union all
  select (select a.version_id from agreement.agreement a where a.agency_id = $1 and a.version_id > walk.version_id order by a.version_id limit 1), n + 1
    from walk
   where walk.version_id is not null and n < 200)
select walk.version_id as id, one.service_vi as title_vi, one.service_en as title_en
  from walk
  join lateral (select service_vi, service_en from agreement.agreement a
                 where a.agency_id = $1 and a.version_id = walk.version_id
                 order by a.state, a.id
                 limit 1) one on true
 order by one.service_vi, walk.version_id`

// Services lists the services of an agency that agreements are on, or were asked
// for, at most 200. It fails with what May says of agreement.read.
func (a *Agreements) Services(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Service, error) {
	if err := a.May(ctx, who, "agreement.read", agency); err != nil {
		return nil, err
	}
	list, err := pg.All[Service](ctx, a.DB, servicesSQL, agency)
	if err != nil {
		return nil, fmt.Errorf("list services of agency %s: %w", agency, err)
	}
	return list, nil
}

// Agency and state stand there bare, unlike in inboxSQL, and words apart, so
// that each is planned along its index and not along all agreements.
const (
	atDesk = agreementColumns + `
 where agency_id = $1 and state = $2 and ($3::uuid is null or id < $3)
   and ($5::uuid is null or version_id = $5)
   and ($6::uuid is null or owner_person_id = $6 or owner_agency_id = $6)`
	deskSQL = atDesk + `
 order by id desc
 limit $4`
	deskSoughtSQL = atDesk + `
   and sought like agreement.fold($7) and ($8 = '%' or sought like agreement.fold($8)) and ($9 = '%' or sought like agreement.fold($9)) and ($10 = '%' or sought like agreement.fold($10))
 order by id desc
 limit $4`
)

// Desk lists the agreements of an agency in one state, the newest first. It
// fails with Invalid for a bad page or too long a search, and with what May says
// of agreement.read. Those that wait are listed by WaitingRequests.
func (a *Agreements) Desk(ctx context.Context, who auth.Principal, f Filter, n Narrow) (Page, error) {
	if err := a.May(ctx, who, "agreement.read", f.Agency); err != nil {
		return Page{}, err
	}
	limit, after, err := f.page()
	if err != nil {
		return Page{}, err
	}
	words, err := n.words()
	if err != nil {
		return Page{}, err
	}
	sql, args := deskSQL, []any{f.Agency, f.State, after, limit + 1, known(n.Service), known(n.Owner)}
	if n.Text != "" {
		sql, args = deskSoughtSQL, append(args, words...)
	}
	items, err := pg.All[Agreement](ctx, a.DB, sql, args...)
	if err != nil {
		return Page{}, fmt.Errorf("list agreements at the desk of %s: %w", f.Agency, err)
	}
	return pageOf(items, limit), nil
}
