// Package mcp answers assistants: the catalogue and its open rows as tools of
// the Model Context Protocol (2025-11-25), none of which changes anything.
package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// The bounds of a call and of its answer.
const (
	maxBody   = 64 << 10 // bytes of a message
	maxAnswer = 64 << 10 // bytes of rows in an answer
	callTime  = 20 * time.Second
)

// Server is the endpoint /mcp over streamable HTTP, without sessions: each
// message stands for itself, on whichever node it comes to.
type Server struct {
	Catalog *catalog.Catalog
	Origin  string // public, without a slash at the end

	// TitleVI and TitleEN are what the site is called.
	TitleVI, TitleEN string

	// Who is the caller: the zero Principal without a token, Unauthorized for one
	// that does not hold. A browser's session is nobody's.
	Who func(r *http.Request) (auth.Principal, error)

	// Take counts a call against what the caller's network may ask; TooMany.
	Take func(r *http.Request) error
}

// Routes adds the endpoint.
func (s *Server) Routes(r *mux.Router) {
	r.Path("/mcp").Handler(problem.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error { return pg.WhenAway(s.serve(w, r)) }))
	r.PathPrefix("/mcp").Handler(problem.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		return problem.Errorf(problem.NotFound, "no address %s; assistants ask at /mcp", r.URL.Path).Coded("mcp-address")
	}))
}

// serve answers one message.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := s.meant(r); err != nil {
		return err
	}
	if r.Method != http.MethodPost {
		return problem.Errorf(problem.MethodNotAllowed, "assistants send POST; there are no sessions to listen to").Coded("mcp-post").Sends("Allow", "POST")
	}
	body, err := messageIn(w, r)
	if err != nil {
		return err
	}
	who, err := s.Who(r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	locale := problem.Locale(r)
	if locale == "" || r.Header.Get("Accept-Language") == "*" { // what programs in JavaScript send unasked
		locale = "vi"
	}
	of := s.speaking(&caller{site: s, request: r, who: who, locale: locale})
	sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return of }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxBody, PropagateRequestCancellation: true,
		DisableLocalhostProtection: true, // meant knows the portal's own name behind a proxy on the same machine
	}).ServeHTTP(w, r)
	return nil
}

// meant refuses a message that a page of another site has a browser send (MCP
// 2025-11-25, basic/transports, security warning): its Origin is not ours, or,
// where a name was bound to this machine's own address, its Host is not.
func (s *Server) meant(r *http.Request) error {
	if origin := r.Header.Get("Origin"); origin != "" && !strings.EqualFold(origin, s.Origin) || len(r.Header.Values("Origin")) > 1 {
		return problem.Errorf(problem.Forbidden, "the message comes from a page of another site").Coded("mcp-origin")
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !isLoopback(local.String()) || isLoopback(r.Host) {
		return nil
	}
	if own, err := url.Parse(s.Origin); err == nil && strings.EqualFold(r.Host, own.Host) {
		return nil
	}
	return problem.Errorf(problem.Forbidden, "the message is for another host than %s", s.Origin).Coded("mcp-host", "origin", s.Origin)
}

// isLoopback reports whether an address, with or without a port, is of the
// machine itself.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = strings.Trim(address, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// messageIn reads the one message that a request carries. Several at once
// (JSON-RPC's batches, gone from the protocol since 2025-06-18) are refused:
// they would all run together.
func messageIn(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, problem.Errorf(problem.TooLarge, "a message has at most %d bytes", maxBody).Coded("mcp-body", "most", strconv.Itoa(maxBody))
	}
	if err != nil {
		return nil, problem.Errorf(problem.Invalid, "the message cannot be read").Coded("mcp-message").Because(err)
	}
	text := bytes.TrimSpace(body)
	if bytes.HasPrefix(text, []byte("[")) {
		return nil, problem.Errorf(problem.Invalid, "one message a request, not a batch").Coded("mcp-batch")
	}
	if !json.Valid(text) {
		return nil, problem.Errorf(problem.Invalid, "the message is no JSON").Coded("mcp-message")
	}
	return body, nil
}

// caller is who sent a message; it lives as long as the message's answer.
type caller struct {
	site    *Server
	request *http.Request
	who     auth.Principal
	locale  string // of the words about tools; a call may name its own
}

// speaking is the protocol's server with the tools, in the caller's language.
func (s *Server) speaking(c *caller) *sdk.Server {
	words := wordsIn(c.locale)
	server := sdk.NewServer(&sdk.Implementation{Name: "lgsp", Title: map[string]string{"vi": s.TitleVI, "en": s.TitleEN}[c.locale], Version: "1", WebsiteURL: s.Origin},
		&sdk.ServerOptions{Instructions: words["instructions"], Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}}})
	for name, do := range map[string]tool{"search_catalogue": searchCatalogue, "describe_dataset": describeDataset, "query_rows": queryRows} {
		server.AddTool(definition(name, words), c.handler(name, do))
	}
	return server
}

// tool is what one of the tools does: its arguments in, what it answers out.
type tool func(ctx context.Context, c call, arguments json.RawMessage) (any, error)

// call is one call of a tool.
type call struct {
	*caller
	name string
}

// handler runs a tool. What is wrong is the tool's own answer, not the
// protocol's, so that the assistant reads it and asks better.
func (c *caller) handler(name string, do tool) sdk.ToolHandler {
	return func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		asking := call{&caller{c.site, c.request, c.who, languageIn(r.Params.Arguments, c.locale)}, name}
		err := c.site.Take(c.request)
		var found any
		if err == nil {
			found, err = do(ctx, asking, r.Params.Arguments)
		}
		if err != nil {
			return asking.failed(err)
		}
		text, err := json.Marshal(found)
		if err != nil {
			return nil, err
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(text)}}, StructuredContent: json.RawMessage(text)}, nil
	}
}

// failed tells what is wrong, and what to do, in the call's language.
func (c call) failed(err error) (*sdk.CallToolResult, error) {
	if errors.Is(err, context.DeadlineExceeded) {
		err = problem.Errorf(problem.Timeout, "the call takes longer than %s", callTime).Coded("rows-slow").Because(err)
	}
	e := problem.Of(pg.WhenAway(err))
	if e == nil {
		return nil, err // the caller has gone
	}
	problem.Log(c.request, e)
	title, detail := e.Words(c.locale)
	told := map[string]any{"code": e.Code, "status": int(e.Kind), "title": title, "detail": detail}
	text := title + ". " + detail + " (" + e.Code + ")"
	if stone, ok := catalog.TombstoneOf(e); ok {
		told["withdrawn"] = stone
		if text += " " + stone.Why; stone.ReplacedBy != nil {
			text += " " + c.page("/dataset/"+stone.ReplacedBy.Slug)
		}
	}
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text}}, StructuredContent: told}, nil
}

// in is a text in the call's language, else in the other.
func (c call) in(vi, en string) string {
	if vi == "" || c.locale == "en" && en != "" {
		return en
	}
	return vi
}

// page is the address of a page in the call's language.
func (c call) page(path string) string {
	if c.locale == "en" {
		return c.site.Origin + "/en" + path
	}
	return c.site.Origin + path
}
