package portal

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"lgsp/portal/notice"
)

// exportedNotices are the notices that a person got, in their language, the
// newest first, and which mail of them the person chose.
type exportedNotices struct {
	Since  time.Time         `json:"since"`  // no older ones are kept
	Items  []toldNotice      `json:"items"`  // the last 2,000
	More   bool              `json:"more"`   // there are others, older than these
	Chosen map[string]string `json:"chosen"` // mail by kind: now, daily, weekly, off; of other kinds as is usual
}

// mostExported is how many notices an export holds.
const mostExported = 2000

// noticesForExport are the notices of the person of an export.
func (p *Portal) noticesForExport(r *http.Request) (exportedNotices, error) {
	ctx, who := r.Context(), whoever(r)
	out := exportedNotices{Since: p.Now().UTC().Add(-notice.Kept), Items: []toldNotice{}, Chosen: map[string]string{}}
	choices, err := p.Notices.Choices(ctx, who)
	if err != nil {
		return out, err
	}
	for _, c := range choices {
		if c.Own {
			out.Chosen[c.Kind.Name] = c.Mail
		}
	}
	to, err := p.Auth.Account(ctx, who)
	if err != nil {
		return out, err
	}
	for f := (notice.Filter{Limit: 100}); len(out.Items) < mostExported; {
		list, err := p.Notices.Inbox(ctx, who, f)
		if err != nil {
			return out, err
		}
		for _, n := range list.Items {
			words, err := p.NoticeWords(to, n)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, toldOf(n, words))
		}
		f.After = list.Next
		if out.More = list.Next != uuid.Nil; !out.More {
			break
		}
	}
	return out, nil
}
