package webhook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"lgsp/internal/egress"
)

// TestSign has the example of the Standard Webhooks specification.
func TestSign(t *testing.T) {
	t.Parallel()
	got, err := Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	for _, secret := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*"} {
		if _, err := Sign(secret, "a", time.Now(), nil); err == nil {
			t.Errorf("%q signs", secret)
		}
	}
	if a, b := NewSecret(), NewSecret(); a == b || len(a) != len("whsec_")+44 {
		t.Errorf("secrets %s, %s", a, b)
	}
}

// TestSend: what is sent can be believed, and every way to fail has its name.
func TestSend(t *testing.T) {
	t.Parallel()
	local := egress.Fetch{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}.Client(200 * time.Millisecond)
	now, secret := time.Unix(1_800_000_000, 0), NewSecret()
	m := Message{ID: "1", Body: []byte(`{"a":1}`), Secret: secret}
	for _, tt := range []struct {
		want, address string
		status        int
		wait          time.Duration
		client        *http.Client
	}{
		{want: "", status: 204}, {want: "http-302", status: 302}, {want: "http-410", status: 410}, {want: "http-500", status: 500},
		{want: "timeout", status: 204, wait: 400 * time.Millisecond},
		{want: "unreachable", address: "http://127.0.0.1:1/"},
		{want: "address-refused", status: 204, client: egress.Fetch{}.Client(time.Second)},
		{want: "address-refused", address: "http://[::1"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			at, _ := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
			want, _ := Sign(secret, r.Header.Get("Webhook-Id"), time.Unix(at, 0), body)
			if r.Header.Get("Webhook-Signature") != want || at != now.Unix() || r.Header.Get("Content-Type") != "application/json" || r.Method != "POST" || string(body) != `{"a":1}` {
				t.Errorf("sent %v %s", r.Header, body)
			}
			time.Sleep(tt.wait)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tt.status)
		}))
		client, address := local, server.URL
		if tt.client != nil {
			client = tt.client
		}
		if tt.address != "" {
			address = tt.address
		}
		if got := Send(t.Context(), client, address, m, now); got != tt.want {
			t.Errorf("%s: got %q, want %q", address, got, tt.want)
		}
		server.Close()
	}
	if got := Send(t.Context(), local, "http://127.0.0.1:1/", Message{Secret: strings.Repeat("x", 9)}, now); got != "secret-lost" {
		t.Errorf("without a secret: %q", got)
	}
}
