package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/pg"
	"lgsp/internal/pgtest"
)

// roles are the people of a world, from the least to the most trusted.
// "other" publishes and decides for another agency than the one whose objects
// are asked for.
var roles = []string{"nobody", "citizen", "developer", "other", "publisher", "steward", "auditor", "operator"}

// subject is the personal number that calls of the tests ask about; it is
// nobody's (the province code 000 is not given out).
const subject = "000138000777"

const worldSpec = `openapi: 3.1.0
info: { title: Hồ sơ, x-title-en: Files, version: '1' }
paths:
  /danh-muc:
    get:
      operationId: danhMuc
      summary: Danh mục
      responses: { '200': { description: Danh mục, content: { application/json: { schema: { $ref: '#/components/schemas/HoSo' } } } } }
  /thua-dat/{so}:
    get:
      operationId: thuaDat
      summary: Thửa đất
      parameters: [ { name: so, in: path, required: true, schema: { type: string } } ]
      responses: { '200': { description: Thửa đất, content: { application/json: { schema: { $ref: '#/components/schemas/HoSo' } } } } }
  /nguoi/{so}:
    get:
      operationId: nguoi
      summary: Một người
      parameters: [ { name: so, in: path, required: true, schema: { type: string } } ]
      responses: { '200': { description: Một người, content: { application/json: { schema: { $ref: '#/components/schemas/HoSo' } } } } }
components:
  schemas:
    HoSo:
      type: object
      properties: { ma: { type: string }, hoTen: { type: string }, noiBo: { type: string } }
`

var worldMarks = map[string]catalog.Mark{
	"danh-muc": {Access: "open", Classification: "public"},
	"thua-dat": {Access: "restricted", Classification: "internal"},
	"nguoi":    {Access: "personal", Classification: "confidential", SubjectIn: "path", SubjectName: "so"},
}

// world is the whole platform, wired as it is served, with two agencies and
// objects of the first in every state.
type world struct {
	*platform
	t        *testing.T
	doors    doors
	people   map[string]auth.Principal
	password map[string]string
	token    map[string]string // personal access tokens
	session  map[string]string
	key      string // of the developer's application
	secret   string
	id       map[string]string // ids and slugs of objects, by what they are
}

// newWorld wires a platform on a database and listeners of its own.
func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldWith(t, func(*world, *config) {})
}

// newWorldWith is newWorld with other settings.
func newWorldWith(t *testing.T, change func(*world, *config)) *world {
	t.Helper()
	return newWorldOn(t, pgtest.NewURL(t), change)
}

// newWorldOn is newWorldWith on the migrated database at url.
func newWorldOn(t *testing.T, url string, change func(*world, *config)) *world {
	t.Helper()
	w := &world{t: t, people: map[string]auth.Principal{}, password: map[string]string{}, token: map[string]string{},
		session: map[string]string{}, id: map[string]string{}}
	for _, door := range []*net.Listener{&w.doors.portal, &w.doors.gateway, &w.doors.ops} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		w.must(err)
		*door = l
	}
	t.Cleanup(w.doors.close)
	dir := t.TempDir()
	pool, err := pg.Open(t.Context(), url)
	w.must(err)
	t.Cleanup(pool.Close)
	c := config{
		DataDir: dir, SecretFile: filepath.Join(dir, "secret"), MaxStale: 10 * time.Minute, RequestDue: 360 * time.Hour, Drain: time.Second,
		PortalAddr: w.doors.portal.Addr().String(), GatewayAddr: w.doors.gateway.Addr().String(), OpsAddr: w.doors.ops.Addr().String(),
		PortalURL: "http://" + w.doors.portal.Addr().String(), GatewayURL: "http://" + w.doors.gateway.Addr().String(),
	}
	change(w, &c)
	c.Issuer = c.PortalURL
	w.platform, err = wire(t.Context(), c, &database{URL: url, Pool: pool})
	w.must(err)
	w.settle()
	w.publish()
	w.agree()
	w.open()
	w.speak()
	w.operate()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// uuid is the id of an object.
func (w *world) uuid(name string) uuid.UUID {
	w.t.Helper()
	id, err := uuid.Parse(w.id[name])
	if err != nil {
		w.t.Fatalf("no object %q", name)
	}
	return id
}

