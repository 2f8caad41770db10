package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth/policy"
	"lgsp/gateway/mock"
	"lgsp/gateway/route"
	"lgsp/internal/http1"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// SandboxSuffix is what a sandbox's prefix has behind its version's:
// /so-noi-vu/ho-so/v1-sandbox. No number of a version ends so.
const SandboxSuffix = "-sandbox"

// Sandbox is a version's operations at an address of their own, where the
// gateway answers by itself. Of its Route the upstreams are not looked at.
type Sandbox struct {
	Route
	Mocked json.RawMessage `json:"mocked"` // what Mock made of the version's document
}

// Mock reads, of a version's OpenAPI document as JSON, what its sandbox answers
// calls of these operations with, for Sandbox.Mocked. It fails with Invalid for
// a document of which too much would have to be held.
func Mock(document []byte, operations []Operation) (json.RawMessage, error) {
	var wanted []mock.Wanted
	for _, o := range operations {
		wanted = append(wanted, mock.Wanted{ID: o.ID, Method: o.Method, Path: o.Path})
	}
	described, err := mock.Describe(document, wanted)
	if errors.Is(err, mock.ErrTooLarge) {
		return nil, problem.Errorf(problem.Invalid, "%s", err).Coded("sandbox-too-large").Wrong("spec", "sandbox-too-large", err.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("mock: %w", err)
	}
	return json.Marshal(described)
}

// ofSandbox is what of a version's traffic its sandbox keeps: who may call from
// where in a browser and how they prove it, which is to work live as it did
// here. What protects the agency's system and its data is left out, and each
// request is held to the document.
func (t Traffic) ofSandbox() Traffic {
	kept := Traffic{CORS: t.CORS, Basic: t.Basic, Signatures: t.Signatures, ForeignIssuer: t.ForeignIssuer, RequestBytes: t.RequestBytes,
		Check: Check{Requests: CheckEnforce}}
	for _, c := range t.Conditions {
		if c.Hours, c.Networks = nil, nil; c.TwoFactors || c.Purpose {
			kept.Conditions = append(kept.Conditions, c)
		}
	}
	return kept
}

// sandbox is what a version has that is a sandbox.
type sandbox struct {
	id        uuid.UUID // what its calls are counted by, apart from the version's own
	answers   map[string]*mock.Operation
	variables map[string][]string // of the paths of operations, by id
	grant     *grant              // of whoever is known
	kept      Sandbox             // as it was exposed
}

var pathVariable = regexp.MustCompile(`\{([^{}]+)\}`)

// compileSandbox makes a Sandbox fit to serve, or says why it is not.
func compileSandbox(s Sandbox) (*version, error) {
	r := s.Route
	r.Traffic, r.Upstream, r.Upstreams = r.Traffic.ofSandbox(), "", nil
	if r.Plan.RatePerMinute <= 0 {
		return nil, errors.New("the plan has no rate")
	}
	v := &version{Route: r, prefix: r.Prefix() + SandboxSuffix, byID: map[string]*operation{},
		corsHeaders: with(corsHeaders, append([]string{"Prefer"}, r.Traffic.CORS.Headers...)),
		corsExposed: with(corsExposed, append([]string{"LGSP-Environment", "Preference-Applied"}, r.Traffic.CORS.Exposed...))}
	if err := r.Traffic.check(); err != nil {
		return nil, err
	}
	if err := v.compileOperations(); err != nil {
		return nil, err
	}
	if err := v.compileChecks(); err != nil {
		return nil, err
	}
	var document mock.Document
	if err := json.Unmarshal(s.Mocked, &document); err != nil {
		return nil, fmt.Errorf("read what the sandbox answers: %w", err)
	}
	answers, err := mock.Compile(&document)
	if err != nil {
		return nil, fmt.Errorf("compile what the sandbox answers: %w", err)
	}
	v.sandbox = &sandbox{id: uuid.NewSHA1(r.Version, []byte("sandbox")), answers: answers, variables: map[string][]string{}}
	var all []GrantedOperation
	for _, o := range v.operations {
		all = append(all, GrantedOperation{Operation: o.ID, Fields: []string{""}})
		for _, found := range pathVariable.FindAllStringSubmatch(o.Path, -1) {
			v.sandbox.variables[o.ID] = append(v.sandbox.variables[o.ID], found[1])
		}
	}
	whole, err := compileTerms(all)
	if err != nil {
		return nil, err
	}
	v.sandbox.grant = &grant{Version: r.Version, state: grantActive, ends: math.MaxInt64, terms: whole, Plan: &v.Plan}
	return v, nil
}

// counted is what the version's calls are counted by.
func (v *version) counted() uuid.UUID {
	if v.sandbox != nil {
		return v.sandbox.id
	}
	return v.Version
}

// judge is snapshot.judge for a sandbox: an application that is known may call
// every operation, for the data are nobody's. Credentials and what callers say
// of themselves are judged as they are live.
func (s *sandbox) judge(q question) (*grant, policy.Verdict, error) {
	if q.operation.Access == Open || q.application == uuid.Nil {
		verdict, err := ask(nil, q)
		return nil, verdict, err
	}
	verdict, err := ask(s.grant.terms, q)
	return s.grant, verdict, err
}

const (
	exposeSandboxSQL = `
insert into gateway.sandbox (version_id, document)
values ($1, $2)
on conflict (version_id) do update set document = excluded.document`

	closeSandboxSQL = `delete from gateway.sandbox where version_id = $1`

	sandboxesSQL = `select version_id, document from gateway.sandbox where $1::uuid[] is null or version_id = any($1)`
)

// ExposeSandbox makes a version's sandbox callable, or replaces what was
// exposed of it, when tx commits. It fails with Invalid for one that no node
// could serve.
func ExposeSandbox(ctx context.Context, tx pgx.Tx, s Sandbox) error {
	if _, err := compileSandbox(s); err != nil {
		return problem.Errorf(problem.Invalid, "%s", err.Error()).Coded("route-unservable", "reason", err.Error())
	}
	if err := keepFormer(ctx, tx, &s.Route); err != nil {
		return err
	}
	document, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode sandbox of %s: %w", s.Version, err)
	}
	if _, err := tx.Exec(ctx, exposeSandboxSQL, s.Version, document); err != nil {
		return fmt.Errorf("expose sandbox of %s: %w", s.Version, err)
	}
	return changed(ctx, tx, "route", s.Version)
}

