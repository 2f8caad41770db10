package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/oauth"
	"lgsp/catalog"
	"lgsp/catalog/spec"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/ledger"
	"lgsp/portal"
)

// The rooms in the middle do not know each other: here what one gives is put
// into the shape that the other takes.

// expose puts a version into the gateway's table. An operation goes by its
// slug from here on, in agreements and in the ledger too.
func expose(ctx context.Context, tx pgx.Tx, e catalog.Exposure) error {
	route, err := routeOf(e)
	if err != nil {
		return err
	}
	route.Upstream = e.Upstreams[0].URL // a version is exposed with an upstream only
	for _, share := range e.Upstreams {
		route.Upstreams = append(route.Upstreams, gateway.Upstream(share))
	}
	if route.Traffic.Check.On() {
		document, err := e.Document()
		if err != nil {
			return err
		}
		route.Described, _, err = gateway.Describe(document, route.Operations)
		if err != nil { // also that it is too large: nothing goes unchecked that was to be checked
			return err
		}
	}
	return gateway.Expose(ctx, tx, route)
}

// routeOf is what the gateway must know of a version or its sandbox alike.
func routeOf(e catalog.Exposure) (gateway.Route, error) {
	route := gateway.Route{
		Version: e.VersionID, Agency: e.AgencyID, API: e.APIID,
		AgencySlug: e.AgencySlug, APISlug: e.APISlug, Number: e.Number,
		Deprecated: e.Deprecated, Sunset: e.Sunset, Successor: e.Successor, Docs: e.Docs,
		Plan: gateway.Plan{Slug: e.Plan.Slug, RatePerMinute: e.Plan.RatePerMinute, QuotaPerDay: e.Plan.QuotaPerDay, QuotaPerMonth: e.Plan.QuotaPerMonth},
	}
	if err := json.Unmarshal(e.Traffic, &route.Traffic); err != nil {
		return route, fmt.Errorf("read traffic of version %s: %w", e.VersionID, err)
	}
	route.Operations = callable(e.Operations)
	return route, nil
}

// callable are a version's operations as the gateway knows them.
func callable(list []catalog.Operation) []gateway.Operation {
	var operations []gateway.Operation
	for _, o := range list {
		operation := gateway.Operation{
			ID: o.Slug, Method: o.Method, Path: o.Path,
			Access: o.Access, SubjectIn: o.SubjectIn, SubjectName: o.SubjectName,
		}
		for _, field := range o.Doc.Fields {
			operation.Fields = append(operation.Fields, field.Path)
		}
		if o.Doc.SOAP != nil {
			soap := gateway.SOAP(*o.Doc.SOAP)
			operation.SOAP = &soap
		}
		operation.XML = xmlOf(o.Doc.XML)
		operations = append(operations, operation)
	}
	return operations
}

// checkTraffic says what the gateway could not do of a version's traffic.
func checkTraffic(traffic json.RawMessage, operations []catalog.Operation, document func() ([]byte, error)) error {
	return gateway.CheckTraffic(traffic, callable(operations), document)
}

// trafficAddresses are where a version's traffic sends calls beside its own addresses.
func trafficAddresses(traffic json.RawMessage) ([]catalog.TrafficAddress, error) {
	found, err := gateway.TrafficAddresses(traffic)
	list := make([]catalog.TrafficAddress, len(found))
	for i, to := range found {
		list[i] = catalog.TrafficAddress(to)
	}
	return list, err
}

// unchecked are findings of what the gateway could not hold calls to.
func unchecked(document []byte, operations []catalog.Doc) []catalog.Finding {
	var list []gateway.Operation
	for _, o := range operations {
		list = append(list, gateway.Operation{ID: o.Slug, Method: o.Method, Path: o.Path})
	}
	_, notes, err := gateway.Describe(document, list)
	var findings []catalog.Finding
	if problem.Code(err) == "check-too-large" {
		findings = append(findings, catalog.Finding{Severity: spec.Warning, Code: "spec-unchecked-size", Detail: err.Error(), Args: map[string]string{}})
	}
	for _, n := range notes {
		findings = append(findings, catalog.Finding{Severity: spec.Info, Code: "spec-unchecked-" + n.Reason, Where: n.Where,
			Detail: "not checked at the gateway: " + n.Reason + " " + n.What, Args: map[string]string{"what": n.What}})
	}
	return findings
}

