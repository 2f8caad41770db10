package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// wrong is what is wrong with the mark on the operation that doc describes;
// the fields are named as in Mark.
func (m Mark) wrong(doc Doc) []problem.Field {
	p := &problem.Error{}
	if m.Classification == "state-secret" || m.Access == "state-secret" {
		return p.Wrong("classification", "state-secret", "a state secret can be neither kept nor offered").Fields
	}
	if !slices.Contains([]string{Open, Restricted, Personal}, m.Access) {
		p.Wrong("access", "access-invalid", "open, restricted or personal")
	}
	switch {
	case !slices.Contains([]string{"public", "internal", "confidential"}, m.Classification):
		p.Wrong("classification", "classification-invalid", "public, internal or confidential")
	case m.Access == Open && m.Classification != "public":
		p.Wrong("classification", "open-not-public", "what is open to anyone is public")
	case m.Access == Open && len(doc.Sensitive) > 0:
		p.Wrong("access", "open-sensitive", "an operation with sensitive values is open to nobody without an agreement", "path", doc.Sensitive[0].Path)
	case m.Access == Personal && m.Classification == "public":
		p.Wrong("classification", "personal-public", "personal data is not public")
	}
	switch {
	case m.Access != Personal && (m.SubjectIn != "" || m.SubjectName != ""):
		p.Wrong("subject_name", "subject-not-personal", "only a personal-data operation has a subject")
	case m.Access == Personal && (m.SubjectIn == "" || m.SubjectName == ""):
		p.Wrong("subject_name", "subject-required", "where in the call the subject's number stands")
	case m.Access == Personal && !m.subjectIn(doc):
		p.Wrong("subject_name", "subject-unknown", "the operation has no such parameter", "name", m.SubjectName)
	}
	return p.Fields
}

// subjectIn reports whether the operation has the place the mark names. A body
// of which the document tells no fields is taken at the mark's word.
func (m Mark) subjectIn(doc Doc) bool {
	if m.SubjectIn == "body" {
		if doc.Body == nil || !strings.HasPrefix(m.SubjectName, "/") {
			return false
		}
		return len(doc.Body.Fields) == 0 || slices.ContainsFunc(doc.Body.Fields, func(f Field) bool { return f.Path == m.SubjectName })
	}
	for _, p := range doc.Parameters {
		if p.In == m.SubjectIn && (p.Name == m.SubjectName || (p.In == "header" && strings.EqualFold(p.Name, m.SubjectName))) {
			return p.In != "cookie"
		}
	}
	return false
}

const markOperationSQL = `
update catalog.operation
   set access = $3, classification = $4, subject_in = $5, subject_name = $6
 where version_id = $1 and slug = $2`

// MarkOperations marks operations of a version, by slug; all of them or none.
// Of a published one only those are marked that have no mark yet, which are
// offered from then on. It fails with Invalid, one field error for each thing
// wrong, named operations/{slug}/access and so on; state-secret is refused
// everywhere. It fails with Conflict for a published mark that would change,
// and as changeVersion does for api.edit.
func (c *Catalog) MarkOperations(ctx context.Context, who auth.Principal, version uuid.UUID, marks map[string]Mark) ([]Operation, error) {
	ch := versionChange{who: who, version: version, act: "api.edit", verb: "version.mark", part: PartOperations, from: []string{Draft, Review, Sandbox, Published, Deprecated},
		detail: map[string]any{"operations": len(marks)}}
	_, err := c.changeVersion(ctx, ch, func(tx pgx.Tx, v Version) error {
		all, err := operationsOf(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		wrong := problem.Errorf(problem.Invalid, "the operations cannot be marked as given")
		for _, slug := range slices.Sorted(maps.Keys(marks)) {
			i := slices.IndexFunc(all, func(op Operation) bool { return op.Slug == slug })
			if i < 0 {
				wrong.Wrong("operations/"+slug, "operation-unknown", "no such operation", "slug", slug)
				continue
			}
			for _, f := range marks[slug].wrong(all[i].Doc) {
				if f.Code == "state-secret" {
					wrong.Coded("state-secret")
				}
				f.Name = "operations/" + slug + "/" + f.Name
				wrong.Fields = append(wrong.Fields, f)
			}
		}
		if len(wrong.Fields) > 0 {
			return wrong
		}
		if err := c.marksFit(ctx, tx, v, all, marks); err != nil {
			return err
		}
		return setMarks(ctx, tx, v.ID, marks)
	})
	if err != nil {
		return nil, err
	}
	return operationsOf(ctx, c.DB, version)
}

// setMarks keeps marks that fit.
func setMarks(ctx context.Context, tx pgx.Tx, version uuid.UUID, marks map[string]Mark) error {
	for _, slug := range slices.Sorted(maps.Keys(marks)) {
		m := marks[slug]
		if _, err := tx.Exec(ctx, markOperationSQL, version, slug, m.Access, m.Classification, m.SubjectIn, m.SubjectName); err != nil {
			return fmt.Errorf("mark operation %s of %s: %w", slug, version, err)
		}
	}
	return nil
}

// marksFit refuses what callers of a published version rely on otherwise: a
// mark that was given, and a plan that is open to all.
func (c *Catalog) marksFit(ctx context.Context, tx pgx.Tx, v Version, all []Operation, marks map[string]Mark) error {
	if !live(v.State) {
		return nil
	}
	for _, op := range all {
		m, given := marks[op.Slug]
		if given && op.Access != "" && m != op.Mark {
			return problem.Errorf(problem.Conflict, "%s is marked and published", op.Slug).Coded("mark-fixed", "slug", op.Slug)
		}
	}
	plan, err := pg.One[Plan](ctx, tx, planSQL, v.PlanSlug)
	if err != nil {
		return fmt.Errorf("read plan %s: %w", v.PlanSlug, err)
	}
	for slug, m := range marks {
		if plan.Decision == "open" && m.Access != Open {
			return problem.Errorf(problem.Invalid, "an open plan fits only open operations").
				Wrong("operations/"+slug+"/access", "plan-open-mismatch", "an open plan fits only open operations")
		}
	}
	return nil
}

// Suggest is how an operation might be marked, for its agency to confirm:
// personal where names in the document suggest personal data, else restricted
// and internal.
func (op Operation) Suggest() Mark {
	if len(op.Doc.Personal) == 0 {
		return Mark{Access: Restricted, Classification: "internal"}
	}
	m := Mark{Access: Personal, Classification: "confidential"}
	for _, p := range op.Doc.Parameters {
		if slices.Contains(op.Doc.Personal, p.Name) && slices.Contains([]string{"path", "query", "header"}, p.In) {
			m.SubjectIn, m.SubjectName = p.In, p.Name
			return m
		}
	}
	if op.Doc.Body == nil {
		return m
	}
	for _, f := range op.Doc.Body.Fields {
		if slices.Contains(op.Doc.Personal, f.Path[strings.LastIndexByte(f.Path, '/')+1:]) && !strings.Contains(f.Path, "*") {
			m.SubjectIn, m.SubjectName = "body", f.Path
			return m
		}
	}
	return m
}
