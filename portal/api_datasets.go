package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

func (a *API) datasetRoutes(r routes) {
	r.get("/datasets", a.listDatasets)
	r.post("/datasets", a.createDataset)
	r.get("/datasets/{slug}", a.showDataset)
	r.put("/datasets/{slug}", a.editDataset)
	r.post("/datasets/{slug}/submit", a.submitDataset)
	r.post("/datasets/{slug}/approve", a.approveDataset)
	r.post("/datasets/{slug}/return", a.returnDataset)
	r.post("/datasets/{slug}/publish", a.publishDataset)
	r.post("/datasets/{slug}/withdraw", a.withdrawDataset)
	r.on(http.MethodPost, "/datasets/{slug}/distributions", a.addDistribution)
	r.put("/datasets/{slug}/distributions/{id}/file", a.replaceFile)
	a.uploadRoutes(r)
	a.linkRoutes(r)
	r.get("/datasets/{slug}/distributions/{id}/versions", a.showVersions)
	r.get("/datasets/{slug}/distributions/{id}/columns", a.showColumns)
	r.put("/datasets/{slug}/distributions/{id}/columns", a.describeColumns)
	r.get("/datasets/{slug}/distributions/{id}/rows", a.rows)
	r.get("/datasets/{slug}/distributions/{id}/rows/openapi.json", a.describeRows)
	r.get("/themes", a.listThemes)
	r.get("/licences", a.listLicences)
}

// listDatasets answers GET /datasets.
//
//	@Summary	Published datasets, newest first; of one agency, also those its people work on
//	@Tags		datasets
//	@Param		agency	query		string	false	"id of an agency"
//	@Param		state	query		string	false	"draft, review, approved, published, withdrawn"
//	@Param		theme	query		string	false	"code"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	items[catalog.Dataset]
//	@Router		/datasets [get]
func (a *API) listDatasets(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r, "agency", "state", "theme", "limit", "after")
	if err != nil {
		return err
	}
	f := catalog.DatasetFilter{State: values.Get("state"), Theme: values.Get("theme"), After: values.Get("after")}
	if f.Agency, err = idOf(values, "agency"); err != nil {
		return err
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[catalog.Dataset], error) {
		list, next, err := a.Catalog.ListDatasets(ctx, who, f)
		return items[catalog.Dataset]{list, next}, err
	})
}

// newDataset is a dataset to be begun.
type newDataset struct {
	Agency uuid.UUID `json:"agency"` // the publisher
	catalog.DatasetText
}

// createDataset answers POST /datasets.
//
//	@Summary	Begin a dataset of an agency, as a draft
//	@Tags		datasets
//	@Security	bearer
//	@Param		body	body		newDataset	true	"what is written about it"
//	@Success	201		{object}	catalog.Dataset
//	@Router		/datasets [post]
func (a *API) createDataset(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n newDataset) (catalog.Dataset, string, error) {
		d, err := a.Catalog.CreateDataset(ctx, who, n.Agency, n.DatasetText)
		return d, "/datasets/" + d.Slug, err
	})
}

// showDataset answers GET /datasets/{slug}.
//
//	@Summary	One dataset with its distributions
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug} [get]
func (a *API) showDataset(w http.ResponseWriter, r *http.Request) error {
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (catalog.Dataset, error) {
		return a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
	})
}

// onDataset runs a change of the dataset whose slug stands in the path.
func (a *API) onDataset(w http.ResponseWriter, r *http.Request,
	do func(context.Context, auth.Principal, uuid.UUID) (catalog.Dataset, error)) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	d, err := a.Catalog.DatasetBySlug(r.Context(), who, mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	if err := ifMatch(r, d); err != nil {
		return err
	}
	if d, err = do(r.Context(), who, d.ID); err != nil {
		return err
	}
	return answer(w, r, d)
}

// editDataset answers PUT /datasets/{slug}.
//
//	@Summary	Replace what is written about a dataset; of a public one it waits as its edit until a steward approves it
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string				true	"slug"
//	@Param		body	body		catalog.DatasetText	true	"what is written about it"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug} [put]
func (a *API) editDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		text, err := decode[catalog.DatasetText](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.EditDataset(ctx, who, id, text)
	})
}

// submitDataset answers POST /datasets/{slug}/submit.
//
//	@Summary	Put a draft up for review
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/submit [post]
func (a *API) submitDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, a.Catalog.SubmitDataset)
}

// approveDataset answers POST /datasets/{slug}/approve.
//
//	@Summary	Approve a dataset that someone else submitted
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/approve [post]
func (a *API) approveDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, a.Catalog.ApproveDataset)
}

// reasoned runs a change of a dataset that needs a reason.
func (a *API) reasoned(w http.ResponseWriter, r *http.Request,
	do func(context.Context, auth.Principal, uuid.UUID, string) (catalog.Dataset, error)) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		why, err := decode[remark](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return do(ctx, who, id, why.Text)
	})
}

// returnDataset answers POST /datasets/{slug}/return.
//
//	@Summary	Give a dataset back to its authors, with the reason
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Param		body	body		remark	true	"the reason"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/return [post]
func (a *API) returnDataset(w http.ResponseWriter, r *http.Request) error {
	return a.reasoned(w, r, a.Catalog.ReturnDataset)
}