// agencyOfVersion is whose version it is; NotFound to those who may not see it.
func (p *platform) agencyOfVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (uuid.UUID, error) {
	v, err := p.catalog.VersionByID(ctx, who, version)
	return v.AgencyID, err
}

// grant puts an agreement into the gateway's table.
func grant(ctx context.Context, tx pgx.Tx, g agreement.Granted) error {
	return gateway.PutGrant(ctx, tx, grantOf(g))
}

// grantOf is an agreement as the gateway enforces it.
func grantOf(g agreement.Granted) gateway.Grant {
	out := gateway.Grant{
		Agreement: g.AgreementID, Revision: g.Revision, Application: g.ApplicationID, Version: g.VersionID,
		Purpose: g.Purpose, State: g.State, Starts: g.NotBefore, Ends: g.NotAfter,
		Plan: gateway.Plan{Slug: g.Plan, RatePerMinute: g.RatePerMinute, QuotaPerDay: g.QuotaPerDay, QuotaPerMonth: g.QuotaPerMonth},
	}
	for _, o := range g.Operations {
		out.Operations = append(out.Operations, gateway.GrantedOperation{Operation: o.Operation, Fields: o.Fields, Masks: masksOf(g.Masked, o.Operation), Bounds: boundsOf(g.Bounds, o.Operation)})
	}
	return out
}

// offer is what can be asked for of a version.
func (p *platform) offer(ctx context.Context, version uuid.UUID) (agreement.Offer, error) {
	o, err := p.catalog.Offer(ctx, version)
	if err != nil {
		return agreement.Offer{}, err
	}
	out := agreement.Offer{
		VersionID: o.Version.ID, AgencyID: o.Version.AgencyID,
		ServiceVI: o.Version.TitleVI + " " + o.Version.Number, ServiceEN: o.Version.TitleEN + " " + o.Version.Number,
		State: o.Version.State,
		Plan:  o.Plan.Slug, RatePerMinute: o.Plan.RatePerMinute, QuotaPerDay: o.Plan.QuotaPerDay, QuotaPerMonth: o.Plan.QuotaPerMonth,
		Decision:  o.Plan.Decision,
		Boundable: boundable(o.Operations),
	}
	for _, operation := range o.Operations {
		one := agreement.Operation{
			ID: operation.Slug, Method: operation.Method, Path: operation.Path, Access: operation.Access,
			TitleVI: operation.Doc.SummaryVI, TitleEN: operation.Doc.SummaryEN,
		}
		for _, f := range operation.Doc.Fields {
			one.Fields = append(one.Fields, agreement.Field{Path: f.Path, TitleVI: f.TitleVI, TitleEN: f.TitleEN})
		}
		one.Sensitive = sensitiveOf(operation.Doc)
		out.Operations = append(out.Operations, one)
	}
	return out, nil
}

// applicant is an application that asks for an agreement, and whose it is.
func (p *platform) applicant(ctx context.Context, id uuid.UUID) (agreement.Applicant, error) {
	application, err := p.auth.Application(ctx, id)
	if err != nil {
		return agreement.Applicant{}, err
	}
	out := agreement.Applicant{ApplicationID: id, Name: application.Name, Disabled: application.DisabledAt != nil}
	if application.OwnerAgency != nil {
		out.OwnerAgency = *application.OwnerAgency
		agencies, err := p.auth.Agencies(ctx, []uuid.UUID{out.OwnerAgency})
		out.OwnerName = agencies[out.OwnerAgency].NameVI
		return out, err
	}
	out.OwnerPerson = *application.OwnerPerson
	people, err := p.auth.Persons(ctx, []uuid.UUID{out.OwnerPerson})
	out.OwnerName = people[out.OwnerPerson].Name
	return out, err
}