// known are the passwords of roles, and what is stored of them: each world of
// this process has the same, for to derive them takes longer than the rest.
var known struct {
	sync.Mutex
	password, stored map[string]string
}

// newPerson makes the person of a role.
func (w *world) newPerson(ctx context.Context, role string) auth.Person {
	w.t.Helper()
	known.Lock()
	defer known.Unlock()
	if known.password == nil {
		known.password, known.stored = map[string]string{}, map[string]string{}
	}
	n := auth.NewPerson{Email: role + "@world.example", Name: "Người " + role}
	stored, made := known.stored[role]
	if !made {
		known.password[role] = "mật khẩu của " + role + " " + uuid.NewString()
		n.Password = known.password[role]
	}
	w.password[role] = known.password[role]
	person, err := w.auth.CreatePerson(ctx, auth.Platform("test"), n)
	w.must(err)
	if made {
		_, err = w.db.Pool.Exec(ctx, `update auth.person set password = $2 where id = $1`, person.ID, stored)
	} else {
		err = w.db.Pool.QueryRow(ctx, `select password from auth.person where id = $1`, person.ID).Scan(&stored)
		known.stored[role] = stored
	}
	w.must(err)
	return person
}

// settle makes the agencies and the people.
func (w *world) settle() {
	ctx, root := w.t.Context(), auth.Platform("test")
	for _, slug := range []string{"so-a", "so-b"} {
		a, err := w.auth.CreateAgency(ctx, root, auth.Agency{Slug: slug, Code: "H48." + map[string]string{"so-a": "90", "so-b": "91"}[slug],
			Synthetic: true, NameVI: "Sở " + slug, NameEN: "Department " + slug, ValidFrom: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)})
		w.must(err)
		w.id[slug] = a.ID.String()
	}
	member := map[string][]auth.Membership{
		"other":     {{Agency: w.uuid("so-b"), Role: auth.RolePublisher}, {Agency: w.uuid("so-b"), Role: auth.RoleSteward}},
		"publisher": {{Agency: w.uuid("so-a"), Role: auth.RolePublisher}},
		"steward":   {{Agency: w.uuid("so-a"), Role: auth.RoleSteward}},
		"auditor":   {{Role: auth.RoleAuditor}},
		"operator":  {{Role: auth.RoleOperator}},
	}
	for _, role := range roles[1:] {
		person := w.newPerson(ctx, role)
		for _, m := range member[role] {
			w.must(w.auth.AddMembership(ctx, root, person.ID, m))
		}
		var err error
		w.people[role], err = w.auth.WhoByProof(ctx, person.ID, auth.AAL2)
		w.must(err)
		made, token, err := w.auth.CreateToken(ctx, w.people[role], "test", time.Hour)
		w.must(err)
		if role == "publisher" {
			made, _, err := w.auth.CreateRegistrationToken(ctx, w.people[role], auth.NewRegistrationToken{Name: "thử", Agency: w.uuid("so-a"), GrantTypes: []string{auth.GrantCode}})
			w.must(err)
			w.id["registration token"] = made.ID.String()
		}
		w.token[role], w.id["token of "+role], w.id["person "+role] = token, made.ID.String(), person.ID.String()
		begun, err := w.auth.BeginSession(ctx, person.ID, auth.ByPassword, auth.ByCode, auth.ByTwo)
		w.must(err)
		w.session[role] = begun.Session.Secret
	}
}

// breaks at the end of a path makes the upstream break the connection.
const breaks = "0"

// upstream answers every call with the same record.
func (w *world) upstream() string {
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, subject+breaks) {
			panic(http.ErrAbortHandler)
		}
		out.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(out, `{"ma":"1","hoTen":"Không Ai","noiBo":"giữ lại"}`)
	}))
	w.t.Cleanup(s.Close)
	at := strings.TrimPrefix(s.URL, "http://")
	w.upstreams.allowLoopback([]string{at})
	w.catalog.Loopback = []string{at}
	return at
}

