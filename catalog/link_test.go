package catalog

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/egress"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// linked is a shelf whose links may lead to this machine.
type linked struct {
	*shelf
	told []LinkNotice
}

func newLinked(t *testing.T, allow ...netip.Prefix) *linked {
	t.Helper()
	l := &linked{shelf: newShelf(t, pgtest.Tx(t))}
	l.Fetch = egress.Fetch{Allow: allow}.Client(5 * time.Second)
	l.TellOfLinks = func(_ context.Context, _ pgx.Tx, n LinkNotice) error {
		l.told = append(l.told, n)
		return nil
	}
	return l
}

var here = netip.MustParsePrefix("127.0.0.0/8")

// check runs the checks that are due, and gives the link as a reader sees it.
func (l *linked) check(t *testing.T, who auth.Principal, id uuid.UUID) Distribution {
	t.Helper()
	if err := l.CheckLinks(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := l.Distribution(t.Context(), who, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// due is how long from now the next check is.
func (l *linked) due(t *testing.T, id uuid.UUID) time.Duration {
	t.Helper()
	var at time.Time
	if err := l.DB.QueryRow(t.Context(), "select next_at from catalog.link where distribution_id = $1", id).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at.Sub(l.now)
}

func TestALinkIsChecked(t *testing.T) {
	t.Parallel()
	l, ctx := newLinked(t, here), t.Context()
	var status atomic.Int32
	var asked sync.Map
	status.Store(200)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method, true)
		if r.Method == http.MethodHead { // as many servers do
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(server.Close)
	d, _ := l.published(t, "lien-ket", "Liên kết", subscribers)
	part, err := l.AddLink(ctx, l.publisher, d.ID, NewLink{URL: " " + server.URL + "/so-lieu.CSV?ky=1#dau ", TitleEN: "Elsewhere"})
	if err != nil || part.LinkURL != server.URL+"/so-lieu.CSV?ky=1" || part.Format != "CSV" || part.MediaType != "text/csv" || part.LinkState != LinkUnchecked || part.Version != 0 {
		t.Fatalf("added as %+v, error %v", part, err)
	}
	for i, wait := range append(linkWaits, linkWaits[3]) {
		got := l.check(t, auth.Principal{}, part.ID)
		if got.LinkState != LinkOK || got.LinkStatus != 200 || got.LinkCheckedAt == nil {
			t.Fatalf("check %d: %+v", i, got.Link)
		}
		if due := l.due(t, part.ID); due < wait || due > wait+wait/20 {
			t.Errorf("after %d checks the next is due in %s, want %s", i+1, due, wait)
		}
		l.now = l.now.Add(l.due(t, part.ID))
	}
	if _, got := asked.Load(http.MethodGet); !got {
		t.Error("a server without HEAD was not asked by GET")
	}
	status.Store(500)
	if got := l.check(t, auth.Principal{}, part.ID); got.LinkState != LinkOK || l.due(t, part.ID) != linkDoubt || len(l.told) != 0 {
		t.Errorf("failed once: %+v, due in %s, told %d", got.Link, l.due(t, part.ID), len(l.told))
	}
	l.now = l.now.Add(linkDoubt)
	broke := l.now
	got := l.check(t, auth.Principal{}, part.ID)
	if got.LinkState != LinkBroken || got.LinkReason != "status" || got.LinkStatus != 500 || !got.LinkBrokenSince.Equal(broke) {
		t.Errorf("failed twice: %+v", got.Link)
	}
	if len(l.told) != 1 || l.told[0].Agency != l.agency.ID || l.told[0].Escalated || l.told[0].Links[0].URL != part.LinkURL || l.told[0].Links[0].Slug != "lien-ket" {
		t.Fatalf("told %+v", l.told)
	}
	l.now = broke.Add(linkEscalates - time.Second)
	l.check(t, auth.Principal{}, part.ID)
	if len(l.told) != 1 {
		t.Errorf("told %d times within a week", len(l.told))
	}
	l.now = broke.Add(linkEscalates)
	for range 2 {
		l.check(t, auth.Principal{}, part.ID)
	}
	if len(l.told) != 2 || !l.told[1].Escalated {
		t.Errorf("after a week told %+v", l.told)
	}
	status.Store(204)
	l.now = l.now.Add(linkPause)
	if _, err := l.RecheckLink(ctx, l.publisher, part.ID); err != nil {
		t.Fatal(err)
	}
	if got := l.check(t, auth.Principal{}, part.ID); got.LinkState != LinkOK || got.LinkBrokenSince != nil || got.LinkReason != "" {
		t.Errorf("mended: %+v", got.Link)
	}
	file, err := l.ReplaceFile(ctx, l.publisher, part.ID, Upload{FileName: "a.csv", Body: strings.NewReader(subscribers)})
	if err != nil || file.LinkURL != "" || file.Version != 1 || *file.Rows != 3 {
		t.Errorf("a file in the link's place: %+v, error %v", file, err)
	}
}

// TestLinksToPrivateAddressesAreRefusedAtDialTime: not a byte goes there,
// whether the link names the address, a name for it, or is sent on to it.
func TestLinksToPrivateAddressesAreRefusedAtDialTime(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var connections atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	sending, err := net.Listen("tcp", "127.0.0.2:0") // the one address that may be reached
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.RedirectHandler("http://127.0.0.1:"+port+"/", http.StatusFound))
	server.Listener = sending
	server.Start()
	t.Cleanup(server.Close)
	l, ctx := newLinked(t, netip.MustParsePrefix("127.0.0.2/32")), t.Context()
	d, _ := l.published(t, "noi-bo", "Nội bộ", subscribers)
	for _, at := range []string{"http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://2130706433:" + port,
		"http://169.254.169.254/latest/meta-data", "http://10.0.0.1", server.URL} {
		part, err := l.AddLink(ctx, l.publisher, d.ID, NewLink{URL: at})
		if err != nil {
			t.Fatal(err)
		}
		if got := l.check(t, auth.Principal{}, part.ID); got.LinkState != LinkBroken || got.LinkReason != "private" && got.LinkReason != "name" {
			t.Errorf("%s: %+v", at, got.Link)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections to a private address", n)
	}
}

func TestAHostIsNotAskedTooOften(t *testing.T) {
	t.Parallel()
	l, ctx := newLinked(t, here), t.Context()
	var asked atomic.Int32
	var busy atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if busy.Load() {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	t.Cleanup(server.Close)
	d, _ := l.published(t, "mot-may-chu", "Một máy chủ", subscribers)
	var parts []Distribution
	for range 3 {
		part, err := l.AddLink(ctx, l.publisher, d.ID, NewLink{URL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
	}
	began := time.Now()
	l.check(t, auth.Principal{}, parts[0].ID)
	if took := time.Since(began); asked.Load() != 3 || took < 2*linkPause {
		t.Errorf("asked %d times in %s", asked.Load(), took)
	}
	if _, err := l.RecheckLink(ctx, l.publisher, parts[0].ID); err != nil {
		t.Fatal(err)
	}
	if l.check(t, auth.Principal{}, parts[0].ID); asked.Load() != 3 {
		t.Error("asked again at the same moment")
	}
	busy.Store(true)
	l.now = l.now.Add(linkWaits[0] * 2)
	got := l.check(t, auth.Principal{}, parts[2].ID)
	if asked.Load() != 4 || got.LinkState != LinkOK || len(l.told) != 0 {
		t.Errorf("a host that wants to be left alone: asked %d times, %+v, told %d", asked.Load(), got.Link, len(l.told))
	}
	for range 2 {
		l.now = l.now.Add(linkCoolOff/2 - time.Second)
		if l.check(t, auth.Principal{}, parts[0].ID); asked.Load() != 4 {
			t.Errorf("asked %d times while the host cools off", asked.Load())
		}
	}
}

func TestLinkRefusals(t *testing.T) {
	t.Parallel()
	l, ctx := newLinked(t), t.Context()
	d, err := l.CreateDataset(ctx, l.publisher, l.agency.ID, text("lien-ket-sai", "Liên kết"))
	if err != nil {
		t.Fatal(err)
	}
	add := func(who auth.Principal, at string) error {
		_, err := l.AddLink(ctx, who, d.ID, NewLink{URL: at})
		return err
	}
	if err := add(l.publisher, "https://du-lieu.example/bang.xlsx"); err != nil {
		t.Fatal(err)
	}
	whole, err := l.DatasetBySlug(ctx, l.publisher, d.Slug)
	if err != nil {
		t.Fatal(err)
	}
	part := whole.Distributions[0]
	file, err := l.AddDistribution(ctx, l.publisher, d.ID, Upload{FileName: "a.csv", Body: strings.NewReader(subscribers)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		try  func() error
		code string
	}{
		{"a script", func() error { return add(l.publisher, "javascript:alert(1)") }, "link-address"},
		{"a file", func() error { return add(l.publisher, "file:///etc/passwd") }, "link-address"},
		{"a user", func() error { return add(l.publisher, "https://a:b@example.com/") }, "link-address"},
		{"no host", func() error { return add(l.publisher, "https:///a.csv") }, "link-address"},
		{"too long", func() error { return add(l.publisher, "https://example.com/"+strings.Repeat("a", 2000)) }, "link-address"},
		{"a stranger adds", func() error { return add(l.stranger, "https://example.com/") }, "dataset-unknown"},
		{"the steward adds", func() error { return add(l.steward, "https://example.com/") }, "forbidden"},
		{"a stranger changes", func() error { _, err := l.ReplaceLink(ctx, l.stranger, part.ID, "https://example.com/"); return err }, "distribution-unknown"},
		{"the steward has it checked", func() error { _, err := l.RecheckLink(ctx, l.steward, part.ID); return err }, "forbidden"},
		{"a file is no link", func() error { _, err := l.ReplaceLink(ctx, l.publisher, file.ID, "https://example.com/"); return err }, "link-none"},
		{"a link is no file", func() error { _, _, err := l.OpenFile(ctx, l.publisher, part.ID, 0); return err }, "file-elsewhere"},
		{"nor has it rows", func() error { _, err := l.QueryRows(ctx, l.publisher, part.ID, nil); return err }, "rows-none"},
		{"nor versions", func() error { _, _, err := l.OpenFile(ctx, l.publisher, part.ID, 1); return err }, "distribution-unknown"},
		{"changed", func() error { _, err := l.ReplaceLink(ctx, l.publisher, part.ID, "https://example.com/b"); return err }, ""},
		{"a link is enough to submit", func() error { _, err := l.SubmitDataset(ctx, l.publisher, d.ID); return err }, ""},
		{"while it is reviewed", func() error { return add(l.publisher, "https://example.com/") }, "dataset-state"},
	} {
		if err := tt.try(); problem.Code(err) != tt.code || tt.code == "" && err != nil {
			t.Errorf("%s: %v, want code %q", tt.name, err, tt.code)
		}
	}
}
