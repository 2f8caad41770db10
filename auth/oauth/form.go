package oauth

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"
	"github.com/ory/fosite"
)

// readForm reads the parameters of a request before fosite sees them: at most
// 64 KiB, form-encoded (no multipart, which may spill to disk), each once (RFC
// 6749 §3.1, §3.2; F10, F11). Only GET takes them from the query; a POST with
// a query is refused, so that no secret or token stands in an address. The
// `resource` of RFC 8707 becomes fosite's `audience`.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
			return fosite.ErrInvalidRequest.WithHint("Send the parameters as application/x-www-form-urlencoded.")
		}
		if r.URL.RawQuery != "" {
			return fosite.ErrInvalidRequest.WithHint("Send the parameters in the body, none in the address.")
		}
	} else if len(r.URL.RawQuery) > bodyLimit {
		return tooLarge()
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	if err := r.ParseForm(); err != nil {
		var big *http.MaxBytesError
		switch {
		case errors.As(err, &big):
			return tooLarge()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return tooSlow()
		}
		return fosite.ErrInvalidRequest.WithHint("The parameters are not well formed.").WithWrap(err)
	}
	return oneOfEach(r)
}

func oneOfEach(r *http.Request) error {
	for name, values := range r.Form {
		if len(values) < 2 {
			if !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0) { // which PostgreSQL does not keep
				return fosite.ErrInvalidRequest.WithHintf("The parameter %q is no text.", clip(name))
			}
			continue
		}
		if name == "resource" {
			return errInvalidTarget.WithHint("One token serves one API version; name one resource.")
		}
		return fosite.ErrInvalidRequest.WithHintf("The parameter %q was sent more than once.", clip(name))
	}
	audience, resource := r.Form.Get("audience"), r.Form.Get("resource")
	if strings.ContainsAny(audience, " ") {
		return errInvalidTarget.WithHint("One token serves one API version; name one audience.")
	}
	if resource == "" {
		return nil
	}
	if audience != "" && audience != resource {
		return errInvalidTarget.WithHint("audience and resource name different things; send one of them.")
	}
	for _, form := range []url.Values{r.Form, r.PostForm} {
		if form.Has("resource") {
			form.Set("audience", resource)
		}
	}
	return nil
}

func tooLarge() error {
	e := *fosite.ErrInvalidRequest
	e.CodeField = http.StatusRequestEntityTooLarge
	return e.WithHintf("The request is larger than %d KiB.", bodyLimit>>10)
}

func tooSlow() error {
	e := *fosite.ErrInvalidRequest
	e.CodeField = http.StatusRequestTimeout
	return e.WithHint("The request did not come whole in time.")
}

// inTime ends what has not come, or been answered, within life: nobody holds a
// connection of ours, or of the database, for longer.
func inTime(life time.Duration) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), life)
			defer cancel()
			stop := context.AfterFunc(ctx, func() {
				_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // what cannot has the server's own deadline
			})
			defer stop()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

func clip(text string) string { return text[:min(len(text), 40)] }
