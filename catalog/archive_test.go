package catalog

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

func TestADatasetIsTakenAwayAsOne(t *testing.T) {
	t.Parallel()
	onEachStore(t, aDatasetIsTakenAwayAsOne)
}

func aDatasetIsTakenAwayAsOne(t *testing.T, s *shelf) {
	ctx := t.Context()
	d, _ := s.published(t, "tron-goi", "Trọn gói", subscribers)
	for _, name := range []string{`..\..\etc\passwd.txt`, "bản: đồ?.pdf"} {
		if err := s.upload(ctx, d.ID, name, "%PDF-1.7 "+name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddLink(ctx, s.publisher, d.ID, NewLink{URL: "https://du-lieu.example/bang.xlsx"}); err != nil {
		t.Fatal(err)
	}
	a, err := s.Archive(ctx, auth.Principal{}, "tron-goi")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := a.Write(ctx, &out); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string]string{}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		body, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body) // the checksum too
		if err != nil {
			t.Fatal(err)
		}
		holds[f.Name] = string(text)
	}
	if got, want := strings.Join(names, " | "), "README.txt | dataset.json | 01-so lieu.csv | 02-passwd.txt | 03-bản_ đồ_.pdf"; got != want {
		t.Errorf("it holds %s, want %s", got, want)
	}
	if holds["01-so lieu.csv"] != subscribers {
		t.Errorf("the table is %q", holds["01-so lieu.csv"])
	}
	for _, words := range []string{"Trọn gói", "CC-BY-4.0", s.agency.TitleVI, a.Dataset.Distributions[0].Hash, "https://du-lieu.example/bang.xlsx"} {
		if !strings.Contains(holds["README.txt"], words) {
			t.Errorf("README.txt lacks %q:\n%s", words, holds["README.txt"])
		}
	}
	var facts struct {
		Slug          string
		Distributions []Distribution
		Dictionary    map[string][]Column
	}
	if err := json.Unmarshal([]byte(holds["dataset.json"]), &facts); err != nil || facts.Slug != "tron-goi" || len(facts.Distributions) != 4 ||
		len(facts.Dictionary[a.Dataset.Distributions[0].ID.String()]) != 4 {
		t.Errorf("dataset.json: %v, %s", err, holds["dataset.json"])
	}
	unpack(t, out.Bytes(), holds)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := a.Write(gone, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("written for nobody: %v", err)
	}
}

// unpack has another program read the archive: Python's zipfile.
func unpack(t *testing.T, archive []byte, holds map[string]string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.zip")
	if err := os.WriteFile(path, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "python3", "-m", "zipfile", "-e", path, filepath.Join(dir, "out")).CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v: %s", err, out)
	}
	for name, want := range holds {
		if got, err := os.ReadFile(filepath.Join(dir, "out", name)); err != nil || string(got) != want {
			t.Errorf("unpacked %s: %v", name, err)
		}
	}
}

func TestNothingIsTakenAwayAsOne(t *testing.T) {
	t.Parallel()
	s, ctx := newShelf(t, pgtest.Tx(t)), t.Context()
	d, err := s.CreateDataset(ctx, s.publisher, s.agency.ID, text("chua-co-tep", "Chưa có tệp"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddLink(ctx, s.publisher, d.ID, NewLink{URL: "https://du-lieu.example/bang.xlsx"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Archive(ctx, s.publisher, d.Slug); problem.Code(err) != "archive-empty" {
		t.Errorf("links only: %v", err)
	}
	if _, err := s.Archive(ctx, s.stranger, d.Slug); problem.Code(err) != "dataset-unknown" {
		t.Errorf("a draft, for a stranger: %v", err)
	}
}
