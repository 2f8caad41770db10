package archtest

import (
	"context"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"lgsp/internal/pgtest"
)

const module = "lgsp/"

// arrows say which rooms a room may import besides itself and internal
// (design: cmd → portal → {agreement, catalog, gateway, ledger} → auth → internal).
var arrows = map[string][]string{
	"cmd":        {"docs", "portal", "demo", "agreement", "catalog", "gateway", "ledger", "auth", "web", "migrations", "internal"},
	"portal":     {"agreement", "catalog", "gateway", "ledger", "auth", "web", "docs", "internal"},
	"demo":       {"agreement", "catalog", "gateway", "ledger", "auth", "internal"},
	"agreement":  {"auth", "internal"},
	"catalog":    {"auth", "internal"},
	"gateway":    {"auth", "internal"},
	"ledger":     {"auth", "internal"},
	"auth":       {"internal"},
	"web":        {"internal"},
	"docs":       {},
	"migrations": {},
	"internal":   {"migrations"},
	"test":       {"portal", "demo", "agreement", "catalog", "gateway", "ledger", "auth", "web", "migrations", "internal"},
}

// confined modules may be imported by these folders only (tests apart).
var confined = map[string][]string{
	"github.com/ory/fosite":               {"auth/oauth"},
	"github.com/casbin/casbin":            {"auth/policy"},
	"github.com/xuri/excelize":            {"catalog/rows"},
	"github.com/parquet-go/parquet-go":    {"catalog/rows"},
	"github.com/pressly/goose":            {"migrations"},
	"github.com/fergusstrange":            {"internal/devdb"},
	"github.com/go-webauthn/webauthn":     {"auth"},
	"github.com/aymanbagabas/go-udiff":    {"portal/manifest"},
	"rsc.io/qr":                           {"portal"},
	"github.com/yuin/goldmark":            {"docs"},
	"golang.org/x/mod":                    {"ledger", "ledger/tlog"},
	"github.com/coreos/go-oidc":           {"auth/outside"},
	"github.com/ccojocar/zxcvbn-go":       {"auth"},
	"github.com/pires/go-proxyproto":      {"internal/entrance"},
	"github.com/getkin/kin-openapi":       {"catalog/spec", "catalog/spec/change", "portal/openapi"},
	"github.com/oasdiff/oasdiff":          {"catalog/spec/change"},
	"github.com/maypok86/otter":           {"gateway/cache", "auth/foreign", "catalog"},
	"github.com/dunglas/httpsfv":          {"gateway/signature"},
	"github.com/klauspost/compress":       {"portal", "gateway"},
	"golang.org/x/crypto/acme":            {"cmd/lgsp"},
	"github.com/redis/go-redis":           {"gateway/quota"},
	"github.com/meilisearch":              {"catalog/search/meili"},
	"github.com/riverqueue/river":         {"internal/jobs"},
	"github.com/minio/minio-go":           {"catalog/files", "internal/s3test"},
	"github.com/piprate/json-gold":        {"catalog/harvest"},
	"github.com/modelcontextprotocol":     {"catalog/mcp"},
	"github.com/prometheus/client_golang": {"internal/telemetry", "gateway", "cmd/lgsp", "test/bench"},
}

var (
	repository = "../.."
	vague      = regexp.MustCompile(`^(util|utils|common|helpers?|models?|types|misc)$`)
)

func TestImportsFollowTheArrows(t *testing.T) {
	t.Parallel()
	_, files := read(t)
	for _, f := range files {
		room := Room(f.Dir)
		allowed, known := arrows[room]
		if !known {
			t.Errorf("%s: room %q has no arrows", f.Path, room)
		}
		for _, path := range f.Imports() {
			other, inside := strings.CutPrefix(path, module)
			if !inside {
				continue
			}
			if Room(other) != room && !slices.Contains(allowed, Room(other)) {
				t.Errorf("%s imports %s against the arrows", f.Path, path)
			}
			if sideways(f.Dir, other) {
				t.Errorf("%s imports its neighbour %s sideways", f.Path, path)
			}
		}
	}
}

