package portal

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/portal/notice"
)

func (a *API) noticeRoutes(r routes) {
	r.get("/notices", a.listTold)
	r.post("/notices/read", a.readNotices)
	r.post("/notices/{id}/read", a.readNotice)
	r.get("/notices/settings", a.showNoticeSettings)
	r.put("/notices/settings", a.setNotices)
	r.get("/agencies/{id}/notices", a.showAgencyNotices)
	r.put("/agencies/{id}/notices", a.setAgencyNotices)
}

// NoticeText is what a notice says, in a language.
type NoticeText struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Path    string `json:"path"` // of the page that it is about
}

// toldNotice is a notice as /api/v1 gives it.
type toldNotice struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"`
	What      string     `json:"what"`
	CreatedAt time.Time  `json:"created_at"`
	ReadAt    *time.Time `json:"read_at"` // null: not yet
	Mail      string     `json:"mail"`    // now, daily, weekly, off
	MailedAt  *time.Time `json:"mailed_at"`
	NoticeText
}

// noticeList is one page of notices.
type noticeList struct {
	Items  []toldNotice `json:"items"`
	Next   string       `json:"next"`   // give it as after for the next page; "" at the end
	Unread int          `json:"unread"` // of all kinds; 100 are that many or more
}

// NoticeWords are the words of a notice for a person, in their language.
func (p *Portal) NoticeWords(to auth.Person, n notice.Notice) (NoticeText, error) {
	w, err := p.wordsOf(to, n)
	return NoticeText(w), err
}

// listTold answers GET /notices.
//
//	@Summary	What the caller was told, the newest first, in the language of their account; it is kept for half a year
//	@Tags		people
//	@Security	bearer
//	@Param		kind	query		string	false	"of one kind; GET /notices/settings lists them"
//	@Param		unread	query		bool	false	"only what is not read"
//	@Param		limit	query		int		false	"1 to 100, default 20"
//	@Param		after	query		string	false	"next of the page before"
//	@Success	200		{object}	noticeList
//	@Router		/notices [get]
func (a *API) listTold(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	values, err := query(r, "kind", "unread", "limit", "after")
	if err != nil {
		return err
	}
	f := notice.Filter{Kind: values.Get("kind"), Unread: values.Get("unread") == "true"}
	if text := values.Get("unread"); text != "" && text != "true" && text != "false" {
		return wrongParameter("unread", "true, false")
	}
	if f.Limit, err = limitOf(values); err != nil {
		return err
	}
	if f.After, err = idOf(values, "after"); err != nil {
		return err
	}
	list, err := a.noticesOf(r.Context(), who, f)
	if err != nil {
		return err
	}
	return answer(w, r, list)
}

func (a *API) noticesOf(ctx context.Context, who auth.Principal, f notice.Filter) (noticeList, error) {
	list, err := a.Notices.Inbox(ctx, who, f)
	if err != nil {
		return noticeList{}, err
	}
	out := noticeList{Items: []toldNotice{}}
	if list.Next != uuid.Nil {
		out.Next = list.Next.String()
	}
	if out.Unread, err = a.Notices.Unread(ctx, who); err != nil {
		return out, err
	}
	to, err := a.Auth.Account(ctx, who)
	if err != nil {
		return out, err
	}
	for _, n := range list.Items {
		one, err := a.toldNotice(to, n)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, one)
	}
	return out, nil
}

func (a *API) toldNotice(to auth.Person, n notice.Notice) (toldNotice, error) {
	words, err := a.Words(to, n)
	return toldOf(n, words), err
}

func toldOf(n notice.Notice, words NoticeText) toldNotice {
	return toldNotice{ID: n.ID, Kind: n.Kind, What: n.What, CreatedAt: n.CreatedAt, ReadAt: n.ReadAt, Mail: n.Mail, MailedAt: n.MailedAt, NoticeText: words}
}

// readNotice answers POST /notices/{id}/read.
//
//	@Summary	Mark a notice as read
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	toldNotice
//	@Router		/notices/{id}/read [post]
func (a *API) readNotice(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (toldNotice, error) {
		n, err := a.Notices.Read(ctx, who, id)
		if err != nil {
			return toldNotice{}, err
		}
		to, err := a.Auth.Account(ctx, who)
		if err != nil {
			return toldNotice{}, err
		}
		return a.toldNotice(to, n)
	})
}

// readUpTo says which notices are read.
type readUpTo struct {
	Kind string    `json:"kind"`  // "": of all kinds
	UpTo uuid.UUID `json:"up_to"` // the newest of them, by its id
}

