package portal

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/internal/mail"
	"lgsp/portal/notice"
	"lgsp/portal/report"
	"lgsp/web"
)

// testNotices are the notices of a portal in one transaction, that does at once
// what is asked for.
func testNotices(p *Portal) *notice.Notices {
	return &notice.Notices{
		DB: p.Auth.DB, Now: p.Now, Holders: p.Auth.Holders, Persons: p.Auth.Persons, Memberships: p.Auth.Memberships,
		May: p.Auth.May, Record: p.Auth.Record,
		Delegates: func(context.Context, uuid.UUID) ([]uuid.UUID, error) { return nil, nil },
		Ask: func(ctx context.Context, _ pgx.Tx, job string, about any) error {
			args, err := json.Marshal(about)
			if err != nil {
				return err
			}
			return p.doJob(ctx, job, args)
		},
	}
}

// doJob does a job as cmd/lgsp has it done.
func (p *Portal) doJob(ctx context.Context, job string, args []byte) error {
	return map[string]func(context.Context, []byte) error{
		notice.TellJob: p.Notices.Told, notice.MailJob: p.MailNotice, notice.BundleJob: p.MailBundle,
	}[job](ctx, args)
}

// samples are a body for each thing that can be told, by the message key of its
// subject.
func samples(at time.Time) map[string]toldSample {
	id := uuid.MustParse("00000000-0000-4000-8000-000000000001")
	agreed := agreementTold{Agreement: id, Application: "Tra cứu <b>", ServiceVI: "Đất đai v1", ServiceEN: "Land v1", Reason: "Lý do & căn cứ", Ends: "2027-02-28"}
	factor := agreementTold{Factor: auth.KindPasskey, Passkey: "Điện thoại"}
	data := catalog.LetterDetail{TitleVI: "Thuê bao", TitleEN: "Subscribers", Subject: "Cột “ước” là gì?", Text: "Xin giải thích.", Path: "/dataset/thue-bao"}
	state := func(state string) catalog.LetterDetail { d := data; d.State = state; return d }
	ends := data
	ends.Ending = &catalog.EndingTold{Applications: []string{"Một cửa"}, Sunset: &at, Successor: "/so/ho-so/v2", Docs: "https://so.example.vn/x", LastAt: &at}
	key := auth.KeyLetterDetail{What: auth.APIKey, Name: "Khoá", Shown: "lgsp_key_abc…wxyz", Application: "Tra cứu", ID: &id, Expires: &at, Found: "https://github.example/a", Scanner: "GitHub", At: &at, Where: auth.AtGateway}
	honey := key
	honey.What = "application_honey_key"
	late := overdueTold{"Sở A", "Department A", "so-a", []overdueRequest{{id, "Tra cứu", "Đất đai v1", "Land v1", 2}}, 3}
	links := linksTold{catalog.LinkNotice{Links: []catalog.DeadLink{{Slug: "thue-bao", TitleVI: "Thuê bao", URL: "https://x.example/a", Reason: "status", Status: 404, Since: at}}, More: 2}, "so-a"}
	month := reportTold{Month: "2026-10", AgencyVI: "Sở A", AgencyEN: "Department A", Slug: "so-a", This: report.Figures{Calls: 1350, Decided: 2, Median: 2.5}, Stopped: 2}
	all := month
	all.Slug = ""
	news := catalog.Digest{Every: catalog.Daily, News: []catalog.News{{Kind: "file", Slug: "thue-bao", TitleVI: "Thuê bao", About: "a.csv", At: at}}}
	outage := outageTold{"Đất đai", "Land", "v1", "/apis/so-a/dat-dai/v1", at, &at}
	list := map[string]toldSample{
		"keys.letter-subject-expiring": {notice.KeyExpiry, "expiring", key, "/developer/applications/" + id.String()},
		"keys.letter-subject-leaked":   {notice.KeyLeak, "leaked", key, "/developer/applications/" + id.String()},
		"keys.letter-subject-honey":    {notice.KeyLeak, "honey", honey, "/developer/applications/" + id.String() + "/honey-keys"},

		"discussion.letter-subject-question":            {notice.Question, "question", data, data.Path},
		"discussion.letter-subject-answer":              {notice.Answer, "answer", data, data.Path},
		"wanted.letter-subject-request":                 {notice.DataAsked, "request", data, data.Path},
		"wanted.letter-subject-request-now-received":    {notice.DataAnswer, "request-now", state("received"), data.Path},
		"wanted.letter-subject-request-now-accepted":    {notice.DataAnswer, "request-now", state("accepted"), data.Path},
		"wanted.letter-subject-request-now-in-progress": {notice.DataAnswer, "request-now", state("in-progress"), data.Path},
		"wanted.letter-subject-request-now-published":   {notice.DataAnswer, "request-now", state("published"), data.Path},
		"wanted.letter-subject-request-now-declined":    {notice.DataAnswer, "request-now", state("declined"), data.Path},
		"reuse.letter-subject-reuse":                    {notice.Reuse, "reuse", data, data.Path},
		"reuse.letter-subject-reuse-now-shown":          {notice.ReuseState, "reuse-now", state("shown"), data.Path},
		"reuse.letter-subject-reuse-now-refused":        {notice.ReuseState, "reuse-now", state("refused"), data.Path},

		"bundle.letter-subject-promotion":              {notice.Promotion, "promotion", data, data.Path},
		"bundle.letter-subject-promotion-now-promoted": {notice.Promotion, "promotion-now", state("promoted"), data.Path},
		"bundle.letter-subject-promotion-now-returned": {notice.Promotion, "promotion-now", state("returned"), data.Path},

		"registers.letter-subject-agency":   {notice.Overdue, agreement.ToAgency, late, "/agency/so-a/requests"},
		"registers.letter-subject-operator": {notice.Overdue, agreement.ToOperator, late, "/operator/clocks"},
		"workflow.letter-subject":           {notice.Duties, "", dutiesTold{"Sở A", "Department A", "so-a", []catalog.Duty{{Kind: catalog.DutyRenew, TitleVI: "Số liệu", Due: at}}, 1}, "/agency/so-a/due"},
		"report.letter-subject-agency":      {notice.MonthReport, "agency", month, "/agency/so-a/report/2026-10"},
		"report.letter-subject-province":    {notice.MonthReport, "province", all, "/operator/report/2026-10"},
		"files.letter-subject-broken":       {notice.Links, "broken", links, "/agency/so-a"},
		"files.letter-subject-escalated":    {notice.Links, "escalated", links, "/agency/so-a"},
		"availability.letter-subject-down":  {notice.Outage, outageDown, outage, outage.Path},
		"availability.letter-subject-back":  {notice.Outage, outageBack, outage, outage.Path},
		"follow.letter-subject-daily":       {notice.News, "daily", news, "/account/follows"},
		"follow.letter-subject-weekly":      {notice.News, "weekly", news, "/account/follows"},
	}
	for _, what := range []string{"deprecated", "near", "moved", "kept", "ended"} {
		list["life.letter-subject-"+what] = toldSample{notice.VersionEnd, catalog.LetterVersion + what, ends, data.Path}
	}
	lacks := ends
	lacks.Ending = &catalog.EndingTold{Applications: []string{"Tra cứu"}, Lacks: []catalog.LostPart{{Operation: "xem", TitleVI: "Tên", Field: "/ten"}}}
	list["life.letter-subject-lacking"] = toldSample{notice.VersionEnd, catalog.LetterVersion + catalog.NoticeLacking, lacks, data.Path}
	team := auth.TeamNotice{Application: id, Name: "Tra cứu <b>", Person: id, PersonName: "Lan <Nguyễn>", Role: auth.TeamOwner}
	for _, what := range []string{auth.TeamInvited, auth.TeamDeclined, auth.TeamJoined, auth.TeamLeft, auth.TeamRemoved, auth.TeamRole,
		auth.TeamTransferred, auth.TeamPassed, auth.TeamYouRemoved, auth.TeamToAgency} {
		path := "/developer/applications/" + id.String() + "/team"
		if what == auth.TeamYouRemoved || what == auth.TeamToAgency {
			path = "/developer"
		}
		list["team.letter-subject-"+what] = toldSample{notice.Team, what, team, path}
	}
	for what, kind := range map[string]string{
		"requested": notice.Request, "answered": notice.Request, "amended": notice.Request, "approved-first": notice.Request,
		"asked": notice.Decision, "approved": notice.Decision, "approved-narrower": notice.Decision, "refused": notice.Decision,
		"suspended": notice.Decision, "resumed": notice.Decision, "ended": notice.Decision, "application-gone": notice.Decision,
		"ending": notice.AgreeEnd, "ending-agency": notice.AgreeEnd,
	} {
		list["notice.subject-"+what] = toldSample{kind, what, agreed, "/agreements/" + id.String()}
	}
	for _, what := range []string{"factor-added", "factor-removed", "recovery-used", "codes-wrong", "password-changed", "email-changed"} {
		list["notice.subject-"+what] = toldSample{notice.Security, what, factor, "/account/security"}
	}
	return list
}