// sideways reports whether one inner room imports another of the same room.
// internal is no room, and cmd has none.
func sideways(from, to string) bool {
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	return a[0] == b[0] && a[0] != "internal" && a[0] != "cmd" && len(a) > 1 && len(b) > 1 && a[1] != b[1]
}

func TestModulesAreConfined(t *testing.T) {
	t.Parallel()
	_, files := read(t)
	for _, f := range files {
		if f.Test {
			continue
		}
		for _, path := range f.Imports() {
			for prefix, folders := range confined {
				if strings.HasPrefix(path, prefix) && !slices.Contains(folders, f.Dir) {
					t.Errorf("%s imports %s, which belongs in %v", f.Path, path, folders)
				}
			}
		}
	}
}

func TestSizesAndNames(t *testing.T) {
	t.Parallel()
	set, files := read(t)
	commented := map[string]bool{}
	for _, f := range files {
		if f.Lines > 600 {
			t.Errorf("%s has %d lines, more than 600", f.Path, f.Lines)
		}
		if vague.MatchString(f.Syntax.Name.Name) {
			t.Errorf("%s: package %s says nothing", f.Path, f.Syntax.Name.Name)
		}
		if !f.Test {
			commented[f.Dir] = commented[f.Dir] || f.Syntax.Doc != nil
		}
		for _, decl := range f.Syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				checkFunction(t, set, f, fn)
			}
		}
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("package %s has no comment", dir)
		}
	}
}

func checkFunction(t *testing.T, set *token.FileSet, f File, fn *ast.FuncDecl) {
	if lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; lines > 80 && !f.Test {
		t.Errorf("%s: %s has %d lines, more than 80", f.Path, fn.Name.Name, lines)
	}
	params := 0
	for _, field := range fn.Type.Params.List {
		params += max(1, len(field.Names))
	}
	if params > 5 {
		t.Errorf("%s: %s has %d parameters, more than 5", f.Path, fn.Name.Name, params)
	}
	if fn.Name.Name == "init" && fn.Recv == nil {
		t.Errorf("%s: init() runs unseen", f.Path)
	}
	if f.Test || Room(f.Dir) == "cmd" || Room(f.Dir) == "test" || f.Dir == "internal/http1" { // the deadlines of connections are in the kernel's time
		return
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
				t.Errorf("%s: %s names time.Now; take a Now func", f.Path, fn.Name.Name)
			}
		}
		return true
	})
}

var (
	prepared = regexp.MustCompile(`(?is)^\s*(select|insert|update|delete|with)\b`)
	schema   = regexp.MustCompile(`\b(auth|catalog|agreement|gateway|ledger)\.[a-z_"]+`)
)

func TestSQLFitsTheSchema(t *testing.T) {
	t.Parallel()
	_, files := read(t)
	constants := SQLConstants(files)
	if len(constants) < 5 {
		t.Fatalf("found only %d SQL constants", len(constants))
	}
	sort.Slice(constants, func(i, j int) bool { return constants[i].Name < constants[j].Name })
	tx := pgtest.Tx(t)
	for _, c := range constants {
		for _, name := range schema.FindAllString(c.Text, -1) {
			if room, _, _ := strings.Cut(name, "."); room != c.Room {
				t.Errorf("%s names %s, which is another room's", c.Name, name)
			}
		}
		if !prepared.MatchString(c.Text) {
			continue // LISTEN and the like cannot be prepared
		}
		savepoint, err := tx.Begin(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := savepoint.Conn().Prepare(context.Background(), "", c.Text); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if err := savepoint.Rollback(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T) (*token.FileSet, []File) {
	t.Helper()
	set, files, err := Read(repository)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d Go files in %s", len(files), repository)
	}
	return set, files
}
