package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

func TestCreateAPI(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		n      NewAPI
		who    string
		kind   problem.Kind
		fields []string
	}{
		{name: "as it should be", n: NewAPI{Slug: "thu-tuc", APIText: APIText{TitleVI: " Thủ tục "}}},
		{name: "with what nobody sees", n: NewAPI{Slug: "thu-tuc", APIText: APIText{TitleVI: "Thủ\u200b\u202e\n tục\x00"}}},
		{name: "nothing that is seen", n: NewAPI{Slug: "thu-tuc", APIText: APIText{TitleVI: "\u200b \u2066"}}, kind: problem.Invalid, fields: []string{"title_vi:title-required"}},
		{name: "no title and no slug", kind: problem.Invalid, fields: []string{"title_vi:title-required", "slug:slug-invalid"}},
		{name: "too long", n: NewAPI{Slug: "a1", APIText: APIText{TitleVI: strings.Repeat("ữ", 201), DescriptionEN: strings.Repeat("x", 5001)}}, kind: problem.Invalid,
			fields: []string{"title_vi:text-too-long", "description_en:text-too-long"}},
		{name: "marks in the slug", n: NewAPI{Slug: "thủ-tục", APIText: APIText{TitleVI: "T"}}, kind: problem.Invalid, fields: []string{"slug:slug-invalid"}},
		{name: "not my agency", n: NewAPI{Slug: "thu-tuc", APIText: APIText{TitleVI: "T"}}, who: "stranger", kind: problem.Forbidden},
		{name: "not signed in", n: NewAPI{Slug: "thu-tuc", APIText: APIText{TitleVI: "T"}}, who: "nobody", kind: problem.Forbidden},
		{name: "agency unknown", n: NewAPI{AgencyID: uuid.Max, Slug: "thu-tuc", APIText: APIText{TitleVI: "T"}}, who: "operator", kind: problem.NotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			who := map[string]auth.Principal{"": w.publisher, "stranger": w.stranger, "operator": w.operator, "nobody": {}}[tt.who]
			if tt.n.AgencyID == uuid.Nil {
				tt.n.AgencyID = w.agency.ID
			}
			a, err := w.CreateAPI(t.Context(), who, tt.n)
			if tt.kind != 0 {
				refused(t, err, tt.kind, tt.fields...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.TitleVI != "Thủ tục" || a.Agency != w.agency || len(a.Versions) != 0 || !slices.Equal(w.acts, []string{"api.create"}) {
				t.Errorf("got %+v, acts %q", a, w.acts)
			}
		})
	}
}

func TestCreateAPITaken(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	w.api(t)
	_, err := w.CreateAPI(t.Context(), w.publisher, NewAPI{AgencyID: w.agency.ID, Slug: "thu-tuc", APIText: APIText{TitleVI: "T"}})
	refused(t, err, problem.Conflict, "slug:slug-taken")
}

func TestEditAPI(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx, a := t.Context(), w.api(t)
	got, err := w.EditAPI(ctx, w.publisher, a.ID, APIText{TitleVI: "Mới", TitleEN: "New"})
	if err != nil || got.TitleVI != "Mới" || got.TitleEN != "New" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = w.EditAPI(ctx, w.publisher, a.ID, APIText{})
	refused(t, err, problem.Invalid, "title_vi:title-required")
	_, err = w.EditAPI(ctx, w.stranger, a.ID, APIText{TitleVI: "T"})
	refused(t, err, problem.NotFound) // nothing of it is published
	_, err = w.EditAPI(ctx, w.publisher, uuid.Max, APIText{TitleVI: "T"})
	refused(t, err, problem.NotFound)
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	v := w.readyVersion(t)
	see := func(who auth.Principal) string {
		out := ""
		list, _, err := w.ListAPIs(ctx, who, APIFilter{Agency: w.agency.ID})
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			out += "listed "
		}
		if a, err := w.APIBySlug(ctx, who, w.agency.Slug, "thu-tuc"); err == nil {
			out += "api "
			if len(a.Versions) > 0 && a.Versions[0].UpstreamURL != "" {
				out += "upstream "
			}
		} else if !problem.Is(err, problem.NotFound) {
			t.Fatal(err)
		}
		for name, look := range map[string]func() error{
			"":           func() error { _, err := w.VersionBySlug(ctx, who, w.agency.Slug, "thu-tuc", "v1"); return err },
			"operations": func() error { _, err := w.Operations(ctx, who, v.ID); return err },
			"operation":  func() error { _, err := w.OperationBySlug(ctx, who, v.ID, "lay-thu-tuc"); return err },
			"json":       func() error { _, err := w.SpecJSON(ctx, who, v.ID, "http://x"); return err },
			"version":    func() error { _, err := w.VersionByID(ctx, who, v.ID); return err },
		} {
			err := look()
			if err != nil && !problem.Is(err, problem.NotFound) {
				t.Fatalf("%s: %v", name, err)
			}
			if (err == nil) != strings.Contains(out, "api") {
				t.Errorf("%s of a version and its API differ: %v", name, err)
			}
		}
		if _, err := w.SpecText(ctx, who, v.ID); err == nil {
			out += "text"
		}
		return strings.TrimSpace(out)
	}
	everyone := []auth.Principal{{}, w.stranger, w.publisher, w.operator}
	check := func(state string, want ...string) {
		t.Helper()
		for i, who := range everyone {
			if got := see(who); got != want[i] {
				t.Errorf("%s, reader %d: got %q, want %q", state, i, got, want[i])
			}
		}
	}
	const all = "listed api upstream text"
	check("draft", "", "", all, all)
	if _, err := w.PublishVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	check("published", "listed api", "listed api", all, all)
	if _, err := w.RetireVersion(ctx, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	check("retired", "api", "api", all, all)
}

func TestListAPIs(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	ctx := t.Context()
	for _, slug := range []string{"mot", "hai", "ba"} {
		if _, err := w.CreateAPI(ctx, w.publisher, NewAPI{AgencyID: w.agency.ID, Slug: slug, APIText: APIText{TitleVI: slug}}); err != nil {
			t.Fatal(err)
		}
	}
	got, after := []string{}, ""
	for range 3 {
		list, next, err := w.ListAPIs(ctx, w.publisher, APIFilter{Agency: w.agency.ID, Limit: 2, After: after})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			got = append(got, a.Slug)
		}
		if after = next; after == "" {
			break
		}
	}
	if want := []string{"ba", "hai", "mot"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	_, _, err := w.ListAPIs(ctx, w.publisher, APIFilter{After: "x"})
	refused(t, err, problem.Invalid)
	_, _, err = w.ListAPIs(ctx, w.publisher, APIFilter{Limit: 101})
	refused(t, err, problem.Invalid)
}
