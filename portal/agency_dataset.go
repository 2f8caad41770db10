package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
	"lgsp/web"
)

// fileLimit is how large the form with a file of a dataset may be, in bytes.
const fileLimit = catalog.MaxUpload + bodyLimit

func (p *Portal) datasetDeskRoutes(r *mux.Router) {
	const set = "/agency/{agency}/datasets/{dataset}"
	r.Handle("/agency/{agency}/datasets/new", p.page(p.datasetForm)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/datasets/new", p.page(p.createDataset)).Methods("POST")
	r.Handle(set, p.page(p.datasetDesk)).Methods("GET", "HEAD")
	r.Handle(set+"/edit", p.page(p.datasetForm)).Methods("GET", "HEAD")
	r.Handle(set+"/edit", p.page(p.editDataset)).Methods("POST")
	r.Handle(set+"/files", p.officialsUpTo(fileLimit, p.addFile)).Methods("POST")
	r.Handle(set+"/files/{file}", p.officialsUpTo(fileLimit, p.replaceFile)).Methods("POST")
	p.uploadRoutes(r, set)
	p.linkRoutes(r, set)
	r.Handle(set+"/files/{file}/columns", p.page(p.columnsForm)).Methods("GET", "HEAD")
	r.Handle(set+"/files/{file}/columns", p.page(p.describeColumns)).Methods("POST")
	p.personalRoutes(r)
	p.anonymityRoutes(r)
	for verb, move := range map[string]datasetMove{
		"submit": func(ctx context.Context, who auth.Principal, id uuid.UUID, _ string) (catalog.Dataset, error) {
			return p.Catalog.SubmitDataset(ctx, who, id)
		},
		"approve": func(ctx context.Context, who auth.Principal, id uuid.UUID, _ string) (catalog.Dataset, error) {
			return p.Catalog.ApproveDataset(ctx, who, id)
		},
		"publish": func(ctx context.Context, who auth.Principal, id uuid.UUID, _ string) (catalog.Dataset, error) {
			return p.Catalog.PublishDataset(ctx, who, id)
		},
		"return": func(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (catalog.Dataset, error) {
			return p.Catalog.ReturnDataset(ctx, who, id, reason)
		},
	} {
		r.Handle(set+"/"+verb, p.page(p.moveDataset(verb, move))).Methods("POST")
	}
	r.Handle(set+"/withdraw", p.page(p.withdrawDataset)).Methods("POST")
}

// officialsUpTo is pageUpTo for officials; everyone else may send no more than
// a form without a file.
func (p *Portal) officialsUpTo(limit int64, h pageFunc) http.Handler {
	large, small := p.pageUpTo(limit, h), p.page(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _, err := p.SessionOf(r)
		if err == nil && len(who.Memberships) > 0 {
			large.ServeHTTP(w, r)
			return
		}
		small.ServeHTTP(w, r)
	})
}

// datasetData is the data of the pages of one dataset of an agency.
type datasetData struct {
	desk
	Dataset     catalog.Dataset   // zero while a new one is described
	Edit        *editView         // pending, of a public one
	ReviewClock *clock            // of a submitted one: until when it is decided
	Submittable []string          // what is still missing before it can be submitted: keys of words
	Personal    []personalPlace   // what looks like personal data, on the dataset's own desk
	Anonymity   []anonymityView   // its tables, on its own desk
	Alike       []catalog.Alike   // public things with the same columns, before it is public itself
	Own         catalog.OwnSchema // what the agency asks for beside
}

// Base is the address of the dataset's desk.
func (d datasetData) Base() string { return d.At("datasets", d.Dataset.Slug) }

// Lines are the words of a list, one a line.
func (datasetData) Lines(words []string) string { return strings.Join(words, "\n") }

// Themes are the themes to choose from, after none.
func (datasetData) Themes(locale, none string) []web.Option {
	return append([]web.Option{{Text: none}}, codes(locale, catalog.Themes())...)
}

// Licences are the licences to choose from.
func (datasetData) Licences(locale string) []web.Option { return codes(locale, catalog.Licences()) }

// Frequencies are how often a dataset may be renewed.
func (datasetData) Frequencies(locale string) []web.Option {
	return codes(locale, catalog.Frequencies())
}

// MayEdit, MayApprove and MayPublish report what the reader may do with the
// agency's datasets.
func (d datasetData) MayEdit() bool { return d.May("dataset.edit") }

// MayApprove is explained at MayEdit.
func (d datasetData) MayApprove() bool { return d.May("dataset.approve") }

// MayPublish is explained at MayEdit.
func (d datasetData) MayPublish() bool { return d.May("dataset.publish") }

// Editable reports whether text and files may be changed now.
func (d datasetData) Editable() bool {
	return d.MayEdit() && d.Dataset.State != catalog.Review && d.Dataset.State != catalog.Approved
}

func codes(locale string, list []catalog.Code) []web.Option {
	options := make([]web.Option, len(list))
	for i, c := range list {
		options[i] = web.Option{Value: c.ID, Text: c.TitleVI}
		if locale == "en" {
			options[i].Text = c.TitleEN
		}
	}
	return options
}

// datasetOf finds the dataset of the address, of this agency and no other.
func (p *Portal) datasetOf(r *http.Request) (datasetData, error) {
	d, err := p.desk(r)
	if err != nil {
		return datasetData{}, err
	}
	data := datasetData{desk: d}
	schema, err := p.Catalog.FieldSchema(r.Context(), d.who, d.Agency.ID)
	if err != nil {
		return data, err
	}
	data.Own = schema.Schema()
	slug, named := mux.Vars(r)["dataset"]
	if !named {
		return data, nil
	}
	if data.Dataset, err = p.Catalog.DatasetBySlug(r.Context(), d.who, slug); err != nil {
		return data, err
	}
	if data.Dataset.AgencyID != d.Agency.ID {
		return data, problem.Errorf(problem.NotFound, "no dataset %s of %s", slug, d.Agency.Slug)
	}
	for _, part := range []struct{ key, value string }{{"notes", data.Dataset.NotesVI}, {"theme", data.Dataset.Theme}} {
		if part.value == "" {
			data.Submittable = append(data.Submittable, part.key)
		}
	}
	if len(data.Dataset.Distributions) == 0 {
		data.Submittable = append(data.Submittable, "file")
	}
	return data, nil
}

// datasetDesk answers GET /agency/{agency}/datasets/{dataset}: its state, its
// files with what was found in them, and what can be done.
func (p *Portal) datasetDesk(r *http.Request) (page, error) {
	data, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	data.Edit = p.editOf(data, localeOf(r))
	if by := data.Dataset.ReviewBy; by != nil {
		clock := p.clockOf(*by)
		data.ReviewClock = &clock
	}
	if data.MayEdit() || data.MayApprove() {
		found, err := p.Catalog.PersonalFindings(r.Context(), data.who, data.Dataset.ID)
		if err != nil {
			return page{}, err
		}
		data.Personal = personalPlaces(data.Dataset, found)
		if data.Anonymity, err = p.anonymityViews(r.Context(), data); err != nil {
			return page{}, err
		}
		if data.Dataset.State != catalog.Published {
			if data.Alike, err = p.Catalog.AlikeDataset(r.Context(), data.who, data.Dataset.ID); err != nil {
				return page{}, err
			}
		}
	}
	return page{Name: "agency-dataset", Data: data}, nil
}

// datasetForm answers GET …/datasets/new and …/{dataset}/edit.
func (p *Portal) datasetForm(r *http.Request) (page, error) {
	data, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Catalog.May(r.Context(), data.who, "dataset.edit", data.Agency.ID); err != nil {
		return page{}, err
	}
	if data.Dataset.Slug == "" {
		p.beginText(data.desk, &data.Dataset.DatasetText)
	}
	if data.Dataset.Edit != nil { // goes on from what was proposed
		data.Dataset.DatasetText = data.Dataset.Edit.Text
	}
	return page{Name: "agency-dataset-form", Data: data}, nil
}

// beginText fills in what most datasets of an agency are described by.
func (p *Portal) beginText(d desk, t *catalog.DatasetText) {
	t.ContactName, t.ContactEmail, t.ContactPhone = d.Agency.FocalName, d.Agency.FocalEmail, d.Agency.FocalPhone
	t.Licence, t.Frequency = catalog.Licences()[0].ID, catalog.Frequencies()[0].ID
	t.AccessRights, t.Languages = catalog.AccessPublic, []string{catalog.Languages()[0].ID}
}

// createDataset answers POST …/datasets/new.
func (p *Portal) createDataset(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	text, err := datasetText(r)
	if err != nil {
		return again(r, p.datasetForm, err)
	}
	set, err := p.Catalog.CreateDataset(r.Context(), d.who, d.Agency.ID, text)
	if err != nil {
		return again(r, p.datasetForm, err)
	}
	return page{To: d.At("datasets", set.Slug), Flash: &web.Flash{Key: "agency.dataset-created"}}, nil
}

// editDataset answers POST …/{dataset}/edit.
func (p *Portal) editDataset(r *http.Request) (page, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	text, err := datasetText(r)
	if err != nil {
		return again(r, p.datasetForm, err)
	}
	set, err := p.Catalog.EditDataset(r.Context(), d.who, d.Dataset.ID, text)
	if err != nil {
		return again(r, p.datasetForm, err)
	}
	if set.Edit != nil {
		return page{To: d.Base(), Flash: &web.Flash{Key: "workflow.proposed"}}, nil
	}
	return page{To: d.At("datasets", set.Slug), Flash: &web.Flash{Key: "agency.dataset-saved"}}, nil
}

// datasetMove changes the state of a dataset; some moves need a reason.
type datasetMove func(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (catalog.Dataset, error)

// moveDataset answers POST …/{dataset}/{verb}.
func (p *Portal) moveDataset(verb string, move datasetMove) pageFunc {
	return func(r *http.Request) (page, error) {
		d, err := p.datasetOf(r)
		if err != nil {
			return page{}, err
		}
		if _, err := move(r.Context(), d.who, d.Dataset.ID, r.PostFormValue("reason")); err != nil {
			return again(r, p.datasetDesk, err)
		}
		return page{To: d.Base(), Flash: &web.Flash{Key: "agency.dataset-done-" + verb}}, nil
	}
}

// withdrawDataset answers POST …/{dataset}/withdraw.
func (p *Portal) withdrawDataset(r *http.Request) (page, error) {
	return p.moveDataset("withdraw", func(ctx context.Context, who auth.Principal, id uuid.UUID, reason string) (catalog.Dataset, error) {
		return p.Catalog.WithdrawFor(ctx, who, id, catalog.Withdrawal{Reason: reason, ReplacedBy: r.PostFormValue("replaced_by")})
	})(r)
}

// columnsData is the data of the page "agency-columns".
type columnsData struct {
	datasetData
	File    catalog.Distribution
	Columns []catalog.Column
	Places  []web.Option // what a column can say of places
}

// columnsForm answers GET …/files/{file}/columns: the data dictionary.
func (p *Portal) columnsForm(r *http.Request) (page, error) {
	data := columnsData{}
	var err error
	if data.datasetData, data.File, err = p.fileOf(r); err != nil {
		return page{}, err
	}
	if data.Places, err = p.columnPlaces(localeOf(r)); err != nil {
		return page{}, err
	}
	data.Columns, err = p.Catalog.Columns(r.Context(), data.who, data.File.ID)
	return page{Name: "agency-columns", Data: data}, err
}

// fileOf finds the file of the address in its dataset.
func (p *Portal) fileOf(r *http.Request) (datasetData, catalog.Distribution, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return d, catalog.Distribution{}, err
	}
	id, err := idIn(r, "file")
	if err != nil {
		return d, catalog.Distribution{}, err
	}
	i := slices.IndexFunc(d.Dataset.Distributions, func(f catalog.Distribution) bool { return f.ID == id })
	if i < 0 {
		return d, catalog.Distribution{}, problem.Errorf(problem.NotFound, "no file %s of %s", id, d.Dataset.Slug)
	}
	return d, d.Dataset.Distributions[i], nil
}

// describeColumns answers POST …/files/{file}/columns.
func (p *Portal) describeColumns(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	columns, err := p.Catalog.Columns(r.Context(), d.who, file.ID)
	if err != nil {
		return page{}, err
	}
	for i := range columns {
		c := &columns[i]
		c.TitleVI, c.TitleEN = r.PostFormValue("title_vi."+c.Key), r.PostFormValue("title_en."+c.Key)
		c.NotesVI, c.NotesEN = r.PostFormValue("notes_vi."+c.Key), r.PostFormValue("notes_en."+c.Key)
		c.Unit, c.Place = r.PostFormValue("unit."+c.Key), r.PostFormValue("place."+c.Key)
	}
	if err := p.Catalog.DescribeColumns(r.Context(), d.who, file.ID, columns); err != nil {
		return again(r, p.columnsForm, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "agency.columns-saved"}}, nil
}

// addFile answers POST …/{dataset}/files.
func (p *Portal) addFile(r *http.Request) (page, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	return p.takeFile(r, d, func(up catalog.Upload) (catalog.Distribution, error) {
		return p.Catalog.AddDistribution(r.Context(), d.who, d.Dataset.ID, up)
	})
}

// replaceFile answers POST …/files/{file}: a newer version of the file.
func (p *Portal) replaceFile(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	return p.takeFile(r, d, func(up catalog.Upload) (catalog.Distribution, error) {
		return p.Catalog.ReplaceFile(r.Context(), d.who, file.ID, up)
	})
}

// takeFile hands the uploaded file to keep: one that the form carries, or one
// that has come in pieces before it.
func (p *Portal) takeFile(r *http.Request, d datasetData, keep func(catalog.Upload) (catalog.Distribution, error)) (page, error) {
	if id, err := uuid.Parse(r.PostFormValue("upload")); err == nil {
		part, err := keep(catalog.Upload{TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"), Incoming: id})
		if err != nil {
			return again(r, p.datasetDesk, err)
		}
		return page{To: d.Base(), Flash: &web.Flash{Key: "agency.file-taken", Args: []string{"name", part.FileName}}}, nil
	}
	body, header, err := r.FormFile("file")
	if err != nil {
		return again(r, p.datasetDesk, problem.Errorf(problem.Invalid, "no file is chosen").Coded("file-missing").
			Wrong("file", "file-missing", "choose a file"))
	}
	defer body.Close()
	up := catalog.Upload{TitleVI: r.PostFormValue("title_vi"), TitleEN: r.PostFormValue("title_en"), FileName: header.Filename, Body: body}
	if _, err := keep(up); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "agency.file-taken", Args: []string{"name", header.Filename}}}, nil
}
