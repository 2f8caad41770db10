package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// carrying sends a header with every request.
type carrying struct{ name, value string }

func (c carrying) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if c.value != "" {
		r.Header.Set(c.name, c.value)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// assistant connects the protocol's own client to the platform, as a role.
func (w *world) assistant(role string) *sdk.ClientSession {
	w.t.Helper()
	token := ""
	if role != "nobody" {
		token = "Bearer " + w.token[role]
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(context.Background(), &sdk.StreamableClientTransport{
		Endpoint: w.config.PortalURL + "/mcp", HTTPClient: &http.Client{Transport: carrying{"Authorization", token}}, DisableStandaloneSSE: true}, nil)
	w.must(err)
	w.t.Cleanup(func() { _ = session.Close() })
	return session
}

// use calls a tool and gives its answer, or the code of what is wrong.
func (w *world) use(session *sdk.ClientSession, name, arguments string) (answer, code string) {
	w.t.Helper()
	got, err := session.CallTool(context.Background(), &sdk.CallToolParams{Name: name, Arguments: json.RawMessage(w.fill(arguments))})
	w.must(err)
	text := got.Content[0].(*sdk.TextContent).Text
	if !got.IsError {
		return text, ""
	}
	told, _ := got.StructuredContent.(map[string]any)
	return text, told["code"].(string)
}

// TestAssistantsOnThePlatform asks the whole platform as everybody, with the
// protocol's own client: what the pages show is told, and nothing else.
func TestAssistantsOnThePlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	mine := map[string]bool{"publisher": true, "steward": true, "operator": true}
	for _, role := range roles {
		session := w.assistant(role)
		for _, state := range []string{"drafted", "submitted", "approved", "opened"} {
			seen := state == "opened" || mine[role]
			for name, arguments := range map[string]string{
				"describe_dataset": `{"dataset":"` + state + `-data"}`, "query_rows": `{"distribution":"{` + state + ` file}"}`,
			} {
				text, code := w.use(session, name, arguments)
				if seen != (code == "") || !seen && code != "dataset-unknown" && code != "distribution-unknown" {
					t.Errorf("%s of %s as %s: %q %s", name, state, role, code, text)
				}
			}
		}
		text, code := w.use(session, "search_catalogue", `{"limit":25}`)
		if code != "" || strings.Contains(text, "drafted-data") || !strings.Contains(text, "opened-data") {
			t.Errorf("search as %s: %q %s", role, code, text)
		}
	}
	if got := w.post("/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Authorization", "Bearer lgsp_pat_wrong"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token that does not hold: got %d", got.StatusCode)
	}
	if got := w.post("/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Cookie", "lgsp_session="+w.session["publisher"]); got.StatusCode != http.StatusOK {
		t.Errorf("a browser's session is nobody's: got %d", got.StatusCode)
	}
}

// post sends a message as a client of MCP does, with one more header.
func (w *world) post(path, body string, header ...string) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.config.PortalURL+path, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set(header[0], header[1])
	got, err := http.DefaultClient.Do(r)
	w.must(err)
	w.t.Cleanup(func() { _ = got.Body.Close() })
	return got
}

// TestLLMsText: the list for assistants names what is public, in the language
// of its address.
func TestLLMsText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	for path, holds := range map[string]string{"/llms.txt": "# Dữ liệu mở tỉnh Quảng Ngãi\n", "/en/llms.txt": "# Open data of Quảng Ngãi province\n"} {
		got, err := http.Get(w.config.PortalURL + path) //nolint:noctx
		w.must(err)
		text, err := io.ReadAll(got.Body)
		w.must(err)
		w.must(got.Body.Close())
		list := string(text)
		if !strings.HasPrefix(list, holds) || !strings.Contains(list, w.config.PortalURL+"/mcp") || !strings.Contains(list, strings.TrimSuffix(path, "/llms.txt")+"/dataset/opened-data)") {
			t.Errorf("%s lacks what it is for:\n%s", path, list)
		}
		if strings.Contains(list, "drafted-data") || got.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%s: %v\n%s", path, got.Header, list)
		}
	}
}
