package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/portal/notice"
	"lgsp/web"
)

// linkRoutes are what an agency does with the links of a dataset.
func (p *Portal) linkRoutes(r *mux.Router, set string) {
	r.Handle(set+"/links", p.page(p.addLink)).Methods("POST")
	r.Handle(set+"/links/{file}", p.page(p.replaceLink)).Methods("POST")
	r.Handle(set+"/links/{file}/check", p.page(p.recheckLink)).Methods("POST")
}

// addLink answers POST …/{dataset}/links.
func (p *Portal) addLink(r *http.Request) (page, error) {
	d, err := p.datasetOf(r)
	if err != nil {
		return page{}, err
	}
	link := catalog.NewLink{URL: r.PostFormValue("url"), TitleVI: r.PostFormValue("link_title_vi"), TitleEN: r.PostFormValue("link_title_en")}
	if _, err := p.Catalog.AddLink(r.Context(), d.who, d.Dataset.ID, link); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "files.link-taken"}}, nil
}

// replaceLink answers POST …/links/{file}: another address.
func (p *Portal) replaceLink(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.ReplaceLink(r.Context(), d.who, file.ID, r.PostFormValue("to")); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "files.link-taken"}}, nil
}

// recheckLink answers POST …/links/{file}/check.
func (p *Portal) recheckLink(r *http.Request) (page, error) {
	d, file, err := p.fileOf(r)
	if err != nil {
		return page{}, err
	}
	if _, err := p.Catalog.RecheckLink(r.Context(), d.who, file.ID); err != nil {
		return again(r, p.datasetDesk, err)
	}
	return page{To: d.Base(), Flash: &web.Flash{Key: "files.link-asked"}}, nil
}

func (a *API) linkRoutes(r routes) {
	r.post("/datasets/{slug}/links", a.addLink)
	r.put("/datasets/{slug}/distributions/{id}/link", a.replaceLink)
	r.post("/datasets/{slug}/distributions/{id}/check", a.recheckLink)
}

// addLink answers POST /datasets/{slug}/links.
//
//	@Summary	Add a link to elsewhere to a dataset; whether it works is checked within a minute, and then on a schedule
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string			true	"slug"
//	@Param		body	body		catalog.NewLink	true	"the link"
//	@Success	201		{object}	catalog.Distribution
//	@Router		/datasets/{slug}/links [post]
func (a *API) addLink(w http.ResponseWriter, r *http.Request) error {
	return create(a, w, r, func(ctx context.Context, who auth.Principal, link catalog.NewLink) (catalog.Distribution, string, error) {
		d, err := a.Catalog.DatasetBySlug(ctx, who, mux.Vars(r)["slug"])
		if err != nil {
			return catalog.Distribution{}, "", err
		}
		made, err := a.Catalog.AddLink(ctx, who, d.ID, link)
		return made, "/datasets/" + d.Slug, err
	})
}

// linkTo is where a link is to lead.
type linkTo struct {
	URL string `json:"url"` // http or https
}

// replaceLink answers PUT /datasets/{slug}/distributions/{id}/link.
//
//	@Summary	Give a link another address
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Param		body	body		linkTo	true	"where it is to lead"
//	@Success	200		{object}	catalog.Distribution
//	@Router		/datasets/{slug}/distributions/{id}/link [put]
func (a *API) replaceLink(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, to linkTo) (catalog.Distribution, error) {
		return a.Catalog.ReplaceLink(ctx, who, id, to.URL)
	})
}

// recheckLink answers POST /datasets/{slug}/distributions/{id}/check.
//
//	@Summary	Have a link checked within a minute, whatever its turn
//	@Tags		datasets
//	@Security	bearer
//	@Param		slug	path		string	true	"slug"
//	@Param		id		path		string	true	"id of the distribution"
//	@Success	200		{object}	catalog.Distribution
//	@Router		/datasets/{slug}/distributions/{id}/check [post]
func (a *API) recheckLink(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Catalog.RecheckLink)
}

// linksTold is what a notice tells of an agency's links.
type linksTold struct {
	catalog.LinkNotice
	Agency string `json:"agency_slug"`
}

// TellOfLinks tells of links that do not work: the agency's publishers, and a
// week later its stewards too. args is a catalog.LinkNotice.
func (p *Portal) TellOfLinks(ctx context.Context, args []byte) error {
	var n catalog.LinkNotice
	if err := json.Unmarshal(args, &n); err != nil {
		return fmt.Errorf("read notice of links: %w", err)
	}
	agencies, err := p.Auth.Agencies(ctx, []uuid.UUID{n.Agency})
	if err != nil {
		return err
	}
	what := "broken"
	if n.Escalated {
		what = "escalated"
	}
	e, err := notice.New(notice.Links, what, linksTold{n, agencies[n.Agency].Slug})
	if err != nil {
		return err
	}
	e.ID, e.Agency = uuid.NewSHA1(n.Agency, args), &n.Agency
	if n.Escalated {
		e.Also = []string{auth.RoleSteward}
	}
	return p.Notices.Deliver(ctx, e)
}

// linkWords are those of links that do not work.
func (p *Portal) linkWords(to auth.Person, what string, n linksTold) (noticeWords, error) {
	var list strings.Builder
	for _, link := range n.Links {
		why, err := p.Pages.Text(to.Locale, "files.link-why-"+link.Reason, "status", strconv.Itoa(link.Status))
		if err != nil {
			return noticeWords{}, err
		}
		fmt.Fprintf(&list, "- %s\n  %s\n  %s (%s)\n  %s\n", titleIn(to.Locale, link.TitleVI, link.TitleEN), link.URL, why,
			momentIn(to.Locale, &link.Since), p.at(to.Locale, "/dataset/"+link.Slug))
	}
	if n.More > 0 {
		more, err := p.Pages.Text(to.Locale, "files.letter-more", "n", strconv.Itoa(n.More))
		if err != nil {
			return noticeWords{}, err
		}
		list.WriteString(more + "\n")
	}
	path := "/agency/" + n.Agency
	if len(n.Links) == 1 && n.More == 0 {
		path += "/datasets/" + n.Links[0].Slug
	}
	return p.said(to, path, "files.letter-subject-"+what, "files.letter-text-"+what, "links", list.String())
}
