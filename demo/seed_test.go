package demo

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/auth/policy"
	"lgsp/catalog"
	"lgsp/demo/simulator"
	"lgsp/internal/keyring"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

// rooms are real ones on a database of their own; what the gateway would be
// told is counted in exposed and granted.
func rooms(t *testing.T, exposed, granted *int) Rooms {
	t.Helper()
	db := pgtest.New(t)
	enforcer, err := policy.New()
	if err != nil {
		t.Fatal(err)
	}
	record := func(context.Context, pgx.Tx, auth.Act) error { return nil }
	a := &auth.Auth{Notify: func(context.Context, pgx.Tx, auth.FactorNotice) error { return nil }, DB: db, Now: time.Now, Peppers: keyring.Of(make([]byte, 32)), Passwords: auth.NewPasswords(2, 64), May: enforcer.May, Record: record}
	agency := func(a auth.Agency) catalog.Agency {
		return catalog.Agency{ID: a.ID, Slug: a.Slug, TitleVI: a.NameVI, TitleEN: a.NameEN}
	}
	c := &catalog.Catalog{DB: db, Now: time.Now, May: enforcer.May, Record: record, Fetch: http.DefaultClient, Files: catalog.OnDisk(t.TempDir()),
		Agencies: func(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]catalog.Agency, error) {
			found, err := a.Agencies(ctx, ids)
			list := map[uuid.UUID]catalog.Agency{}
			for id, one := range found {
				list[id] = agency(one)
			}
			return list, err
		},
		AgencyBySlug: func(ctx context.Context, slug string) (catalog.Agency, error) {
			found, err := a.AgencyBySlug(ctx, slug)
			return agency(found), err
		},
		Expose:   func(context.Context, pgx.Tx, catalog.Exposure) error { *exposed++; return nil },
		Withdraw: func(context.Context, pgx.Tx, catalog.Ended) error { return nil },
	}
	g := &agreement.Agreements{DB: db, Now: time.Now, May: enforcer.May, Record: record, NameOf: auth.NameIn, OwnsApplication: a.OwnsApplication, WorksOn: a.WorksOn,
		Offer: func(ctx context.Context, version uuid.UUID) (agreement.Offer, error) { return offer(ctx, c, version) },
		Applicant: func(ctx context.Context, id uuid.UUID) (agreement.Applicant, error) {
			app, err := a.Application(ctx, id)
			if err != nil {
				return agreement.Applicant{}, err
			}
			return agreement.Applicant{ApplicationID: id, Name: app.Name, OwnerName: "demo", OwnerPerson: *app.OwnerPerson}, nil
		},
		OwnApplications: func(ctx context.Context, who auth.Principal) ([]uuid.UUID, error) {
			apps, _, err := a.Applications(ctx, who, auth.Page{})
			var ids []uuid.UUID
			for _, app := range apps {
				ids = append(ids, app.ID)
			}
			return ids, err
		},
		Grant:  func(context.Context, pgx.Tx, agreement.Granted) error { *granted++; return nil },
		Notify: func(context.Context, pgx.Tx, agreement.Notice) error { return nil },
	}
	return Rooms{Auth: a, Catalog: c, Agreements: g, Portal: "http://localhost:8080", Gateway: "http://localhost:8000",
		Ops: "http://127.0.0.1:9090", Issuer: "http://localhost:8080", Dir: t.TempDir()}
}

func offer(ctx context.Context, c *catalog.Catalog, version uuid.UUID) (agreement.Offer, error) {
	o, err := c.Offer(ctx, version)
	if err != nil {
		return agreement.Offer{}, err
	}
	out := agreement.Offer{VersionID: o.Version.ID, AgencyID: o.Version.AgencyID, ServiceVI: o.Version.TitleVI, ServiceEN: o.Version.TitleEN,
		Plan: o.Plan.Slug, RatePerMinute: o.Plan.RatePerMinute, QuotaPerDay: o.Plan.QuotaPerDay, Decision: o.Plan.Decision}
	for _, operation := range o.Operations {
		if operation.Access == catalog.Open {
			continue
		}
		one := agreement.Operation{ID: operation.Slug, Method: operation.Method, Path: operation.Path, Access: operation.Access,
			TitleVI: operation.Doc.SummaryVI, TitleEN: operation.Doc.SummaryEN}
		for _, f := range operation.Doc.Fields {
			one.Fields = append(one.Fields, agreement.Field{Path: f.Path, TitleVI: f.TitleVI, TitleEN: f.TitleEN})
		}
		out.Operations = append(out.Operations, one)
	}
	return out, nil
}

