package portal

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/internal/problem"
	"lgsp/portal/notice"
	"lgsp/web"
)

func (p *Portal) inboxRoutes(r *mux.Router) {
	r.Handle("/account/notices", p.page(p.inbox)).Methods("GET", "HEAD")
	r.Handle("/account/notices/read", p.page(p.readAllNotices)).Methods("POST")
	r.Handle("/account/notices/settings", p.page(p.noticeSettings)).Methods("GET", "HEAD")
	r.Handle("/account/notices/settings", p.page(p.setNotices)).Methods("POST")
	r.Handle("/account/notices/{id}", p.page(p.openNotice)).Methods("GET")
	r.Handle("/account/notices/{id}/read", p.page(p.readNotice)).Methods("POST")
	r.Handle("/agency/{agency}/notices", p.page(p.agencyNotices)).Methods("GET", "HEAD")
	r.Handle("/agency/{agency}/notices", p.page(p.setAgencyNotices)).Methods("POST")
}

// unread is what the bell shows: how much who reads the page was told and has
// not read, by the one query that a page has for it. A bell that cannot be
// counted keeps no page from its reader.
func (p *Portal) unread(ctx context.Context, who auth.Principal) int {
	if who.Person == uuid.Nil {
		return 0
	}
	n, err := p.Notices.Unread(ctx, who)
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "count unread notices", "err", err)
	}
	return n
}

// inboxData is the data of the page "notices".
type inboxData struct {
	Items  []inboxItem
	Kinds  []string // that the list can be narrowed to
	Kind   string
	Unread bool
	Newest uuid.UUID // up to which "all" is
	First  string    // address of the first page, "" when on it
	Next   string    // of the next one, "" at the end
}

// inboxItem is a notice in the reader's language.
type inboxItem struct {
	ID      uuid.UUID
	Kind    string
	Subject string
	Text    []string // its paragraphs
	At      time.Time
	Read    bool
}

// inbox answers GET /account/notices.
func (p *Portal) inbox(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	f := notice.Filter{Kind: r.FormValue("kind"), Unread: r.FormValue("unread") == "yes"}
	if after := r.FormValue("after"); after != "" {
		if f.After, err = uuid.Parse(after); err != nil {
			return page{}, problem.Errorf(problem.Invalid, "after is not a cursor that a page gave")
		}
	}
	list, err := p.Notices.Inbox(r.Context(), who, f)
	if err != nil {
		return page{}, err
	}
	choices, err := p.Notices.Choices(r.Context(), who)
	if err != nil {
		return page{}, err
	}
	data := inboxData{Kind: f.Kind, Unread: f.Unread}
	for _, c := range choices {
		data.Kinds = append(data.Kinds, c.Kind.Name)
	}
	reader := auth.Person{Name: who.Name, Locale: localeOf(r)}
	for i, n := range list.Items {
		if i == 0 {
			data.Newest = n.ID
		}
		item := inboxItem{ID: n.ID, Kind: n.Kind, At: n.CreatedAt, Read: n.ReadAt != nil}
		w, err := p.wordsOf(reader, n)
		if err != nil { // one that cannot be said keeps none of the others away
			slog.ErrorContext(r.Context(), "notice without words", "err", err)
		}
		item.Subject = w.Subject
		for _, paragraph := range strings.Split(w.Text, "\n\n") {
			if paragraph = strings.TrimSpace(paragraph); paragraph != "" && paragraph != p.at(reader.Locale, w.Path) {
				item.Text = append(item.Text, paragraph)
			}
		}
		data.Items = append(data.Items, item)
	}
	only := ""
	if f.Unread {
		only = "yes"
	}
	at := func(after string) string {
		return "/account/notices?" + withQuery("kind", f.Kind, "unread", only, "after", after)
	}
	if list.Next != uuid.Nil {
		data.Next = at(list.Next.String())
	}
	if f.After != uuid.Nil {
		data.First = at("")
	}
	return page{Name: "notices", Data: data}, nil
}

