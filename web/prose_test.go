package web

import (
	"html/template"
	"testing"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, locale, vi, en string
		want                 template.HTML
	}{
		{"paragraphs", "vi", "Một\nhai.\r\n\r\nBa.", "", "<p>Một\nhai.</p>\n<p>Ba.</p>\n"},
		{"strong and code", "vi", "Là **giả lập**, có `X-A: 1`.", "", "<p>Là <strong>giả lập</strong>, có <code>X-A: 1</code>.</p>\n"},
		{"nothing of theirs runs", "vi", "<script>**a**</script>", "", "<p>&lt;script&gt;<strong>a</strong>&lt;/script&gt;</p>\n"},
		{"other language", "en", "Chỉ có", " ", `<p lang="vi">Chỉ có</p>` + "\n"},
		{"own language", "en", "Chỉ có", "Only", "<p>Only</p>\n"},
		{"Vietnamese lacks", "vi", "", "Only", `<p lang="en">Only</p>` + "\n"},
		{"nothing", "vi", "", "", ""},
	} {
		if got := prose(tt.locale, tt.vi, tt.en); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
