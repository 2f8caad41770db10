package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/internal/s3test"
)

// TestFilesInABucket: what is published lies there, is read from there in
// whole and in part, is told to be away while the server is, and comes to the
// disk and back by commands, while the platform runs.
func TestFilesInABucket(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	w := newWorldWith(t, func(_ *world, c *config) { c.S3URL, c.S3Secret = server.URL("lgsp"), s3test.Secret })
	w.serve()
	d, err := w.catalog.DatasetBySlug(t.Context(), auth.Principal{}, "opened-data")
	w.must(err)
	part := d.Distributions[0]
	get := func(path, header, value string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.config.PortalURL+path, nil)
		w.must(err)
		r.Header.Set(header, value)
		answer, err := http.DefaultClient.Do(r)
		w.must(err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		w.must(err)
		return answer.StatusCode, answer.Header, string(text)
	}
	file := "/r/" + part.ID.String()
	status, _, whole := get(file, "Accept", "*/*")
	if status != 200 || int64(len(whole)) != part.Size {
		t.Fatalf("%d, %d bytes of %d", status, len(whole), part.Size)
	}
	if status, _, piece := get(file, "Range", "bytes=3-6"); status != 206 || piece != whole[3:7] {
		t.Errorf("of bytes 3 to 6: %d %q", status, piece)
	}
	if status, _, piece := get(file, "Range", "bytes=-2"); status != 206 || piece != whole[len(whole)-2:] {
		t.Errorf("of the last two: %d %q", status, piece)
	}
	server.Kill()
	for language, words := range map[string]string{"vi": "Kho tệp tạm thời chưa trả lời", "en": "The store of files does not answer"} {
		status, header, body := get(file, "Accept-Language", language)
		if status != 503 || header.Get("Retry-After") != "5" || language == "vi" && !strings.Contains(body, words) {
			t.Errorf("away, %s: %d %v %s", language, status, header, body)
		}
	}
	if status, _, _ := get("/dataset/opened-data", "Accept", "text/html"); status != 200 {
		t.Errorf("a page needs no file: %d", status)
	}
	server.Restart()
	lgsp := func(args ...string) (string, error) {
		var said bytes.Buffer
		err := run(t.Context(), program{Args: args, Stdout: &said, Stderr: &said, Environ: []string{
			"LGSP_DATA_DIR=" + w.config.DataDir, "LGSP_S3_URL=" + w.config.S3URL, "LGSP_S3_SECRET=" + s3test.Secret}})
		return said.String(), err
	}
	said, err := lgsp("files", "to-disk")
	if err != nil || !strings.Contains(said, " files moved") {
		t.Errorf("said %s, error %v", said, err)
	}
	kept := filepath.Join(w.config.DataDir, "files", part.Hash)
	if text, err := os.ReadFile(kept); err != nil || string(text) != whole {
		t.Errorf("on disk are %d bytes, error %v", len(text), err)
	}
	if said, err = lgsp("files", "to-s3"); err != nil || !strings.HasPrefix(said, "0 files moved") {
		t.Errorf("said %s, error %v", said, err)
	}
	if _, err := os.Stat(kept); err == nil {
		t.Error("what is in the bucket lies here too")
	}
	write(t, filepath.Join(w.config.DataDir, "files", strings.Repeat("ab", 32)), "another")
	if _, err = lgsp("files", "to-s3"); err == nil || !strings.Contains(err.Error(), "abab") {
		t.Errorf("a spoilt file: %v", err)
	}
	for _, args := range [][]string{{"files"}, {"files", "to-tape"}, {"files", "to-s3", "now"}} {
		if _, err := lgsp(args...); err == nil || !strings.HasPrefix(err.Error(), "usage") {
			t.Errorf("%v: %v", args, err)
		}
	}
	if status, _, again := get(file, "Accept", "*/*"); status != 200 || again != whole {
		t.Errorf("in the end: %d, %d bytes", status, len(again))
	}
}

// TestABucketThatDoesNotLetUsIn stops the start; one that is away does not.
func TestABucketThatDoesNotLetUsIn(t *testing.T) {
	t.Parallel()
	server := s3test.Start(t)
	w := newWorldWith(t, func(_ *world, c *config) { c.S3URL, c.S3Secret = server.URL(""), s3test.Secret })
	c := w.config
	c.S3Secret = "hunter2"
	_, err := wireToServe(t.Context(), c, w.db)
	if err == nil || !strings.HasPrefix(err.Error(), "LGSP_S3_URL: the server says SignatureDoesNotMatch") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	server.Kill()
	if _, err := wireToServe(t.Context(), c, w.db); err != nil {
		t.Errorf("away: %v", err)
	}
}
