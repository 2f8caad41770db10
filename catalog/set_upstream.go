package catalog

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// Upstream is a host and port that an agency's versions may forward to, once
// it is approved.
type Upstream struct {
	AgencyID    uuid.UUID  `json:"agency_id"`
	HostPort    string     `json:"host_port"` // lower case
	RequestedAt time.Time  `json:"requested_at"`
	RequestedBy *uuid.UUID `json:"requested_by"`
	ApprovedAt  *time.Time `json:"approved_at"`
	ApprovedBy  *uuid.UUID `json:"approved_by"`
}

// upstreamAddress is an address in its one form, and its host and port. Field
// is what a problem calls it.
func upstreamAddress(address, field string) (string, string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.RawPath != "" || (u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/") {
		return "", "", problem.Errorf(problem.Invalid, "not an address to forward to").Coded("url-invalid").
			Wrong(field, "url-invalid", "not a full http or https address")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	hostPort, err := canonicalHostPort(net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", "", err
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/"), hostPort, nil
}

var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// canonicalHostPort is a host and port in one form: lower case, an address as
// netip writes it. It refuses what no upstream can be.
func canonicalHostPort(hostPort string) (string, error) {
	bad := problem.Errorf(problem.Invalid, "not a host and port").Coded("host-port-invalid").
		Wrong("host_port", "host-port-invalid", "not a host and port to forward to")
	host, port, err := net.SplitHostPort(strings.ToLower(strings.TrimSpace(hostPort)))
	if err != nil || len(host) > 253 {
		return "", bad
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
		return "", bad
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		if ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() || ip.IsLinkLocalUnicast() {
			return "", bad
		}
		return net.JoinHostPort(ip.String(), port), nil
	}
	labels := strings.Split(host, ".")
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil || !hostForm.MatchString(host) || strings.HasPrefix(labels[len(labels)-1], "0x") {
		return "", bad // another notation of an address: 127.1, 0x7f.1, 2130706433
	}
	return net.JoinHostPort(host, port), nil
}

// isLoopback reports whether a canonical host and port names this machine.
func isLoopback(hostPort string) bool {
	host, _, _ := net.SplitHostPort(hostPort)
	ip, err := netip.ParseAddr(host)
	return (err == nil && ip.IsLoopback()) || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

const approvedSQL = `
select exists (select from catalog.upstream where agency_id = $1 and host_port = $2 and approved_at is not null)`

func approved(ctx context.Context, db pg.DB, agency uuid.UUID, hostPort string) (bool, error) {
	var ok bool
	if err := db.QueryRow(ctx, approvedSQL, agency, hostPort).Scan(&ok); err != nil {
		return false, fmt.Errorf("look up upstream %s: %w", hostPort, err)
	}
	return ok, nil
}

const requestUpstreamSQL = `
insert into catalog.upstream (agency_id, host_port, requested_at, requested_by)
values ($1, $2, $3, $4)
on conflict (agency_id, host_port) do update set host_port = excluded.host_port
returning agency_id, host_port, requested_at, requested_by, approved_at, approved_by`

// RequestUpstream asks the operator to approve a host and port for an agency;
// asking twice is asking once. It fails with Invalid for what is none, is
// link-local or leads to this machine, and with what May says of api.edit.
func (c *Catalog) RequestUpstream(ctx context.Context, who auth.Principal, agency uuid.UUID, hostPort string) (Upstream, error) {
	if err := c.May(ctx, who, "api.edit", agency); err != nil {
		return Upstream{}, err
	}
	return c.writeUpstream(ctx, "upstream.request", requestUpstreamSQL, who, Upstream{AgencyID: agency, HostPort: hostPort})
}

const approveUpstreamSQL = `
insert into catalog.upstream (agency_id, host_port, requested_at, requested_by, approved_at, approved_by)
values ($1, $2, $3, $4, $3, $4)
on conflict (agency_id, host_port) do update
   set approved_at = coalesce(upstream.approved_at, excluded.approved_at),
       approved_by = coalesce(upstream.approved_by, excluded.approved_by)
returning agency_id, host_port, requested_at, requested_by, approved_at, approved_by`

// ApproveUpstream lets an agency's versions forward to a host and port,
// requested or not. It fails as RequestUpstream does, for upstream.approve.
func (c *Catalog) ApproveUpstream(ctx context.Context, who auth.Principal, agency uuid.UUID, hostPort string) (Upstream, error) {
	if err := c.May(ctx, who, "upstream.approve", agency); err != nil {
		return Upstream{}, err
	}
	return c.writeUpstream(ctx, "upstream.approve", approveUpstreamSQL, who, Upstream{AgencyID: agency, HostPort: hostPort})
}

func (c *Catalog) writeUpstream(ctx context.Context, verb, sql string, who auth.Principal, up Upstream) (Upstream, error) {
	hostPort, err := canonicalHostPort(up.HostPort)
	if err != nil {
		return Upstream{}, err
	}
	if isLoopback(hostPort) && !slices.Contains(c.Loopback, hostPort) {
		return Upstream{}, problem.Errorf(problem.Invalid, "%s is this machine", hostPort).Coded("loopback-upstream", "host", hostPort).
			Wrong("host_port", "loopback-upstream", "leads to the platform's own machine", "host", hostPort)
	}
	var by *uuid.UUID
	if who.Person != uuid.Nil {
		by = &who.Person
	}
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		agency := up.AgencyID
		up, err = pg.One[Upstream](ctx, tx, sql, agency, hostPort, c.Now().UTC(), by)
		if pg.IsForeign(err, "upstream_agency_fkey") {
			return problem.Errorf(problem.NotFound, "no agency %s", agency)
		}
		if err != nil {
			return fmt.Errorf("write upstream %s: %w", hostPort, err)
		}
		return c.Record(ctx, tx, auth.Act{
			Who: who, Verb: verb, Agency: agency, About: agency, Detail: map[string]any{"host_port": hostPort},
		})
	})
	return up, err
}

const upstreamsSQL = `
select agency_id, host_port, requested_at, requested_by, approved_at, approved_by
  from catalog.upstream
 where $1::uuid is null or agency_id = $1
 order by host_port`

// Upstreams lists the hosts and ports of an agency, or with uuid.Nil of all,
// approved or asked for, to its own people and the operator. It fails with what May says of api.edit, or
// else of upstream.approve.
func (c *Catalog) Upstreams(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Upstream, error) {
	if err := c.May(ctx, who, "api.edit", agency); err != nil {
		if other := c.May(ctx, who, "upstream.approve", agency); other != nil {
			return nil, other
		}
	}
	list, err := pg.All[Upstream](ctx, c.DB, upstreamsSQL, uuid.NullUUID{UUID: agency, Valid: agency != uuid.Nil})
	if err != nil {
		return nil, fmt.Errorf("list upstreams of %s: %w", agency, err)
	}
	return list, nil
}

const approvedUpstreamsSQL = `
select distinct host_port from catalog.upstream where approved_at is not null order by host_port`

// ApprovedUpstreams lists every host and port that is approved for an agency,
// for the dialer of the gateway.
func (c *Catalog) ApprovedUpstreams(ctx context.Context) ([]string, error) {
	rows, _ := c.DB.Query(ctx, approvedUpstreamsSQL) // the error comes back from Collect
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list approved upstreams: %w", err)
	}
	return list, nil
}
