package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/catalog/spec"
	"lgsp/catalog/spec/change"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// InspectSpec reads a document, tells what is in it and what is wrong with it,
// and saves nothing. It fails with Forbidden for who is of no agency, and as
// spec.Read does.
func (c *Catalog) InspectSpec(_ context.Context, who auth.Principal, text []byte) (*spec.Document, error) {
	if err := official(who); err != nil {
		return nil, err
	}
	return c.read(text)
}

// read reads a document, and finds also what of it the gateway could not hold
// calls to.
func (c *Catalog) read(text []byte) (*spec.Document, error) {
	doc, err := spec.Read(text)
	if err != nil || c.Unchecked == nil {
		return doc, err
	}
	doc.Findings = append(doc.Findings, c.Unchecked(doc.JSON, doc.Operations)...)
	order := []string{spec.Error, spec.Warning, spec.Info}
	slices.SortStableFunc(doc.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(order, a.Severity), slices.Index(order, b.Severity))
	})
	return doc, nil
}

// official refuses who belongs to no agency: reading documents costs.
func official(who auth.Principal) error {
	if len(who.Memberships) == 0 {
		return problem.Errorf(problem.Forbidden, "only officials import documents")
	}
	return nil
}

// fetchTime is how long a document's server may take.
const fetchTime = 30 * time.Second

// FetchSpec gets a document's text from a public address. It fails with
// Forbidden for who is of no agency, Invalid for what is no http or https
// address or cannot be fetched, and TooLarge over 10 MB.
func (c *Catalog) FetchSpec(ctx context.Context, who auth.Principal, address string) ([]byte, error) {
	if err := official(who); err != nil {
		return nil, err
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return nil, problem.Errorf(problem.Invalid, "not an http address").Coded("url-invalid").
			Wrong("url", "url-invalid", "not a full http or https address")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", u.Host, err)
	}
	r.Header.Set("Accept", "application/yaml, application/json, text/yaml, */*;q=0.1")
	failed := problem.Errorf(problem.Invalid, "the document could not be fetched from %s", u.Host).
		Coded("fetch-failed", "host", u.Host).Wrong("url", "fetch-failed", "the document could not be fetched", "host", u.Host)
	answer, err := c.Fetch.Do(r)
	var about *url.Error
	if errors.As(err, &about) {
		return nil, failed.Because(about.Err) // its own text repeats the whole address, which may hold a token
	} else if err != nil {
		return nil, failed.Because(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, failed.Because(fmt.Errorf("status %d", answer.StatusCode))
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, spec.MaxBytes+1))
	if err != nil {
		return nil, failed.Because(err)
	}
	if len(text) > spec.MaxBytes {
		return nil, problem.Errorf(problem.TooLarge, "the document is larger than 10 MB").Coded("spec-too-large").
			Wrong("url", "spec-too-large", "the document is larger than 10 MB")
	}
	return text, nil
}

var numberForm = regexp.MustCompile(`^v[1-9][0-9]{0,2}$`)

const insertVersionSQL = `
insert into catalog.version (id, api_id, number, state, spec_text, spec_json, findings, created_at, updated_at)
values ($1, $2, $3, 'draft', $4, $5, $6, $7, $7)`

// CreateVersion makes a draft of an API from a document: number is v1 to v999.
// It fails with NotFound, with what May says of api.edit, as spec.Read does,
// and with Invalid or Conflict for the number.
func (c *Catalog) CreateVersion(ctx context.Context, who auth.Principal, api uuid.UUID, number string, text []byte) (Version, error) {
	a, err := c.APIByID(ctx, who, api)
	if err != nil {
		return Version{}, err
	}
	if err := c.May(ctx, who, "api.edit", a.AgencyID); err != nil {
		return Version{}, err
	}
	if !numberForm.MatchString(number) {
		return Version{}, problem.Errorf(problem.Invalid, "%q is no version number", number).Coded("number-invalid").
			Wrong("number", "number-invalid", "v1 to v999")
	}
	doc, err := c.read(text)
	if err != nil {
		return Version{}, err
	}
	id := uuid.Must(uuid.NewV7())
	err = pgx.BeginFunc(ctx, c.DB, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, insertVersionSQL, id, api, number, string(doc.Text), string(doc.JSON), doc.Findings, c.Now().UTC())
		if pg.IsUnique(err, "version_number_key") {
			return problem.Errorf(problem.Conflict, "%s has a version %s", a.Slug, number).Coded("number-taken", "number", number).
				Wrong("number", "number-taken", "the API has a version of that number", "number", number)
		}
		if err != nil {
			return fmt.Errorf("insert version %s of %s: %w", number, api, err)
		}
		if err := insertOperations(ctx, tx, id, doc, nil); err != nil {
			return err
		}
		hash, err := c.revise(ctx, tx, id, versionChange{who: who})
		if err != nil {
			return err
		}
		return c.Record(ctx, tx, auth.Act{
			Who: who, Verb: "version.create", Agency: a.AgencyID, About: id,
			Detail: map[string]any{"api": a.Slug, "version": number, "operations": len(doc.Operations), "bundle": hash},
		})
	})
	if err != nil {
		return Version{}, err
	}
	return c.VersionByID(ctx, who, id)
}

