package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lgsp/auth"
	"lgsp/catalog"
)

// as runs a command of the binary against the world's portal, as a role.
func (w *world) as(role string, args ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	var out, errs bytes.Buffer
	err = run(w.t.Context(), program{Args: args, Environ: []string{"LGSP_PORTAL_URL=" + w.config.PortalURL, "LGSP_TOKEN=" + w.token[role]}, Stdout: &out, Stderr: &errs})
	return out.String(), errs.String(), err
}

// export is an agency's document, as a role sees it.
func (w *world) export(role, agency string) string {
	w.t.Helper()
	text, _, err := w.as(role, "export", agency)
	w.must(err)
	return text
}

// apply puts a document in force, and gives the diff and what is said of it.
func (w *world) apply(role, document string, more ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "agency.yaml")
	w.must(os.WriteFile(file, []byte(document), 0o600))
	return w.as(role, append([]string{"apply", "-f", file}, more...)...)
}

// changed is a text with replacements, each of which must be there.
func changed(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q is not in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// TestManifestRoundTrip: what is exported changes nothing when it is applied,
// and is the same bytes afterwards; what is changed in it is shown, done, and
// then the same bytes too.
func TestManifestRoundTrip(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	before := w.export("operator", "so-a")
	if diff, said, err := w.apply("operator", before); err != nil || diff != "" || said != "nothing to change\n" || w.export("operator", "so-a") != before {
		t.Fatalf("applied as it is: %v\n%s%s", err, diff, said)
	}
	for _, secret := range []string{"lgsp_", "password", w.key, w.secret} {
		if strings.Contains(before, secret) {
			t.Errorf("the document holds %q", secret)
		}
	}
	want := changed(t, before, "title_vi: Dịch vụ public\n", "title_vi: Dịch vụ công khai\n", "title_vi: Số liệu drafted\n", "title_vi: Số liệu nháp\n")
	want = strings.Replace(want, "summary: Thửa đất\n", "summary: Thửa đất theo số\n", 1) // of the first version, a draft
	diff, said, err := w.apply("publisher", withoutMembers(want), "--dry-run")
	if err != nil || !strings.Contains(diff, "-      title_vi: Dịch vụ public\n+      title_vi: Dịch vụ công khai\n") || !strings.Contains(said, "none made (--dry-run)") || w.export("operator", "so-a") != before {
		t.Fatalf("a dry run: %v\n%s%s", err, diff, said)
	}
	if _, said, err = w.apply("publisher", withoutMembers(want)); err != nil {
		t.Fatalf("applied: %v\n%s", err, said)
	}
	if got := w.export("operator", "so-a"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, said, err = w.apply("publisher", withoutMembers(want)); err != nil || !strings.Contains(said, "nothing to change\n") {
		t.Errorf("applied again: %v\n%s", err, said)
	}
}

// withoutMembers is a document as a publisher may apply it.
func withoutMembers(text string) string {
	for _, part := range []string{"members:\n", "hosts:\n"} {
		from := strings.Index(text, part)
		if from < 0 {
			continue
		}
		to := from + len(part)
		for strings.HasPrefix(text[to:], "  ") {
			to += strings.IndexByte(text[to:], '\n') + 1
		}
		text = text[:from] + text[to:]
	}
	return text
}

// TestManifestToAnother: a document of one agency, under another's name, makes
// the other the same, by the people whose step each one is.
func TestManifestToAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	other, err := w.auth.CreateAgency(t.Context(), auth.Platform("test"), auth.Agency{Slug: "so-c", Code: "H48.92", Synthetic: true, NameVI: "Sở so-c", NameEN: "Department so-c",
		ValidFrom: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)})
	w.must(err)
	want := changed(t, w.export("operator", "so-a"), "agency: so-a\n", "agency: so-c\n", "-data\n", "-copy\n", "# so-a", "# so-c")
	_, said, err := w.apply("operator", want)
	if err != nil || !strings.Contains(said, "waits for somebody else: API dich-vu-hidden: dich-vu-hidden/v1: named the system behind") ||
		!strings.Contains(said, "waits for somebody else: dataset opened-copy: submit") {
		t.Fatalf("with no host approved, and no file: %v\n%s", err, said)
	}
	_, err = w.catalog.ApproveUpstream(t.Context(), w.people["operator"], other.ID, w.id["upstream"])
	w.must(err)
	for _, slug := range []string{"approved-copy", "opened-copy", "submitted-copy", "changed-copy"} {
		d, err := w.catalog.DatasetBySlug(t.Context(), w.people["operator"], slug)
		w.must(err)
		_, err = w.catalog.AddDistribution(t.Context(), w.people["operator"], d.ID, catalog.Upload{FileName: "so-lieu.csv", Body: strings.NewReader("Mã,Số\n1,2\n")})
		w.must(err)
	}
	for _, turn := range []struct{ role, waits string }{
		{"publisher", "dataset approved-copy: approve: "}, {"steward", "dataset opened-copy: publish: "}, {"publisher", ""},
	} {
		_, said, err := w.apply(turn.role, withoutMembers(want))
		if err != nil || strings.Contains(said, "waits") != (turn.waits != "") || !strings.Contains(said, turn.waits) {
			t.Fatalf("as %s: %v\n%s", turn.role, err, said)
		}
	}
	if got := w.export("operator", "so-c"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestManifestOfPublicData: what is written about a public dataset changes when
// somebody else approves it, and they may by the same document.
func TestManifestOfPublicData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	want := withoutMembers(changed(t, w.export("operator", "so-a"), "title_vi: Số liệu opened\n", "title_vi: Số liệu đã mở\n"))
	for _, turn := range []struct{ role, says string }{
		{"publisher", "dataset opened-data: changed what is written about it\n"},
		{"publisher", "waits for somebody else: dataset opened-data: approved the change: "},
		{"steward", "dataset opened-data: approved the change\n"},
		{"steward", "nothing to change\n"},
	} {
		if _, said, err := w.apply(turn.role, want); err != nil || !strings.Contains(said, turn.says) {
			t.Fatalf("as %s: %v\n%s", turn.role, err, said)
		}
	}
}

// TestManifestRefusals: nothing is done of a document that asks for what it may
// not have.
func TestManifestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	whole := w.export("operator", "so-a")
	before, lean := whole, withoutMembers(whole)
	for _, tt := range []struct{ name, role, document, says string }{
		{"members, by who may not see them", "publisher", whole, "whom only a steward of so-a or an operator may see"},
		{"another agency's dataset", "operator", changed(t, lean, "agency: so-a\n", "agency: so-b\n"), "is of so-a"},
		{"no agency", "operator", changed(t, lean, "agency: so-a\n", "agency: so-z\n"), "404"},
		{"back to a draft", "operator", changed(t, lean, "state: published\n        plan", "state: draft\n        plan"), "dich-vu-public/v1 is published, and does not become draft again"},
		{"a public dataset as a draft", "operator", changed(t, lean, "slug: opened-data\n    state: published", "slug: opened-data\n    state: draft"), "does not become draft through a document"},
		{"another's agency", "other", changed(t, lean, "title_vi: Dịch vụ public\n", "title_vi: Của tôi\n"), "does not work for so-a"},
		{"a document that is none", "publisher", strings.Replace(lean, "openapi: 3.1.0", "openapi: 9.9.9", 1), "(400 "},
		{"a key that is not known", "publisher", lean + "secrets: {}\n", "line "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, said, err := w.apply(tt.role, tt.document)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q\n%s", err, tt.says, said)
			}
			if got := w.export("operator", "so-a"); got != before {
				t.Errorf("the agency has changed:\n%s", got)
			}
		})
	}
	for name, args := range map[string][]string{"no file": {"apply"}, "no agency": {"export"}, "not there": {"apply", "-f", "/nowhere.yaml"}} {
		if _, _, err := w.as("publisher", args...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := run(t.Context(), program{Args: []string{"export", "so-a"}, Stdout: io.Discard, Stderr: io.Discard}); err == nil || !strings.Contains(err.Error(), "LGSP_TOKEN") {
		t.Errorf("without a token: %v", err)
	}
}