// CloseSandbox ends a version's sandbox when tx commits. It is no error when it
// has none.
func CloseSandbox(ctx context.Context, tx pgx.Tx, version uuid.UUID) error {
	done, err := tx.Exec(ctx, closeSandboxSQL, version)
	if err != nil {
		return fmt.Errorf("close sandbox of %s: %w", version, err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return changed(ctx, tx, "route", version)
}

type sandboxRow struct {
	VersionID uuid.UUID
	Document  []byte
}

// loadSandboxes puts the sandboxes of these versions, nil: all, into the
// snapshot in place of what was there of them.
func (f *feed) loadSandboxes(ctx context.Context, s *snapshot, versions []uuid.UUID) error {
	rows, err := pg.All[sandboxRow](ctx, f.conn, sandboxesSQL, versions)
	if err != nil {
		return fmt.Errorf("read sandboxes: %w", err)
	}
	s.sandboxes = maps.Clone(s.sandboxes)
	maps.DeleteFunc(s.sandboxes, func(_ string, v *version) bool { return slices.Contains(versions, v.Version) })
	for _, row := range rows {
		var one Sandbox
		err := json.Unmarshal(row.Document, &one)
		if err == nil {
			err = s.addSandbox(one)
		}
		if err != nil {
			slog.ErrorContext(ctx, "a sandbox cannot be read and is not served", "version_id", row.VersionID, "err", err)
		}
	}
	return nil
}

func (s *snapshot) addSandbox(one Sandbox) error {
	v, err := compileSandbox(one)
	if err != nil {
		return err
	}
	v.sandbox.kept = one
	s.sandboxes[v.prefix] = v
	s.formerly(v)
	return nil
}

// pretend answers a call of a sandbox. Nothing of it leaves the node.
func (c *call) pretend(r *http.Request) {
	in := mock.Call{Query: c.query, Body: c.body, Code: wishedStatus(r.Header["Prefer"]), Kinds: strings.Join(r.Header["Accept"], ",")}
	for _, name := range c.version.sandbox.variables[c.operation.ID] {
		if value, ok := route.Variable(c.operation.Path, name, c.rest); ok {
			in.Path = append(in.Path, [2]string{name, value})
		}
	}
	answers := c.version.sandbox.answers[c.operation.ID]
	if answers == nil {
		answers = &mock.Operation{}
	}
	given, err := answers.Answer(in)
	if err != nil {
		c.refuse(r, problem.Errorf(http.StatusNotImplemented, "%s; ask the agency to give an example in its document", err).Coded("sandbox-no-example"))
		return
	}
	own := &c.answer.own
	own.Set("Cache-Control", "no-store")
	own.Set("Vary", "Origin, Prefer, Accept")
	if given.Wished {
		own.Set("Preference-Applied", "code="+strconv.Itoa(given.Status)) // RFC 7240 §3
	}
	bodiless := given.Status == http.StatusNoContent || given.Status == http.StatusNotModified
	fields := http1.Fields{}
	if given.Kind != "" && !bodiless {
		fields.Add("Content-Type", given.Kind)
	}
	if !bodiless {
		fields.Add("Content-Length", strconv.Itoa(len(given.Body)))
	}
	c.merged = c.answer.begin(given.Status, fields, c.merged)
	if r.Method != http.MethodHead && !bodiless {
		_, _ = c.answer.Write(given.Body) // answer keeps the error
	}
}

// wishedStatus is the status that Prefer: code=404 asks for, the first where
// several are said; 0 for none (RFC 7240 §2).
func wishedStatus(lines []string) int {
	for _, line := range lines {
		for wish := range strings.SplitSeq(line, ",") {
			wish, _, _ = strings.Cut(wish, ";")
			name, value, _ := strings.Cut(wish, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "code") {
				continue
			}
			code, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if err != nil {
				return 0
			}
			return code
		}
	}
	return 0
}