const replaceSpecSQL = `
update catalog.version
   set spec_text = $2, spec_json = $3, findings = $4
 where id = $1`

const deleteOperationsSQL = `delete from catalog.operation where version_id = $1`

// ReplaceSpec gives a version another document, as its next revision. Marks
// stay with the operations that stay, as far as they still fit. Of a published
// version only what breaks none of its callers is taken (see gate), and a new
// operation is offered once it is marked. It fails as CreateVersion does, and
// with Conflict once the version has ended.
func (c *Catalog) ReplaceSpec(ctx context.Context, who auth.Principal, version uuid.UUID, s Save) (Version, error) {
	if err := official(who); err != nil {
		return Version{}, err
	}
	if err := checkWhy(&s.Why); err != nil {
		return Version{}, err
	}
	doc, err := c.read(s.Text)
	if err != nil {
		return Version{}, err
	}
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.import", part: PartDocument, from: []string{Draft, Review, Sandbox, Published, Deprecated},
		detail: map[string]any{}, save: &s}
	if s.Why != "" {
		ch.detail["why"] = s.Why
	}
	return c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error { return c.putSpec(ctx, tx, v, doc, &s) })
}

// putSpec gives a locked version another document, as far as gate lets it, and
// notes in s what might have broken callers.
func (c *Catalog) putSpec(ctx context.Context, tx pgx.Tx, v Version, doc *spec.Document, s *Save) error {
	before, err := operationsOf(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	if s.note, err = c.gate(ctx, tx, v, before, doc); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, replaceSpecSQL, v.ID, string(doc.Text), string(doc.JSON), doc.Findings); err != nil {
		return fmt.Errorf("replace document of %s: %w", v.ID, err)
	}
	if _, err := tx.Exec(ctx, deleteOperationsSQL, v.ID); err != nil {
		return fmt.Errorf("delete operations of %s: %w", v.ID, err)
	}
	if v.State == Published {
		if err := c.oweLosses(ctx, tx, v.ID); err != nil {
			return err
		}
	}
	return insertOperations(ctx, tx, v.ID, doc, before)
}

const insertOperationsSQL = `
insert into catalog.operation (id, version_id, slug, method, path, position, access, classification, subject_in, subject_name, doc)
select o.id, $1, o.slug, o.method, o.path, o.position, o.access, o.classification, o.subject_in, o.subject_name, o.doc
  from jsonb_to_recordset($2::jsonb) as o (id uuid, slug text, method text, path text, position integer,
       access text, classification text, subject_in text, subject_name text, doc jsonb)`

// insertOperations writes the operations of doc, marked as those before were.
func insertOperations(ctx context.Context, db pg.DB, version uuid.UUID, doc *spec.Document, before []Operation) error {
	type row struct {
		Operation
		Position int `json:"position"`
	}
	rows := []row{}
	for i, d := range doc.Operations {
		op := Operation{ID: uuid.Must(uuid.NewV7()), VersionID: version, Slug: d.Slug, Method: d.Method, Path: d.Path, Doc: d}
		for _, old := range before {
			if change.SameAddress(old.Doc, d) && len(old.Mark.wrong(d)) == 0 {
				op.Mark = old.Mark
			}
		}
		rows = append(rows, row{op, i})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write operations of %s: %w", version, err)
	}
	if _, err := db.Exec(ctx, insertOperationsSQL, version, string(text)); err != nil {
		return fmt.Errorf("insert operations of %s: %w", version, err)
	}
	return nil
}

// server is one address of a document (OpenAPI 3.1 §4.8.5).
type server struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
}

// withServers puts addresses into a document as its only servers. Documents are
// kept without servers and never empty.
func withServers(document string, servers []server) ([]byte, error) {
	text, err := json.Marshal(servers)
	if err != nil {
		return nil, fmt.Errorf("write servers: %w", err)
	}
	return append([]byte(`{"servers":`+string(text)+`,`), document[1:]...), nil
}