func (p *platform) catalogAgencies(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
	agencies, err := p.auth.Agencies(ctx, ids)
	out := make(map[uuid.UUID]catalog.Agency, len(agencies))
	for id, a := range agencies {
		out[id] = agencyOf(a)
	}
	return out, err
}

func (p *platform) catalogAgency(ctx context.Context, slug string) (catalog.Agency, error) {
	a, err := p.auth.AgencyBySlug(ctx, slug)
	return agencyOf(a), err
}

func agencyOf(a auth.Agency) catalog.Agency {
	return catalog.Agency{ID: a.ID, Slug: a.Slug, TitleVI: a.NameVI, TitleEN: a.NameEN,
		Contact: catalog.Contact{Name: a.FocalName, Email: a.FocalEmail, Phone: a.FocalPhone}}
}

// audiences are the addresses of the versions that an application has an
// agreement in force for.
func (p *platform) audiences(ctx context.Context, client uuid.UUID) ([]string, error) {
	versions, err := p.agreements.VersionsInForce(ctx, client)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, id := range versions {
		v, err := p.catalog.VersionByID(ctx, auth.Principal{}, id)
		if err != nil {
			return nil, err
		}
		all = append(all, p.config.GatewayURL+v.Prefix())
	}
	return all, nil
}

// serves is nil when an application may introspect tokens for an audience: it
// is the serving agency's own, and the audience one of that agency's versions.
func (p *platform) serves(ctx context.Context, client uuid.UUID, audience string) error {
	foreign := problem.Errorf(problem.Forbidden, "the audience is another agency's service")
	application, err := p.clients.application(ctx, client)
	if err != nil {
		return err
	}
	path, ours := strings.CutPrefix(audience, p.config.GatewayURL+"/")
	parts := strings.Split(path, "/")
	if application.OwnerAgency == nil || !ours || len(parts) != 3 {
		return foreign
	}
	v, err := p.catalog.VersionBySlug(ctx, auth.Principal{}, parts[0], parts[1], parts[2])
	if problem.Is(err, problem.NotFound) || err == nil && v.AgencyID != *application.OwnerAgency {
		return foreign
	}
	return err
}

// tokenOf lets the gateway ask the verifier.
func tokenOf(v *oauth.Verifier) func(context.Context, auth.Presented, string) (gateway.Token, error) {
	return func(ctx context.Context, p auth.Presented, audience string) (gateway.Token, error) {
		t, err := v.Verify(ctx, p, audience)
		if err != nil {
			return gateway.Token{}, err
		}
		application, err := uuid.Parse(t.Client)
		if err != nil {
			return gateway.Token{}, problem.Errorf(problem.Unauthorized, "the token names no application").Coded("token-untrusted")
		}
		out := gateway.Token{Application: application, ID: t.ID, Issued: t.Issued, Level: t.Level}
		if t.Subject != t.Client {
			if out.Person, err = uuid.Parse(t.Subject); err != nil {
				return gateway.Token{}, problem.Errorf(problem.Unauthorized, "the token names nobody").Coded("token-untrusted")
			}
		}
		return out, nil
	}
}

func (p *platform) revoked(ctx context.Context) ([]string, error) {
	tokens, err := p.oauth.RevokedTokens(ctx)
	ids := make([]string, len(tokens))
	for i, t := range tokens {
		ids[i] = t.JTI
	}
	return ids, err
}

// refresh loads what the gateway needs beside its own tables.
func (p *platform) refresh(ctx context.Context) error {
	p.watchSecret(ctx)
	return errors.Join(p.oauth.ReloadKeys(ctx), p.upstreams.refresh(ctx), p.foreign.refresh(ctx))
}

// ship takes exchanges from a node's journal to the ledger.
func (p *platform) ship(ctx context.Context, s gateway.Shipment) error {
	return p.ledger.Ship(ctx, ledger.Shipment(s))
}

