package oauth

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/ory/fosite"

	"lgsp/internal/problem"
)

// refuseBrowser answers with an error that cannot be sent to the client,
// because client or address are in doubt: a page for a person, JSON else.
func (s *Server) refuseBrowser(w http.ResponseWriter, r *http.Request, err error) {
	if s.Explain != nil && prefersHTML(r.Header.Get("Accept")) {
		s.Explain(w, r, inWords(err))
		return
	}
	var said *problem.Error
	if !errors.As(err, new(*fosite.RFC6749Error)) && errors.As(err, &said) && said.Kind < problem.Internal {
		err = fosite.ErrInvalidRequest.WithHint(said.Detail).WithWrap(err)
	}
	s.refuse(w, r, err)
}

// inWords is an error as a problem that has words for people.
func inWords(err error) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	var said *fosite.RFC6749Error
	if !errors.As(err, &said) || said.CodeField >= http.StatusInternalServerError {
		return err
	}
	code := "authorize-request"
	if said.ErrorField == fosite.ErrInvalidRequestURI.ErrorField {
		code = "authorize-request-gone"
	}
	return problem.Errorf(problem.Kind(said.CodeField), "%s: %s", said.ErrorField, said.HintField).Coded(code).Because(err)
}

// prefersHTML reports whether an Accept header asks for HTML at least as much
// as for JSON, by name (RFC 9110 §12.5.1). Browsers name it; programs do not.
func prefersHTML(accept string) bool {
	html, other := 0.0, 0.0
	for _, part := range strings.Split(accept, ",") {
		kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		weight := 1.0
		if q, ok := params["q"]; ok {
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		switch kind {
		case "text/html":
			html = weight
		case "application/json":
			other = weight
		}
	}
	return html > 0 && html >= other
}
