package portal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/internal/mail"
)

// TestEndLetters: that an agreement ends is told to who asked for it and to
// each who decides for its agency, in their languages, one letter a job.
func TestEndLetters(t *testing.T) {
	t.Parallel()
	p, ctx := newPortal(t), t.Context()
	p.Mailer = mail.Mailer{Dir: t.TempDir(), From: "lgsp@portal.test", Now: p.Now}
	p.Agreements = &agreement.Agreements{DB: p.Auth.DB, Now: p.Now}
	agency, err := p.Auth.CreateAgency(ctx, auth.Platform("test"), auth.Agency{Slug: "so-a", Code: "H48.11", NameVI: "Sở A", NameEN: "A", ValidFrom: monday})
	if err != nil {
		t.Fatal(err)
	}
	people := map[string]uuid.UUID{}
	for email, locale := range map[string]string{"duyet@portal.test": "vi", "phu@portal.test": "en", "lan@portal.test": "en"} {
		people[email] = newPerson(t, p, email, locale)
	}
	for _, email := range []string{"duyet@portal.test", "phu@portal.test"} {
		if err := p.Auth.AddMembership(ctx, auth.Platform("test"), people[email], auth.Membership{Agency: agency.ID, Role: auth.RoleSteward}); err != nil {
			t.Fatal(err)
		}
	}
	g := agreement.Agreement{ID: uuid.Must(uuid.NewV7()), AgencyID: agency.ID, RequesterID: people["lan@portal.test"], ApplicationName: "Tra cứu",
		ServiceVI: "Đất đai v1", ServiceEN: "Land v1", Ends: "2027-02-28"}
	for _, toAgency := range []bool{true, false} {
		args, err := json.Marshal(NoticeOf(agreement.Notice{Agreement: g, What: "ending", ToAgency: toAgency}))
		if err != nil {
			t.Fatal(err)
		}
		each, err := p.ReadersOf(ctx, args)
		if err != nil || len(each) != map[bool]int{true: 2, false: 0}[toAgency] {
			t.Fatalf("to the agency %v: got %d letters, %v", toAgency, len(each), err)
		}
		if !toAgency {
			if err := p.WriteEndLetter(ctx, args); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range each {
			if args, err = json.Marshal(one); err != nil {
				t.Fatal(err)
			}
			if again, err := p.ReadersOf(ctx, args); err != nil || len(again) != 0 {
				t.Fatalf("a letter to one is one: got %d, %v", len(again), err)
			}
			if err := p.WriteEndLetter(ctx, args); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := p.Mailer.Files(10)
	if err != nil || len(files) != 3 {
		t.Fatalf("got %d letters, %v", len(files), err)
	}
	want := map[string]string{
		"duyet@portal.test": "Thoả thuận sắp hết hạn ngày 28/2/2027: Tra cứu",
		"phu@portal.test":   "The agreement ends on 28 February 2027: Tra cứu",
		"lan@portal.test":   "The agreement ends on 28 February 2027: Land v1",
	}
	for _, f := range files {
		if f.Letter.Subject != want[f.To] || !strings.Contains(f.Letter.Text, "/agreements/"+g.ID.String()) {
			t.Errorf("to %s: got %q", f.To, f.Letter.Subject)
		}
	}
}
