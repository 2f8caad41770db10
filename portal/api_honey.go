package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) honeyRoutes(r routes) {
	r.get("/honey-keys", a.listHoneyKeys)
	r.post("/honey-keys", a.addHoneyKey)
	r.remove("/honey-keys/{id}", a.endHoneyKey)
}

// watchLife is how long it may take to recognise what a request showed.
const watchLife = 5 * time.Second

// watch has the keys that a request held looked at, after the answer and
// whatever it was: one of them may be there for thieves to try.
func (a *API) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if a.Address == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), watchLife) // the caller may have gone
		defer cancel()
		a.Auth.NoteShown(ctx, auth.KeysShown(r), auth.AtAPI, a.Address(r))
	})
}

// listHoneyKeys answers GET /honey-keys.
//
//	@Summary	Honey keys, which open nothing and tell when they are shown: of an application, or for the operator all
//	@Tags		leaks
//	@Security	bearer
//	@Param		application	query		string	false	"id of the application; none: all there are, for the operator"
//	@Success	200			{object}	items[auth.HoneyKey]
//	@Router		/honey-keys [get]
func (a *API) listHoneyKeys(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "application")
	if err != nil {
		return err
	}
	application, err := idOf(values, "application")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[auth.HoneyKey], error) {
		list, err := a.Auth.HoneyKeys(ctx, who, application)
		return items[auth.HoneyKey]{Items: list}, err
	})
}

// newHoneyKey is a honey key to be made.
type newHoneyKey struct {
	Application uuid.UUID `json:"application"` // null: the platform's, for the operator
	Kind        string    `json:"kind"`        // what it looks like: api_key, client_secret, personal_token
	Name        string    `json:"name"`        // where it will lie; at most 120 characters
}

// addHoneyKey answers POST /honey-keys.
//
//	@Summary	Make a key that opens nothing, to be left where a thief would look; it is shown once, and its people get a letter when somebody shows it
//	@Tags		leaks
//	@Security	bearer
//	@Param		body	body		newHoneyKey	true	"whose, what it looks like, where it will lie"
//	@Success	201		{object}	auth.IssuedHoneyKey
//	@Router		/honey-keys [post]
func (a *API) addHoneyKey(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newHoneyKey) (auth.IssuedHoneyKey, string, error) {
		made, err := a.Auth.AddHoneyKey(ctx, who, auth.NewHoneyKey(n))
		return made, "/honey-keys/" + made.ID.String(), err
	})
}

// endHoneyKey answers DELETE /honey-keys/{id}.
//
//	@Summary	Have a honey key forgotten
//	@Tags		leaks
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/honey-keys/{id} [delete]
func (a *API) endHoneyKey(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.EndHoneyKey)
}
