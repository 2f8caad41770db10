package portal

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

// The helpers below are the shapes that most routes have: who asks, about
// which object, with which body, and what a room answers.

// show answers GET with what ask gives the caller, signed in or not.
func show[V any](a *API, w http.ResponseWriter, r *http.Request, ask func(context.Context, auth.Principal) (V, error)) error {
	who, err := a.who(r)
	if err != nil {
		return err
	}
	v, err := ask(r.Context(), who)
	if err != nil {
		return err
	}
	return answer(w, r, v)
}

// showOne is show for the object whose id stands in the path.
func showOne[V any](a *API, w http.ResponseWriter, r *http.Request, ask func(context.Context, auth.Principal, uuid.UUID) (V, error)) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (V, error) { return ask(ctx, who, id) })
}

// create answers POST with 201 and the address of what was made of the body.
func create[B, V any](a *API, w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, B) (V, string, error)) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	body, err := decode[B](w, r)
	if err != nil {
		return err
	}
	v, location, err := do(r.Context(), who, body)
	if err != nil {
		return err
	}
	return created(w, location, v)
}

func created(w http.ResponseWriter, location string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1"+location)
	return write(w, http.StatusCreated, text)
}

// change answers a POST that moves the object whose id stands in the path.
func change[V any](a *API, w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, uuid.UUID) (V, error)) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	v, err := do(r.Context(), who, id)
	if err != nil {
		return err
	}
	return answer(w, r, v)
}

// changeWith is change with a body.
func changeWith[B, V any](a *API, w http.ResponseWriter, r *http.Request, do func(context.Context, auth.Principal, uuid.UUID, B) (V, error)) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (V, error) {
		body, err := decode[B](w, r)
		if err != nil {
			var none V
			return none, err
		}
		return do(ctx, who, id, body)
	})
}

// guarded runs a change only while the object is as If-Match says.
func guarded[V any](r *http.Request, read func() (V, error), do func() (V, error)) (V, error) {
	if r.Header.Get("If-Match") != "" {
		now, err := read()
		if err == nil {
			err = ifMatch(r, now)
		}
		if err != nil {
			var none V
			return none, err
		}
	}
	return do()
}
