package catalog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"lgsp/internal/egress"
	"lgsp/internal/pg"
)

const (
	linkPause     = 2 * time.Second  // between two requests to a host: 180 in six minutes
	linkCoolOff   = 24 * time.Hour   // for a host that asks for fewer
	linkDoubt     = time.Hour        // until a link that worked and failed once is asked again
	linkTime      = 15 * time.Second // for one check
	linkRun       = 50 * time.Second // for all checks of one run
	linkEscalates = 7 * 24 * time.Hour
	linksAtOnce   = 8
	linksInLetter = 20
)

// linkWaits are the times to the next check, by how often in a row the same was found.
var linkWaits = []time.Duration{12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// dueLink is a link whose turn it is.
type dueLink struct {
	ID     uuid.UUID
	URL    string
	Host   string
	State  string
	Steady int
	Failed bool
}

const dueLinksSQL = `
select id, url, host, state, steady, failed
  from (select l.distribution_id as id, l.url, l.host, l.state, l.steady, l.failed,
               row_number() over (partition by l.host order by l.next_at) as turn
          from catalog.link l
          left join catalog.link_host h on h.host = l.host
         where l.next_at <= $1 and (h.next_at is null or h.next_at <= $1)) due
 where turn <= $2
 order by turn
 limit 1000`

const forgetHostsSQL = `delete from catalog.link_host where next_at < $1`

// CheckLinks checks the links whose turn it is, for a minute at most, a host
// never more than each other second, and has the agencies told of those that
// are found broken. It is meant to run alone.
func (c *Catalog) CheckLinks(ctx context.Context) error {
	due, err := pg.All[dueLink](ctx, c.DB, dueLinksSQL, c.Now().UTC(), int(linkRun/linkPause))
	if err != nil {
		return fmt.Errorf("find links to check: %w", err)
	}
	hosts := map[string][]dueLink{}
	for _, l := range due {
		hosts[l.Host] = append(hosts[l.Host], l)
	}
	late, cancel := context.WithTimeout(ctx, linkRun)
	defer cancel()
	var noting sync.Mutex
	var group errgroup.Group
	group.SetLimit(linksAtOnce)
	for _, links := range hosts {
		group.Go(func() error { return c.checkHost(late, links, &noting) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if _, err := c.DB.Exec(ctx, forgetHostsSQL, c.Now().UTC().Add(-time.Hour)); err != nil {
		return fmt.Errorf("forget hosts of links: %w", err)
	}
	return c.tellOfLinks(ctx)
}

// checkHost checks links to one host, one after the other, until ctx ends.
func (c *Catalog) checkHost(ctx context.Context, links []dueLink, noting *sync.Mutex) error {
	for i, l := range links {
		if i > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(linkPause):
			}
		}
		if ctx.Err() != nil {
			return nil // the others have their turn in the next run
		}
		found := c.visit(ctx, l.URL)
		if ctx.Err() != nil {
			return nil // it says nothing of the link
		}
		noting.Lock()
		err := c.noteLink(ctx, l, found)
		noting.Unlock()
		if err != nil || found.wait > 0 {
			return err
		}
	}
	return nil
}

// linkFinding is what a visit found. reason is "" for a link that works.
type linkFinding struct {
	reason string
	status int
	size   int64
	wait   time.Duration // the host asks to be left alone so long
}

// visit asks for a link's head, and where a server answers no HEAD for the
// thing itself, of which it reads nothing.
func (c *Catalog) visit(ctx context.Context, address string) linkFinding {
	ctx, cancel := context.WithTimeout(ctx, linkTime)
	defer cancel()
	var f linkFinding
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		r, err := http.NewRequestWithContext(ctx, method, address, nil)
		if err != nil {
			return linkFinding{reason: "name"}
		}
		r.Header.Set("User-Agent", "LGSP link check")
		r.Header.Set("Accept", "*/*")
		answer, err := c.Fetch.Do(r)
		if err != nil {
			return linkFinding{reason: reasonOf(err)}
		}
		_ = answer.Body.Close() // unread: the connection is not used again
		f = linkFinding{status: answer.StatusCode, size: max(0, answer.ContentLength)}
		switch {
		case answer.StatusCode < 300:
			return f
		case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
			f.wait = linkCoolOff
			if n, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && time.Duration(n)*time.Second > f.wait {
				f.wait = min(time.Duration(n)*time.Second, 7*linkCoolOff)
			}
			return f
		}
	}
	f.reason, f.size = "status", 0
	return f
}

// reasonOf says in a word why nothing answered.
func reasonOf(err error) string {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, egress.ErrRefused) && strings.Contains(err.Error(), "redirect"):
		return "redirects"
	case errors.Is(err, egress.ErrRefused):
		return "private"
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &certificate), errors.As(err, &authority):
		return "certificate"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.ErrUnexpectedEOF):
		return "silent"
	}
	return "unreachable"
}