// toldSample is something told, and the page that it leads to.
type toldSample struct {
	kind, what string
	body       any
	path       string
}

// TestEveryNoticeIsSaidInBothLanguages: as text and as HTML, with a subject,
// with its link, and with nothing left to fill in; and there is no subject in
// the messages, and no kind, that this does not look at.
func TestEveryNoticeIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	list := samples(p.Now())
	var kinds []string
	for key, s := range list {
		kinds = append(kinds, s.kind)
		body, err := json.Marshal(s.body)
		if err != nil {
			t.Fatal(err)
		}
		for _, locale := range web.Locales {
			to := auth.Person{ID: uuid.New(), Name: "Lan <Nguyễn>", Email: "lan@example.vn", Locale: locale}
			n := notice.Notice{ID: uuid.New(), PersonID: to.ID, Kind: s.kind, What: s.what, Body: body}
			p.Mailer.Dir = t.TempDir()
			w, err := p.wordsOf(to, n)
			if err != nil {
				t.Fatalf("%s in %s: %v", key, locale, err)
			}
			if err := p.mailNotice(t.Context(), to, n); err != nil {
				t.Fatalf("%s in %s: %v", key, locale, err)
			}
			raw, text, page := letterParts(t, p.Mailer.Dir)
			link := p.at(locale, s.path)
			if w.Subject == "" || w.Path != s.path || strings.ContainsAny(w.Subject+w.Text, "{}") || !strings.Contains(text, link) {
				t.Errorf("%s in %s: %q leads to %q:\n%s", key, locale, w.Subject, w.Path, w.Text)
			}
			for _, want := range []string{`<html lang="` + locale + `">`, `name="viewport"`, `href="` + link + `"`, "<title>" + html.EscapeString(w.Subject) + "</title>"} {
				if !strings.Contains(html.UnescapeString(page), html.UnescapeString(want)) {
					t.Errorf("%s in %s lacks %s:\n%s", key, locale, want, page)
				}
			}
			if strings.ContainsAny(page, "{}") || strings.Contains(page, "<b>") || strings.Contains(page, "<Nguyễn>") {
				t.Errorf("%s in %s is not whole, or not escaped:\n%s", key, locale, page)
			}
			ends := endsBy(s.kind) != ""
			if strings.Contains(raw, "List-Unsubscribe-Post: List-Unsubscribe=One-Click") != ends || strings.Contains(text, "/unsubscribe?") != ends || !strings.Contains(text, "/account/notices/settings") {
				t.Errorf("%s in %s: what can be ended is told wrongly:\n%s", key, locale, raw)
			}
		}
	}
	for _, k := range notice.Kinds() {
		if !slices.Contains(kinds, k.Name) {
			t.Errorf("no sample of kind %s", k.Name)
		}
	}
	for _, key := range subjectKeys(t) {
		if _, there := list[key]; !there {
			t.Errorf("no sample is said by %s", key)
		}
	}
}

