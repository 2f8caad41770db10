package catalog

import (
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"lgsp/auth"
	"lgsp/catalog/files"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
	"lgsp/internal/s3test"
)

// onEachStore runs a test with the files on disk and in a bucket.
func onEachStore(t *testing.T, test func(*testing.T, *shelf)) {
	t.Run("disk", func(t *testing.T) { test(t, newShelf(t, pgtest.New(t))) })
	t.Run("s3", func(t *testing.T) { test(t, newBucketShelf(t)) })
}

// newBucketShelf is a shelf whose files lie in a bucket.
func newBucketShelf(t *testing.T) *shelf {
	t.Helper()
	s := newShelf(t, pgtest.New(t))
	s.server = s3test.Start(t)
	bucket, err := files.NewS3(s.server.URL("a"), s3test.Secret, files.Disk{Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Files = bucket
	return s
}

// lying lists what is kept, offered, on its way in, or being worked on.
func (s *shelf) lying(t *testing.T) []string {
	t.Helper()
	var names []string
	if s.server != nil {
		for _, name := range s.server.Objects() {
			names = append(names, strings.TrimPrefix(strings.TrimPrefix(name, "a/"), "files/"))
		}
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, s.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func (s *shelf) nothingPartial(t *testing.T) {
	t.Helper()
	for _, name := range s.lying(t) {
		if strings.ContainsAny(name, "/-") {
			t.Errorf("%s stays behind", name)
		}
	}
}

// TestTheStoreIsAway: who sends or asks is told so and may try again; nothing is
// half done, and nothing lost.
func TestTheStoreIsAway(t *testing.T) {
	t.Parallel()
	s, ctx := newBucketShelf(t), t.Context()
	d, part := s.published(t, "xa", "Xa", subscribers)
	up, err := s.BeginUpload(ctx, s.publisher, d.ID, "b.csv", int64(len(subscribers)))
	if err == nil {
		_, err = s.Receive(ctx, s.publisher, up.ID, 0, strings.NewReader(subscribers[:20]))
	}
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Archive(ctx, auth.Principal{}, "xa")
	if err != nil {
		t.Fatal(err)
	}
	s.server.Kill()
	for name, try := range map[string]func() error{
		"a download":    func() error { _, _, err := s.OpenFile(ctx, auth.Principal{}, part.ID, 0); return err },
		"the next part": func() error { _, err := s.Receive(ctx, s.publisher, up.ID, 20, strings.NewReader("x")); return err },
		"how far it is": func() error { _, err := s.Upload(ctx, s.publisher, up.ID); return err },
		"a new file":    func() error { return s.upload(ctx, d.ID, "c.csv", "a\n1\n") },
		"a new version": func() error {
			_, err := s.ReplaceFile(ctx, s.publisher, part.ID, Upload{FileName: "d.csv", Body: strings.NewReader("a\n1\n")})
			return err
		},
		"an archive": func() error { return a.Write(ctx, io.Discard) },
		"the sweep":  func() error { return s.SweepUploads(ctx) },
	} {
		if err := try(); problem.Code(err) != "files-away" || problem.Of(err).Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	now, err := s.DatasetBySlug(ctx, auth.Principal{}, "xa")
	if err != nil || len(now.Distributions) != 1 || now.Distributions[0].Version != 1 {
		t.Errorf("the dataset is %+v, error %v", now.Distributions, err)
	}
	if answer, err := s.QueryRows(ctx, auth.Principal{}, part.ID, nil); err != nil || len(answer.Rows) != 3 {
		t.Errorf("rows need no file: %v", err)
	}
	s.server.Restart()
	if now, err := s.Receive(ctx, s.publisher, up.ID, 20, strings.NewReader(subscribers[20:])); err != nil || now.Received != up.Size {
		t.Fatalf("the upload goes on to %d, error %v", now.Received, err)
	}
	if _, err := s.AddDistribution(ctx, s.publisher, d.ID, Upload{Incoming: up.ID, TitleVI: "Lại"}); err != nil {
		t.Error(err)
	}
	if err := a.Write(ctx, io.Discard); err != nil {
		t.Error(err)
	}
	s.nothingPartial(t)
	if left := s.lying(t); len(left) != 1 {
		t.Errorf("the same bytes lie there as %v", left)
	}
}
