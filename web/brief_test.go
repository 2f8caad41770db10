package web

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBrief(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, locale, vi, en, want string
	}{
		{"the first paragraph", "vi", "Hồ sơ  của\nngười có công.\n\nMáy chủ này…", "", "Hồ sơ của người có công."},
		{"without marks of Markdown", "vi", "## Gọi **lần đầu** bằng `curl`", "", "Gọi lần đầu bằng curl"},
		{"English for English readers", "en", "Hồ sơ", "Records", "Records"},
		{"what there is", "en", "Hồ sơ", " ", "Hồ sơ"},
		{"nothing", "vi", "", "", ""},
		{"cut between words", "vi", strings.Repeat("biển đảo ", 60), "", strings.Repeat("biển đảo ", 21) + "biển đảo…"},
		{"one endless word", "vi", strings.Repeat("đ", 300), "", strings.Repeat("đ", 199) + "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := brief(tt.locale, tt.vi, tt.en)
			if got != tt.want || utf8.RuneCountInString(got) > briefMost {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
