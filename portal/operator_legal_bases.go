package portal

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/agreement"
	"lgsp/internal/problem"
	"lgsp/web"
)

// legalBasisRoutes are the clauses that agreements cite: for everyone to read,
// for operators to keep.
func (p *Portal) legalBasisRoutes(r *mux.Router) {
	r.Handle("/legal-bases", p.page(p.legalBases)).Methods("GET", "HEAD")
	r.Handle("/operator/legal-bases", p.page(p.keepLegalBases)).Methods("GET", "HEAD")
	r.Handle("/operator/legal-bases", p.page(p.addLegalBasis)).Methods("POST")
	r.Handle("/operator/legal-bases/{id}", p.page(p.legalBasis)).Methods("GET", "HEAD")
	r.Handle("/operator/legal-bases/{id}/{step:version|confirm|withdraw}", p.page(p.changeLegalBasis)).Methods("POST")
}

// legalBasesData is the data of the pages "legal-bases" and "operator-legal-bases".
type legalBasesData struct {
	Now, Other []basisRow // in force, and those of the future, ended or withdrawn
	Edits      bool
}

// basisRow is a clause and how much stands on it.
type basisRow struct {
	agreement.LegalBasis
	Standing int
}

// legalBases answers GET /legal-bases, for everyone.
func (p *Portal) legalBases(r *http.Request) (page, error) {
	data, err := p.basisRows(r, nil)
	return page{Name: "legal-bases", Data: data}, err
}

func (p *Portal) basisRows(r *http.Request, standing map[string]int) (legalBasesData, error) {
	var data legalBasesData
	bases, err := p.Agreements.AllBases(r.Context())
	for _, b := range bases {
		row := basisRow{b, standing[b.ID]}
		if b.InForce {
			data.Now = append(data.Now, row)
		} else {
			data.Other = append(data.Other, row)
		}
	}
	return data, err
}

// keepLegalBases answers GET /operator/legal-bases.
func (p *Portal) keepLegalBases(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	if err := p.Policy.May(r.Context(), who, "platform.read", uuid.Nil); err != nil {
		return page{}, err
	}
	standing, err := p.Agreements.StandingCounts(r.Context(), who)
	if err != nil {
		return page{}, err
	}
	data, err := p.basisRows(r, standing)
	data.Edits = p.Policy.May(r.Context(), who, "legal-basis.edit", uuid.Nil) == nil
	return page{Name: "operator-legal-bases", Data: data}, err
}

// basisIn reads the form of a clause.
func basisIn(r *http.Request) (agreement.NewBasis, error) {
	n := agreement.NewBasis{ID: r.PostFormValue("id"), Reason: r.PostFormValue("reason"), BasisText: agreement.BasisText{
		DocumentVI: r.PostFormValue("document_vi"), DocumentEN: r.PostFormValue("document_en"),
		ArticleVI: r.PostFormValue("article_vi"), ArticleEN: r.PostFormValue("article_en"),
		TextVI: r.PostFormValue("text_vi"), TextEN: r.PostFormValue("text_en"),
		Confirmed: r.PostFormValue("confirmed") == "yes", Source: r.PostFormValue("source")}}
	for name, day := range map[string]**string{"valid_from": &n.ValidFrom, "valid_to": &n.ValidTo} {
		if text := strings.TrimSpace(r.PostFormValue(name)); text != "" {
			*day = &text
		}
	}
	if text := strings.TrimSpace(r.PostFormValue("working_days")); text != "" {
		days, err := strconv.Atoi(text)
		if err != nil {
			return n, problem.Errorf(problem.Invalid, "the clause is not right").Coded("fields-wrong").
				Wrong("working_days", "basis-clock", "0 to 60 working days")
		}
		n.WorkingDays = days
	}
	return n, nil
}

// addLegalBasis answers POST /operator/legal-bases.
func (p *Portal) addLegalBasis(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	n, err := basisIn(r)
	if err != nil {
		return again(r, p.keepLegalBases, err)
	}
	b, err := p.Agreements.AddBasis(r.Context(), who, n)
	if err != nil {
		return again(r, p.keepLegalBases, err)
	}
	return keptBasis(b, "registers.basis-added"), nil
}

