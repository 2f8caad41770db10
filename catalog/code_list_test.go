package catalog

import (
	"reflect"
	"slices"
	"testing"

	"lgsp/auth"
	"lgsp/catalog/codelist"
	"lgsp/internal/problem"
)

const fieldsOfLaw = "code,name_vi,parent\nNV,Nội vụ,\nNV.01,Văn thư,NV\n"

func TestCodeListsKeepEveryVersion(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	w.May = w.operatorAlone()
	list, err := w.AddCodeList(ctx, w.operator, CodeListText{Slug: "linh-vuc", TitleVI: " Lĩnh  vực ", Source: "Quyết định 1"})
	if err != nil || list.Version != 0 || list.TitleVI != "Lĩnh vực" {
		t.Fatalf("added %+v, error %v", list, err)
	}
	if entries, err := w.Codes(ctx, "linh-vuc", 0); err != nil || len(entries) != 0 {
		t.Errorf("a new list holds %+v, error %v", entries, err)
	}
	compared, err := w.CompareCodes(ctx, w.operator, "linh-vuc", []byte(fieldsOfLaw))
	if added, changed, removed := compared.Counts(); err != nil || added != 2 || changed != 0 || removed != 0 || compared.Version != 0 {
		t.Fatalf("compared %+v, error %v", compared, err)
	}
	if list, err = w.ImportCodes(ctx, w.operator, "linh-vuc", CodesImport{fieldsOfLaw, 0, "Lần đầu nhập"}); err != nil || list.Version != 1 || list.Entries != 2 {
		t.Fatalf("imported %+v, error %v", list, err)
	}
	const later = "code,name_vi\nNV,Nội vụ và lao động\nYT,Y tế\n"
	if list, err = w.ImportCodes(ctx, w.operator, "linh-vuc", CodesImport{later, 1, "Sắp xếp lại"}); err != nil || list.Version != 2 {
		t.Fatalf("imported %+v, error %v", list, err)
	}
	if first, err := w.Codes(ctx, "linh-vuc", 1); err != nil || !reflect.DeepEqual(first, []codelist.Entry{{Code: "NV", NameVI: "Nội vụ"}, {Code: "NV.01", NameVI: "Văn thư", Parent: "NV"}}) {
		t.Errorf("the first version holds %+v, error %v", first, err)
	}
	versions, err := w.CodeListVersions(ctx, w.operator, "linh-vuc")
	if err != nil || len(versions) != 2 || versions[0].Added != 1 || versions[0].Changed != 1 || versions[0].Removed != 1 || versions[0].Reason != "Sắp xếp lại" {
		t.Errorf("versions %+v, error %v", versions, err)
	}
	if lists, err := w.CodeLists(ctx); err != nil || len(lists) != 1 || lists[0].Entries != 2 || lists[0].Version != 2 {
		t.Errorf("lists %+v, error %v", lists, err)
	}
	if want := []string{"code-list.add", "code-list.import", "code-list.import"}; !slices.Equal(w.acts, want) {
		t.Errorf("recorded %v, want %v", w.acts, want)
	}
}

func TestCodeListRefusals(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	w.May = w.operatorAlone()
	right := CodeListText{Slug: "linh-vuc", TitleVI: "Lĩnh vực", Source: "Quyết định 1"}
	if _, err := w.AddCodeList(ctx, w.operator, right); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ImportCodes(ctx, w.operator, "linh-vuc", CodesImport{fieldsOfLaw, 0, "Lần đầu nhập"}); err != nil {
		t.Fatal(err)
	}
	put := func(who auth.Principal, slug string, in CodesImport) func() error {
		return func() error { _, err := w.ImportCodes(ctx, who, slug, in); return err }
	}
	add := func(who auth.Principal, text CodeListText) func() error {
		return func() error { _, err := w.AddCodeList(ctx, who, text); return err }
	}
	const why = "Sắp xếp lại"
	for name, tt := range map[string]struct {
		do   func() error
		kind problem.Kind
		code string
	}{
		"begun by anyone":      {add(auth.Principal{}, right), problem.Forbidden, ""},
		"a slug taken":         {add(w.operator, right), problem.Conflict, "code-list-taken"},
		"a slug that is none":  {add(w.operator, CodeListText{Slug: "Lĩnh vực", TitleVI: "x", Source: "x"}), problem.Invalid, "fields-wrong"},
		"without a source":     {add(w.operator, CodeListText{Slug: "x-1", TitleVI: "x"}), problem.Invalid, "fields-wrong"},
		"imported by anyone":   {put(auth.Principal{}, "linh-vuc", CodesImport{fieldsOfLaw, 1, why}), problem.Forbidden, ""},
		"an unknown list":      {put(w.operator, "khong-co", CodesImport{fieldsOfLaw, 1, why}), problem.NotFound, "code-list-unknown"},
		"without a reason":     {put(w.operator, "linh-vuc", CodesImport{fieldsOfLaw, 1, "vì"}), problem.Invalid, "fields-wrong"},
		"a file that is wrong": {put(w.operator, "linh-vuc", CodesImport{"code,name_vi\nNV,\n", 1, why}), problem.Invalid, "codes-file"},
		"a list that moved on": {put(w.operator, "linh-vuc", CodesImport{"code,name_vi\nYT,Y tế\n", 0, why}), problem.Conflict, "code-list-moved"},
		"nothing new":          {put(w.operator, "linh-vuc", CodesImport{fieldsOfLaw, 1, why}), problem.Conflict, "codes-same"},
		"an unknown version":   {func() error { _, err := w.Codes(ctx, "linh-vuc", 9); return err }, problem.NotFound, "code-list-unknown"},
		"compared by anyone": {func() error {
			_, err := w.CompareCodes(ctx, auth.Principal{}, "linh-vuc", []byte(fieldsOfLaw))
			return err
		}, problem.Forbidden, ""},
		"versions for anyone": {func() error { _, err := w.CodeListVersions(ctx, auth.Principal{}, "linh-vuc"); return err }, problem.Forbidden, ""},
	} {
		err := tt.do()
		if !problem.Is(err, tt.kind) || tt.code != "" && problem.Of(err).Code != tt.code {
			t.Errorf("%s: got %v, want %d %s", name, err, tt.kind, tt.code)
		}
	}
	_, err := w.CompareCodes(ctx, w.operator, "linh-vuc", []byte("code,name_vi\n-,x\nA,\n"))
	if e := problem.Of(err); len(e.Fields) != 2 || e.Fields[1].Code != "codes-value" {
		t.Errorf("the faults are %+v", e.Fields)
	}
	if list, err := w.CodeList(ctx, "linh-vuc"); err != nil || list.Version != 1 {
		t.Errorf("after the refusals: %+v, error %v", list, err)
	}
}