// publish makes one API that everybody sees and one that is only drafted.
func (w *world) publish() {
	ctx, publisher, at := w.t.Context(), w.people["publisher"], w.upstream()
	w.id["upstream"] = at
	_, err := w.catalog.ApproveUpstream(ctx, w.people["operator"], w.uuid("so-a"), at)
	w.must(err)
	for _, api := range []string{"public", "hidden"} {
		made, err := w.catalog.CreateAPI(ctx, publisher, catalog.NewAPI{AgencyID: w.uuid("so-a"), Slug: "dich-vu-" + api,
			APIText: catalog.APIText{TitleVI: "Dịch vụ " + api, TitleEN: "Service " + api}})
		w.must(err)
		w.id[api+" api"] = made.ID.String()
	}
	for _, v := range []struct{ name, api, number string }{
		{"published", "public", "v1"}, {"reviewed", "public", "v2"}, {"draft", "hidden", "v1"},
	} {
		made, err := w.catalog.CreateVersion(ctx, publisher, w.uuid(v.api+" api"), v.number, []byte(worldSpec))
		w.must(err)
		w.id[v.name+" version"] = made.ID.String()
		_, err = w.catalog.MarkOperations(ctx, publisher, made.ID, worldMarks)
		w.must(err)
		_, err = w.catalog.SetUpstream(ctx, publisher, made.ID, "http://"+at)
		w.must(err)
		_, err = w.catalog.SetPlan(ctx, publisher, made.ID, "standard-approval")
		w.must(err)
	}
	_, err = w.catalog.PublishVersion(ctx, publisher, w.uuid("published version"))
	w.must(err)
	_, err = w.catalog.SubmitVersion(ctx, publisher, w.uuid("reviewed version"))
	w.must(err)
}

// agree makes the developer's application and its agreements in three states.
func (w *world) agree() {
	ctx, developer := w.t.Context(), w.people["developer"]
	app, issued, err := w.auth.CreateApplication(ctx, developer, auth.NewApplication{Name: "Tra cứu"})
	w.must(err)
	w.id["application"] = app.ID.String()
	for _, credential := range issued {
		w.id[credential.Kind] = credential.ID.String()
		if credential.Kind == "api_key" {
			w.key = credential.Secret
		} else {
			w.secret = credential.Secret
		}
	}
	honey, err := w.auth.AddHoneyKey(ctx, developer, auth.NewHoneyKey{Application: app.ID, Kind: auth.APIKey, Name: "Kho mã nguồn"})
	w.must(err)
	w.id["honey key"] = honey.ID.String()
	hook, err := w.auth.AddWebhook(ctx, developer, app.ID, auth.NewWebhook{URL: "https://app.example.vn/tin", Topics: auth.Topics()})
	w.must(err)
	w.id["webhook"] = hook.ID.String()
	message, err := w.auth.TestWebhook(ctx, developer, hook.ID)
	w.must(err)
	w.id["webhook message"] = message.ID.String()
	saved, err := w.catalog.SaveSearch(w.t.Context(), w.people["developer"], catalog.SavedQuery{Query: "dich vu cong"})
	w.must(err)
	w.id["saved search"] = saved.ID.String()
	synonyms, err := w.catalog.Synonyms(w.t.Context())
	w.must(err)
	w.id["synonym"] = synonyms[0].ID.String()
	owned, _, err := w.auth.CreateApplication(ctx, w.people["publisher"], auth.NewApplication{Agency: w.uuid("so-a"), Name: "Của sở"})
	w.must(err)
	w.id["agency's application"] = owned.ID.String()
	day := func(ahead int) string {
		return time.Now().UTC().Add(7*time.Hour).AddDate(0, 0, ahead).Format(time.DateOnly)
	}
	away, err := w.agreements.Delegate(ctx, w.people["steward"], w.uuid("so-a"), agreement.NewDelegation{
		ToID: w.people["publisher"].Person, Starts: day(30), Ends: day(40)})
	w.must(err)
	w.id["delegation"] = away.ID.String()
	for name, purpose := range map[string]string{"asked": "thu-tuc", "questioned": "kiem-thu", "agreed": "dich-vu", "suspended": "thong-ke"} {
		g, err := w.agreements.Request(ctx, developer, w.wish(purpose))
		w.must(err)
		w.id[name+" agreement"] = g.ID.String()
		if name == "questioned" {
			_, err = w.agreements.Ask(ctx, w.people["steward"], g.ID, "Cần dữ liệu để làm gì?")
			w.must(err)
		}
		if name == "asked" || name == "questioned" {
			continue
		}
		_, err = w.agreements.Approve(ctx, w.people["steward"], g.ID, "")
		w.must(err)
		if name == "suspended" {
			_, err = w.agreements.Suspend(ctx, w.people["steward"], g.ID, "Kiểm tra lại mục đích sử dụng.")
			w.must(err)
		}
	}
}