// publishDataset answers POST /datasets/{slug}/publish.
//
//	@Summary	Make an approved dataset public
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/publish [post]
func (a *API) publishDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, a.Catalog.PublishDataset)
}

// withdrawDataset answers POST /datasets/{slug}/withdraw.
//
//	@Summary	Take a dataset back from the public, with the reason
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Param		body	body		withdrawal	true	"the reason, for everyone to read, and what replaces it"
//	@Success	200		{object}	catalog.Dataset
//	@Router		/datasets/{slug}/withdraw [post]
func (a *API) withdrawDataset(w http.ResponseWriter, r *http.Request) error {
	return a.onDataset(w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Dataset, error) {
		why, err := decode[withdrawal](w, r)
		if err != nil {
			return catalog.Dataset{}, err
		}
		return a.Catalog.WithdrawFor(ctx, who, id, catalog.Withdrawal{Reason: why.Text, ReplacedBy: why.ReplacedBy})
	})
}

// withdrawal is why a dataset is withdrawn.
type withdrawal struct {
	remark
	ReplacedBy string `json:"replaced_by,omitempty"` // slug of a public dataset that takes its place
}

// uploadOf takes a file that is the request's body, its name in ?filename=, or
// one that has come in pieces, its id in ?upload=.
func uploadOf(w http.ResponseWriter, r *http.Request) (catalog.Upload, error) {
	values, err := query(r, "filename", "title_vi", "title_en", "upload")
	if err != nil {
		return catalog.Upload{}, err
	}
	up := catalog.Upload{TitleVI: values.Get("title_vi"), TitleEN: values.Get("title_en")}
	if values.Get("upload") != "" {
		up.Incoming, err = idOf(values, "upload")
		return up, err
	}
	up.FileName, up.Body = values.Get("filename"), http.MaxBytesReader(w, r.Body, catalog.MaxUpload+1) // the room says what is too large
	return up, nil
}

// addDistribution answers POST /datasets/{slug}/distributions.
//
//	@Summary	Add a file to a dataset; a table becomes rows behind an API
//	@Tags		datasets
//	@Security	bearer
//	@Accept		octet-stream
//	@Param		slug		path		string	true	"slug"
//	@Param		filename	query		string	false	"of the body; its ending tells the format: csv, tsv, json, xlsx …"
//	@Param		upload		query		string	false	"id of an upload that has come whole, in place of filename and body"
//	@Param		title_vi	query		string	false	"title"
//	@Param		title_en	query		string	false	"title"
//	@Param		body		body		string	false	"the file, at most 1 GiB"
//	@Success	201			{object}	catalog.Distribution
//	@Router		/datasets/{slug}/distributions [post]
func (a *API) addDistribution(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	upload, err := uploadOf(w, r)
	if err != nil {
		return err
	}
	d, err := a.Catalog.DatasetBySlug(r.Context(), who, mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	made, err := a.Catalog.AddDistribution(r.Context(), who, d.ID, upload)
	if err != nil {
		return err
	}
	return created(w, "/datasets/"+d.Slug+"/distributions/"+made.ID.String()+"/rows", made)
}

// replaceFile answers PUT /datasets/{slug}/distributions/{id}/file.
//
//	@Summary	Give a distribution a new file; the old one stays as an earlier version
//	@Tags		datasets
//	@Security	bearer
//	@Accept		octet-stream
//	@Param		slug		path		string	true	"slug"
//	@Param		id			path		string	true	"id of the distribution"
//	@Param		filename	query		string	false	"name of the file in the body"
//	@Param		upload		query		string	false	"id of an upload that has come whole, in place of filename and body"
//	@Param		body		body		string	false	"the file, at most 1 GiB"
//	@Success	200			{object}	catalog.Distribution
//	@Router		/datasets/{slug}/distributions/{id}/file [put]
func (a *API) replaceFile(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (catalog.Distribution, error) {
		upload, err := uploadOf(w, r)
		if err != nil {
			return catalog.Distribution{}, err
		}
		return a.Catalog.ReplaceFile(ctx, who, id, upload)
	})
}

// showVersions answers GET /datasets/{slug}/distributions/{id}/versions.
//
//	@Summary	The files of a distribution, newest first, and what became of a table from one to the next
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Success	200		{object}	items[catalog.FileVersion]
//	@Router		/datasets/{slug}/distributions/{id}/versions [get]
func (a *API) showVersions(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.FileVersion], error) {
		list, err := a.Catalog.FileVersions(ctx, who, id)
		return items[catalog.FileVersion]{Items: list}, err
	})
}

// showColumns answers GET /datasets/{slug}/distributions/{id}/columns.
//
//	@Summary	The data dictionary: columns with types, meaning and unit
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Success	200		{object}	items[catalog.Column]
//	@Router		/datasets/{slug}/distributions/{id}/columns [get]
func (a *API) showColumns(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Column], error) {
		list, err := a.Catalog.Columns(ctx, who, id)
		return items[catalog.Column]{Items: list}, err
	})
}

