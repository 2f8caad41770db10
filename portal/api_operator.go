package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/jobs"
)

// operatorRoutes are what operators do with people and with this process.
func (a *API) operatorRoutes(r routes) {
	r.get("/persons", a.listPersons)
	r.get("/persons/{id}", a.showPerson)
	r.post("/persons/{id}/end-sessions", a.endSessionsOf)
	r.post("/persons/{id}/lock", a.lockPerson)
	r.post("/persons/{id}/unlock", a.unlockPerson)
	r.get("/settings", a.listSettings)
	r.get("/jobs", a.listJobs)
	r.post("/jobs/{id}/again", a.jobAgain)
	a.codeListRoutes(r)
}

// listPersons answers GET /persons.
//
//	@Summary	People across all agencies, by name, for the operator: roles, counts of sessions and of what they sign in with, no secret
//	@Tags		people
//	@Security	bearer
//	@Param		q		query		string	false	"words of name and address; marks and case do not matter"
//	@Param		state	query		string	false	"active, official (with a role), disabled; default all"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[auth.FoundPerson]
//	@Router		/persons [get]
func (a *API) listPersons(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "q", "state", "limit", "after")
	if err != nil {
		return err
	}
	limit, err := limitOf(values)
	if err != nil {
		return err
	}
	filter := auth.PersonFilter{Query: values.Get("q"), State: values.Get("state"), Page: auth.Page{Limit: limit, After: values.Get("after")}}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.FoundPerson], error) {
		list, next, err := a.Auth.FindPersons(ctx, who, filter)
		return items[auth.FoundPerson]{list, next}, err
	})
}

// showPerson answers GET /persons/{id}.
//
//	@Summary	One person, for the operator
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	auth.FoundPerson
//	@Router		/persons/{id} [get]
func (a *API) showPerson(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.Auth.FoundPerson)
}

// forReason is why something is done to a person.
type forReason struct {
	Reason string `json:"reason"` // 5 to 500 characters; the ledger keeps it
}

// onPerson does something to a person for a reason, and shows them after.
func (a *API) onPerson(w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, uuid.UUID, string) error) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, why forReason) (auth.FoundPerson, error) {
		if err := do(ctx, who, id, why.Reason); err != nil {
			return auth.FoundPerson{}, err
		}
		return a.Auth.FoundPerson(ctx, who, id)
	})
}

// endSessionsOf answers POST /persons/{id}/end-sessions.
//
//	@Summary	Sign a person out everywhere
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id"
//	@Param		body	body		forReason	true	"why"
//	@Success	200		{object}	auth.FoundPerson
//	@Router		/persons/{id}/end-sessions [post]
func (a *API) endSessionsOf(w http.ResponseWriter, r *http.Request) error {
	return a.onPerson(w, r, a.Auth.EndSessionsOf)
}

// lockPerson answers POST /persons/{id}/lock.
//
//	@Summary	Lock a person out, for a reason: as DELETE /persons/{id}; never the last operator
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id"
//	@Param		body	body		forReason	true	"why"
//	@Success	200		{object}	auth.FoundPerson
//	@Router		/persons/{id}/lock [post]
func (a *API) lockPerson(w http.ResponseWriter, r *http.Request) error {
	return a.onPerson(w, r, a.Auth.LockPerson)
}

// unlockPerson answers POST /persons/{id}/unlock.
//
//	@Summary	Let a person in again who was locked out; what ended stays ended
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id"
//	@Param		body	body		forReason	true	"why"
//	@Success	200		{object}	auth.FoundPerson
//	@Router		/persons/{id}/unlock [post]
func (a *API) unlockPerson(w http.ResponseWriter, r *http.Request) error {
	return a.onPerson(w, r, a.Auth.UnlockPerson)
}

// readsPlatform is Portal.readsPlatform for a program.
func (a *API) readsPlatform(ctx context.Context, who auth.Principal) error {
	return a.Policy.May(ctx, who, "platform.read", uuid.Nil)
}

// listSettings answers GET /settings.
//
//	@Summary	The settings in force in the process that answers, for operators and auditors; of secrets only whether they are set
//	@Tags		platform
//	@Security	bearer
//	@Success	200	{object}	items[Setting]
//	@Router		/settings [get]
func (a *API) listSettings(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[Setting], error) {
		if err := a.readsPlatform(ctx, who); err != nil {
			return items[Setting]{}, err
		}
		return items[Setting]{Items: a.Room.Settings}, nil
	})
}

// work is how the work beside the requests stands.
type work struct {
	Kinds    []jobs.Standing `json:"kinds"`
	Failures []jobs.Failure  `json:"failures"` // failed for good, and not done since
}

// listJobs answers GET /jobs.
//
//	@Summary	The work beside the requests and what of it failed, for operators and auditors
//	@Tags		platform
//	@Security	bearer
//	@Success	200	{object}	work
//	@Router		/jobs [get]
func (a *API) listJobs(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (work, error) {
		if err := a.readsPlatform(ctx, who); err != nil {
			return work{}, err
		}
		kinds, failures, err := a.Room.Jobs(ctx)
		return work{kinds, failures}, err
	})
}

// jobAgain answers POST /jobs/{id}/again.
//
//	@Summary	Have work that failed done once more, for the operator
//	@Tags		platform
//	@Security	bearer
//	@Param		id	path	int	true	"id of the failure"
//	@Success	204
//	@Router		/jobs/{id}/again [post]
func (a *API) jobAgain(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	id, err := jobID(r)
	if err != nil {
		return err
	}
	if err := a.Room.JobAgain(r.Context(), who, id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
