package portal

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/internal/jobs"
	"lgsp/internal/problem"
	"lgsp/web"
)

// OperatorRoom is what the operator's pages, and /api/v1 beside them, need of
// the process itself. Who may ask is asked of the policy before.
type OperatorRoom struct {
	// Settings are those of this process, in force since it started.
	Settings []Setting

	// Jobs is how the work beside the requests stands, and JobAgain has work that
	// failed done once more, in one transaction with its ledger entry.
	Jobs     func(ctx context.Context) ([]jobs.Standing, []jobs.Failure, error)
	JobAgain func(ctx context.Context, who auth.Principal, id int64) error

	// Certificate is when that of the doors ends, the zero time without one;
	// ClientCertificates are those shown to upstreams that end within some days.
	Certificate        func() time.Time
	ClientCertificates func(ctx context.Context, within time.Duration) ([]gateway.EndingCertificate, error)
}

// Setting is one LGSP_ variable as it is in force.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`  // "" of a secret, and of one that is not set and has no default
	Source string `json:"source"` // environment, file (LGSP_CONFIG), secret-file (NAME_FILE), default
	Secret bool   `json:"secret"` // its value is never told
	Set    bool   `json:"set"`    // by somebody, whatever the source
	Unused bool   `json:"unused"` // what it is about is off
}

// operatorRoomRoutes are the parts of the operator's room that were one page.
func (p *Portal) operatorRoomRoutes(r *mux.Router) {
	r.Handle("/operator/rules", p.page(p.rules)).Methods("GET", "HEAD")
	r.Handle("/operator/settings", p.page(p.settingsPage)).Methods("GET", "HEAD")
	r.Handle("/operator/jobs", p.page(p.jobsPage)).Methods("GET", "HEAD")
	r.Handle("/operator/jobs/{id}/again", p.page(p.jobAgain)).Methods("POST")
	r.Handle("/operator/code-lists", p.page(p.codeLists)).Methods("GET", "HEAD")
	r.Handle("/operator/code-lists", p.page(p.addCodeList)).Methods("POST")
	r.Handle("/operator/code-lists/{list}", p.page(p.codeList)).Methods("GET", "HEAD")
	r.Handle("/operator/code-lists/{list}/preview", p.page(p.previewCodes)).Methods("POST")
	r.Handle("/operator/code-lists/{list}/import", p.page(p.importCodes)).Methods("POST")
	r.Handle("/operator/accounts", p.page(p.accounts)).Methods("GET", "HEAD")
	r.Handle("/operator/accounts/{person}", p.page(p.personPage)).Methods("GET", "HEAD")
	r.Handle("/operator/accounts/{person}/{step:sessions|lock|unlock|remove}", p.page(p.moveAccount)).Methods("POST")
}

// inForceData is the data of the page "operator-settings".
type inForceData struct {
	Settings []Setting
	Only     bool // only those that somebody set
	Set, All int
}

// settingsPage answers GET /operator/settings.
func (p *Portal) settingsPage(r *http.Request) (page, error) {
	if _, err := p.readsPlatform(r); err != nil {
		return page{}, err
	}
	data := inForceData{Only: r.URL.Query().Get("only") == "set", All: len(p.Room.Settings)}
	for _, s := range p.Room.Settings {
		if s.Set {
			data.Set++
		}
		if s.Set || !data.Only {
			data.Settings = append(data.Settings, s)
		}
	}
	return page{Name: "operator-settings", Data: data}, nil
}

// jobsData is the data of the page "operator-jobs".
type jobsData struct {
	Kinds    []jobs.Standing
	Failures []jobs.Failure
	Edits    bool
}

// jobsPage answers GET /operator/jobs.
func (p *Portal) jobsPage(r *http.Request) (page, error) {
	who, err := p.readsPlatform(r)
	if err != nil {
		return page{}, err
	}
	data := jobsData{Edits: p.Policy.May(r.Context(), who, "job.edit", uuid.Nil) == nil}
	data.Kinds, data.Failures, err = p.Room.Jobs(r.Context())
	return page{Name: "operator-jobs", Data: data}, err
}

// jobAgain answers POST /operator/jobs/{id}/again.
func (p *Portal) jobAgain(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := jobID(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Room.JobAgain(r.Context(), who, id); err != nil {
		return page{}, err
	}
	return page{To: "/operator/jobs", Flash: &web.Flash{Key: "room.job-asked"}}, nil
}

// jobID is the number in the address; a text that is none is no job.
func jobID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(mux.Vars(r)["id"], 10, 64)
	if err != nil {
		return 0, problem.Errorf(problem.NotFound, "no such job").Coded("job-unknown")
	}
	return id, nil
}

// nounOf is what an act is about: of api.edit, api.
func nounOf(act string) string {
	noun, _, _ := strings.Cut(act, ".")
	return noun
}