func listeners(port string) []simulator.Listener {
	var list []simulator.Listener
	for i, system := range simulator.Systems() {
		list = append(list, simulator.Listener{Number: system.Number, Slug: system.Slug, Addr: "127.0.0.1:" + port + string(rune('1'+i))})
	}
	return list
}

func allow(r Rooms, list []simulator.Listener) {
	r.Catalog.Loopback = nil
	for _, l := range list {
		r.Catalog.Loopback = append(r.Catalog.Loopback, l.Addr)
	}
}

func TestSeedLoadsTheProvinceOnce(t *testing.T) {
	t.Parallel()
	ctx, exposed, granted := t.Context(), 0, 0
	r := rooms(t, &exposed, &granted)
	allow(r, listeners("1810"))
	first, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range first.Accounts {
		if _, err := r.Auth.SignIn(ctx, a.Email, a.Password); err != nil {
			t.Errorf("%s cannot sign in: %v", a.Role, err)
		}
		if _, err := r.Auth.WhoByToken(ctx, a.Token); err != nil {
			t.Errorf("%s's token: %v", a.Role, err)
		}
	}
	checkPublished(t, r)
	checkInbox(t, r, first)
	exposedOnce, grantedOnce := exposed, granted
	if exposedOnce == 0 || grantedOnce == 0 {
		t.Errorf("the gateway was told of %d versions and %d agreements", exposedOnce, grantedOnce)
	}

	second, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range second.Accounts {
		second.Accounts[i].Token, first.Accounts[i].Token = "", ""
	}
	if first.RegistrationToken == second.RegistrationToken || !strings.HasPrefix(second.RegistrationToken, "lgsp_reg_") {
		t.Errorf("registration token: got %q after %q, want a new one", second.RegistrationToken, first.RegistrationToken)
	}
	second.RegistrationToken = first.RegistrationToken
	if !reflect.DeepEqual(first, second) {
		t.Errorf("second start: got %+v, want %+v", second, first)
	}
	if exposed != exposedOnce || granted != grantedOnce {
		t.Errorf("second start told the gateway again: %d, %d", exposed-exposedOnce, granted-grantedOnce)
	}
}

func checkPublished(t *testing.T, r Rooms) {
	t.Helper()
	ctx, nobody := t.Context(), auth.Principal{}
	for _, s := range simulator.Systems() {
		owner := map[string]string{"can-bo-cong-chuc": "so-noi-vu", "nguoi-co-cong": "so-noi-vu", "dat-dai": "so-nong-nghiep-moi-truong",
			"nong-nghiep": "so-nong-nghiep-moi-truong", "thu-tuc-hanh-chinh": "van-phong-ubnd-tinh", "mot-cua-dien-tu": "van-phong-ubnd-tinh"}[s.Slug]
		v, err := r.Catalog.VersionBySlug(ctx, nobody, owner, s.Slug, "v1")
		if err != nil || v.State != catalog.Published {
			t.Errorf("%s: got %s, %v", s.Slug, v.State, err)
		}
		own, err := r.Catalog.VersionBySlug(ctx, platform(), owner, s.Slug, "v1")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range own.Findings {
			if f.Severity != "info" {
				t.Errorf("%s: its document is not clean: %+v", s.Slug, f)
			}
		}
	}
	all, err := readDatasets()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all.Datasets {
		found, err := r.Catalog.DatasetBySlug(ctx, nobody, d.Slug)
		if err != nil || found.State != catalog.Published || len(found.Distributions) != 1 {
			t.Fatalf("%s: got %+v, %v", d.Slug, found, err)
		}
		if q := catalog.QualityOf(found); q.Total < catalog.Excellent {
			t.Errorf("%s: %d points, lacks %+v", d.Slug, q.Total, q.Next())
		}
		if got, want := found.Distributions[0].Rows, int64(len(table(t, d.Slug))-1); got == nil || *got != want {
			t.Errorf("%s: got %v rows, want %d", d.Slug, got, want)
		}
	}
	if old, err := r.Auth.AgencyBySlug(ctx, "so-thong-tin-truyen-thong"); err != nil || old.Slug != "so-khoa-hoc-cong-nghe" {
		t.Errorf("the old department leads to %s, %v", old.Slug, err)
	}
}

