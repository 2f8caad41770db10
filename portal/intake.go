package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// intakeRoutes are the steps from a spreadsheet to a dataset. Each has an address
// of its own; what is decided is kept on the server after each.
func (p *Portal) intakeRoutes(r *mux.Router) {
	const all = "/agency/{agency}/prepare"
	r.Handle(all, p.page(p.intakes)).Methods("GET", "HEAD")
	r.Handle(all, p.officialsUpTo(fileLimit, p.takeIntake)).Methods("POST")
	p.intakeUploadRoutes(r, all+"/uploads")
	r.Handle(all+"/{id}", p.page(p.intakeNow)).Methods("GET", "HEAD")
	for step, handlers := range map[string]struct{ form, save pageFunc }{
		"table": {p.intakeTable, p.saveIntakeTable}, "personal": {p.intakePersonal, p.saveIntakePersonal}, "about": {p.intakeAbout, p.saveIntakeAbout},
	} {
		r.Handle(all+"/{id}/"+step, p.page(handlers.form)).Methods("GET", "HEAD")
		r.Handle(all+"/{id}/"+step, p.page(p.typed(step, handlers.save))).Methods("POST")
	}
	r.Handle(all+"/{id}/summary", p.page(p.intakeSummary)).Methods("GET", "HEAD")
	r.Handle(all+"/{id}/make", p.page(p.makeIntake)).Methods("POST")
	r.Handle(all+"/{id}/send", p.page(p.sendIntake)).Methods("POST")
	r.Handle(all+"/{id}/sent", p.page(p.intakeSent)).Methods("GET", "HEAD")
	r.Handle(all+"/{id}/drop", p.page(p.dropIntake)).Methods("POST")
}

// intakeData is the data of the pages of one intake.
type intakeData struct {
	datasetData
	Intake   catalog.Intake
	Step     int              // from 1
	Waits    bool             // work is under way: the page is loaded again
	Why      string           // it was refused or could not be made
	Restored bool             // the form holds what was typed when the session had ended
	List     []catalog.Intake // of the reader, on the first page
	Key      string           // of the file that is chosen next
	Columns  []intakeColumn   // at the steps about them
	Preview  []previewRow     // the first rows
	Tops     []web.Option     // rows that may name the columns
	Places   []web.Option     // what a column can say of places
	Personal []intakePersonal // what looks like personal data
	Shown    *datasetView     // as readers will see it
	Rows     string           // address of the rows, once there is a dataset
	Curl     string           // a call of them
}

// In is an address under the intake.
func (d intakeData) In(step string) string { return d.At("prepare", d.Intake.ID.String(), step) }

// intakeOf finds the intake of the address, of this agency and no other.
func (p *Portal) intakeOf(r *http.Request, step int) (intakeData, error) {
	d, err := p.desk(r)
	if err != nil {
		return intakeData{}, err
	}
	data := intakeData{datasetData: datasetData{desk: d}, Step: step}
	id, err := idIn(r, "id")
	if err != nil {
		return data, err
	}
	if data.Intake, err = p.Catalog.Intake(r.Context(), d.who, id); err != nil {
		return data, err
	}
	if data.Intake.AgencyID != d.Agency.ID {
		return data, problem.Errorf(problem.NotFound, "no intake %s of %s", id, d.Agency.Slug).Coded("intake-unknown")
	}
	data.Waits = data.Intake.State == catalog.IntakeReading || data.Intake.State == catalog.IntakeMaking
	if why := data.Intake.Problem; why != nil {
		told := problem.Field{Code: why.Code, Args: why.Args}
		data.Why = told.Words(localeOf(r))
	}
	return data, nil
}

// intakes answers GET /agency/{agency}/prepare: a file to begin with, and those
// that were begun.
func (p *Portal) intakes(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	data := intakeData{datasetData: datasetData{desk: d}, Step: 1, Key: uuid.Must(uuid.NewV7()).String()}
	if data.List, err = p.Catalog.Intakes(r.Context(), d.who, d.Agency.ID); err != nil {
		return page{}, err
	}
	return page{Name: "agency-intake", Data: data}, nil
}

// takeIntake answers POST /agency/{agency}/prepare: a file that the form
// carries, or one that came in pieces before it. Sent twice it is one.
func (p *Portal) takeIntake(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	id, err := uuid.Parse(r.PostFormValue("upload"))
	if err != nil {
		if id, err = p.fillIntake(r, d); err != nil {
			return again(r, p.intakes, err)
		}
	}
	if _, err := p.Catalog.StartIntake(r.Context(), d.who, id); err != nil {
		return again(r, p.intakes, err)
	}
	return page{To: d.At("prepare", id.String(), "table")}, nil
}

