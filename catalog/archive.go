package catalog

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// Archive is a dataset with the newest of all its files and what is written
// about them, to be taken away as one. The files are read while it is written;
// no connection to the database is held.
type Archive struct {
	Dataset    Dataset
	Dictionary map[uuid.UUID][]Column // of the tables, by distribution
	At         time.Time              // when it was put together

	files KeptFiles
}

// Archive gives a dataset to be taken away to those who may have its files. It
// fails with NotFound, also for a dataset without files.
func (c *Catalog) Archive(ctx context.Context, who auth.Principal, slug string) (Archive, error) {
	d, err := c.DatasetBySlug(ctx, who, slug)
	if err != nil {
		return Archive{}, err
	}
	a := Archive{Dataset: d, At: c.Now().UTC(), files: c.Files}
	if !slices.ContainsFunc(d.Distributions, func(part Distribution) bool { return part.Hash != "" }) {
		return Archive{}, problem.Errorf(problem.NotFound, "dataset %s has no files", slug).Coded("archive-empty")
	}
	contents, err := c.Contents(ctx, who, d)
	a.Dictionary = contents.Columns
	return a, err
}

// packed are the formats that deflate makes no smaller.
var packed = []string{"XLSX", "DOCX", "ODS", "ZIP", "PDF", "PARQUET"}

// Write writes the dataset as ZIP: README.txt, dataset.json, and the files as
// they were uploaded, each with its number before its name. When it fails after
// a byte was written the caller must break the connection.
func (a Archive) Write(ctx context.Context, w io.Writer) error {
	out := zip.NewWriter(w)
	facts, err := json.MarshalIndent(struct {
		Dataset
		Dictionary map[uuid.UUID][]Column `json:"dictionary"`
		At         time.Time              `json:"generated_at"`
	}{a.Dataset, a.Dictionary, a.At}, "", "  ")
	if err != nil {
		return fmt.Errorf("describe dataset %s: %w", a.Dataset.ID, err)
	}
	for _, text := range []struct {
		name string
		body []byte
	}{{"README.txt", []byte(a.readme())}, {"dataset.json", facts}} {
		to, err := out.CreateHeader(&zip.FileHeader{Name: text.name, Method: zip.Deflate, Modified: a.At})
		if err == nil {
			_, err = to.Write(text.body)
		}
		if err != nil {
			return fmt.Errorf("pack %s: %w", text.name, err)
		}
	}
	for _, part := range a.Dataset.Distributions {
		if part.Hash == "" {
			continue // a link, which README.txt names
		}
		if err := a.pack(ctx, out, part); err != nil {
			return fmt.Errorf("pack distribution %s: %w", part.ID, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}

func (a Archive) pack(ctx context.Context, out *zip.Writer, part Distribution) error {
	file, err := a.files.Open(ctx, part.Hash)
	if err != nil {
		return err
	}
	defer file.Close()
	head := &zip.FileHeader{Name: nameInArchive(part), Method: zip.Deflate, Modified: part.UploadedAt}
	if slices.Contains(packed, part.Format) {
		head.Method = zip.Store
	}
	to, err := out.CreateHeader(head)
	if err == nil {
		_, err = io.Copy(to, whileWanted{ctx, file})
	}
	return err
}

// whileWanted reads until the reader of the archive has gone.
type whileWanted struct {
	ctx context.Context
	io.Reader
}

// Read is of io.Reader.
func (r whileWanted) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// nameInArchive is a name that every system can unpack, and no two files share.
func nameInArchive(part Distribution) string {
	return fmt.Sprintf("%02d-%s", part.Position, strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`\/:*?"<>|`, r) {
			return '_'
		}
		return r
	}, part.FileName))
}

// readme says in both languages what is in the archive.
func (a Archive) readme() string {
	d := a.Dataset
	var b strings.Builder
	line := func(vi, en, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s / %s: %s\n", vi, en, value)
		}
	}
	fmt.Fprintf(&b, "%s\n", d.TitleVI)
	if d.TitleEN != "" {
		fmt.Fprintf(&b, "%s\n", d.TitleEN)
	}
	b.WriteString("\n")
	line("Cơ quan công bố", "Publisher", d.Agency.TitleVI)
	line("Giấy phép", "Licence", d.Licence)
	line("Phạm vi", "Area", d.Spatial)
	line("Từ ngày", "From", d.TemporalStart)
	line("Đến ngày", "Until", d.TemporalEnd)
	line("Tài liệu nguồn", "Source document", strings.TrimSpace(d.SourceDocument+" "+d.SourceURL))
	line("Cập nhật", "Updated", d.UpdatedAt.UTC().Format(time.RFC3339))
	line("Đóng gói", "Packed", a.At.Format(time.RFC3339))
	line("Định danh", "Identifier", d.ID.String())
	for _, notes := range []string{d.NotesVI, d.NotesEN} {
		if notes != "" {
			fmt.Fprintf(&b, "\n%s\n", notes)
		}
	}
	b.WriteString("\nTệp / Files:\n")
	for _, part := range d.Distributions {
		if part.Hash == "" {
			fmt.Fprintf(&b, "- %s\n  liên kết, không có trong gói / a link, not in this archive: %s\n", part.TitleVI, part.LinkURL)
			continue
		}
		fmt.Fprintf(&b, "- %s\n  %s, phiên bản / version %d, %d byte, SHA-256 %s\n", nameInArchive(part), part.TitleVI, part.Version, part.Size, part.Hash)
	}
	b.WriteString("\ndataset.json: mọi thông tin về bộ dữ liệu và các cột / all that is known of the dataset and its columns.\n")
	return b.String()
}
