package portal

import "strings"

// value is a header's value in a language that joins texts with plus and reads
// the environment with variable, in which NAME stands for the name.
func (h sampleHeader) value(variable string) string {
	if h.Variable == "" {
		return quote(h.Value)
	}
	read := strings.ReplaceAll(variable, "NAME", h.Variable)
	if h.Before == "" {
		return read
	}
	return quote(h.Before) + " + " + read
}

func (c sampleCall) javascript() string {
	var b strings.Builder
	b.WriteString("// node call.mjs\nconst answer = await fetch(" + quote(c.URL))
	if c.Method != "GET" || len(c.Headers) > 0 {
		b.WriteString(", {\n")
		if c.Method != "GET" {
			b.WriteString("  method: " + quote(c.Method) + ",\n")
		}
		if len(c.Headers) > 0 {
			b.WriteString("  headers: {\n")
			for _, h := range c.Headers {
				b.WriteString("    " + quote(h.Name) + ": " + h.value("process.env.NAME") + ",\n")
			}
			b.WriteString("  },\n")
		}
		if c.Type != "" {
			b.WriteString("  body: " + quote(c.Body) + ",\n")
		}
		b.WriteString("}")
	}
	b.WriteString(");\nif (!answer.ok) throw new Error(await answer.text());\nconsole.log(await answer.text());")
	return b.String()
}

func (c sampleCall) python() string {
	var b strings.Builder
	b.WriteString("# python3 call.py\nimport os\nimport urllib.error\nimport urllib.request\n\n")
	b.WriteString("request = urllib.request.Request(\n    " + quote(c.URL) + ",\n    method=" + quote(c.Method) + ",\n")
	if len(c.Headers) > 0 {
		b.WriteString("    headers={\n")
		for _, h := range c.Headers {
			b.WriteString("        " + quote(h.Name) + ": " + h.value(`os.environ["NAME"]`) + ",\n")
		}
		b.WriteString("    },\n")
	}
	if c.Type != "" {
		b.WriteString("    data=" + quote(c.Body) + ".encode(),\n")
	}
	b.WriteString(")\ntry:\n    with urllib.request.urlopen(request, timeout=10) as answer:\n        print(answer.read().decode())\n")
	b.WriteString("except urllib.error.HTTPError as refusal:\n    raise SystemExit(refusal.read().decode())")
	code := b.String()
	if !strings.Contains(code, "os.environ") {
		code = strings.Replace(code, "import os\n", "", 1)
	}
	return code
}

func (c sampleCall) golang() string {
	var b strings.Builder
	b.WriteString("// go run call.go\npackage main\n\nimport (\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n\t\"os\"\n")
	body := "nil"
	if c.Type != "" {
		body = "strings.NewReader(" + quote(c.Body) + ")"
		b.WriteString("\t\"strings\"\n")
	}
	b.WriteString(")\n\nfunc main() {\n")
	b.WriteString("\trequest, err := http.NewRequest(" + quote(c.Method) + ", " + quote(c.URL) + ", " + body + ")\n")
	b.WriteString("\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n")
	for _, h := range c.Headers {
		b.WriteString("\trequest.Header.Set(" + quote(h.Name) + ", " + strings.ReplaceAll(h.value(`os.Getenv("NAME")`), `" + os`, `"+os`) + ")\n")
	}
	b.WriteString("\tanswer, err := http.DefaultClient.Do(request)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n\tdefer answer.Body.Close()\n")
	b.WriteString("\tif _, err := io.Copy(os.Stdout, answer.Body); err != nil {\n\t\tlog.Fatal(err)\n\t}\n}")
	return b.String()
}

func (c sampleCall) java() string {
	var b strings.Builder
	b.WriteString("// java Call.java\nimport java.net.URI;\nimport java.net.http.*;\n\nclass Call {\n  public static void main(String[] args) throws Exception {\n")
	b.WriteString("    var request = HttpRequest.newBuilder(URI.create(" + quote(c.URL) + "))\n")
	for _, h := range c.Headers {
		b.WriteString("        .header(" + quote(h.Name) + ", " + h.value(`System.getenv("NAME")`) + ")\n")
	}
	publisher := "noBody()"
	if c.Type != "" {
		publisher = "ofString(" + quote(c.Body) + ")"
	}
	b.WriteString("        .method(" + quote(c.Method) + ", HttpRequest.BodyPublishers." + publisher + ")\n        .build();\n")
	b.WriteString("    var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n")
	b.WriteString("    if (answer.statusCode() >= 400) throw new Exception(answer.body());\n    System.out.println(answer.body());\n  }\n}")
	return b.String()
}

func (c sampleCall) csharp() string {
	var b strings.Builder
	b.WriteString("// Program.cs: dotnet run\nusing System.Net.Http.Headers;\nusing System.Text;\n\nusing var client = new HttpClient();\n")
	b.WriteString("var request = new HttpRequestMessage(new HttpMethod(" + quote(c.Method) + "), " + quote(c.URL) + ");\n")
	for _, h := range c.Headers {
		if h.Name != "Content-Type" { // which belongs to the content there
			b.WriteString("request.Headers.Add(" + quote(h.Name) + ", " + h.value(`Environment.GetEnvironmentVariable("NAME")`) + ");\n")
		}
	}
	if c.Type != "" {
		b.WriteString("request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(" + quote(c.Body) + "));\n")
		b.WriteString("request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(" + quote(c.Type) + ");\n")
	}
	b.WriteString("var answer = await client.SendAsync(request);\nConsole.WriteLine(await answer.Content.ReadAsStringAsync());\nanswer.EnsureSuccessStatusCode();")
	return b.String()
}
