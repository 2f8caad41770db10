package mail

import (
	"strings"
	"testing"
	"time"
)

func TestSendToFile(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	m := Mailer{Dir: t.TempDir() + "/mail", From: "lgsp@example.vn", Now: func() time.Time { return now }}
	first := Letter{To: "an@example.vn", Subject: "Yêu cầu thoả thuận đã được duyệt", Text: "Kính gửi Ông/Bà,\n\nThoả thuận có hiệu lực.\n"}
	second := Letter{To: "binh@example.vn", Subject: "Thử", Text: "x"}
	for _, l := range []Letter{first, second} {
		if err := m.Send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
	}
	got, err := m.Files(10)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("got %d letters, want 2", len(got))
	}
	if got[0].To != "binh@example.vn" || !got[0].At.Equal(now.Add(-time.Second)) {
		t.Errorf("newest first: got %+v", got[0])
	}
	if got[1].Subject != first.Subject || strings.ReplaceAll(got[1].Text, "\r\n", "\n") != first.Text {
		t.Errorf("got %+v, want %+v", got[1], first)
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	m := Mailer{Dir: t.TempDir(), From: "lgsp@example.vn", Now: time.Now}
	for _, to := range []string{"", "no address", "a@b\r\nBcc: c@d"} {
		if err := m.Send(t.Context(), Letter{To: to, Subject: "x", Text: "x"}); err == nil {
			t.Errorf("%q was accepted as a receiver", to)
		}
	}
	if left, _ := m.Files(10); len(left) != 0 {
		t.Errorf("refused letters left %d files", len(left))
	}
}