// subjectKeys are the keys of all subjects of notices in the messages.
func subjectKeys(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../web/messages/vi/*.json")
	if err != nil {
		t.Fatal(err)
	}
	subject := regexp.MustCompile(`"((?:[a-z]+\.letter|notice\.)-?subject[a-z-]*)"`)
	var keys []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range subject.FindAllStringSubmatch(string(text), -1) {
			keys = append(keys, found[1])
		}
	}
	if len(keys) < 40 {
		t.Fatalf("found only %d subjects: %q", len(keys), keys)
	}
	return keys
}

// boundary stands between the parts of a letter; a foot begins with "-- ".
var boundary = regexp.MustCompile(`\n--[0-9a-f]{40}`)

// letterParts are the one letter in a folder: as it is, its text and its HTML.
func letterParts(t *testing.T, dir string) (raw, text, page string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(names) != 1 {
		t.Fatalf("got letters %q, %v; want one", names, err)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	raw = strings.ReplaceAll(string(whole), "\r\n", "\n")
	parts := strings.Split(raw, "Content-Type: text/")
	if len(parts) != 3 || !strings.Contains(parts[0], "multipart/alternative") {
		t.Fatalf("a letter of %d parts:\n%s", len(parts), raw)
	}
	part := func(s string) string {
		_, body, _ := strings.Cut(s, "\n\n")
		body = boundary.Split(body, 2)[0]
		decoded, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		return string(decoded)
	}
	return raw, part(parts[1]), part(parts[2])
}

// tellOf has a person told of an answer.
func (w *workshop) tellOf(t *testing.T, person uuid.UUID, subject string) {
	t.Helper()
	e, err := notice.New(notice.Answer, "answer", catalog.LetterDetail{TitleVI: "Thuê bao", Subject: subject, Text: "Xin cảm ơn.", Path: w.href})
	e.People = []uuid.UUID{person}
	if err == nil {
		err = w.Notices.Deliver(t.Context(), e)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestInboxPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	reader, other := w.person(t, "dan@example.vn"), w.person(t, "khac@example.vn")
	w.cookies = map[string]string{}
	w.sees(t, "/account/notices", 303)
	w.signIn(t, "dan@example.vn")
	w.sees(t, "/account/notices", 200, "Chưa có thông báo nào")
	if _, body := w.get(t, "/account"); strings.Contains(body, "bell-count") {
		t.Error("the bell counts nothing")
	}
	for i := range 22 {
		w.tellOf(t, reader.Person, "Câu <"+string(rune('a'+i))+">")
	}
	w.tellOf(t, other.Person, "Việc riêng")
	w.sees(t, "/account", 200, `<span class="bell-count" aria-hidden="true">22</span>`, "22 chưa đọc")
	w.sees(t, "/account/notices", 200, "Câu &lt;v&gt;", "Câu &lt;c&gt;", "Xin cảm ơn.", `value="answer"`)
	w.sees(t, "/account/notices?kind=answer", 200, "Đánh dấu tất cả đã đọc")
	w.sees(t, "/account/notices?kind=question-of-the-day", 400)
	w.sees(t, "/account/notices?after=x", 400)
	w.sees(t, "/account/notices?kind=reuse-state", 200, "Không có thông báo nào như vậy")
	_, body := w.get(t, "/account/notices")
	if strings.Contains(body, "Việc riêng") || strings.Contains(body, "Câu &lt;b&gt;") {
		t.Error("the page shows another's, or more than a page")
	}
	next := html.UnescapeString(between(body, `href="/account/notices?after=`, `"`))
	w.sees(t, "/account/notices?after="+next, 200, "Câu &lt;b&gt;", "Câu &lt;a&gt;", `href="/account/notices?"`)

	first := between(body, `<a href="/account/notices/0`, `"`)
	if answer, _ := w.get(t, "/account/notices/0"+first); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != w.href {
		t.Errorf("it leads to %q", answer.Header.Get("Location"))
	}
	w.sees(t, "/account", 200, "21 chưa đọc")
	second := between(body, `action="/account/notices/0`, `/read"`)
	w.sends(t, "/account/notices/0"+second+"/read", url.Values{"unread": {"yes"}}, "/account/notices?unread=yes")
	newest := between(body, `name="up_to" value="`, `"`)
	w.tellOf(t, reader.Person, "Vừa tới")
	w.sends(t, "/account/notices/read", url.Values{"up_to": {newest}}, "/account/notices")
	w.sees(t, "/account/notices?unread=yes", 200, "Vừa tới", "1 chưa đọc")
	w.sees(t, "/account/notices/"+uuid.NewString(), 404)
	w.refused(t, "/account/notices/read", url.Values{"up_to": {"x"}}, 400)
	w.signIn(t, "khac@example.vn")
	w.sees(t, "/account/notices/0"+first, 404)
	w.sees(t, "/account", 200, "1 chưa đọc")
}

func TestNoticeSettingsPages(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	reader := w.person(t, "dan@example.vn")
	w.cookies = map[string]string{}
	w.signIn(t, "dan@example.vn")
	_, body := w.get(t, "/account/notices/settings")
	for want, there := range map[string]bool{`name="mail-answer"`: true, `name="mail-security"`: false, "nên không tắt được": true, `name="mail-request"`: false} {
		if strings.Contains(body, want) != there {
			t.Errorf("a citizen's settings: %s is there: %v", want, !there)
		}
	}
	w.refused(t, "/account/notices/settings", url.Values{"mail-security": {"off"}}, 400, "không tắt được")
	w.refused(t, "/account/notices/settings", url.Values{"mail-answer": {"hourly"}}, 400)
	w.sends(t, "/account/notices/settings", url.Values{"mail-answer": {"daily"}}, "/account/notices/settings")
	w.sees(t, "/account/notices/settings", 200, `<option value="daily" selected>Gộp hằng ngày</option>`)
	w.Mailer.Dir = t.TempDir()
	w.tellOf(t, reader.Person, "Gộp một")
	w.tellOf(t, reader.Person, "Gộp hai")
	bundles := func(at time.Time) []mail.Filed {
		t.Helper()
		w.Notices.Now = func() time.Time { return at }
		if err := w.Notices.AskBundles(t.Context(), w.Notices.Ask); err != nil {
			t.Fatal(err)
		}
		letters, err := w.Mailer.Files(10)
		if err != nil {
			t.Fatal(err)
		}
		return letters
	}
	if letters := bundles(monday); len(letters) != 0 {
		t.Fatalf("before the morning: %+v", letters)
	}
	for range 2 { // asked for again, it has left
		letters := bundles(monday.Add(24 * time.Hour))
		if len(letters) != 1 || letters[0].Subject != "LGSP: 2 thông báo trong ngày" || !strings.Contains(letters[0].Text, "Gộp một") || !strings.Contains(letters[0].Text, w.Origin+w.href) {
			t.Fatalf("in the morning: %+v", letters)
		}
	}
	raw, _, _ := letterParts(t, w.Mailer.Dir)
	token := strings.ReplaceAll(between(strings.ReplaceAll(raw, "\n ", ""), "<http://portal.test", ">"), "\n", "")
	w.cookies = map[string]string{}
	w.sees(t, token, 200, "thư gộp hằng ngày")
	w.refused(t, strings.Replace(token, "daily", "weekly", 1), url.Values{}, 404)
	w.refused(t, token, url.Values{"List-Unsubscribe": {"One-Click"}}, 200)
	w.signIn(t, "dan@example.vn")
	w.sees(t, "/account/notices/settings", 200, `<option value="off" selected>`)
	w.sends(t, "/account/notices/settings", url.Values{"mail-answer": {""}}, "/account/notices/settings")

	w.as(t, auth.RolePublisher)
	w.sees(t, office+"/notices", 403)
	w.as(t, auth.RoleSteward)
	w.sees(t, "/account/notices/settings", 200, `name="mail-request"`)
	w.sees(t, office, 200, office+"/notices")
	w.sees(t, office+"/notices", 200, `name="request-publisher"`, "Người công bố")
	w.refused(t, office+"/notices", url.Values{"request-steward": {"none"}}, 400, "Mỗi loại thông báo phải có")
	w.refused(t, office+"/notices", url.Values{"overdue-steward": {"off"}}, 400, "không tắt được")
	w.sends(t, office+"/notices", url.Values{"request-steward": {"none"}, "request-publisher": {"now"}}, office+"/notices")
	w.Mailer.Dir = t.TempDir()
	g := agreement.Agreement{ID: uuid.New(), AgencyID: w.version.AgencyID, ApplicationName: "Tra cứu"}
	if err := w.Notify(t.Context(), nil, agreement.Notice{Agreement: g, What: "requested", ToAgency: true}); err != nil {
		t.Fatal(err)
	}
	if letters, err := w.Mailer.Files(10); err != nil || len(letters) != 1 || letters[0].To != "publisher@example.vn" {
		t.Errorf("a request is told to %+v, %v; want the publisher alone", letters, err)
	}
}

// TestALetterThatFailsIsTriedAgain: a job that could not send fails, so that it
// is done again; once it has sent it sends no more, and what is told lies in the
// portal meanwhile.
func TestALetterThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newOffice(t)
	var asked [][]byte
	w.Notices.Ask = func(_ context.Context, _ pgx.Tx, job string, about any) error {
		args, err := json.Marshal(about)
		asked = append(asked, args)
		if job != notice.MailJob {
			err = errors.Join(err, errors.New("asked for "+job))
		}
		return err
	}
	w.Mailer.Dir = filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(w.Mailer.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.tellOf(t, w.who.Person, "Trả lời")
	if n, err := w.Notices.Unread(t.Context(), w.who); err != nil || n != 1 || len(asked) != 1 {
		t.Fatalf("%d unread, %d asked, %v", n, len(asked), err)
	}
	if err := w.MailNotice(t.Context(), asked[0]); err == nil {
		t.Fatal("a letter went into a folder that is none")
	}
	w.Mailer.Dir = t.TempDir()
	for range 2 {
		if err := w.MailNotice(t.Context(), asked[0]); err != nil {
			t.Fatal(err)
		}
	}
	raw, _, _ := letterParts(t, w.Mailer.Dir)
	var about notice.Letter
	if err := json.Unmarshal(asked[0], &about); err != nil || !strings.Contains(raw, "Message-ID: <"+about.Notice.String()+"@portal.test>") {
		t.Errorf("a mail program cannot tell it from a second one:\n%s", raw)
	}
}
