package harvest

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// columns are the names that a list's columns may have, in Vietnamese or
// English, without regard to capitals.
var columns = map[string]string{
	"id": "id", "mã": "id", "identifier": "id",
	"title": "title", "tên": "title", "tiêu đề": "title", "title_vi": "title", "title_en": "title_en",
	"notes": "notes", "mô tả": "notes", "description": "notes", "notes_vi": "notes", "notes_en": "notes_en",
	"keywords": "keywords", "từ khoá": "keywords", "từ khóa": "keywords", "tags": "keywords",
	"publisher": "publisher", "cơ quan": "publisher",
	"theme": "theme", "chủ đề": "theme", "licence": "licence", "license": "licence", "giấy phép": "licence",
	"frequency": "frequency", "tần suất": "frequency", "start": "start", "từ ngày": "start", "end": "end", "đến ngày": "end",
	"modified": "modified", "cập nhật": "modified", "page": "page", "trang": "page", "contact": "contact", "thư điện tử": "contact",
	"url": "url", "liên kết": "url", "file": "url", "file_title": "file_title", "tên tệp": "file_title", "format": "format", "định dạng": "format",
}

// csv reads a list: a line a file, several with the same id are one dataset.
// The first line names the columns; id, title and url are needed.
func (r Reader) csv(ctx context.Context, address *url.URL, c *collector) error {
	text, _, err := r.get(ctx, address.String(), "text/csv, */*;q=0.5")
	if err != nil {
		return err
	}
	return readList(text, c)
}

func readList(text []byte, c *collector) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	first, _, _ := bytes.Cut(text, []byte("\n"))
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		in.Comma = ';'
	}
	head, err := in.Read()
	if err != nil {
		return fault("not-a-catalogue", "the list has no first line")
	}
	names := make([]string, len(head))
	has := map[string]bool{}
	for i, name := range head {
		names[i] = columns[strings.ToLower(strings.TrimSpace(name))]
		has[names[i]] = true
	}
	for _, needed := range []string{"id", "title", "url"} {
		if !has[needed] {
			return fault("not-a-catalogue", "the list has no column %s", needed)
		}
	}
	places := map[string]int{}
	var list []Record
	for line := 2; ; line++ {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault("not-a-catalogue", "the list cannot be read: %w", err)
		}
		rec := listed(names, row)
		at, known := places[rec.Key]
		switch {
		case rec.Key == "":
			c.skip(fmt.Sprintf("line %d", line), "it has no identifier")
		case known:
			list[at].Links = append(list[at].Links, rec.Links...)
		case len(list) == MaxRecords:
			return fault("too-large", "the list has more than %d datasets", MaxRecords)
		default:
			places[rec.Key] = len(list)
			list = append(list, rec)
		}
	}
	for _, rec := range list {
		if err := c.add(rec); err != nil {
			return err
		}
	}
	return nil
}

// listed is a line of a list.
func listed(names, row []string) Record {
	said := map[string]string{}
	for i, value := range row {
		if i < len(names) && said[names[i]] == "" {
			said[names[i]] = strings.TrimSpace(value)
		}
	}
	rec := Record{Key: said["id"], TitleVI: said["title"], TitleEN: said["title_en"], NotesVI: said["notes"], NotesEN: said["notes_en"],
		Publisher: said["publisher"], Theme: said["theme"], Licence: said["licence"], Frequency: said["frequency"], Start: said["start"], End: said["end"],
		Modified: moment(said["modified"]), Page: said["page"], Contact: said["contact"]}
	for word := range strings.SplitSeq(said["keywords"], ",") {
		if word = strings.TrimSpace(word); word != "" {
			rec.Keywords = append(rec.Keywords, word)
		}
	}
	if said["url"] != "" {
		rec.Links = []Link{{URL: said["url"], Title: said["file_title"], Format: said["format"]}}
	}
	return rec
}