func checkInbox(t *testing.T, r Rooms, info Info) {
	t.Helper()
	developer, err := r.Auth.WhoByToken(t.Context(), info.account("developer").Token)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := r.Agreements.Mine(t.Context(), developer, agreement.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, g := range mine.Items {
		states[g.State]++
	}
	if want := map[string]int{agreement.Active: 2, agreement.Requested: 1}; !reflect.DeepEqual(states, want) {
		t.Errorf("got agreements %v, want %v", states, want)
	}
}

func TestSecondStartLeavesWhatPeopleChanged(t *testing.T) {
	t.Parallel()
	ctx, exposed, granted := t.Context(), 0, 0
	r := rooms(t, &exposed, &granted)
	allow(r, listeners("1810"))
	info, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	citizen, err := r.Auth.WhoByToken(ctx, info.account("citizen").Token)
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := r.Auth.WhoByToken(ctx, info.account(auth.RolePublisher).Token)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Auth.DisablePerson(ctx, platform(), citizen.Person); err != nil {
		t.Fatal(err)
	}
	if err := r.Auth.RemoveMembership(ctx, platform(), publisher.Person, publisher.Memberships[0]); err != nil {
		t.Fatal(err)
	}
	after, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	if got := after.account("citizen").Token; got != "" {
		t.Errorf("a locked-out citizen got a token")
	}
	left, err := r.Auth.Memberships(ctx, publisher.Person)
	if err != nil || len(left) != len(publisher.Memberships)-1 {
		t.Errorf("got memberships %v, %v, one fewer than %v expected", left, err, publisher.Memberships)
	}
}

func TestSeedFollowsASimulatorToAnotherPort(t *testing.T) {
	t.Parallel()
	ctx, exposed, granted := t.Context(), 0, 0
	r := rooms(t, &exposed, &granted)
	for _, port := range []string{"1810", "1910"} {
		allow(r, listeners(port))
		info, err := Seed(ctx, r, listeners(port))
		if err != nil {
			t.Fatal(err)
		}
		who, err := r.Auth.WhoByToken(ctx, info.account(auth.RolePublisher).Token)
		if err != nil {
			t.Fatal(err)
		}
		v, err := r.Catalog.VersionBySlug(ctx, who, "so-noi-vu", "can-bo-cong-chuc", "v1")
		if want := "http://127.0.0.1:" + port + "1"; err != nil || v.UpstreamURL != want {
			t.Errorf("got %s, %v, want %s", v.UpstreamURL, err, want)
		}
	}
}

func TestSeedWithoutItsFileMakesNewSecrets(t *testing.T) {
	t.Parallel()
	ctx, exposed, granted := t.Context(), 0, 0
	r := rooms(t, &exposed, &granted)
	allow(r, listeners("1810"))
	before, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(r.Dir, infoFile)
	if stat, err := os.Stat(file); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", stat, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	after, err := Seed(ctx, r, listeners("1810"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range after.Accounts {
		if _, err := r.Auth.SignIn(ctx, a.Email, a.Password); err != nil {
			t.Errorf("%s cannot sign in: %v", a.Role, err)
		}
		if old := before.account(a.Role); old.Password == a.Password {
			t.Errorf("%s keeps the password", a.Role)
		}
	}
	if after.Application.APIKey == before.Application.APIKey || after.Application.APIKey == "" {
		t.Error("the application has no new key")
	}
	_, err = r.Auth.SignIn(ctx, before.Accounts[0].Email, before.Accounts[0].Password)
	if !problem.Is(err, problem.Unauthorized) {
		t.Errorf("old password: got %v, want Unauthorized", err)
	}
	if read, err := ReadInfo(r.Dir); err != nil || !reflect.DeepEqual(read, after) {
		t.Errorf("got %+v, %v, want %+v", read, err, after)
	}
}
