package catalog

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// TestRatings: who works on an application that called an API says once whether
// it is useful, and may change it or take it back; nobody else does.
func TestRatings(t *testing.T) {
	t.Parallel()
	w, ctx := txWorld(t), t.Context()
	v, _ := w.publishedPair(t)
	office := uuid.New()
	owner, mate, official, asked := citizen(), citizen(), citizen(), citizen()
	official.Memberships = []auth.Membership{{Agency: office, Role: auth.RolePublisher}}
	at := time.Now()
	w.CallersOf = func(_ context.Context, version uuid.UUID, _ time.Time) ([]Caller, error) {
		if version != v.ID {
			return nil, nil
		}
		return []Caller{
			{OwnerPerson: owner.Person, Team: []uuid.UUID{mate.Person}, LastAt: &at},
			{OwnerAgency: office, LastAt: &at},
			{OwnerPerson: asked.Person, Agreed: true}, // it never called
		}, nil
	}
	for who, useful := range map[*auth.Principal]bool{&owner: true, &mate: true, &official: false} {
		if r, err := w.Rate(ctx, *who, v.APIID, useful); err != nil || r.Mine == nil || *r.Mine != useful {
			t.Errorf("rated %+v, error %v", r, err)
		}
	}
	if r, err := w.Ratings(ctx, auth.Principal{}, v.APIID); err != nil || r.Useful != 2 || r.NotUseful != 1 || r.Mine != nil {
		t.Errorf("read by nobody: %+v, error %v", r, err)
	}
	if r, err := w.Rate(ctx, mate, v.APIID, false); err != nil || r.Useful != 1 || r.NotUseful != 2 {
		t.Errorf("changed: %+v, error %v", r, err)
	}
	if r, err := w.Unrate(ctx, official, v.APIID); err != nil || r.Useful != 1 || r.NotUseful != 1 || r.Mine != nil {
		t.Errorf("taken back: %+v, error %v", r, err)
	}
	for name, tt := range map[string]struct {
		who  auth.Principal
		api  uuid.UUID
		want string
	}{
		"nobody":             {auth.Principal{}, v.APIID, "said-sign-in"},
		"an application":     {auth.Principal{Application: uuid.New()}, v.APIID, "said-person"},
		"who never called":   {asked, v.APIID, "rating-not-called"},
		"who has no program": {citizen(), v.APIID, "rating-not-called"},
	} {
		if _, err := w.Rate(ctx, tt.who, tt.api, true); problem.Code(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	if _, err := w.Rate(ctx, owner, uuid.New(), true); !problem.Is(err, problem.NotFound) {
		t.Errorf("no API: %v", err)
	}
	if said, err := w.SaidBy(ctx, owner); err != nil || len(said.Ratings) != 1 || said.Ratings[0].API != v.APIID || !said.Ratings[0].Useful {
		t.Errorf("what one said holds %+v, error %v", said.Ratings, err)
	}
	tx, err := w.DB.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := ForgetPerson(ctx, tx, owner.Person); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Ratings(ctx, auth.Principal{}, v.APIID); err != nil || r.Useful != 0 {
		t.Errorf("after the account ended: %+v, error %v", r, err)
	}
}
