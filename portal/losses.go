package portal

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/problem"
)

// lossRow is what an application would lose, in words.
type lossRow struct {
	catalog.Loss
	Parts []string
}

// lackingRow is a version that lacks something of an agreement, in words.
type lackingRow struct {
	catalog.Lacking
	Parts []string
	Own   bool // the version that the agreement is on
}

// losses are what agreements on earlier versions have and the version lacks.
func (p *Portal) losses(r *http.Request, d versionPage) ([]lossRow, error) {
	list, err := p.Catalog.Losses(r.Context(), d.who, d.Version.ID)
	if problem.Is(err, problem.Forbidden) {
		return nil, nil // who reads the page, and changes nothing of it
	} else if err != nil {
		return nil, err
	}
	rows := []lossRow{}
	for _, l := range list {
		row := lossRow{Loss: l}
		if row.Parts, err = p.partsInWords(localeOf(r), l.Lost); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// lacking are the versions that lack something of an agreement that is asked
// for, in force or suspended.
func (p *Portal) lacking(r *http.Request, g agreement.Agreement) ([]lackingRow, error) {
	if g.State != agreement.Requested && g.State != agreement.Active && g.State != agreement.Suspended {
		return nil, nil
	}
	list, err := p.Catalog.Lacks(r.Context(), g.VersionID, agreedOf(g))
	if err != nil {
		return nil, err
	}
	rows := []lackingRow{}
	for _, l := range list {
		row := lackingRow{Lacking: l, Own: l.VersionID == g.VersionID}
		if row.Parts, err = p.partsInWords(localeOf(r), l.Lost); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// agreedOf are an agreement's operations and fields, as the catalogue asks.
func agreedOf(g agreement.Agreement) []catalog.CallerOperation {
	var list []catalog.CallerOperation
	for _, o := range g.Operations {
		one := catalog.CallerOperation{Operation: o.ID, Agreed: true}
		for _, f := range o.Fields {
			one.Fields = append(one.Fields, f.Path)
		}
		list = append(list, one)
	}
	return list
}

// partsInWords says what is lost, a line each.
func (p *Portal) partsInWords(locale string, list []catalog.LostPart) ([]string, error) {
	var lines []string
	for _, part := range list {
		key := "loss.field"
		switch {
		case part.Field == "" && part.Now == "":
			key = "loss.operation"
		case part.Field == "":
			key = "loss.renamed"
		case part.Now != "":
			key = "loss.now-" + shapeOf(part.Now)
		}
		line, err := p.Pages.Text(locale, key, "what", nameOfPart(locale, part), "operation", part.Operation, "now", part.Now)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// lacksInWords is the list of a letter.
func (p *Portal) lacksInWords(locale string, list []catalog.LostPart) (string, error) {
	lines, err := p.partsInWords(locale, list)
	return "– " + strings.Join(lines, "\n– "), err
}

func nameOfPart(locale string, part catalog.LostPart) string {
	if locale == "en" && part.TitleEN != "" {
		return part.TitleEN
	}
	return cmp.Or(part.TitleVI, part.TitleEN, part.Field, part.Operation)
}

func shapeOf(kind string) string {
	if kind == "array" || kind == "object" {
		return kind
	}
	return "single"
}

func (a *API) lossRoutes(r routes) {
	r.get("/versions/{id}/losses", a.listLosses)
	r.get("/agreements/{id}/losses", a.listLacking)
}

// listLosses answers GET /versions/{id}/losses.
//
//	@Summary	What agreements on earlier versions have and this version, even a draft, lacks
//	@Tags		apis
//	@Security	bearer
//	@Param		id	path		string	true	"id of the version"
//	@Success	200	{object}	items[catalog.Loss]
//	@Router		/versions/{id}/losses [get]
func (a *API) listLosses(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Loss], error) {
		list, err := a.Catalog.Losses(ctx, who, id)
		return items[catalog.Loss]{Items: list}, err
	})
}

// listLacking answers GET /agreements/{id}/losses.
//
//	@Summary	The public versions that lack something of an agreement: later ones, and its own when its document changed
//	@Tags		agreements
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	items[catalog.Lacking]
//	@Router		/agreements/{id}/losses [get]
func (a *API) listLacking(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[catalog.Lacking], error) {
		g, err := a.Agreements.Get(ctx, who, id)
		if err != nil {
			return items[catalog.Lacking]{}, err
		}
		list, err := a.Catalog.Lacks(ctx, g.VersionID, agreedOf(g))
		return items[catalog.Lacking]{Items: list}, err
	})
}
