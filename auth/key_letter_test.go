package auth

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/internal/pgtest"
)

const testLetters = `select person_id::text || ' ' || (detail->>'what') || ' ' || mark from auth.letter where kind = 'expiring' order by 1`

// reminders are the letters written so far: to whom, about what, which of the three.
func (d *desk) reminders(t *testing.T) []string {
	t.Helper()
	rows, err := d.DB.Query(t.Context(), testLetters)
	ok(t, "letters", err)
	defer rows.Close()
	list := []string{}
	for rows.Next() {
		var text string
		ok(t, "scan", rows.Scan(&text))
		list = append(list, text)
	}
	return list
}

func TestRemindersOnceEach(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	_, _, err := s.CreateToken(ctx, s.who, "một năm", 365*24*time.Hour)
	ok(t, "token of a year", err)
	_, _, err = s.CreateToken(ctx, s.who, "một ngày", 24*time.Hour)
	ok(t, "token of a day", err)
	ok(t, "the secret is not used", s.RevokeCredential(ctx, s.who, s.secret.ID))
	me := s.who.Person.String()
	wanted := []string{}
	for _, tt := range []struct {
		left time.Duration // until the key's end
		more []string
	}{
		{365 * 24 * time.Hour, nil},
		{30*24*time.Hour + time.Second, nil},
		{30 * 24 * time.Hour, []string{" api_key 30", " personal_token 30"}},
		{8 * 24 * time.Hour, nil},
		{7 * 24 * time.Hour, []string{" api_key 7", " personal_token 7"}},
		{24 * time.Hour, []string{" api_key 1", " personal_token 1"}},
		{time.Hour, nil},
		{-time.Hour, nil},
	} {
		s.desk.now = s.key.ExpiresAt.Add(-tt.left)
		for range 2 {
			_, err := s.RemindOfExpiry(ctx)
			ok(t, "remind", err)
		}
		for _, one := range tt.more {
			wanted = append(wanted, me+one)
		}
		slices.Sort(wanted)
		if got := s.reminders(t); !slices.Equal(got, wanted) {
			t.Errorf("%s before the end: got %v, want %v", tt.left, got, wanted)
		}
	}
}

func TestRemindersAfterAPauseAndARotation(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	_, err := s.RotateCredential(ctx, s.who, s.key.ID, DefaultOverlap)
	ok(t, "rotate", err)
	_, err = s.RotateCredential(ctx, s.who, s.secret.ID, 30*24*time.Hour)
	ok(t, "rotate", err)
	_, err = s.RemindOfExpiry(ctx)
	ok(t, "remind", err)
	if got := s.reminders(t); len(got) != 0 {
		t.Errorf("what its owner has just put to an end is reminded of: %v", got)
	}
	s.desk.now = monday.Add(29*24*time.Hour + time.Hour)
	_, err = s.RemindOfExpiry(ctx)
	ok(t, "remind", err)
	if got := s.reminders(t); !slices.Equal(got, []string{s.who.Person.String() + " client_secret 1"}) {
		t.Errorf("after a pause: got %v, want the nearest alone", got)
	}
}

func TestRemindersOfAnAgency(t *testing.T) {
	t.Parallel()
	d, ctx := txDesk(t), t.Context()
	agency := d.agency(t, "so-a", "H48.01")
	one := d.person(t, "one@x.vn", Membership{agency.ID, RolePublisher})
	two := d.person(t, "two@x.vn", Membership{agency.ID, RolePublisher})
	gone := d.person(t, "gone@x.vn", Membership{agency.ID, RolePublisher})
	d.person(t, "steward@x.vn", Membership{agency.ID, RoleSteward})
	_, issued, err := d.CreateApplication(ctx, one, NewApplication{Name: "App", Agency: agency.ID})
	ok(t, "create", err)
	ok(t, "revoke", d.RevokeCredential(ctx, one, issued[1].ID))
	ok(t, "disable", d.DisablePerson(ctx, operator, gone.Person))
	d.now = issued[0].ExpiresAt.Add(-time.Hour)
	_, err = d.RemindOfExpiry(ctx)
	ok(t, "remind", err)
	wanted := []string{one.Person.String() + " api_key 1", two.Person.String() + " api_key 1"}
	slices.Sort(wanted)
	if got := d.reminders(t); !slices.Equal(got, wanted) {
		t.Errorf("got %v, want each publisher in service: %v", got, wanted)
	}

}

// TestLettersAreClaimedOnce: of two portals and of any number of tries, one
// sends each letter; one that stopped in between sends it later.
func TestLettersAreClaimedOnce(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, newDesk(t, pgtest.New(t))), t.Context()
	s.desk.now = s.key.ExpiresAt.Add(-time.Hour)
	var mu sync.Mutex
	claimed := map[uuid.UUID]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := s.RemindOfExpiry(ctx)
			letters, err2 := s.ClaimKeyLetters(ctx, 10)
			if err != nil || err2 != nil {
				t.Error(err, err2)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, l := range letters {
				claimed[l.ID]++
			}
		})
	}
	all.Wait()
	letters, err := s.ClaimKeyLetters(ctx, 10)
	ok(t, "claim", err)
	for _, l := range letters {
		claimed[l.ID]++
	}
	if len(claimed) != 2 {
		t.Fatalf("claimed %v, want the key's letter and the secret's", claimed)
	}
	var first uuid.UUID
	for id, times := range claimed {
		if times != 1 {
			t.Errorf("letter %s was claimed %d times", id, times)
		}
		first = id
	}
	ok(t, "sent", s.KeyLetterSent(ctx, first))
	for tries := 1; tries <= 6; tries++ {
		s.desk.now = s.desk.now.Add(time.Hour)
		letters, err := s.ClaimKeyLetters(ctx, 10)
		ok(t, "claim", err)
		if want := 1; tries > 4 && len(letters) != 0 || tries <= 4 && (len(letters) != want || letters[0].ID == first || letters[0].Detail.Application != "App") {
			t.Errorf("try %d: got %+v, want the one not sent, five times in all", tries+1, letters)
		}
	}
	s.desk.now = s.desk.now.AddDate(0, 0, 101)
	ok(t, "sweep", s.SweepKeyLetters(ctx))
	if got := s.reminders(t); len(got) != 0 {
		t.Errorf("left after 100 days: %v", got)
	}
}
