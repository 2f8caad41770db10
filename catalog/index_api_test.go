package catalog

import "testing"

func TestLead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"the first paragraph alone", "Thửa đất.\n\nMáy chủ **giả lập**.", "Thửa đất."},
		{"marks and links", "Xem [hướng dẫn](https://x.vn) của `API` **mới**.", "Xem hướng dẫn của API mới."},
	} {
		if got := lead(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