const noteLinkSQL = `
update catalog.link
   set state = $2, reason = $3, status = $4, size = $5, checked_at = $6, steady = $7, failed = $8, next_at = $9,
       broken_since = case when $2 = 'broken' then coalesce(broken_since, $6) end,
       told_at = case when $2 = 'broken' then told_at end, escalated_at = case when $2 = 'broken' then escalated_at end
 where distribution_id = $1 and url = $10`

const leaveHostSQL = `
insert into catalog.link_host (host, next_at) values ($1, $2)
on conflict (host) do update set next_at = greatest(link_host.next_at, excluded.next_at)`

const postponeLinkSQL = `update catalog.link set next_at = $2 where distribution_id = $1 and url = $3`

// noteLink keeps what a visit found, unless the link leads elsewhere meanwhile.
// A link that worked is broken when it fails twice in a row, an hour apart.
func (c *Catalog) noteLink(ctx context.Context, l dueLink, f linkFinding) error {
	now := c.Now().UTC()
	err := pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, leaveHostSQL, l.Host, now.Add(max(linkPause, f.wait))); err != nil {
			return err
		}
		if f.wait > 0 {
			_, err := tx.Exec(ctx, postponeLinkSQL, l.ID, now.Add(f.wait), l.URL)
			return err
		}
		state, failed := LinkOK, false
		switch {
		case f.reason != "" && l.State == LinkOK && !l.Failed:
			failed, f.reason, f.size = true, "", 0
		case f.reason != "":
			state = LinkBroken
		}
		steady := 0
		if state == l.State && !failed {
			steady = l.Steady + 1
		}
		wait := linkWaits[min(steady, len(linkWaits)-1)]
		wait += time.Duration(rand.Int64N(int64(wait / 20))) // so that what came at once does not always come at once
		if failed {
			wait = linkDoubt
		}
		_, err := tx.Exec(ctx, noteLinkSQL, l.ID, state, f.reason, f.status, f.size, now, steady, failed, now.Add(wait), l.URL)
		return err
	})
	if err != nil {
		return fmt.Errorf("note link %s: %w", l.ID, err)
	}
	return nil
}

// LinkNotice is what an agency is told of links that do not work: of those just
// found so, or (Escalated) of those that nobody mended for a week.
type LinkNotice struct {
	Agency    uuid.UUID  `json:"agency"`
	Escalated bool       `json:"escalated"`
	Links     []DeadLink `json:"links"` // at most 20
	More      int        `json:"more"`  // links that are not listed
}

// DeadLink is one link that does not work.
type DeadLink struct {
	Agency  uuid.UUID `json:"-"`
	Slug    string    `json:"slug"` // of the dataset
	TitleVI string    `json:"title_vi"`
	TitleEN string    `json:"title_en"`
	URL     string    `json:"url"`
	Reason  string    `json:"reason"`
	Status  int       `json:"status"`
	Since   time.Time `json:"since"`
}

const deadLinkColumns = ` and l.distribution_id = d.id and s.id = d.dataset_id and s.state = 'published'
returning s.agency_id as agency, s.slug, s.title_vi, s.title_en, l.url, l.reason, l.status, l.broken_since as since`

const newDeadLinksSQL = `
update catalog.link l set told_at = $1
  from catalog.distribution d, catalog.dataset s
 where l.state = 'broken' and l.told_at is null` + deadLinkColumns

const oldDeadLinksSQL = `
update catalog.link l set escalated_at = $1
  from catalog.distribution d, catalog.dataset s
 where l.state = 'broken' and l.escalated_at is null and l.told_at is not null and l.broken_since <= $2` + deadLinkColumns

// tellOfLinks has each agency told once of what is broken in its published
// datasets, and once more after a week.
func (c *Catalog) tellOfLinks(ctx context.Context) error {
	return pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		now := c.Now().UTC()
		dead, err := pg.All[DeadLink](ctx, tx, newDeadLinksSQL, now)
		if err == nil {
			err = c.tellAgencies(ctx, tx, dead, false)
		}
		if err == nil {
			dead, err = pg.All[DeadLink](ctx, tx, oldDeadLinksSQL, now, now.Add(-linkEscalates))
		}
		if err == nil {
			err = c.tellAgencies(ctx, tx, dead, true)
		}
		if err != nil {
			return fmt.Errorf("tell of broken links: %w", err)
		}
		return nil
	})
}

func (c *Catalog) tellAgencies(ctx context.Context, tx pgx.Tx, dead []DeadLink, escalated bool) error {
	notices := map[uuid.UUID]*LinkNotice{}
	for _, link := range dead {
		n := notices[link.Agency]
		if n == nil {
			n = &LinkNotice{Agency: link.Agency, Escalated: escalated}
			notices[link.Agency] = n
		}
		if len(n.Links) == linksInLetter {
			n.More++
			continue
		}
		n.Links = append(n.Links, link)
	}
	for _, n := range notices {
		if err := c.TellOfLinks(ctx, tx, *n); err != nil {
			return err
		}
	}
	return nil
}
