package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lgsp/catalog"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
	"lgsp/web"
)

// intakeColumn is a column at the step that says what becomes of it.
type intakeColumn struct {
	catalog.IntakeColumn
	At     int
	Empty  bool
	Types  []typeChoice
	Lean   rows.Type   // what most cells are, where the column is text
	Sample string      // of its first cells
	Misses []rows.Cell // cells that are not of its type, or of Lean
	More   int64       // such cells that are not shown
}

// Against is the type that the misses are held against.
func (c intakeColumn) Against() rows.Type {
	if c.Type == rows.Text && c.Lean != "" {
		return c.Lean
	}
	return c.Type
}

// Explained reports whether the column's further fields are in use.
func (c intakeColumn) Explained() bool { return c.NotesVI != "" || c.Unit != "" || c.Place != "" }

// sampleOf is what the first cells of a column hold, each once.
func sampleOf(first []rows.Line, column int) string {
	var seen []string
	for _, line := range first {
		if column >= len(line.Cells) || line.Cells[column] == "" || slices.Contains(seen, line.Cells[column]) {
			continue
		}
		if seen = append(seen, cut(line.Cells[column], 40)); len(seen) == 3 {
			break
		}
	}
	return strings.Join(seen, " · ")
}

// typeChoice is a type with how many cells are not of it.
type typeChoice struct {
	Type    rows.Type
	Misfits int64
}

// previewRow is one of the first rows; Number is the spreadsheet's.
type previewRow struct {
	Number int64
	Cells  []previewCell
}

// previewCell is a cell of it; Wrong names the type that it is not of.
type previewCell struct {
	Text  string
	Wrong rows.Type
	Out   bool // of a column that is left out
}

