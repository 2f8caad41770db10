package catalog

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// The states of a link.
const (
	LinkUnchecked = "unchecked"
	LinkOK        = "ok"
	LinkBroken    = "broken"
)

// Link is a distribution that lies elsewhere, and how it was last found; all
// empty for a file.
type Link struct {
	LinkURL         string     `json:"link_url"`
	LinkState       string     `json:"link_state"`  // unchecked, ok, broken
	LinkReason      string     `json:"link_reason"` // why it is broken: private, name, silent, unreachable, certificate, redirects, status
	LinkStatus      int        `json:"link_status"` // of HTTP, 0: no answer
	LinkCheckedAt   *time.Time `json:"link_checked_at"`
	LinkBrokenSince *time.Time `json:"link_broken_since"`
}

// LinkHost is the host that a link leads to.
func (l Link) LinkHost() string {
	if at, err := url.Parse(l.LinkURL); err == nil {
		return at.Host
	}
	return "" // it was parsed when it was kept
}

// NewLink is a link that is added to a dataset.
type NewLink struct {
	URL     string `json:"url"`      // http or https
	TitleVI string `json:"title_vi"` // "" takes the host
	TitleEN string `json:"title_en"`
}

const insertLinkSQL = `
insert into catalog.link (distribution_id, url, host, format, media_type, set_at, next_at)
values ($1, $2, $3, $4, $5, $6, $6)
on conflict (distribution_id)
do update set url = excluded.url, host = excluded.host, format = excluded.format, media_type = excluded.media_type, set_at = excluded.set_at,
          state = 'unchecked', reason = '', status = 0, size = 0, checked_at = null, steady = 0, failed = false,
          broken_since = null, told_at = null, escalated_at = null, next_at = excluded.next_at`

// AddLink adds a link as a new distribution of a dataset; it is checked within
// a minute. It fails with what May says of dataset.edit, Invalid for an address
// that is not http or https, and Conflict while the dataset is approved.
func (c *Catalog) AddLink(ctx context.Context, who auth.Principal, dataset uuid.UUID, link NewLink) (Distribution, error) {
	if at, _, err := linkAddress(link.URL); link.TitleVI == "" && err == nil {
		link.TitleVI = at.Host
	}
	if utf8.RuneCountInString(link.TitleVI) > 300 || utf8.RuneCountInString(link.TitleEN) > 300 {
		return Distribution{}, problem.Errorf(problem.Invalid, "the title is too long").Coded("text-too-long", "max", "300")
	}
	id := uuid.Must(uuid.NewV7())
	return c.putLink(ctx, datasetChange{who: who, id: dataset, verb: "distribution.add"}, id, link.URL, func(tx pgx.Tx) error {
		return execOne(ctx, tx, insertDistributionSQL, id, dataset, link.TitleVI, link.TitleEN, c.Now().UTC())
	})
}

// ReplaceLink gives a distribution that is a link another address. It fails
// like AddLink, and with Conflict for a file.
func (c *Catalog) ReplaceLink(ctx context.Context, who auth.Principal, distribution uuid.UUID, to string) (Distribution, error) {
	d, err := c.link(ctx, who, distribution)
	if err != nil {
		return d, err
	}
	return c.putLink(ctx, datasetChange{who: who, id: d.DatasetID, verb: "distribution.replace"}, distribution, to, func(pgx.Tx) error { return nil })
}

// link is a distribution that is one.
func (c *Catalog) link(ctx context.Context, who auth.Principal, distribution uuid.UUID) (Distribution, error) {
	d, err := c.Distribution(ctx, who, distribution)
	if err == nil && d.LinkURL == "" {
		err = problem.Errorf(problem.Conflict, "distribution %s is a file, no link", distribution).Coded("link-none")
	}
	return d, err
}

func (c *Catalog) putLink(ctx context.Context, ch datasetChange, id uuid.UUID, to string, begin func(pgx.Tx) error) (Distribution, error) {
	ch.act, ch.from = "dataset.edit", editable
	_, err := c.changeDataset(ctx, ch, func(tx pgx.Tx, _ Dataset) error {
		at, kind, err := linkAddress(to)
		if err != nil {
			return err
		}
		if err := begin(tx); err != nil {
			return err
		}
		return execOne(ctx, tx, insertLinkSQL, id, at.String(), strings.ToLower(at.Host), strings.ToUpper(kind.ending), kind.media, c.Now().UTC())
	})
	if err != nil {
		return Distribution{}, err
	}
	return distributionOf(ctx, c.DB, id)
}

// linkAddress reads the address of a link, and guesses from its ending what is
// there: a page, if nothing else. Whether the address is a public one is found
// when it is dialled, each time.
func linkAddress(text string) (*url.URL, fileKind, error) {
	at, err := url.Parse(strings.TrimSpace(text))
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Hostname() == "" || at.User != nil || len(text) > 2000 {
		return nil, fileKind{}, problem.Errorf(problem.Invalid, "the link is no http or https address").Coded("link-address").
			Wrong("url", "link-address", "is no http or https address")
	}
	at.Fragment = ""
	kind := fileKind{ending: strings.ToLower(strings.TrimPrefix(path.Ext(at.Path), "."))}
	if kind.media = mediaTypes[kind.ending]; kind.media == "" {
		kind = fileKind{ending: "html", media: "text/html"}
	}
	return at, kind, nil
}

const recheckLinkSQL = `update catalog.link set next_at = $2 where distribution_id = $1`

// RecheckLink has a link checked within a minute, whatever its turn. It fails
// with what May says of dataset.edit, and with Conflict for a file.
func (c *Catalog) RecheckLink(ctx context.Context, who auth.Principal, distribution uuid.UUID) (Distribution, error) {
	d, err := c.link(ctx, who, distribution)
	if err != nil {
		return d, err
	}
	of, err := c.Dataset(ctx, who, d.DatasetID)
	if err != nil {
		return Distribution{}, err
	}
	if err := c.May(ctx, who, "dataset.edit", of.AgencyID); err != nil {
		return Distribution{}, err
	}
	if _, err := c.DB.Exec(ctx, recheckLinkSQL, distribution, c.Now().UTC()); err != nil {
		return Distribution{}, fmt.Errorf("have link %s checked: %w", distribution, err)
	}
	return d, nil
}

const dropLinkSQL = `delete from catalog.link where distribution_id = $1`

// endLink is what becomes of a link whose data comes as a file instead.
func endLink(ctx context.Context, tx pgx.Tx, distribution uuid.UUID) error {
	if _, err := tx.Exec(ctx, dropLinkSQL, distribution); err != nil {
		return fmt.Errorf("end link %s: %w", distribution, err)
	}
	return nil
}
