package gateway

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/internal/problem"
)

// Imagined is a call that nobody makes, to ask what would become of it.
type Imagined struct {
	Version     uuid.UUID `json:"version"`
	Operation   string    `json:"operation"`   // Operation.ID
	Application uuid.UUID `json:"application"` // uuid.Nil: nobody
	Credential  string    `json:"credential"`  // none, api_key, token, foreign_token, signature
	Purpose     string    `json:"purpose"`     // "": not named
	Key         string    `json:"key"`         // Lookup of an API key of the application; "": one without limits of its own

	Sandbox    bool        `json:"sandbox"`    // made to the version's sandbox
	Parameters []Parameter `json:"parameters"` // what it says, in order; nil: nothing is asked of parameters and dossier
	Dossier    string      `json:"dossier"`    // "": not named

	From  netip.Addr // where it would come from; the zero Addr: from wherever it may
	Level string     // what its person signed in with; "": enough
	At    time.Time  // when; the zero Time: now
}

// Parameter is one parameter of a call with what it says.
type Parameter struct {
	In    string `json:"in"` // path, query, header
	Name  string `json:"name"`
	Value string `json:"value"`
}

// target is what the imagined call is made to, and the operation of it. It
// fails with NotFound.
func (asked Imagined) target(s *snapshot) (*version, *operation, error) {
	v := s.byVersion[asked.Version]
	switch {
	case asked.Sandbox:
		v = findVersion(s.sandboxes, asked.Version)
	case v == nil:
		v = findVersion(s.ended, asked.Version)
	}
	if v == nil {
		return nil, nil, problem.Errorf(problem.NotFound, "version %s is not served", asked.Version)
	}
	o := v.byID[asked.Operation]
	if o == nil {
		return nil, nil, problem.Errorf(problem.NotFound, "version %s has no operation %s", asked.Version, asked.Operation)
	}
	return v, o, nil
}

func findVersion(all map[string]*version, id uuid.UUID) *version {
	for _, v := range all {
		if v.Version == id {
			return v
		}
	}
	return nil
}

// question is what decides the imagined call: what it does not say is as the
// operation asks for.
func (asked Imagined) question(v *version, o *operation, now time.Time) question {
	q := question{version: v, operation: o, application: asked.Application, credential: or(asked.Credential, policy.NoCredential),
		purpose: asked.Purpose, level: asked.Level, address: asked.From, anywhere: !asked.From.IsValid(), now: asked.At}
	if q.level == "" && q.credential == policy.Token {
		q.level = auth.AAL2
	}
	if q.now.IsZero() {
		q.now = now
	}
	return q
}

// request is the call as a program would send it, without body and credential:
// each value plainly encoded.
func (asked Imagined) request(v *version, o *operation) *http.Request {
	path, query, header := o.Path, []string{}, http.Header{}
	for _, p := range asked.Parameters {
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(p.Value))
		case "query":
			query = append(query, url.QueryEscape(p.Name)+"="+url.QueryEscape(p.Value))
		case "header":
			header.Add(p.Name, p.Value)
		}
	}
	path = v.prefix + pathVariable.ReplaceAllLiteralString(path, "") // what is not said is not there
	if asked.Purpose != "" {
		header.Set("LGSP-Purpose", asked.Purpose)
	}
	if asked.Dossier != "" {
		header.Set("LGSP-Dossier", asked.Dossier)
	}
	return &http.Request{Method: o.Method, RequestURI: path, URL: &url.URL{RawQuery: strings.Join(query, "&")}, Header: header, Body: http.NoBody}
}