// see fills in the columns and the first rows of an intake that was read.
func (d *intakeData) see() {
	found := d.Intake.Found
	if found == nil {
		return
	}
	for i, c := range d.Intake.Plan.Columns {
		if i >= len(found.Columns) {
			break
		}
		f := found.Columns[i]
		column := intakeColumn{IntakeColumn: c, At: i, Empty: f.Filled == 0, Lean: f.Leaning, Sample: sampleOf(found.First, i)}
		for _, t := range rows.Types() {
			column.Types = append(column.Types, typeChoice{t, f.Misfits(t)})
		}
		column.Misses = f.Misses[column.Against()]
		column.More = f.Misfits(column.Against()) - int64(len(column.Misses))
		d.Columns = append(d.Columns, column)
	}
	for _, line := range found.First {
		row := previewRow{Number: line.Row}
		for i, c := range d.Columns {
			cell := previewCell{Out: c.Drop}
			if i < len(line.Cells) {
				cell.Text = line.Cells[i]
				if against := (rows.Planned{Type: c.Against(), Notation: c.Notation}); !c.Drop && !against.Fits(cell.Text) {
					cell.Wrong = against.Type
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		d.Preview = append(d.Preview, row)
	}
	for _, line := range found.Tops {
		text := ""
		for _, c := range line.Cells {
			if c != "" {
				text += " · " + c
			}
		}
		d.Tops = append(d.Tops, web.Option{Value: fmt.Sprint(line.Row), Text: fmt.Sprintf("%d%s", line.Row, cut(text, 90))})
	}
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// intakeTable answers GET …/table: what was found, and what becomes of it. While
// the file is read it says how far that is.
func (p *Portal) intakeTable(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 2)
	if err != nil {
		return page{}, err
	}
	if data.Intake.State == catalog.IntakeSending || data.Intake.State == catalog.IntakeSent {
		return p.intakeNow(r)
	}
	data.see()
	if data.Places, err = p.columnPlaces(localeOf(r)); err != nil {
		return page{}, err
	}
	return restored(data, "agency-intake-table", "table")
}

// saveIntakeTable answers POST …/table.
func (p *Portal) saveIntakeTable(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 2)
	if err != nil {
		return page{}, err
	}
	plan := catalog.IntakePlan{Sheet: r.PostFormValue("sheet"), Columns: make([]catalog.IntakeColumn, len(data.Intake.Plan.Columns))}
	for name, into := range map[string]*int64{"header": &plan.Header, "last": &plan.Last} {
		n, err := strconv.ParseInt(r.PostFormValue(name), 10, 64)
		if r.PostFormValue(name) != "" && (err != nil || n < 0) {
			return again(r, p.intakeTable, problem.Errorf(problem.Invalid, "%s is no row", name).Coded("plan-header", "row", cut(r.PostFormValue(name), 20)).
				Wrong(name, "plan-header", "is no row", "row", cut(r.PostFormValue(name), 20)))
		}
		*into = n
	}
	for i := range plan.Columns {
		value := func(name string) string { return r.PostFormValue(fmt.Sprintf("%s.%d", name, i)) }
		plan.Columns[i] = catalog.IntakeColumn{
			Planned: rows.Planned{Name: value("name"), Type: rows.Type(value("type")), Drop: value("drop") == "yes"},
			NotesVI: value("notes"), Unit: value("unit"), Place: value("place"),
		}
	}
	in, err := p.Catalog.SaveIntakePlan(r.Context(), data.who, data.Intake.ID, revisionIn(r), plan)
	if err != nil {
		return again(r, p.intakeTable, err)
	}
	if in.State == catalog.IntakeReading {
		return page{To: data.In("table"), Flash: &web.Flash{Key: "intake.reading-again"}}, nil
	}
	return page{To: data.In("personal"), Flash: &web.Flash{Key: "intake.saved"}}, nil
}

// intakePersonal is a column that looks as if it held personal data.
type intakePersonal struct {
	Column intakeColumn
	Found  []catalog.IntakePersonal
	Birth  bool   // ten years can be told in place of dates
	Way    string // drop, decade, ask
}

// intakePersonal answers GET …/personal.
func (p *Portal) intakePersonal(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 3)
	if err != nil {
		return page{}, err
	}
	if data.Intake.Found == nil || data.Waits {
		return p.intakeNow(r)
	}
	data.see()
	for _, f := range data.Intake.Found.Personal {
		if f.Column >= len(data.Columns) {
			continue
		}
		at := slices.IndexFunc(data.Personal, func(one intakePersonal) bool { return one.Column.At == f.Column })
		if at < 0 {
			at = len(data.Personal)
			c := data.Columns[f.Column]
			one := intakePersonal{Column: c, Way: "ask"}
			if c.Drop {
				one.Way = "drop"
			} else if c.Decade {
				one.Way = "decade"
			}
			data.Personal = append(data.Personal, one)
		}
		data.Personal[at].Found = append(data.Personal[at].Found, f)
		data.Personal[at].Birth = data.Personal[at].Birth || f.Kind == "birth"
	}
	return restored(data, "agency-intake-personal", "personal")
}

// saveIntakePersonal answers POST …/personal.
func (p *Portal) saveIntakePersonal(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 3)
	if err != nil {
		return page{}, err
	}
	var ways []catalog.IntakeWay
	for i := range data.Intake.Plan.Columns {
		if way := r.PostFormValue(fmt.Sprintf("way.%d", i)); way != "" {
			ways = append(ways, catalog.IntakeWay{Column: i, Way: way})
		}
	}
	if _, err := p.Catalog.SaveIntakePersonal(r.Context(), data.who, data.Intake.ID, revisionIn(r), ways); err != nil {
		return again(r, p.intakePersonal, err)
	}
	return page{To: data.In("about"), Flash: &web.Flash{Key: "intake.saved"}}, nil
}

// Dropped are the names of the columns that are left out.
func (d intakeData) Dropped() string {
	return d.columnsThat(func(_ int, c catalog.IntakeColumn) bool { return c.Drop })
}

// Asked are the names of the columns that a steward decides on.
func (d intakeData) Asked() string {
	return d.columnsThat(func(at int, c catalog.IntakeColumn) bool {
		return !c.Drop && !c.Decade && d.Intake.Found != nil &&
			slices.ContainsFunc(d.Intake.Found.Personal, func(p catalog.IntakePersonal) bool { return p.Column == at })
	})
}