// describeColumns answers PUT /datasets/{slug}/distributions/{id}/columns.
//
//	@Summary	Say what columns mean; it stays when the file is replaced
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string				true	"slug"
//	@Param		id		path		string				true	"id of the distribution"
//	@Param		body	body		[]catalog.Column	true	"the columns that are described"
//	@Success	200		{object}	items[catalog.Column]
//	@Router		/datasets/{slug}/distributions/{id}/columns [put]
func (a *API) describeColumns(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, columns []catalog.Column) (items[catalog.Column], error) {
		if err := a.Catalog.DescribeColumns(ctx, who, id, columns); err != nil {
			return items[catalog.Column]{}, err
		}
		list, err := a.Catalog.Columns(ctx, who, id)
		return items[catalog.Column]{Items: list}, err
	})
}

// rows answers GET /datasets/{slug}/distributions/{id}/rows.
//
//	@Summary		Rows of an open dataset: filtered, sorted, grouped, page by page or as a file
//	@Description	Filters are named after a column: col__exact, col__contains, col__in, col__less, col__greater, col__isnull.
//	@Tags			datasets
//	@Param			slug	path		string	true	"slug"
//	@Param			id		path		string	true	"id of the distribution"
//	@Param			sort	query		string	false	"columns, a minus before it: descending"
//	@Param			group	query		string	false	"columns to group by"
//	@Param			columns	query		string	false	"columns to answer"
//	@Param			limit	query		int		false	"rows a page"
//	@Param			after	query		string	false	"next of the page before"
//	@Param			total	query		bool	false	"count the rows that the filters leave, up to 100,000"
//	@Param			format	query		string	false	"json (a page), or all rows as csv, csv-excel, xlsx, jsonl, parquet, geojson"
//	@Success		200		{object}	rows.Answer
//	@Router			/datasets/{slug}/distributions/{id}/rows [get]
func (a *API) rows(w http.ResponseWriter, r *http.Request) error {
	who, err := a.who(r)
	if err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	values := r.URL.Query()
	format := values.Get("format")
	if format == "" || format == "json" {
		page, err := a.Catalog.QueryRows(r.Context(), who, id, values)
		if err != nil {
			return err
		}
		a.Catalog.CountUse(catalog.Use{Kind: catalog.UseRows, Part: id})
		return answer(w, r, page)
	}
	file, err := downloadOf(w, mux.Vars(r)["slug"], format)
	if err != nil {
		return err
	}
	if err := file.end(a.Catalog.ExportRows(r.Context(), who, id, values, file)); err != nil {
		return err
	}
	countDownload(a.Catalog, r, catalog.Use{Part: id})
	return nil
}

// describeRows answers GET /datasets/{slug}/distributions/{id}/rows/openapi.json.
//
//	@Summary	The rows of one table as an API of their own: its columns, types and comparisons, in OpenAPI 3.0
//	@Tags		datasets
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Success	200		{object}	map[string]any
//	@Router		/datasets/{slug}/distributions/{id}/rows/openapi.json [get]
func (a *API) describeRows(w http.ResponseWriter, r *http.Request) error {
	slug := mux.Vars(r)["slug"]
	w.Header().Add("Vary", "Accept-Language")
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (map[string]any, error) {
		address := a.Origin + "/api/v1/datasets/" + slug + "/distributions/" + id.String()
		return a.Catalog.DescribeRows(ctx, who, id, address, problem.Locale(r))
	})
}

// download sends its headers with the first byte, so that a failure before it
// is a proper problem.
type download struct {
	http.ResponseWriter
	kind, name string
	begun      bool
}

// downloadOf is a dataset's rows as a file in a form of rows.Formats, or
// Invalid when there is no such form.
func downloadOf(w http.ResponseWriter, slug, format string) (*download, error) {
	form, err := rows.FormatOf(format)
	return &download{ResponseWriter: w, kind: form.MediaType, name: slug + form.Ending}, err
}

func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.head()
	}
	return d.ResponseWriter.Write(p)
}

func (d *download) head() {
	d.Header().Set("Content-Type", d.kind)
	d.Header().Set("Content-Disposition", attachment(d.name))
}

// end gives back err as long as nothing has been sent. Later the connection
// is broken, so that the reader does not take a part for the whole.
func (d *download) end(err error) error {
	if err != nil && d.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// listThemes answers GET /themes.
//
//	@Summary	The themes of datasets
//	@Tags		datasets
//	@Success	200	{object}	items[catalog.Code]
//	@Router		/themes [get]
func (a *API) listThemes(w http.ResponseWriter, r *http.Request) error {
	return answer(w, r, items[catalog.Code]{Items: catalog.Themes()})
}

// listLicences answers GET /licences.
//
//	@Summary	The licences of datasets
//	@Tags		datasets
//	@Success	200	{object}	items[catalog.Code]
//	@Router		/licences [get]
func (a *API) listLicences(w http.ResponseWriter, r *http.Request) error {
	return answer(w, r, items[catalog.Code]{Items: catalog.Licences()})
}
