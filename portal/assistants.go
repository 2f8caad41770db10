package portal

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"lgsp/auth"
	"lgsp/catalog"
)

// maxNetworkQuestions is how many questions of assistants one network may ask
// within attemptWindow.
const maxNetworkQuestions = 600

const questions = "questions"

// TakeQuestion counts a question that an assistant asks at /mcp. It fails with
// TooMany.
func (p *Portal) TakeQuestion(r *http.Request) error {
	if p.attempts.take(tries{network(p.Address(r)), questions}, maxNetworkQuestions, p.Now()) {
		return nil
	}
	return tooMany("too-many-questions")
}

// mostOffered is how many datasets llms.txt names, the newest ones; where the
// rest is listed it says.
const mostOffered = 100

// llms answers GET /llms.txt (llmstxt.org): what is here, for assistants that
// read rather than call, in the language of the address.
func (p *Portal) llms(w http.ResponseWriter, r *http.Request) error {
	var b bytes.Buffer
	for _, write := range []func(*bytes.Buffer, *http.Request) error{p.llmsHead, p.llmsDatasets, p.llmsServices, p.llmsAgencies, p.llmsGuides} {
		if err := write(&b, r); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Language", localeOf(r))
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(b.Bytes()) // the reader may have gone
	return nil
}

// line writes a message, on a line of its own.
func (p *Portal) line(b *bytes.Buffer, r *http.Request, key string, args ...any) error {
	text, err := p.Pages.Text(localeOf(r), key, args...)
	b.WriteString(text + "\n")
	return err
}

func (p *Portal) llmsHead(b *bytes.Buffer, r *http.Request) error {
	n, err := p.Catalog.CountDatasets(r.Context(), catalog.DumpFilter{})
	if err != nil {
		return err
	}
	for _, line := range []struct{ before, key string }{
		{"# ", "assistant.title"}, {"\n> ", "assistant.lead"}, {"\n## ", "assistant.ask"}, {"\n- ", "assistant.ask-mcp"}, {"- ", "assistant.ask-search"},
		{"- ", "assistant.ask-rows"}, {"- ", "assistant.ask-api"}, {"- ", "assistant.ask-all"}, {"- ", "assistant.ask-cite"},
	} {
		b.WriteString(line.before)
		if err := p.line(b, r, line.key, "province", p.Province, "origin", p.Origin, "n", n); err != nil {
			return err
		}
	}
	return nil
}

func (p *Portal) llmsDatasets(b *bytes.Buffer, r *http.Request) error {
	list, _, err := p.Catalog.ListDatasets(r.Context(), auth.Principal{}, catalog.DatasetFilter{State: catalog.Published, Limit: mostOffered})
	if err != nil || len(list) == 0 {
		return err
	}
	b.WriteString("\n## ")
	if err := p.line(b, r, "assistant.newest"); err != nil {
		return err
	}
	b.WriteString("\n")
	for _, d := range list {
		p.llmsLink(b, r, inLanguage(r, d.TitleVI, d.TitleEN), "/dataset/"+d.Slug)
		fmt.Fprintf(b, ": %s\n", oneLine(inLanguage(r, d.Agency.TitleVI, d.Agency.TitleEN)))
	}
	return nil
}

func (p *Portal) llmsAgencies(b *bytes.Buffer, r *http.Request) error {
	b.WriteString("\n## ")
	if err := p.line(b, r, "assistant.agencies"); err != nil {
		return err
	}
	b.WriteString("\n")
	return p.eachAgency(r.Context(), func(a auth.Agency) {
		p.llmsLink(b, r, inLanguage(r, a.NameVI, a.NameEN), "/agencies/"+a.Slug)
		b.WriteString("\n")
	})
}

// eachAgency hands every agency to take.
func (p *Portal) eachAgency(ctx context.Context, take func(auth.Agency)) error {
	for after := ""; ; {
		list, next, err := p.Auth.ListAgencies(ctx, auth.Page{Limit: 100, After: after})
		if err != nil {
			return err
		}
		for _, a := range list {
			take(a)
		}
		if after = next; next == "" {
			return nil
		}
	}
}

func (p *Portal) llmsGuides(b *bytes.Buffer, r *http.Request) error {
	b.WriteString("\n## Optional\n\n") // the name that llmstxt.org gives to what may be left out
	for _, guide := range explaining {
		title, err := p.Pages.Text(localeOf(r), guide.title)
		if err != nil {
			return err
		}
		p.llmsLink(b, r, title, guide.path)
		b.WriteString("\n")
	}
	return nil
}

// llmsLink writes an entry of a list, a link without what Markdown would take
// for its own.
func (p *Portal) llmsLink(b *bytes.Buffer, r *http.Request, title, path string) {
	fmt.Fprintf(b, "- [%s](%s)", oneLine(title), p.Origin+address(r, path))
}

// oneLine is a text on one line, without brackets.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("[", "(", "]", ")").Replace(text)), " ")
}
