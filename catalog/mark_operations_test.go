package catalog

import (
	"testing"

	"lgsp/catalog/spec"
	"lgsp/internal/problem"
)

func TestMarkOperations(t *testing.T) {
	t.Parallel()
	const at = "operations/lay-thu-tuc/"
	for _, tt := range []struct {
		name   string
		mark   Mark
		fields []string
		code   string
	}{
		{name: "open", mark: Mark{Access: Open, Classification: "public"}},
		{name: "restricted", mark: Mark{Access: Restricted, Classification: "confidential"}},
		{name: "personal, in the path", mark: Mark{Personal, "confidential", "path", "maTTHC"}},
		{name: "nothing", fields: []string{at + "access:access-invalid", at + "classification:classification-invalid"}},
		{name: "state secret", mark: Mark{Access: Restricted, Classification: "state-secret"}, fields: []string{at + "classification:state-secret"}, code: "state-secret"},
		{name: "open but internal", mark: Mark{Access: Open, Classification: "internal"}, fields: []string{at + "classification:open-not-public"}},
		{name: "personal but public", mark: Mark{Personal, "public", "path", "maTTHC"}, fields: []string{at + "classification:personal-public"}},
		{name: "personal, no subject", mark: Mark{Access: Personal, Classification: "internal"}, fields: []string{at + "subject_name:subject-required"}},
		{name: "personal, no such parameter", mark: Mark{Personal, "internal", "query", "maTTHC"}, fields: []string{at + "subject_name:subject-unknown"}},
		{name: "personal, no body", mark: Mark{Personal, "internal", "body", "/soDinhDanh"}, fields: []string{at + "subject_name:subject-unknown"}},
		{name: "a subject that nobody asked for", mark: Mark{Restricted, "internal", "path", "maTTHC"}, fields: []string{at + "subject_name:subject-not-personal"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := txWorld(t)
			v := w.draft(t, procedures(t))
			ops, err := w.MarkOperations(t.Context(), w.publisher, v.ID, map[string]Mark{"lay-thu-tuc": tt.mark, "danh-sach-thu-tuc": marks["danh-sach-thu-tuc"]})
			if len(tt.fields) > 0 {
				refused(t, err, problem.Invalid, tt.fields...)
				if tt.code != "" && problem.Code(err) != tt.code {
					t.Errorf("code: got %s, want %s", problem.Code(err), tt.code)
				}
				ops, err := w.Operations(t.Context(), w.publisher, v.ID)
				if err != nil || ops[0].Access != "" {
					t.Errorf("half of the marks were kept: %+v, %v", ops, err)
				}
				return
			}
			if err != nil || ops[1].Mark != tt.mark {
				t.Errorf("got %+v, %v", ops, err)
			}
		})
	}
}

func TestMarkOperationsUnknown(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	v := w.draft(t, procedures(t))
	_, err := w.MarkOperations(t.Context(), w.publisher, v.ID, map[string]Mark{"khong-co": {}})
	refused(t, err, problem.Invalid, "operations/khong-co:operation-unknown")
	_, err = w.MarkOperations(t.Context(), w.stranger, v.ID, marks)
	refused(t, err, problem.NotFound)
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	body := &spec.Body{Fields: []Field{{Path: "/nguoi"}, {Path: "/nguoi/soDinhDanh"}}}
	for _, tt := range []struct {
		name string
		doc  Doc
		want Mark
	}{
		{"nothing personal", Doc{}, Mark{Access: Restricted, Classification: "internal"}},
		{"a personal parameter", Doc{Personal: []string{"hoTen", "soDinhDanh"}, Parameters: []spec.Parameter{{Name: "soDinhDanh", In: "path"}}},
			Mark{Personal, "confidential", "path", "soDinhDanh"}},
		{"in the body", Doc{Personal: []string{"soDinhDanh"}, Body: body}, Mark{Personal, "confidential", "body", "/nguoi/soDinhDanh"}},
		{"only in the answer", Doc{Personal: []string{"hoTen"}}, Mark{Access: Personal, Classification: "confidential"}},
	} {
		if got := (Operation{Doc: tt.doc}).Suggest(); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
