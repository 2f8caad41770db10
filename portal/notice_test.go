package portal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/mail"
	"lgsp/internal/pgtest"
)

// TestLetters: a letter goes out when the deciding transaction commits, to the
// right people, each in their own language; one that is rolled back sends none.
func TestLetters(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	p := newPortal(t)
	p.Auth.DB = pool
	p.Agreements = &agreement.Agreements{DB: pool, Now: p.Now}
	p.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: p.Now}
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-a", Code: "H48.11", NameVI: "Sở A", NameEN: "A", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	steward := newPerson(t, p, "duyet@portal.test", "vi")
	if err := p.Auth.AddMembership(ctx, auth.Platform("test"), steward, auth.Membership{Agency: agency.ID, Role: auth.RoleSteward}); err != nil {
		t.Fatal(err)
	}
	requester := newPerson(t, p, "lan@portal.test", "en")
	done := make(chan error, 1)
	go func() { done <- p.WriteLetters(ctx, pool) }()
	t.Cleanup(func() { stop(); <-done })
	g := agreement.Agreement{ID: uuid.Must(uuid.NewV7()), AgencyID: agency.ID, RequesterID: requester, ApplicationName: "Tra cứu",
		ServiceVI: "Đất đai v1", ServiceEN: "Land v1"}
	tell := func(n agreement.Notice, end error) {
		t.Helper()
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if err := p.Notify(ctx, tx, n); err != nil {
				return err
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	undone := errors.New("undone")
	until(t, "somebody listens", func() bool {
		var n int
		err := pool.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = current_database() and query = 'listen notice'`).Scan(&n)
		return err == nil && n == 1
	})
	tell(agreement.Notice{Agreement: g, What: "approved"}, undone)
	tell(agreement.Notice{Agreement: g, What: "requested", ToAgency: true}, nil)
	tell(agreement.Notice{Agreement: g, What: "refused", Text: strings.Repeat("Lý do. ", 2000)}, nil)
	var letters []mail.Filed
	until(t, "two letters", func() bool { letters, err = p.Mailer.Files(10); return err == nil && len(letters) >= 2 })
	got := map[string]mail.Letter{}
	for _, l := range letters {
		got[l.To] = l.Letter
	}
	if len(letters) != 2 || got["duyet@portal.test"].Subject != "Có đề nghị thoả thuận chia sẻ dữ liệu: Tra cứu" ||
		got["lan@portal.test"].Subject != "The request was refused: Land v1" {
		t.Errorf("got %d letters: %q, %q", len(letters), got["duyet@portal.test"].Subject, got["lan@portal.test"].Subject)
	}
	if text := got["lan@portal.test"].Text; !strings.Contains(text, p.Origin+"/en/agreements/"+g.ID.String()) || len(text) > 4000 {
		t.Errorf("the letter has %d bytes, or no link: %.300s", len(text), text)
	}
}

func newPerson(t *testing.T, p *Portal, email, locale string) uuid.UUID {
	t.Helper()
	person, err := p.Auth.CreatePerson(t.Context(), auth.Platform("test"), auth.NewPerson{Email: email, Name: email, Locale: locale})
	if err != nil {
		t.Fatal(err)
	}
	return person.ID
}

// until waits for something that happens beside the test.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ask() {
			return
		}
	}
	t.Fatalf("%s: not within 10 s", what)
}
