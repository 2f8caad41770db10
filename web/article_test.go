package web

import (
	"strings"
	"testing"
)

func TestArticle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"paragraphs", "một **hai**\n\n`ba`", "<p>một <strong>hai</strong></p>\n<p><code>ba</code></p>\n"},
		{"a heading and its text", "## Bắt đầu\nđọc <b>", "<h2>Bắt đầu</h2>\n<p>đọc &lt;b&gt;</p>\n"},
		{"a smaller heading", "### Lỗi", "<h3>Lỗi</h3>\n"},
		{"a list", "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
		{"steps", "1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n"},
		{"a year is no step", "2026. là năm", "<p>2026. là năm</p>\n"},
		{"code", "```sh\ncurl '<x>'\n\n# y\n```", "<pre tabindex=\"0\"><code>curl &#39;&lt;x&gt;&#39;\n\n# y</code></pre>\n"},
		{"code that does not end", "```\na", "<pre tabindex=\"0\"><code>a</code></pre>\n"},
		{"what would be HTML", "<script>alert(1)</script> [x](javascript:a)", "<p>&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:a)</p>\n"},
	} {
		if got := string(article("vi", tt.text, "")); got != "<div>\n"+tt.want+"</div>" {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	if got := string(article("en", "chỉ có", " ")); !strings.HasPrefix(got, `<div lang="vi">`) {
		t.Errorf("what is not translated: %s", got)
	}
	if got := string(article("en", "có", "there")); got != "<div>\n<p>there</p>\n</div>" {
		t.Errorf("what is: %s", got)
	}
}
