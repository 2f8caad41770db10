package portal

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
)

// TestWhatBecomesOfAnAgreementIsTold: to who asked and to each who decides for
// the agency, in their languages, and what is long is cut.
func TestWhatBecomesOfAnAgreementIsTold(t *testing.T) {
	t.Parallel()
	p, ctx := newPortal(t), t.Context()
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-a", Code: "H48.11", NameVI: "Sở A", NameEN: "A", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	for email, locale := range map[string]string{"duyet@portal.test": "vi", "phu@portal.test": "en"} {
		steward := newPerson(t, p, email, locale)
		if err := p.Auth.AddMembership(ctx, auth.Platform("test"), steward, auth.Membership{Agency: agency.ID, Role: auth.RoleSteward}); err != nil {
			t.Fatal(err)
		}
	}
	requester := newPerson(t, p, "lan@portal.test", "en")
	g := agreement.Agreement{ID: uuid.Must(uuid.NewV7()), AgencyID: agency.ID, RequesterID: requester, ApplicationName: "Tra cứu",
		ServiceVI: "Đất đai v1", ServiceEN: "Land v1", Ends: "2027-02-28"}
	for _, tt := range []struct {
		n    agreement.Notice
		want map[string]string // subjects by reader
	}{
		{agreement.Notice{What: "requested", ToAgency: true}, map[string]string{
			"duyet@portal.test": "Có đề nghị thoả thuận chia sẻ dữ liệu: Tra cứu", "phu@portal.test": "A data-sharing agreement is asked for: Tra cứu"}},
		{agreement.Notice{What: "refused", Text: strings.Repeat("Lý do. ", 2000)}, map[string]string{"lan@portal.test": "The request was refused: Land v1"}},
		{agreement.Notice{What: "ending", ToAgency: true}, map[string]string{
			"duyet@portal.test": "Thoả thuận sắp hết hạn ngày 28/2/2027: Tra cứu", "phu@portal.test": "The agreement ends on 28 February 2027: Tra cứu"}},
		{agreement.Notice{What: "ending"}, map[string]string{"lan@portal.test": "The agreement ends on 28 February 2027: Land v1"}},
	} {
		p.Mailer.Dir = t.TempDir()
		tt.n.Agreement = g
		if err := pgx.BeginFunc(ctx, p.Auth.DB, func(tx pgx.Tx) error { return p.Notify(ctx, tx, tt.n) }); err != nil {
			t.Fatal(err)
		}
		letters, err := p.Mailer.Files(10)
		if err != nil || len(letters) != len(tt.want) {
			t.Fatalf("%s: got %d letters, %v", tt.n.What, len(letters), err)
		}
		for _, l := range letters {
			if l.Subject != tt.want[l.To] || !strings.Contains(l.Text, "/agreements/"+g.ID.String()) || len(l.Text) > 4000 {
				t.Errorf("%s to %s: %q, %d bytes:\n%.400s", tt.n.What, l.To, l.Subject, len(l.Text), l.Text)
			}
		}
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
