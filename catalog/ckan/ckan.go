// Package ckan answers the clients of CKAN: its Action API v3, the DataStore's
// reads and dumps, over the catalogue's own datasets, files and rows.
package ckan

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Version is the version of CKAN whose API this is; clients branch on it.
const Version = "2.11.5"

// Server is the Action API. Its zero value lacks everything.
type Server struct {
	DB      pg.DB
	Now     func() time.Time // time.Now outside tests
	Catalog *catalog.Catalog

	Origin                 string // public, without a slash at the end
	TitleVI, DescriptionVI string // of the site

	// Organizations are the agencies of those ids; an unknown id is left out.
	// EveryOrganization lists them all.
	Organizations     func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Organization, error)
	EveryOrganization func(ctx context.Context) ([]Organization, error)

	// Who is whom a token stands for: Unauthorized when for nobody.
	Who func(r *http.Request, token string) (auth.Principal, error)
}

// Organization is an agency, as the rooms outside know it.
type Organization struct {
	ID          uuid.UUID
	Slug        string
	TitleVI     string
	Description string
	Created     time.Time
}

// Routes adds the addresses of CKAN's clients.
func (s *Server) Routes(r *mux.Router) {
	r.Path("/api/3").HandlerFunc(version)
	r.Path("/api/3/").HandlerFunc(version)
	for _, path := range []string{"/api/3/action/{name}", "/api/action/{name}"} {
		r.Path(path).HandlerFunc(s.serveAction)
		r.Path(path + "/").HandlerFunc(s.serveAction)
	}
	r.Path("/api/2/util/dataset/autocomplete").Methods("GET", "HEAD", "OPTIONS").HandlerFunc(s.serveIncomplete)
	r.Path("/datastore/dump/{id}").Methods("GET", "HEAD", "OPTIONS").HandlerFunc(s.serveDump)
	for _, path := range []string{"/api/3/", "/api/action/", "/api/2/", "/datastore/"} {
		r.PathPrefix(path).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { bare(w, http.StatusNotFound, "Not found") })
	}
}

// open lets any page of the web read: no cookie counts here.
func open(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, X-CKAN-API-Key, Content-Type")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Authorization, X-CKAN-API-Key")
}

func version(w http.ResponseWriter, _ *http.Request) {
	bare(w, http.StatusOK, map[string]int{"version": 3})
}

// bare answers with a JSON value that has no envelope.
func bare(w http.ResponseWriter, status int, value any) {
	open(w)
	send(w, status, value)
}

// send answers with a value as CKAN's clients expect it: some stop at any
// other media type.
func send(w http.ResponseWriter, status int, value any) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		status = http.StatusInternalServerError
		out.Reset()
		out.WriteString(`"Internal server error"` + "\n")
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(out.String())) // the caller may have gone
}

// envelope is what every action answers.
type envelope struct {
	Help    string `json:"help"`
	Success bool   `json:"success"`
	Result  any    `json:"result"`
}

// refusal is what an action answers when it cannot.
type refusal struct {
	Help    string         `json:"help"`
	Success bool           `json:"success"`
	Error   map[string]any `json:"error"`
}

func (s *Server) help(name string) string {
	return s.Origin + "/api/3/action/help_show?name=" + name
}

// serveAction answers GET and POST /api/3/action/{name} and /api/action/{name}.
func (s *Server) serveAction(w http.ResponseWriter, r *http.Request) {
	open(w)
	name := mux.Vars(r)["name"]
	do, known := actions()[name]
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return
	case !known:
		bare(w, http.StatusBadRequest, "Bad request: Action name not known: "+name)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS, POST")
		bare(w, http.StatusMethodNotAllowed, "Method not allowed")
		return
	}
	c := call{name: name, ctx: r.Context()}
	defer c.close()
	who, err := s.caller(r)
	if err != nil {
		s.fail(w, r, name, err)
		return
	}
	c.who = who
	if do.writes && !who.SignedIn() && r.Method == http.MethodPost {
		s.fail(w, r, name, denied("a token is needed; send it in the header Authorization"))
		return
	}
	if do.writes && who.Needs != "" {
		s.fail(w, r, name, denied("an official's roles ask for a token that was made after a sign-in with two factors"))
		return
	}
	if err := c.read(w, r, do); err != nil {
		problem.Log(r, problem.Errorf(problem.Invalid, "the parameters cannot be read"))
		bare(w, http.StatusBadRequest, "Bad request: "+err.Error())
		return
	}
	result, err := do.run(s, &c)
	if err != nil {
		s.fail(w, r, name, err)
		return
	}
	send(w, http.StatusOK, envelope{s.help(name), true, result})
}

// caller is who sends a token, raw or as Bearer, in Authorization or in
// X-CKAN-API-Key. As in CKAN, a token that is nobody's reads like nobody.
func (s *Server) caller(r *http.Request) (auth.Principal, error) {
	for _, name := range []string{"Authorization", "X-CKAN-API-Key"} {
		token := strings.TrimSpace(r.Header.Get(name))
		if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, auth.BearerScheme) {
			token = strings.TrimSpace(rest)
		}
		if token == "" {
			continue
		}
		who, err := s.Who(r, token)
		if err == nil || !problem.Is(err, problem.Unauthorized) {
			return who, err
		}
	}
	return auth.Principal{}, nil
}

// fail answers with the error that an action returned.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	var f *failure
	if !errors.As(err, &f) {
		e := problem.Of(pg.WhenAway(err))
		if e == nil {
			return // the caller has gone
		}
		problem.Log(r, e)
		f = failureOf(e)
	}
	send(w, f.status, refusal{s.help(name), false, f.body()})
}