// fillIntake takes the file in the form under the form's key.
func (p *Portal) fillIntake(r *http.Request, d desk) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PostFormValue("key"))
	body, header, missing := r.FormFile("file")
	if err != nil || missing != nil {
		return id, problem.Errorf(problem.Invalid, "no file is chosen").Coded("file-missing").Wrong("file", "file-missing", "choose a file")
	}
	defer body.Close()
	in, err := p.Catalog.BeginIntake(r.Context(), d.who, catalog.NewIntake{ID: id, Agency: d.Agency.ID, FileName: header.Filename, Size: header.Size})
	if err != nil || in.State != catalog.IntakeSending {
		return id, err
	}
	return id, p.Catalog.FillIntake(r.Context(), d.who, in, header.Size, body)
}

// intakeNow answers GET /agency/{agency}/prepare/{id}: the step that is next.
func (p *Portal) intakeNow(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 1)
	if err != nil {
		return page{}, err
	}
	step := "table"
	switch in := data.Intake; {
	case in.State == catalog.IntakeSent:
		step = "sent"
	case in.State == catalog.IntakeMaking || in.State == catalog.IntakeMade || in.State == catalog.IntakeUnmade:
		step = "summary"
	case in.State == catalog.IntakeSending:
		return page{To: data.At("prepare")}, nil
	case in.Described && in.State == catalog.IntakeRead:
		step = "about"
	}
	return page{To: data.In(step)}, nil
}

// dropIntake answers POST …/drop.
func (p *Portal) dropIntake(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 1)
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.DropIntake(r.Context(), data.who, data.Intake.ID); err != nil {
		return again(r, p.intakes, err)
	}
	return page{To: data.At("prepare"), Flash: &web.Flash{Key: "intake.dropped", Args: []string{"name", data.Intake.FileName}}}, nil
}

// typed saves a step. Where the session has ended meanwhile, what was typed is
// kept, and the reader comes back to it after signing in.
func (p *Portal) typed(step string, save pageFunc) pageFunc {
	return func(r *http.Request) (page, error) {
		answer, err := save(r)
		if !problem.Is(err, problem.Unauthorized) || whoever(r).SignedIn() {
			return answer, err
		}
		id, failed := idIn(r, "id")
		if failed != nil {
			return page{}, failed
		}
		if err := p.Catalog.KeepUnsaved(r.Context(), id, step, r.PostForm); err != nil {
			return page{}, err
		}
		return page{To: "/sign-in?next=" + url.QueryEscape(r.URL.Path)}, nil
	}
}

// restored is the page of a step, filled with what was typed before the session
// ended.
func restored(data intakeData, name, step string) (page, error) {
	answer := page{Name: name}
	if typed, ok := data.Intake.Unsaved[step]; ok {
		data.Restored = true
		answer.Form = &web.Form{Values: typed}
	}
	answer.Data = data
	return answer, nil
}

// revisionIn is the revision that a form was made of; 0, which none has, for what
// is no number.
func revisionIn(r *http.Request) (revision int) {
	_, _ = fmt.Sscan(strings.TrimSpace(r.PostFormValue("revision")), &revision) // 0 then
	return revision
}

// intakeUploadRoutes are the protocol of resumable uploads for a file that
// belongs to no dataset yet.
func (p *Portal) intakeUploadRoutes(r *mux.Router, at string) {
	r.Handle(at, problem.HandlerFunc(p.beginIntakeUpload)).Methods("POST")
	for method, do := range map[string]func(sender, http.ResponseWriter, *http.Request, uuid.UUID) error{
		"HEAD": sender.tell, "PATCH": sender.take, "DELETE": sender.drop,
	} {
		r.Handle(at+"/{upload}", problem.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			return tus(w, r, func() error {
				s, _, err := p.intakeSender(r)
				if err != nil {
					return err
				}
				id, err := idIn(r, "upload")
				if err != nil {
					return err
				}
				return do(s, w, r, id)
			})
		})).Methods(method)
	}
}

func (p *Portal) intakeSender(r *http.Request) (sender, desk, error) {
	r, err := p.identified(r)
	if err != nil {
		return sender{}, desk{}, err
	}
	d, err := p.desk(r)
	return sender{Catalog: p.Catalog, who: d.who, at: address(r, d.At("prepare", "uploads"))}, d, err
}

func (p *Portal) beginIntakeUpload(w http.ResponseWriter, r *http.Request) error {
	return tus(w, r, func() error {
		s, d, err := p.intakeSender(r)
		if err != nil {
			return err
		}
		name, size, err := announced(r)
		if err != nil {
			return err
		}
		in, err := p.Catalog.BeginIntake(r.Context(), s.who, catalog.NewIntake{ID: uuid.Must(uuid.NewV7()), Agency: d.Agency.ID, FileName: name, Size: size})
		if err != nil {
			return err
		}
		up, err := p.Catalog.Upload(r.Context(), s.who, in.ID)
		if err != nil {
			return err
		}
		w.Header().Set("Location", s.at+"/"+up.ID.String())
		s.answer(w, up, http.StatusCreated)
		return nil
	})
}