// unpack reads what ship took there.
func unpack(body []byte) ([]ledger.Exchange, error) {
	exchanges, err := gateway.ReadShipment(body)
	list := make([]ledger.Exchange, len(exchanges))
	for i, e := range exchanges {
		list[i] = ledger.Exchange{
			ID: e.ID, At: e.At, TraceID: e.Trace, AgencyID: e.Agency, APIID: e.API, VersionID: e.Version,
			ApplicationID: e.Application, PersonID: e.Person, AgreementID: e.Agreement, Revision: e.Revision, Purpose: e.Purpose, Dossier: e.Dossier,
			Operation: e.Operation, Access: e.Access, Method: e.Method, Template: e.Template, Credential: e.Credential,
			Status: e.Status, Code: e.Code, Outcome: outcomeOf(e), Micros: e.Duration.Microseconds(),
			RequestBytes: e.BytesIn, ResponseBytes: e.BytesOut, RequestHash: e.RequestSum.String(), ResponseHash: e.AnswerSum.String(),
			Subject: e.Subject, Address: e.Address, Fields: e.Fields, Masks: maskTexts(e.Masks), RequestRef: e.RequestRef, Canary: e.Canary, Sandbox: e.Sandbox,
		}
	}
	return list, err
}

func outcomeOf(e gateway.Exchange) string {
	switch {
	case e.Unknown:
		return "unknown"
	case e.Code != "":
		return "refused"
	case !e.Complete:
		return "broken"
	default:
		return "complete"
	}
}

// sessionPerson is who sits at the browser, for the authorization server.
func (p *platform) sessionPerson(r *http.Request) (oauth.SignedIn, error) {
	who, proof, err := p.portal.SessionOf(r)
	return oauth.SignedIn{Who: who, Proof: proof}, err
}

// remaining is what is left of an agreement's limits.
func (p *platform) remaining(ctx context.Context, g agreement.Agreement) (portal.Quota, error) {
	left, known := p.node.Remaining(ctx, g.ApplicationID, g.VersionID, g.ID)
	if !known {
		all := portal.Quota{PerMinute: g.RatePerMinute, PerDay: g.QuotaPerDay, PerMonth: g.QuotaPerMonth}
		if g.State == agreement.Active { // since less than a second: nothing is used up
			all.RemainingNow, all.RemainingToday, all.RemainingMonth = all.PerMinute, all.PerDay, all.PerMonth
		}
		return all, nil
	}
	return portal.Quota{
		PerMinute: left.RatePerMinute, PerDay: left.QuotaPerDay, PerMonth: left.QuotaPerMonth,
		RemainingNow: left.LeftNow, RemainingToday: left.LeftToday, RemainingMonth: left.LeftThisMonth,
		ResetsAt: left.Midnight, MonthResetsAt: left.MonthEnds,
	}, nil
}

// explainCall asks the gateway's own decision about a call that was not made.
func (p *platform) explainCall(_ context.Context, call portal.ImaginedCall) (portal.CallExplanation, error) {
	e, err := p.node.Explain(gateway.Imagined{
		Application: call.Application, Version: call.Version, Operation: call.Operation,
		Purpose: call.Purpose, Credential: call.Credential, Key: call.Key,
		Sandbox: call.Sandbox, Parameters: call.Parameters, Dossier: call.Dossier,
		From: call.From, Level: call.Level, At: call.At,
	})
	out := portal.CallExplanation{Allowed: e.Allowed, Rule: e.Rule, Code: e.Code, Detail: e.Detail, Agreement: e.Agreement, Fields: e.Fields, Masks: maskTexts(e.Masks), Change: e.Change,
		Conditions: e.Conditions, Bounds: e.Bounds, Operation: e.Operation, Asked: call.Parameters != nil, Bound: e.Bound, Errors: []portal.CallError{}, Problem: e.Problem}
	if e.Problem != nil {
		for _, f := range e.Problem.Fields {
			out.Errors = append(out.Errors, portal.CallError{Field: f.Name, Code: f.Code})
		}
	}
	return out, err
}

// names are what persons are called, for the ledger, which keeps ids.
func (p *platform) names(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	persons, err := p.auth.Persons(ctx, ids)
	names := make(map[uuid.UUID]string, len(persons))
	for id, person := range persons {
		names[id] = person.Name
	}
	return names, err
}