func (d intakeData) columnsThat(are func(at int, c catalog.IntakeColumn) bool) string {
	var names []string
	for i, c := range d.Intake.Plan.Columns {
		if are(i, c) {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, ", ")
}

// intakeAbout answers GET …/about: the form of a dataset, with what the file
// suggests.
func (p *Portal) intakeAbout(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 4)
	if err != nil {
		return page{}, err
	}
	if data.Intake.Found == nil || data.Waits {
		return p.intakeNow(r)
	}
	schema, err := p.Catalog.FieldSchema(r.Context(), data.who, data.Agency.ID)
	if err != nil {
		return page{}, err
	}
	data.Own = schema.Schema()
	data.Dataset.DatasetText = data.Intake.Text
	if text := &data.Dataset.DatasetText; !data.Intake.Described {
		p.beginText(data.desk, text)
	}
	return restored(data, "agency-intake-about", "about")
}

// saveIntakeAbout answers POST …/about, and has the table made where all is said.
func (p *Portal) saveIntakeAbout(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 4)
	if err != nil {
		return page{}, err
	}
	text, err := datasetText(r)
	if err != nil {
		return again(r, p.intakeAbout, err)
	}
	_, err = p.Catalog.SaveIntakeText(r.Context(), data.who, data.Intake.ID, revisionIn(r), text)
	if err != nil {
		return again(r, p.intakeAbout, err)
	}
	return p.makeIntake(r)
}

// makeIntake answers POST …/make.
func (p *Portal) makeIntake(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 5)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.MakeIntake(r.Context(), data.who, data.Intake.ID); err != nil {
		return again(r, p.intakeAbout, err)
	}
	return page{To: data.In("summary")}, nil
}

// intakeSummary answers GET …/summary: the dataset as readers will see it.
func (p *Portal) intakeSummary(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 5)
	if err != nil {
		return page{}, err
	}
	if err := p.showIntake(r, &data); err != nil {
		return page{}, err
	}
	if data.Intake.State == catalog.IntakeSent {
		return page{To: data.In("sent")}, nil
	}
	if data.Intake.Found == nil || data.Intake.State == catalog.IntakeReading {
		return p.intakeNow(r)
	}
	return page{Name: "agency-intake-summary", Data: data}, nil
}

// showIntake fills in the dataset that was made.
func (p *Portal) showIntake(r *http.Request, data *intakeData) error {
	if data.Intake.DatasetID == nil {
		return nil
	}
	var err error
	if data.Dataset, err = p.Catalog.Dataset(r.Context(), data.who, *data.Intake.DatasetID); err != nil {
		return err
	}
	at := slices.IndexFunc(data.Dataset.Distributions, func(part catalog.Distribution) bool { return part.ID == data.Intake.ID })
	if at < 0 {
		return nil
	}
	data.Rows = p.rowsAddress(data.Dataset, data.Dataset.Distributions[at])
	data.Curl = "curl '" + data.Rows + "?limit=5'"
	if data.Waits {
		return nil
	}
	view, err := p.shown(r, data.Dataset)
	data.Shown = &view
	return err
}

// sendIntake answers POST …/send.
func (p *Portal) sendIntake(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 5)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.SendIntake(r.Context(), data.who, data.Intake.ID); err != nil {
		return again(r, p.intakeSummary, err)
	}
	return page{To: data.In("sent")}, nil
}

// intakeSent answers GET …/sent: what happens next, and the rows' address.
func (p *Portal) intakeSent(r *http.Request) (page, error) {
	data, err := p.intakeOf(r, 6)
	if err != nil {
		return page{}, err
	}
	if data.Intake.State != catalog.IntakeSent {
		return p.intakeNow(r)
	}
	if err := p.showIntake(r, &data); err != nil {
		return page{}, err
	}
	return page{Name: "agency-intake-sent", Data: data}, nil
}
