package rows

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheTotalBelowATableIsSeen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       int64
	}{
		{"none", "Xã,Số hộ,Số người\nA,1,4\nB,2,5\n", 0},
		{"a total", "Xã,Số hộ,Số người\nA,1,4\nTổng cộng,1,4\n", 3},
		{"with its unit, after a number", "STT,Xã,Số hộ\n1,A,1\n,Tổng số (hộ),1\n", 3},
		{"signatures beneath", "Xã,Số hộ,Số người\nA,1,4\nCộng:,1,4\nNgười lập biểu,,\nNguyễn Văn A,,\n", 3},
		{"two of them", "Xã,Số hộ,Số người\nA,1,4\nCộng,1,4\nTổng cộng,1,4\n", 3},
		{"above the others", "Xã,Số hộ,Số người\nTổng số,3,9\nA,1,4\nB,2,5\n", 0},
		{"a company", "Đơn vị,Số hộ,Số người\nA,1,4\nTổng công ty Điện,2,5\n", 0},
		{"nothing but a total", "Xã,Số hộ,Số người\nTổng cộng,3,9\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.csv")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Inspect(t.Context(), Source{Path: path, Format: "CSV"}, Plan{}, Watch{})
			if err != nil || f.Total != tt.want {
				t.Errorf("got row %d (%v), want %d", f.Total, err, tt.want)
			}
		})
	}
}
