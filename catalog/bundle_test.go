package catalog

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// stewardOf is a person who may promote for the world's agency, and nothing else.
func (w *world) stewardOf() auth.Principal {
	steward := auth.Principal{Person: uuid.Must(uuid.NewV7()), Memberships: []auth.Membership{{Agency: w.agency.ID, Role: "steward"}}}
	may := w.May
	w.May = func(ctx context.Context, who auth.Principal, act string, agency uuid.UUID) error {
		if act == "api.promote" {
			if who.Person == steward.Person {
				return nil
			}
			return problem.Errorf(problem.Forbidden, "may not %s", act)
		}
		return may(ctx, who, act, agency)
	}
	return steward
}

// TestRevisionsHoldTheBundle: each part that changes is a revision, told by its
// part; an earlier one is restored whole, with the same hash.
func TestRevisionsHoldTheBundle(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	c := t.Context()
	w.CheckTraffic = func(json.RawMessage, []Operation, func() ([]byte, error)) error { return nil }
	v := w.readyVersion(t)
	if _, err := w.SetTraffic(c, w.publisher, v.ID, json.RawMessage(`{"compress":true}`)); err != nil {
		t.Fatal(err)
	}
	list, _, err := w.Revisions(c, w.publisher, v.ID, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for i := len(list) - 1; i >= 0; i-- {
		parts = append(parts, append(list[i].Parts, "first")[0])
	}
	if want := []string{"first", PartUpstreams, PartOperations, PartPlan, PartTraffic}; len(parts) != len(want) {
		t.Fatalf("got %q, want %q", parts, want)
	} else {
		for i := range want {
			if parts[i] != want[i] {
				t.Errorf("got %q, want %q", parts, want)
			}
		}
	}
	changes, err := w.CompareRevisions(c, w.publisher, v.ID, 3, 5)
	if err != nil || len(changes.Document) != 0 || len(changes.Settings) != 2 {
		t.Fatalf("got %+v, %v", changes, err)
	}
	for i, want := range []SettingChange{{PartPlan, "", "", "standard-approval"}, {PartTraffic, "/compress", "", "true"}} {
		if changes.Settings[i] != want {
			t.Errorf("got %+v, want %+v", changes.Settings[i], want)
		}
	}
	for _, number := range []int{1, 4} { // all of it away, and back
		if _, err := w.RestoreRevision(c, w.publisher, v.ID, number, ""); err != nil {
			t.Fatal(err)
		}
		was, err := w.RevisionBundle(c, w.publisher, v.ID, number)
		now, nowErr := bundleOf(c, w.DB, v.ID)
		if err != nil || nowErr != nil || was.Hash() != now.Hash() {
			t.Errorf("restored %d: %v %v, %s is not %s", number, err, nowErr, was.Hash(), now.Hash())
		}
	}
	if _, err := w.PublishVersion(c, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.RestoreRevision(c, w.publisher, v.ID, 1, "") // without plan and upstream
	if !problem.Is(err, problem.Invalid) || problem.Code(err) != "not-ready" {
		t.Errorf("restoring what is not ready: %v", err)
	}
	if got := w.acts[len(w.acts)-1]; got != "version.publish" {
		t.Errorf("a refused restoring is recorded: %s", got)
	}
}

// TestPromotionRefusals: each way in which a bundle does not go live.
func TestPromotionRefusals(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	c := t.Context()
	w.publisher.Person = uuid.Must(uuid.NewV7())
	steward := w.stewardOf()
	v := w.readyVersion(t)
	plan := func(slug string) error {
		return w.Prepare(c, w.publisher, v.ID, "", func(would *Catalog) error {
			_, err := would.SetPlan(c, w.publisher, v.ID, slug)
			return err
		})
	}
	program := w.publisher
	program.Person = uuid.Nil
	if _, err := w.ProposePromotion(c, program, v.ID, ""); problem.Code(err) != "release-by-person" {
		t.Errorf("a program proposes: %v", err)
	}
	if err := plan("high"); problem.Code(err) != "wrong-state" {
		t.Errorf("prepared beside a draft: %v", err)
	}
	if _, err := w.PublishVersion(c, w.publisher, v.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ProposePromotion(c, w.publisher, v.ID, ""); problem.Code(err) != "promotion-none" {
		t.Errorf("nothing is prepared: %v", err)
	}
	if err := plan("standard-approval"); problem.Code(err) != "promotion-same" {
		t.Errorf("what is live already: %v", err)
	}
	if err := plan("khong-co"); problem.Code(err) != "plan-unknown" {
		t.Errorf("what the part alone refuses: %v", err)
	}
	exposed := len(w.exposed)
	if err := plan("high"); err != nil {
		t.Fatal(err)
	}
	if len(w.exposed) != exposed {
		t.Error("the gateway was told of what is prepared")
	}
	release, err := w.ReleaseOf(c, w.publisher, v.ID)
	if err != nil || release.Refusal() != nil || release.Behind || len(release.Changes.Settings) != 1 || release.Beside != "v1" {
		t.Errorf("got %+v, %v", release, err)
	}
	if _, err := w.ProposePromotion(c, w.publisher, v.ID, "Tăng gói"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Promote(c, steward, v.ID, "khac"); problem.Code(err) != "promotion-changed" {
		t.Errorf("another bundle: %v", err)
	}
	_, err = w.Promote(c, w.publisher, v.ID, release.Hash)
	refused(t, err, problem.Forbidden)
	if _, err := w.ReturnPromotion(c, steward, v.ID, " "); problem.Code(err) != "promotion-answer" {
		t.Errorf("given back without a word: %v", err)
	}
	if _, err := w.SetDocPages(c, w.publisher, v.ID, []DocPage{{Slug: "bat-dau", TitleVI: "Bắt đầu", BodyVI: "Gọi thử."}}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Promote(c, steward, v.ID, release.Hash); problem.Code(err) != "promotion-behind" {
		t.Errorf("on what was live before: %v", err)
	}
	if err := plan("high"); err != nil { // brought onto what is live now
		t.Fatal(err)
	}
	if release, err = w.ReleaseOf(c, w.publisher, v.ID); err != nil || release.Behind || len(release.Bundle.Pages) != 1 || release.Bundle.Plan != "high" {
		t.Errorf("brought onto what is live: %+v, %v", release, err)
	}
	if _, err := w.ProposePromotion(c, w.publisher, v.ID, ""); err != nil {
		t.Fatal(err)
	}
	if v, err = w.Promote(c, steward, v.ID, release.Hash); err != nil || v.PlanSlug != "high" {
		t.Errorf("got %+v, %v", v, err)
	}
	if _, err := w.DropPromotion(c, w.publisher, v.ID); problem.Code(err) != "promotion-none" {
		t.Errorf("given up after it went live: %v", err)
	}
	own := steward
	own.Memberships = append(own.Memberships, auth.Membership{Agency: w.agency.ID, Role: "publisher"})
	if err := w.Prepare(c, own, v.ID, "", func(would *Catalog) error {
		_, err := would.SetPlan(c, own, v.ID, "standard-approval")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ProposePromotion(c, w.publisher, v.ID, ""); err != nil {
		t.Fatal(err)
	}
	if release, err = w.ReleaseOf(c, own, v.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Promote(c, own, v.ID, release.Hash); problem.Code(err) != "promotion-own" {
		t.Errorf("promoted by who prepared it: %v", err)
	}
}

// TestPromotionIsTold: a proposal to the agency's stewards; what became of it to
// each who prepared or proposed it, once; nothing of what was refused.
func TestPromotionIsTold(t *testing.T) {
	t.Parallel()
	w := txWorld(t)
	c := t.Context()
	w.publisher.Person = uuid.Must(uuid.NewV7())
	helper := w.publisher
	helper.Person = uuid.Must(uuid.NewV7())
	names := map[uuid.UUID]string{w.publisher.Person: "publisher", helper.Person: "helper", uuid.Nil: "agency"}
	told := func(want ...string) {
		t.Helper()
		letters, err := w.ClaimLetters(c, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range letters {
			got = append(got, l.Kind+" "+l.Detail.State+" to "+names[l.Person]+": "+l.Detail.Text)
			if want := "/agency/" + w.agency.Slug + "/apis/thu-tuc/v1/promotion"; l.Detail.Path != want || l.Detail.Subject != "v1" {
				t.Errorf("the letter leads to %s and is about %s", l.Detail.Path, l.Detail.Subject)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	v, steward := w.readyVersion(t), w.stewardOf()
	propose := func() {
		t.Helper()
		if _, err := w.ProposePromotion(c, w.publisher, v.ID, "Gói cao hơn"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.ProposePromotion(c, w.publisher, v.ID, strings.Repeat("a", maxEndReason+1)); err == nil {
		t.Error("a reason without end is taken")
	}
	told()
	propose()
	told("promotion  to agency: Gói cao hơn")
	if _, err := w.ReturnPromotion(c, steward, v.ID, "Ghi rõ gói."); err != nil {
		t.Fatal(err)
	}
	told("promotion-now returned to publisher: Ghi rõ gói.")
	propose()
	told("promotion  to agency: Gói cao hơn")
	release, err := w.ReleaseOf(c, steward, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Promote(c, steward, v.ID, release.Hash); err != nil {
		t.Fatal(err)
	}
	told("promotion-now promoted to publisher: ")
	for _, who := range []auth.Principal{w.publisher, helper} {
		if err := w.Prepare(c, who, v.ID, "", func(would *Catalog) error {
			plan := map[bool]string{true: "high", false: "free-automatic"}[who.Person == helper.Person]
			_, err := would.SetPlan(c, who, v.ID, plan)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	propose()
	told("promotion  to agency: Gói cao hơn")
	if _, err := w.ReturnPromotion(c, steward, v.ID, "Chưa."); err != nil {
		t.Fatal(err)
	}
	told("promotion-now returned to helper: Chưa.", "promotion-now returned to publisher: Chưa.")
}