// readNotices answers POST /notices/read.
//
//	@Summary	Mark as read a notice and all that came before it
//	@Tags		people
//	@Security	bearer
//	@Param		body	body	readUpTo	true	"up to which, and of which kind"
//	@Success	204
//	@Router		/notices/read [post]
func (a *API) readNotices(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	upTo, err := decode[readUpTo](w, r)
	if err != nil {
		return err
	}
	if err := a.Notices.ReadAll(r.Context(), who, upTo.Kind, upTo.UpTo); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noticeSetting is how the mail of one kind comes.
type noticeSetting struct {
	Kind  string `json:"kind"`
	Mail  string `json:"mail"`  // now, daily, weekly, off
	Own   bool   `json:"own"`   // the person said so; else it is their role's, or the kind's
	Usual string `json:"usual"` // what it is without a word of theirs
	Owed  string `json:"owed"`  // why it cannot be switched off: security, decision, term, service; "": it can
}

// showNoticeSettings answers GET /notices/settings.
//
//	@Summary	How the caller gets the mail of each kind of notice; all lie at /notices whatever is chosen
//	@Tags		people
//	@Security	bearer
//	@Success	200	{object}	items[noticeSetting]
//	@Router		/notices/settings [get]
func (a *API) showNoticeSettings(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.someone(r); err != nil {
		return err
	}
	return show(a, w, r, func(ctx context.Context, who auth.Principal) (items[noticeSetting], error) {
		choices, err := a.Notices.Choices(ctx, who)
		list := []noticeSetting{}
		for _, c := range choices {
			list = append(list, noticeSetting{c.Kind.Name, c.Mail, c.Own, c.Usual, c.Kind.Owed})
		}
		return items[noticeSetting]{Items: list}, err
	})
}

// noticeChoices is what a person says about their mail.
type noticeChoices struct {
	Mail map[string]string `json:"mail"` // by kind: now, daily, weekly, off; "" takes a word back
}

// setNotices answers PUT /notices/settings.
//
//	@Summary	Say how the mail of kinds of notice comes; those that are not named stay as they are
//	@Tags		people
//	@Security	bearer
//	@Param		body	body		noticeChoices	true	"by kind"
//	@Success	200		{object}	items[noticeSetting]
//	@Router		/notices/settings [put]
func (a *API) setNotices(w http.ResponseWriter, r *http.Request) error {
	who, err := a.someone(r)
	if err != nil {
		return err
	}
	said, err := decode[noticeChoices](w, r)
	if err != nil {
		return err
	}
	if err := a.Notices.Choose(r.Context(), who, said.Mail); err != nil {
		return err
	}
	return a.showNoticeSettings(w, r)
}

// roleNotice is what a role of an agency hears of one kind.
type roleNotice struct {
	Role string `json:"role"` // publisher, steward
	Kind string `json:"kind"`
	Mail string `json:"mail"` // now, daily, weekly, off: only in the portal, none: not at all
}

// showAgencyNotices answers GET /agencies/{id}/notices.
//
//	@Summary	What the roles of an agency hear of, and how, where a member says nothing else
//	@Tags		people
//	@Security	bearer
//	@Param		id	path		string	true	"id of the agency"
//	@Success	200	{object}	items[roleNotice]
//	@Router		/agencies/{id}/notices [get]
func (a *API) showAgencyNotices(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, a.agencyNotices)
}

func (a *API) agencyNotices(ctx context.Context, who auth.Principal, id uuid.UUID) (items[roleNotice], error) {
	choices, err := a.Notices.RoleChoices(ctx, who, id)
	list := []roleNotice{}
	for _, c := range choices {
		for _, role := range notice.Roles {
			list = append(list, roleNotice{role, c.Kind.Name, c.Mails[role]})
		}
	}
	return items[roleNotice]{Items: list}, err
}

// roleNotices is what an agency says of its roles.
type roleNotices struct {
	Roles []roleNotice `json:"roles"`
}

// setAgencyNotices answers PUT /agencies/{id}/notices.
//
//	@Summary	Say what roles of an agency hear of; pairs that are not named stay as they are
//	@Tags		people
//	@Security	bearer
//	@Param		id		path		string		true	"id of the agency"
//	@Param		body	body		roleNotices	true	"by role and kind"
//	@Success	200		{object}	items[roleNotice]
//	@Router		/agencies/{id}/notices [put]
func (a *API) setAgencyNotices(w http.ResponseWriter, r *http.Request) error {
	return changeWith(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID, said roleNotices) (items[roleNotice], error) {
		var list []notice.RoleMail
		for _, one := range said.Roles {
			list = append(list, notice.RoleMail(one))
		}
		if err := a.Notices.SetRoles(ctx, who, id, list); err != nil {
			return items[roleNotice]{}, err
		}
		return a.agencyNotices(ctx, who, id)
	})
}
