package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/web"
)

// accountsData is the data of the page "operator-accounts".
type accountsData struct {
	Persons      []personRow
	Query, State string
	First, Next  string
}

// personRow is a person with the names of their agencies.
type personRow struct {
	auth.FoundPerson
	Roles []personRole
}

// personRole is a role with its agency; nil: of the whole platform.
type personRole struct {
	auth.Membership
	At *auth.Agency
}

// accounts answers GET /operator/accounts: people across all agencies.
func (p *Portal) accounts(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	q := r.URL.Query()
	data := accountsData{Query: q.Get("q"), State: q.Get("state")}
	found, next, err := p.Auth.FindPersons(r.Context(), who, auth.PersonFilter{Query: data.Query, State: data.State, Page: auth.Page{Limit: 50, After: q.Get("after")}})
	if err != nil {
		return page{}, err
	}
	data.First, data.Next = listLinks(r, "/operator/accounts", next, []string{"q", data.Query, "state", data.State})
	data.Persons, err = p.personRows(r, found)
	return page{Name: "operator-accounts", Data: data}, err
}

// personRows adds the agencies of people, which are looked up once for all.
func (p *Portal) personRows(r *http.Request, found []auth.FoundPerson) ([]personRow, error) {
	var ids []uuid.UUID
	for _, person := range found {
		for _, m := range person.Memberships {
			ids = append(ids, m.Agency)
		}
	}
	agencies, err := p.Auth.Agencies(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]personRow, len(found))
	for i, person := range found {
		rows[i].FoundPerson = person
		for _, m := range person.Memberships {
			role := personRole{Membership: m}
			if agency, ok := agencies[m.Agency]; ok {
				role.At = &agency
			}
			rows[i].Roles = append(rows[i].Roles, role)
		}
	}
	return rows, nil
}

// personPage answers GET /operator/accounts/{person}.
func (p *Portal) personPage(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := personIn(r)
	if err != nil {
		return page{}, err
	}
	found, err := p.Auth.FoundPerson(r.Context(), who, id)
	if err != nil {
		return page{}, err
	}
	rows, err := p.personRows(r, []auth.FoundPerson{found})
	if err != nil {
		return page{}, err
	}
	return page{Name: "operator-account", Data: rows[0]}, nil
}

// personIn is the person in the address; a text that is no id is nobody.
func personIn(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(mux.Vars(r)["person"])
	if err != nil {
		return id, problem.Errorf(problem.NotFound, "no such person").Coded("person-unknown")
	}
	return id, nil
}

// moveAccount answers POST /operator/accounts/{person}/{step}: their sessions
// end, they are locked out or let in again, each for a reason; or a role is
// taken back.
func (p *Portal) moveAccount(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := personIn(r)
	if err != nil {
		return page{}, err
	}
	ctx, step := r.Context(), mux.Vars(r)["step"]
	reason := step + "_reason"
	switch step {
	case "sessions":
		err = p.Auth.EndSessionsOf(ctx, who, id, r.PostFormValue(reason))
	case "lock":
		err = p.Auth.LockPerson(ctx, who, id, r.PostFormValue(reason))
	case "unlock":
		err = p.Auth.UnlockPerson(ctx, who, id, r.PostFormValue(reason))
	default:
		agency, _ := uuid.Parse(r.PostFormValue("agency")) // none: the platform's
		err = p.Auth.RemoveMembership(ctx, who, id, auth.Membership{Agency: agency, Role: r.PostFormValue("role")})
	}
	if err != nil {
		return again(r, p.personPage, fieldHere(err, "reason", reason))
	}
	return page{To: "/operator/accounts/" + id.String(), Flash: &web.Flash{Key: "person.done-" + step}}, nil
}
