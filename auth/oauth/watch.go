package oauth

import (
	"context"
	"net/http"
	"time"

	"lgsp/auth"
)

// watchLife is how long it may take to recognise what a request showed.
const watchLife = 5 * time.Second

// watch tells NoteShown, after the answer and whatever it was, which keys a
// request held: one of them may be there for thieves to try.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if s.NoteShown == nil {
			return
		}
		if keys := auth.KeysShown(r); len(keys) > 0 {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), watchLife) // the caller may have gone
			defer cancel()
			s.NoteShown(ctx, keys, auth.AtOAuth, s.Address(r))
		}
	})
}