// openNotice answers GET /account/notices/{id}: it is read, and leads to what it
// is about.
func (p *Portal) openNotice(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	n, err := p.readOf(r, who)
	if err != nil {
		return page{}, err
	}
	w, err := p.wordsOf(auth.Person{Name: who.Name, Locale: localeOf(r)}, n)
	return page{To: w.Path}, err
}

// readNotice answers POST /account/notices/{id}/read.
func (p *Portal) readNotice(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	_, err = p.readOf(r, who)
	return page{To: backToInbox(r)}, err
}

// readOf marks the notice of the address as read.
func (p *Portal) readOf(r *http.Request, who auth.Principal) (notice.Notice, error) {
	id, err := uuid.Parse(mux.Vars(r)["id"])
	if err != nil {
		return notice.Notice{}, problem.Errorf(problem.NotFound, "no notice %q", mux.Vars(r)["id"]).Coded("notice-unknown")
	}
	return p.Notices.Read(r.Context(), who, id)
}

// readAllNotices answers POST /account/notices/read: what the page showed and
// what is older.
func (p *Portal) readAllNotices(r *http.Request) (page, error) {
	upTo, err := uuid.Parse(r.PostFormValue("up_to"))
	if err != nil {
		return page{}, problem.Errorf(problem.Invalid, "up_to is no notice").Coded("notice-unknown")
	}
	if err := p.Notices.ReadAll(r.Context(), whoever(r), r.PostFormValue("kind"), upTo); err != nil {
		return page{}, err
	}
	return page{To: backToInbox(r), Flash: &web.Flash{Key: "inbox.read-all-done"}}, nil
}

// backToInbox is the list as it was narrowed.
func backToInbox(r *http.Request) string {
	query := withQuery("kind", r.PostFormValue("kind"), "unread", r.PostFormValue("unread"))
	if query == "" {
		return "/account/notices"
	}
	return "/account/notices?" + query
}

// noticeSettings answers GET /account/notices/settings.
func (p *Portal) noticeSettings(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	choices, err := p.Notices.Choices(r.Context(), who)
	return page{Name: "notice-settings", Data: choices}, err
}

// setNotices answers POST /account/notices/settings.
func (p *Portal) setNotices(r *http.Request) (page, error) {
	mails := map[string]string{}
	for _, k := range notice.Kinds() {
		if said, there := r.PostForm["mail-"+k.Name]; there {
			mails[k.Name] = said[0]
		}
	}
	if err := p.Notices.Choose(r.Context(), whoever(r), mails); err != nil {
		return again(r, p.noticeSettings, err)
	}
	return page{To: "/account/notices/settings", Flash: &web.Flash{Key: "inbox.saved"}}, nil
}

// agencyNoticesData is the data of the page "agency-notices".
type agencyNoticesData struct {
	desk
	Roles   []string
	Choices []notice.RoleChoice
}

// agencyNotices answers GET /agency/{agency}/notices: which role hears of what.
func (p *Portal) agencyNotices(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	choices, err := p.Notices.RoleChoices(r.Context(), d.who, d.Agency.ID)
	return page{Name: "agency-notices", Data: agencyNoticesData{d, notice.Roles, choices}}, err
}

// setAgencyNotices answers POST /agency/{agency}/notices.
func (p *Portal) setAgencyNotices(r *http.Request) (page, error) {
	d, err := p.desk(r)
	if err != nil {
		return page{}, err
	}
	var said []notice.RoleMail
	for _, k := range notice.Kinds() {
		for _, role := range notice.Roles {
			if mail, there := r.PostForm[k.Name+"-"+role]; there {
				said = append(said, notice.RoleMail{Role: role, Kind: k.Name, Mail: mail[0]})
			}
		}
	}
	if err := p.Notices.SetRoles(r.Context(), d.who, d.Agency.ID, said); err != nil {
		return again(r, p.agencyNotices, err)
	}
	return page{To: d.At("notices"), Flash: &web.Flash{Key: "inbox.saved"}}, nil
}
