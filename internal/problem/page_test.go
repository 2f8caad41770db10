package problem

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/problems.md anew")

const (
	repository = "../.."
	page       = repository + "/docs/problems.md"
)

// TestPageListsEveryCode holds docs/problems.md to the words that people are
// shown and to the statuses in the code.
func TestPageListsEveryCode(t *testing.T) {
	t.Parallel()
	want := problemsPage(t, statuses(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(want, "\n") {
		if !strings.Contains("\n"+string(got), "\n"+line+"\n") {
			t.Errorf("docs/problems.md lacks: %s", line)
		}
	}
	if string(got) != want {
		t.Error("docs/problems.md is not as the messages say; run: go test ./internal/problem -run TestPageListsEveryCode -update")
	}
}

// rooms are the sections of the page: the files of messages/, and who meets them.
var rooms = []struct{ file, title string }{
	{"gateway", "Calls through the gateway · Lời gọi qua cổng API"},
	{"release", "New releases and signed calls · Bản thử và lời gọi có chữ ký"},
	{"sandbox", "Sandboxes, pages of documentation · Môi trường thử nghiệm, trang hướng dẫn"},
	{"oauth", "Tokens · Mã truy cập"},
	{"api", "/api/v1 as a whole · Chung cho /api/v1"},
	{"auth", "Accounts, applications, keys · Tài khoản, ứng dụng, khoá"},
	{"team", "Teams of applications · Nhóm của ứng dụng"},
	{"operate", "Agencies, invitations, the operator's room · Cơ quan, lời mời, vận hành"},
	{"foreign", "Tokens of other servers · Mã của máy chủ xác thực khác"},
	{"keys", "Limits of keys, leaks · Giới hạn của khoá, khoá bị lộ"},
	{"agreement", "Agreements · Thoả thuận"},
	{"registers", "Calendar and legal bases · Lịch làm việc và căn cứ pháp lý"},
	{"catalog", "APIs and their documents · API và tài liệu API"},
	{"import", "Importing WSDL and Postman, SOAP calls · Nhập WSDL và Postman, lời gọi SOAP"},
	{"lint", "Findings of documents: why they matter, what to write · Phát hiện trong tài liệu: vì sao cần sửa, viết gì"},
	{"change", "Changes of documents · Thay đổi của tài liệu"},
	{"dataset", "Datasets, files, rows · Bộ dữ liệu, tệp, dòng dữ liệu"},
	{"rows", "What is found in tables · Điều phát hiện trong bảng"},
	{"search", "Search · Tìm kiếm"},
	{"use", "Use and reuse of data · Sử dụng và tái sử dụng dữ liệu"},
	{"people", "Personal data, discussions, requests · Dữ liệu cá nhân, thảo luận, yêu cầu"},
	{"schema", "Fields of an agency's own · Trường riêng của cơ quan"},
	{"notice", "Notices · Thông báo"},
	{"files", "Files in pieces, links · Tệp gửi từng phần, liên kết"},
	{"intake", "A spreadsheet that becomes a dataset · Bảng tính thành bộ dữ liệu"},
	{"dcat", "The catalogue for harvesters · Danh mục cho máy thu thập"},
	{"trial", "Trying calls on the pages · Gọi thử trên trang"},
	{"mcp", "Assistants at /mcp · Trợ lý AI tại /mcp"},
	{"ledger", "The ledger · Nhật ký"},
	{"portal", "Pages · Trang của cổng"},
	{"problem", "Problems without a code of their own · Lỗi không có mã riêng"},
}

func problemsPage(t *testing.T, status map[string]map[int]bool) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Problem codes · Mã lỗi

Every refusal is ` + "`application/problem+json`" + ` (RFC 9457) with a stable ` + "`code`" + `, words in the language of
` + "`Accept-Language`" + ` (vi, en), and a ` + "`trace_id`" + ` to quote. Programs act on status and code; the words may change.
A code without a status stands in ` + "`errors`" + ` (one row a field) or in a list of findings, inside another answer;
of a document that cannot be read at all, ` + "`spec-…`" + ` is the answer's own code, with 400.
Words in braces are filled in.

Mỗi lời từ chối mang một ` + "`code`" + ` không đổi, lời giải thích theo ngôn ngữ yêu cầu và ` + "`trace_id`" + ` để báo đơn vị
vận hành. Mã không có trạng thái nằm trong ` + "`errors`" + ` hoặc trong danh sách phát hiện, bên trong một câu trả lời khác;
khi không đọc được tài liệu API, ` + "`spec-…`" + ` là mã của chính câu trả lời, trạng thái 400.

This page is written by ` + "`go test ./internal/problem -run TestPageListsEveryCode -update`" + `.
`)
	files, err := filepath.Glob("messages/*.vi.json")
	if err != nil || len(files) != len(rooms) {
		t.Fatalf("%d files of messages (%v), %d sections on the page", len(files), err, len(rooms))
	}
	for _, room := range rooms {
		vi, en := table(t, room.file, "vi"), table(t, room.file, "en")
		fmt.Fprintf(&b, "\n## %s\n\n| code | status | Tiếng Việt | English |\n|---|---|---|---|\n", room.title)
		for _, code := range slices.Sorted(maps.Keys(vi)) {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", code, numbers(status, code), cell(vi[code]), cell(en[code]))
		}
	}
	return b.String()
}

// numbers lists the statuses of a code, or of the beginning it shares with
// others of its kind (not-while-active).
func numbers(status map[string]map[int]bool, code string) string {
	of := status[code]
	if begin := code[:strings.LastIndexByte(code, '-')+1]; of == nil && begin != "" {
		of = status[begin]
	}
	var list []string
	for _, s := range slices.Sorted(maps.Keys(of)) {
		list = append(list, strconv.Itoa(s))
	}
	return strings.Join(list, ", ")
}

func table(t *testing.T, room, locale string) map[string]words {
	t.Helper()
	text, err := messages.ReadFile("messages/" + room + "." + locale + ".json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]words{}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func cell(w words) string {
	text := "**" + w.Title + ".** " + w.Detail
	return strings.TrimSpace(strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text))
}

// statuses finds in the code with which status each code is answered:
// Errorf(problem.Kind, …).Coded("code"), also where a function of the same
// package puts the two together and is given the code.
func statuses(t *testing.T) map[string]map[int]bool {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return cmpOr(err, filepath.SkipDir)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]map[int]bool{}
	for kind, code := range defaultCodes {
		found[code] = map[int]bool{int(kind): true}
	}
	for _, files := range packages {
		carriers := carriersOf(files)
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				kind, code := coded(call)
				if at, known := carriers[nameOf(call.Fun)]; known && at.index < len(call.Args) {
					kind, code = at.kind, call.Args[at.index]
				}
				if name := constant(code); kind != 0 && name != "" {
					if found[name] == nil {
						found[name] = map[int]bool{}
					}
					found[name][kind] = true
				}
				return true
			})
		}
	}
	return found
}

// cmpOr is the first that is not nil.
func cmpOr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// constant is the text of a literal, or the part of a sum that is one: the
// beginning of several codes. It is "" for anything else.
func constant(x ast.Expr) string {
	if sum, ok := x.(*ast.BinaryExpr); ok {
		x = sum.X
	}
	l, ok := x.(*ast.BasicLit)
	if !ok {
		return ""
	}
	text, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return text
}

// carrier is a function that makes a problem of one status with the code that
// stands at index among its arguments.
type carrier struct{ kind, index int }

func carriersOf(files []*ast.File) map[string]carrier {
	all := map[string]carrier{}
	for _, file := range files {
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			var parameters []string
			for _, field := range fn.Type.Params.List {
				for _, name := range field.Names {
					parameters = append(parameters, name.Name)
				}
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if kind, code := coded(call); kind != 0 {
						if i := slices.Index(parameters, nameOf(code)); i >= 0 {
							all[fn.Name.Name] = carrier{kind, i}
						}
					}
				}
				return true
			})
		}
	}
	return all
}

// coded gives the status and the code of Errorf(problem.Kind, …)….Coded(code, …).
func coded(call *ast.CallExpr) (int, ast.Expr) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "Coded" || len(call.Args) == 0 {
		return 0, nil
	}
	for x := method.X; ; {
		inner, ok := x.(*ast.CallExpr)
		if !ok {
			return 0, nil
		}
		if nameOf(inner.Fun) == "Errorf" && len(inner.Args) > 0 {
			return kindOf(nameOf(inner.Args[0])), call.Args[0]
		}
		further, ok := inner.Fun.(*ast.SelectorExpr)
		if !ok {
			return 0, nil
		}
		x = further.X
	}
}

func nameOf(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	}
	return ""
}

// kindOf gives the status that a name stands for, 0 for any other name.
func kindOf(name string) int {
	if name == "StatusNotImplemented" {
		return http.StatusNotImplemented
	}
	if name == "StatusLoopDetected" {
		return http.StatusLoopDetected
	}
	kinds := map[string]Kind{"Invalid": Invalid, "Unauthorized": Unauthorized, "Forbidden": Forbidden, "NotFound": NotFound,
		"MethodNotAllowed": MethodNotAllowed, "NotAcceptable": NotAcceptable, "Conflict": Conflict, "Gone": Gone,
		"PreconditionFailed": PreconditionFailed, "TooLarge": TooLarge, "UnsupportedMedia": UnsupportedMedia, "TooMany": TooMany,
		"Internal": Internal, "BadGateway": BadGateway, "Unavailable": Unavailable, "Timeout": Timeout}
	return int(kinds[name])
}