func keptBasis(b agreement.LegalBasis, key string) page {
	return page{To: "/operator/legal-bases/" + b.ID, Flash: &web.Flash{Key: key, Args: []string{"id", b.ID}}}
}

// legalBasisData is the data of the page "operator-legal-basis".
type legalBasisData struct {
	agreement.LegalBasis
	History  []entryView
	Standing []standingRow
	Next     string // address of the next page of them
	Edits    bool
}

// standingRow is an agreement that stands on a clause, and whose it is to decide.
type standingRow struct {
	agreement.Agreement
	AgencyVI, AgencyEN string
}

// Days is the clause's term as the form shows it.
func (d legalBasisData) Days() string {
	if d.WorkingDays == 0 {
		return ""
	}
	return strconv.Itoa(d.WorkingDays)
}

// legalBasis answers GET /operator/legal-bases/{id}: the clause, its versions,
// and what stands on it.
func (p *Portal) legalBasis(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx, id := r.Context(), mux.Vars(r)["id"]
	history, err := p.Agreements.BasisHistory(ctx, who, id)
	if err != nil {
		return page{}, err
	}
	data := legalBasisData{Edits: p.Policy.May(ctx, who, "legal-basis.edit", uuid.Nil) == nil}
	if data.LegalBasis, err = p.Agreements.Basis(ctx, id); err != nil {
		return page{}, err
	}
	if data.History, err = p.entryViews(r, history); err != nil {
		return page{}, err
	}
	standing, err := p.Agreements.Standing(ctx, who, id, agreement.Filter{Limit: 50, After: r.URL.Query().Get("after")})
	if err != nil {
		return page{}, err
	}
	if standing.Next != "" {
		data.Next = "/operator/legal-bases/" + id + "?" + withQuery("after", standing.Next)
	}
	data.Standing, err = p.standingRows(r, standing.Items)
	return page{Name: "operator-legal-basis", Data: data}, err
}

// standingRows adds the names of the agencies that decide.
func (p *Portal) standingRows(r *http.Request, list []agreement.Agreement) ([]standingRow, error) {
	var ids []uuid.UUID
	for _, g := range list {
		ids = append(ids, g.AgencyID)
	}
	agencies, err := p.Auth.Agencies(r.Context(), ids)
	if err != nil {
		return nil, err
	}
	rows := make([]standingRow, len(list))
	for i, g := range list {
		if g, err = p.inWords(r, g); err != nil {
			return nil, err
		}
		rows[i] = standingRow{g, agencies[g.AgencyID].NameVI, agencies[g.AgencyID].NameEN}
	}
	return rows, nil
}

// changeLegalBasis answers POST /operator/legal-bases/{id}/{step}.
func (p *Portal) changeLegalBasis(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	ctx, id, step := r.Context(), mux.Vars(r)["id"], mux.Vars(r)["step"]
	var b agreement.LegalBasis
	switch step {
	case "version":
		var n agreement.NewBasis
		if n, err = basisIn(r); err == nil {
			b, err = p.Agreements.SucceedBasis(ctx, who, id, n)
		}
	case "confirm":
		b, err = p.Agreements.ConfirmBasis(ctx, who, id, agreement.Confirmation{Confirmed: r.PostFormValue("read") == "yes",
			Source: r.PostFormValue("confirm_source"), Reason: r.PostFormValue("confirm_reason")})
		err = fieldHere(fieldHere(err, "source", "confirm_source"), "reason", "confirm_reason")
	default:
		b, err = p.Agreements.WithdrawBasis(ctx, who, id, agreement.Withdrawal{LastDay: r.PostFormValue("last_day"), Reason: r.PostFormValue("withdraw_reason")})
		err = fieldHere(err, "reason", "withdraw_reason")
	}
	var refused *problem.Error
	if errors.As(err, &refused) {
		return again(r, p.legalBasis, refused)
	} else if err != nil {
		return page{}, err
	}
	return keptBasis(b, "registers.basis-"+step), nil
}
