package catalog

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// world is a catalogue with one agency, its people, and what the other rooms
// were told.
type world struct {
	*Catalog
	agency    Agency
	publisher auth.Principal
	stranger  auth.Principal // publisher of another agency
	operator  auth.Principal
	acts      []string
	exposed   []Exposure
	withdrawn []Ended
}

const testAgencySQL = `
insert into auth.agency (id, slug, code, synthetic, name_vi, name_en, parent, valid_from, valid_to,
       note_vi, note_en, focal_name, focal_email, focal_phone)
values ($1, $2, $3, true, 'Sở Nội vụ', 'Department of Home Affairs', null, '2025-07-01', null, '', '', '', '', '')`

func newWorld(t *testing.T, db pg.DB) *world {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	w := &world{
		agency:    Agency{ID: id, Slug: "so-noi-vu-" + id.String()[24:], TitleVI: "Sở Nội vụ", TitleEN: "Department of Home Affairs"},
		publisher: auth.Principal{Memberships: []auth.Membership{{Agency: id, Role: "publisher"}}},
		stranger:  auth.Principal{Memberships: []auth.Membership{{Agency: uuid.Must(uuid.NewV7()), Role: "publisher"}}},
		operator:  auth.Principal{Memberships: []auth.Membership{{Role: "operator"}}},
	}
	if _, err := db.Exec(t.Context(), testAgencySQL, id, w.agency.Slug, strings.ToUpper(id.String()[24:])); err != nil {
		t.Fatal(err)
	}
	w.Catalog = &Catalog{
		DB:  db,
		Now: func() time.Time { return time.Date(2025, 8, 1, 9, 0, 0, 0, time.UTC) },
		May: func(_ context.Context, who auth.Principal, act string, agency uuid.UUID) error {
			if who.Has("operator", agency) || (who.Has("publisher", agency) && act != "upstream.approve") {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "may not %s", act)
		},
		Agencies: func(context.Context, []uuid.UUID) (map[uuid.UUID]Agency, error) {
			return map[uuid.UUID]Agency{id: w.agency}, nil
		},
		AgencyBySlug: func(_ context.Context, slug string) (Agency, error) {
			if slug != w.agency.Slug {
				return Agency{}, problem.Errorf(problem.NotFound, "no agency %s", slug)
			}
			return w.agency, nil
		},
		Expose: func(_ context.Context, _ pgx.Tx, e Exposure) error {
			w.exposed = append(w.exposed, e)
			return nil
		},
		Withdraw: func(_ context.Context, _ pgx.Tx, e Ended) error {
			w.withdrawn = append(w.withdrawn, e)
			return nil
		},
		Record: func(_ context.Context, _ pgx.Tx, act auth.Act) error {
			w.acts = append(w.acts, act.Verb)
			return nil
		},
		Loopback: []string{"127.0.0.1:4012"},
	}
	return w
}

// txWorld is a world in a transaction that is rolled back.
func txWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, pgtest.Tx(t))
}

func procedures(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("spec/testdata/thu-tuc.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// api is a new API of the world's agency.
func (w *world) api(t *testing.T) API {
	t.Helper()
	a, err := w.CreateAPI(t.Context(), w.publisher, NewAPI{AgencyID: w.agency.ID, Slug: "thu-tuc", APIText: APIText{TitleVI: "Thủ tục hành chính"}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// draft is a new version v1 with the document text.
func (w *world) draft(t *testing.T, text []byte) Version {
	t.Helper()
	v, err := w.CreateVersion(t.Context(), w.publisher, w.api(t).ID, "v1", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var marks = map[string]Mark{
	"danh-sach-thu-tuc": {Access: Open, Classification: "public"},
	"lay-thu-tuc":       {Access: Restricted, Classification: "internal"},
}

// readyVersion is a draft with everything that publishing asks for.
func (w *world) readyVersion(t *testing.T) Version {
	t.Helper()
	ctx := t.Context()
	v := w.draft(t, procedures(t))
	if _, err := w.ApproveUpstream(ctx, w.operator, w.agency.ID, "api.example.vn:443"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetUpstream(ctx, w.publisher, v.ID, "https://api.example.vn/tthc/"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.MarkOperations(ctx, w.publisher, v.ID, marks); err != nil {
		t.Fatal(err)
	}
	v, err := w.SetPlan(ctx, w.publisher, v.ID, "standard-approval")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refused checks that err is a problem of that kind with a word in both
// languages for each field, and that it names exactly those fields:code.
func refused(t *testing.T, err error, kind problem.Kind, fields ...string) {
	t.Helper()
	if !problem.Is(err, kind) {
		t.Fatalf("got %v, want a problem %d", err, kind)
	}
	got := []string{}
	for _, f := range problem.Of(err).Fields {
		got = append(got, f.Name+":"+f.Code)
		for _, locale := range []string{"vi", "en"} {
			if f.Words(locale) == f.Detail {
				t.Errorf("%s has no words in %s", f.Code, locale)
			}
		}
	}
	if !slices.Equal(got, fields) && len(fields)+len(got) > 0 {
		t.Errorf("fields: got %q, want %q", got, fields)
	}
}
