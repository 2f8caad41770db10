package catalog

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog/guard"
	"lgsp/catalog/rows"
	"lgsp/internal/problem"
)

// inspect scans a whole file for personal data: every sheet and row of a
// table, every line of a text. What is neither cannot be read.
func (c *Catalog) inspect(ctx context.Context, source rows.Source) ([]guard.Finding, error) {
	if rows.IsTable(source.Format) {
		found, err := c.inspectTables(ctx, source)
		if problem.Code(err) != "rows-json-form" { // JSON that is no table is a text
			return found, err
		}
	}
	if !isPlainText(source.Format) {
		return nil, nil
	}
	return c.inspectText(ctx, source.Path)
}

func isPlainText(format string) bool {
	return format == "TXT" || format == "XML" || format == "JSON" || format == "GEOJSON"
}

// Scanned reports whether files of a format are read in search of personal data.
func Scanned(format string) bool { return rows.IsTable(format) || isPlainText(format) }

func (c *Catalog) inspectTables(ctx context.Context, source rows.Source) ([]guard.Finding, error) {
	type sheet struct {
		name string
		*guard.Scanner
	}
	var sheets []sheet
	err := rows.Walk(ctx, source, func(name string, header []string) func([]string) {
		s := guard.Table(c.Now().Year(), header)
		sheets = append(sheets, sheet{name, s})
		return s.Row
	})
	if err != nil {
		return nil, err
	}
	var list []guard.Finding
	for _, s := range sheets {
		for _, f := range s.Findings() {
			if s.name != "" {
				f.Place = s.name + " / " + f.Place
			}
			list = append(list, f)
		}
	}
	return list, nil
}

// textPiece is how much of a text is read at once, in bytes.
const textPiece = 1 << 16

func (c *Catalog) inspectText(ctx context.Context, path string) ([]guard.Finding, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open text: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 2*textPiece)
	lines.Split(pieces)
	found := guard.Table(c.Now().Year(), []string{""})
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if piece := lines.Bytes(); bytes.ContainsAny(piece, "0123456789@") || bytes.Contains(piece, []byte("trú")) { // all else is of no kind
			found.Row([]string{strings.ToValidUTF8(string(piece), "\uFFFD")})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read text: %w", err)
	}
	list := found.Findings()
	for i := range list {
		list[i].Place = ""
	}
	return list, nil
}

// pieces cuts a text into its lines, and a long line where a word ends.
func pieces(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 && i < textPiece {
		return i + 1, data[:i], nil
	}
	switch {
	case len(data) >= textPiece:
		cut := bytes.LastIndexAny(data[:textPiece], " \t,;<>") + 1
		if cut == 0 {
			cut = textPiece
		}
		return cut, data[:cut], nil
	case atEOF && len(data) > 0:
		return len(data), data, nil
	}
	return 0, nil, nil
}

// partOfFile is the part under which the findings of a new file are held while
// it is refused: the same whenever the same bytes come again.
func partOfFile(dataset uuid.UUID, hash string) uuid.UUID { return uuid.NewSHA1(dataset, []byte(hash)) }

const (
	adoptDecisionsSQL = `
update catalog.personal_decision set part = $3
 where dataset_id = $1 and part = $2`

	dropHeldSQL = `delete from catalog.personal_finding where dataset_id = $1 and part = $2`
)

// adopt gives a new distribution what was decided of its file while it was held.
func adopt(ctx context.Context, tx pgx.Tx, p filePut, hash string) error {
	held := partOfFile(p.dataset, hash)
	for _, sql := range []string{adoptDecisionsSQL, dropHeldSQL} {
		args := []any{p.dataset, held}
		if sql == adoptDecisionsSQL {
			args = append(args, p.distribution)
		}
		if _, err := tx.Exec(ctx, sql, args...); err != nil {
			return fmt.Errorf("adopt decisions of %s: %w", p.distribution, err)
		}
	}
	return nil
}