// wish is what the developer's application asks for.
func (w *world) wish(purpose string) agreement.Request {
	today := time.Now().UTC().Add(7 * time.Hour) // agreements count Vietnamese days
	return agreement.Request{
		ApplicationID: w.uuid("application"), VersionID: w.uuid("published version"), Purpose: purpose,
		PurposeText: "Điền sẵn hồ sơ khi tiếp nhận.", LegalBasis: "luat-60-2024-d11-2b",
		Subjects: "Chủ sử dụng đất nộp hồ sơ", VolumePerDay: 50, RetentionDays: new(30),
		Starts: today.Format(time.DateOnly), Ends: today.AddDate(0, 6, 0).Format(time.DateOnly),
		Operations: []agreement.Wanted{{Operation: "thua-dat", Fields: []string{"/ma"}}, {Operation: "nguoi", Fields: []string{"/ma"}}},
	}
}

// open makes a dataset in each state, and a catalogue that others are taken from.
func (w *world) open() {
	ctx, publisher, steward := w.t.Context(), w.people["publisher"], w.people["steward"]
	steps := []func(context.Context, auth.Principal, uuid.UUID) (catalog.Dataset, error){
		w.catalog.SubmitDataset, w.catalog.ApproveDataset, w.catalog.PublishDataset}
	for n, state := range []string{"drafted", "submitted", "approved", "opened", "changed"} {
		d, err := w.catalog.CreateDataset(ctx, publisher, w.uuid("so-a"), catalog.DatasetText{Slug: state + "-data",
			TitleVI: "Số liệu " + state, NotesVI: "Số liệu", Theme: "TECH"})
		w.must(err)
		part, err := w.catalog.AddDistribution(ctx, publisher, d.ID, catalog.Upload{FileName: "so-lieu.csv", Body: strings.NewReader("Mã,Số\n1,2\n")})
		w.must(err)
		w.id[state+" file"] = part.ID.String()
		link, err := w.catalog.AddLink(ctx, publisher, d.ID, catalog.NewLink{URL: "http://127.0.0.1:9/so-lieu.csv"})
		w.must(err)
		w.id[state+" link"] = link.ID.String()
		if state == "drafted" {
			up, err := w.catalog.BeginUpload(ctx, publisher, d.ID, "b.csv", 4)
			w.must(err)
			w.id["upload"] = up.ID.String()
		}
		for i, step := range steps[:min(n, len(steps))] {
			_, err := step(ctx, []auth.Principal{publisher, steward, publisher}[i], d.ID)
			w.must(err)
		}
		if state == "changed" { // public, with an edit that waits
			d, err = w.catalog.EditDataset(ctx, publisher, d.ID, catalog.DatasetText{Slug: state + "-data", TitleVI: "Khác", NotesVI: "Khác", Theme: "TECH"})
			w.must(err)
			w.id["edit"] = d.Edit.ID.String()
		}
	}
	source, err := w.catalog.AddHarvestSource(ctx, publisher, w.uuid("so-a"), catalog.HarvestText{Name: "Cổng bộ", Kind: "ckan", URL: "http://127.0.0.1:9/", Theme: "TECH", Licence: "CC0-1.0"})
	w.must(err)
	w.id["source"] = source.ID.String()
}

// serve runs the platform until the test ends.
func (w *world) serve() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.run(ctx, w.doors, func() { close(ready) }) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the platform ended with: %v", err)
		}
	})
	w.t.Cleanup(stop)
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		w.t.Fatalf("the platform did not start: %v", err)
	case <-time.After(time.Minute):
		w.t.Fatal("the platform is not ready after a minute")
	}
	return stop
}

// until asks until the answer is true.
func (w *world) until(what string, ask func() bool) {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ask(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: not within 30 s", what)
		}
	}
}
