package auth

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

const (
	maxNetworks = 10
	maxVersions = 50
)

// Limits are what an owner says of a credential: what it is for, from where it
// may be used, for which versions of APIs, and for what there. None means no
// limit.
type Limits struct {
	Name     string
	Networks []string    // IPv4 and IPv6 addresses, or networks as 10.1.0.0/16; at most 10
	Versions []uuid.UUID // of an API key; at most 50
	Scopes   []string    // of an API key: ScopeRead, OperationScope of Versions; at most 100 operations
}

// tidy gives the name without spaces around it and the networks in their one
// spelling, each once, and adds what is wrong.
func (l Limits) tidy(wrong *problem.Error, kind string) (Limits, []netip.Prefix) {
	l.Name = strings.TrimSpace(l.Name)
	if utf8.RuneCountInString(l.Name) > 120 {
		wrong.Wrong("name", "name-long", "at most 120 characters")
	} else if !utf8.ValidString(l.Name) || strings.ContainsFunc(l.Name, func(r rune) bool { return r < ' ' }) {
		wrong.Wrong("name", "text-unreadable", "it holds characters that cannot be shown")
	}
	networks := []netip.Prefix{}
	for _, text := range l.Networks {
		network, err := ParseNetwork(text)
		if err != nil {
			wrong.Wrong("networks", "network-form", "an address or a network, such as 203.0.113.7, 10.1.0.0/16 or 2001:db8::/32", "network", text)
			break
		}
		if !slices.Contains(networks, network) {
			networks = append(networks, network)
		}
	}
	if len(networks) > maxNetworks {
		wrong.Wrong("networks", "network-many", "at most 10 networks", "max", fmt.Sprint(maxNetworks))
	}
	if l.Versions == nil {
		l.Versions = []uuid.UUID{}
	}
	switch {
	case len(l.Versions) > maxVersions:
		wrong.Wrong("versions", "version-many", "at most 50 versions", "max", fmt.Sprint(maxVersions))
	case len(l.Versions) > 0 && kind != APIKey:
		wrong.Wrong("versions", "version-of-secret", "a client secret buys tokens, and each token names its version; limit an API key")
	}
	l.Scopes = l.tidyScopes(wrong, kind)
	return l, networks
}

// ParseNetwork reads an address or a network in its one spelling: bits beyond
// the mask are dropped, an IPv4 address in IPv6 is IPv4, an address alone is a
// network of one. A zone is refused.
func ParseNetwork(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address", text)
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network", text)
	}
	if network.Addr().Is4In6() {
		if network.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q is part IPv4", text)
		}
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-96)
	}
	return network.Masked(), nil
}

// Within reports whether an address lies in one of the networks; none is anywhere.
func Within(networks []netip.Prefix, from netip.Addr) bool {
	if len(networks) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(from) })
}

// addressNotAllowed refuses a credential that is used from elsewhere.
func addressNotAllowed(kind problem.Kind) *problem.Error {
	return problem.Errorf(kind, "the credential may not be used from this address; its owner limits it to certain networks").
		Coded("address-not-allowed")
}

const limitCredentialSQL = `
update auth.credential
   set name = $2, networks = $3, versions = $4, scopes = $5
 where id = $1 and revoked_at is null and expires_at > $6
returning ` + credentialColumns

// LimitCredential sets what its owner says of a credential, in force on every
// gateway within a second. It fails with NotFound unless who, a person, owns
// it, Invalid with the fields that are wrong, and Conflict when it has ended
// or the application is disabled.
func (a *Auth) LimitCredential(ctx context.Context, who Principal, id uuid.UUID, l Limits) (Credential, error) {
	if who.Person == uuid.Nil {
		return Credential{}, signInFirst()
	}
	if err := secondFactorFirst(who); err != nil {
		return Credential{}, err
	}
	c, err := a.credential(ctx, id)
	if err != nil {
		return Credential{}, err
	}
	if err := a.WorksOn(ctx, who, c.Application); problem.Is(err, problem.NotFound) {
		return Credential{}, credentialUnknown(id)
	} else if err != nil {
		return Credential{}, err
	}
	wrong := fieldsWrong()
	l, networks := l.tidy(wrong, c.Kind)
	if err := asError(wrong); err != nil {
		return Credential{}, err
	}
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		app, err := lockFor(ctx, tx, who, c.Application, TeamDeveloper)
		if err != nil {
			return err
		}
		list, err := pg.All[Credential](ctx, tx, limitCredentialSQL, id, l.Name, networks, l.Versions, l.Scopes, a.Now().UTC())
		if err != nil {
			return fmt.Errorf("limit credential %s: %w", id, err)
		}
		if len(list) == 0 {
			return credentialEnded(id)
		}
		c = list[0]
		if err := keysChanged(ctx, tx, app.ID); err != nil {
			return err
		}
		return a.Record(ctx, tx, Act{Who: who, Verb: "credential.limit", Agency: agencyOf(app), About: id, Detail: map[string]any{
			"application": app.ID, "kind": c.Kind, "lookup": c.Lookup, "networks": c.Networks, "versions": c.Versions,
			"scopes": c.Scopes}})
	})
	return c, err
}
