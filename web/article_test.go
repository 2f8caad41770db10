package web

import (
	"strings"
	"testing"
)

// TestArticle: what an agency writes is set as Markdown, and does nothing else.
func TestArticle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"paragraphs", "một **hai**\n\n`ba`", "<p>một <strong>hai</strong></p>\n<p><code>ba</code></p>\n"},
		{"headings below the page's own", "# A\n## B\n### C", "<h2>A</h2>\n<h2>B</h2>\n<h3>C</h3>\n"},
		{"a list", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
		{"code", "```sh\ncurl '<x>'\n```", "<pre tabindex=\"0\"><code class=\"language-sh\">curl '&lt;x&gt;'\n</code></pre>\n"},
		{"a link", "[x](https://a.example/?b=1)", "<p><a href=\"https://a.example/?b=1\">x</a></p>\n"},
		{"a link within", "[x](/apis)", "<p><a href=\"/apis\">x</a></p>\n"},
		{"a link that does something", "[x](javascript:alert%281%29) [y](JAVASCRIPT:a) [z](data:text/html,a) [w](//evil.example)", "<p><a href=\"\">x</a> <a href=\"\">y</a> <a href=\"\">z</a> <a href=\"\">w</a></p>\n"},
		{"an address that does something", "<javascript:alert(1)> <https://a.example>", "<p>javascript:alert(1) <a href=\"https://a.example\">https://a.example</a></p>\n"},
		{"a picture from elsewhere", "a ![x](https://a.example/x.png)", "<p>a </p>\n"},
		{"HTML", "<script>alert(1)</script>", "<!-- raw HTML omitted -->\n"},
		{"HTML in a line", "a <img src=x onerror=alert(1)> b", "<p>a <!-- raw HTML omitted --> b</p>\n"},
		{"a table", "| a |\n|---|\n| b |", "<div class=\"table\" tabindex=\"0\"><table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table></div>\n"},
	} {
		if got, err := article("vi", tt.text, ""); err != nil || string(got) != "<div class=\"guide-text\">\n"+tt.want+"</div>" {
			t.Errorf("%s: %s, %v", tt.name, got, err)
		}
	}
	if got, err := article("en", "chỉ có", " "); err != nil || !strings.HasPrefix(string(got), `<div class="guide-text" lang="vi">`) {
		t.Errorf("what is not translated: %s, %v", got, err)
	}
	if got, err := article("en", "có", "there"); err != nil || string(got) != "<div class=\"guide-text\">\n<p>there</p>\n</div>" {
		t.Errorf("what is: %s, %v", got, err)
	}
}
