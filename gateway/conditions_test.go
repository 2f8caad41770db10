package gateway

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// in Vietnam, on Monday 2 March 2026.
func monday(clock string) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04", "2026-03-02 "+clock, vietnam)
	if err != nil {
		panic(err)
	}
	return at
}

func TestHours(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hours  Hours
		open   []time.Time
		closed []time.Time
	}{
		"office hours": {Hours{Days: []int{1, 2, 3, 4, 5}, From: "07:30", Until: "17:00"},
			[]time.Time{monday("07:30"), monday("16:59"), monday("07:30").AddDate(0, 0, 4)},
			[]time.Time{monday("07:29"), monday("17:00"), monday("08:00").AddDate(0, 0, 5), monday("08:00").AddDate(0, 0, 6)}},
		"each day": {Hours{From: "00:00", Until: "12:00"},
			[]time.Time{monday("00:00"), monday("11:59").AddDate(0, 0, 6)}, []time.Time{monday("12:00"), monday("23:59")}},
		"all day on Sunday": {Hours{Days: []int{7}, From: "00:00", Until: "24:00"},
			[]time.Time{monday("00:00").AddDate(0, 0, 6), monday("23:59").AddDate(0, 0, 6)}, []time.Time{monday("00:00"), monday("23:59").AddDate(0, 0, 5)}},
		"over midnight from Monday": {Hours{Days: []int{1}, From: "22:00", Until: "05:00"},
			[]time.Time{monday("22:00"), monday("23:59"), monday("00:00").AddDate(0, 0, 1), monday("04:59").AddDate(0, 0, 1)},
			[]time.Time{monday("00:00"), monday("04:59"), monday("21:59"), monday("05:00").AddDate(0, 0, 1), monday("22:00").AddDate(0, 0, 1)}},
	} {
		c := Condition{Hours: &tt.hours}.compile(conditionFaults{problem.Errorf(problem.Invalid, "x"), ""})
		for _, at := range tt.open {
			if !c.open(at.UTC()) {
				t.Errorf("%s: closed on %s", name, at.Format("Mon 15:04"))
			}
		}
		for _, at := range tt.closed {
			if c.open(at.UTC()) {
				t.Errorf("%s: open on %s", name, at.Format("Mon 15:04"))
			}
		}
	}
}

// TestOpens: who is refused is told the first moment that all hours allow.
func TestOpens(t *testing.T) {
	t.Parallel()
	wrong := conditionFaults{problem.Errorf(problem.Invalid, "x"), ""}
	office := Condition{Hours: &Hours{Days: []int{1, 2, 3, 4, 5}, From: "07:30", Until: "17:00"}}.compile(wrong)
	late := Condition{Hours: &Hours{Days: []int{3, 6}, From: "16:00", Until: "20:00"}}.compile(wrong)
	anyone := Condition{TwoFactors: true}.compile(wrong)
	for _, tt := range []struct {
		list []*condition
		now  time.Time
		want time.Time
	}{
		{[]*condition{office}, monday("06:00"), monday("07:30")},
		{[]*condition{office}, monday("17:00"), monday("07:30").AddDate(0, 0, 1)},
		{[]*condition{office}, monday("17:00").AddDate(0, 0, 4), monday("07:30").AddDate(0, 0, 7)},
		{[]*condition{office, anyone, late}, monday("06:00"), monday("16:00").AddDate(0, 0, 2)},
		{[]*condition{late, office}, monday("18:00").AddDate(0, 0, 2), monday("16:00").AddDate(0, 0, 9)},
	} {
		got, ok := (&operation{conditions: tt.list}).opens(tt.now)
		if !ok || !got.Equal(tt.want) {
			t.Errorf("from %s: got %s, want %s", tt.now, got, tt.want)
		}
	}
}

// TestConditionsAreChecked: each fault is told by its field.
func TestConditionsAreChecked(t *testing.T) {
	t.Parallel()
	operations := []Operation{{ID: "mo", Method: "GET", Path: "/a", Access: Open}, {ID: "kin", Method: "GET", Path: "/b", Access: Restricted}}
	for name, tt := range map[string]struct{ document, field, code string }{
		"nothing asked":       {`{"conditions":[{}]}`, "conditions/0/hours/from", "condition-empty"},
		"no such operation":   {`{"conditions":[{"operations":["khac"],"purpose":true}]}`, "conditions/0/operations", "condition-operation"},
		"purpose of nobody":   {`{"conditions":[{"operations":["mo"],"purpose":true}]}`, "conditions/0/operations", "condition-open"},
		"factors of nobody":   {`{"conditions":[{"operations":["mo"],"two_factors":true}]}`, "conditions/0/operations", "condition-open"},
		"both ways to choose": {`{"conditions":[{"operations":["kin"],"access":"restricted","purpose":true}]}`, "conditions/0/access", "condition-access"},
		"no such access":      {`{"conditions":[{"access":"open","purpose":true}]}`, "conditions/0/access", "condition-access"},
		"no such network":     {`{"conditions":[{"networks":["10.0.0.0/8","mạng"]}]}`, "conditions/0/networks", "network-form"},
		"no such time":        {`{"conditions":[{"networks":["::1"]},{"hours":{"from":"7:30","until":"17:00"}}]}`, "conditions/1/hours/from", "condition-hours"},
		"after the day":       {`{"conditions":[{"hours":{"from":"07:30","until":"24:01"}}]}`, "conditions/0/hours/until", "condition-hours"},
		"no hours":            {`{"conditions":[{"hours":{"from":"07:30","until":"07:30"}}]}`, "conditions/0/hours/until", "condition-hours"},
		"no such day":         {`{"conditions":[{"hours":{"days":[0],"from":"07:30","until":"17:00"}}]}`, "conditions/0/hours/days", "condition-days"},
		"never open": {`{"conditions":[{"hours":{"days":[1],"from":"07:30","until":"17:00"}},{"operations":["kin"],"hours":{"days":[2],"from":"07:30","until":"17:00"}}]}`,
			"conditions/1/hours/from", "condition-never"},
		"too many":          {`{"conditions":[` + strings.Repeat(`{"purpose":true},`, MaxConditions) + `{"purpose":true}]}`, "conditions", "conditions-too-many"},
		"too many networks": {`{"conditions":[{"networks":[` + strings.Repeat(`"::1",`, maxConditionNetworks) + `"::1"]}]}`, "conditions/0/networks", "network-many"},
	} {
		err := CheckTraffic([]byte(tt.document), operations)
		e := problem.Of(err)
		if err == nil || !slices.ContainsFunc(e.Fields, func(f problem.Field) bool { return f.Name == tt.field && f.Code == tt.code }) {
			t.Errorf("%s: got %v, %+v", name, err, e)
		}
	}
	for _, good := range []string{
		`{"conditions":[{"purpose":true,"two_factors":true}]}`, // of those under agreements
		`{"conditions":[{"operations":["mo","kin"],"networks":["10.0.0.0/8","2001:db8::1"],"hours":{"from":"22:00","until":"05:00"}}]}`,
	} {
		if err := CheckTraffic([]byte(good), operations); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// TestConditionsOfCalls: each condition refuses what does not meet it, in its
// own words, with one record and nothing sent on; Explain says the same.
func TestConditionsOfCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(func(g *Grant) { g.Ends = w.now().AddDate(0, 0, 9) })
	set := func(list ...Condition) {
		t.Helper()
		w.traffic(func(t *Traffic) { t.Conditions = list })
	}
	now := w.now().In(vietnam)
	closed := Hours{Days: []int{isoDay(now.AddDate(0, 0, 2))}, From: "00:00", Until: "24:00"}
	key := []string{"X-API-Key", w.key}
	token := []string{"Authorization", "Bearer " + w.token("t1")}
	second := []string{"Authorization", "Bearer " + w.token("aal2")}
	for _, tt := range []struct {
		name       string
		condition  Condition
		path       string
		headers    []string
		status     int
		code, says string
		explained  string // change
	}{
		{"hours", Condition{Hours: &closed}, "/ho-so", key, 403, "outside-hours", local(time.Date(now.Year(), now.Month(), now.Day()+2, 0, 0, 0, 0, vietnam)), "wait-for-hours"},
		{"hours of an open operation", Condition{Hours: &closed}, "/danh-muc/1", nil, 403, "outside-hours", "", ""},
		{"hours of another operation", Condition{Operations: []string{"nguoi"}, Hours: &closed}, "/ho-so", key, 200, "", "", ""},
		{"hours of personal data", Condition{Access: Personal, Hours: &closed}, "/ho-so", key, 200, "", "", ""},
		{"network", Condition{Networks: []string{"10.0.0.0/8"}}, "/ho-so", key, 403, "outside-network", "127.0.0.1", ""},
		{"within the network", Condition{Networks: []string{"10.0.0.0/8", "127.0.0.1"}}, "/ho-so", key, 200, "", "", ""},
		{"two factors and a key", Condition{TwoFactors: true}, "/ho-so", key, 401, "assurance-low", "aal2", ""},
		{"two factors and a token of one", Condition{TwoFactors: true}, "/ho-so", token, 401, "assurance-low", "aal2", ""},
		{"two factors", Condition{TwoFactors: true}, "/ho-so", second, 200, "", "", ""},
		{"two factors and an open operation", Condition{TwoFactors: true}, "/danh-muc/1", nil, 200, "", "", ""},
		{"purpose", Condition{Purpose: true}, "/ho-so", key, 400, "purpose-unsaid", "LGSP-Purpose", "name-purpose"},
		{"purpose named", Condition{Purpose: true}, "/ho-so", append(slices.Clone(key), "LGSP-Purpose", "tra-cuu"), 200, "", "", ""},
		{"nobody before the network", Condition{Networks: []string{"10.0.0.0/8"}}, "/ho-so", nil, 401, "no-credential", "", ""},
	} {
		set(tt.condition)
		before := w.reachedCount()
		trace := strings.ReplaceAll(uuid.NewString(), "-", "")
		got := w.do("GET", tt.path, append(slices.Clone(tt.headers), "Traceparent", traceparent(trace))...)
		if got.status != tt.status || tt.code != "" && got.code != tt.code || !strings.Contains(got.body, tt.says) {
			t.Errorf("%s: got %d %s", tt.name, got.status, got.body)
		}
		if reached := w.reachedCount() - before; (tt.status == 200) != (reached == 1) {
			t.Errorf("%s: %d calls reached the upstream", tt.name, reached)
		}
		if tt.code == "assurance-low" && len(tt.headers) > 0 && tt.headers[0] == "Authorization" &&
			!strings.Contains(got.header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`) {
			t.Errorf("%s: challenges %v", tt.name, got.header["Www-Authenticate"])
		}
		if tt.code == "outside-hours" && got.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", tt.name)
		}
		if record := w.recorded(trace); record.Status != tt.status || record.Code != tt.code {
			t.Errorf("%s: recorded %d %s", tt.name, record.Status, record.Code)
		}
		if tt.explained == "" {
			continue
		}
		e, err := w.node.Explain(Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: "api_key"})
		if err != nil || e.Allowed || e.Code != tt.code || !slices.Equal(e.Change, []string{tt.explained}) || len(e.Conditions) != 1 {
			t.Errorf("%s: explained as %+v, %v", tt.name, e, err)
		}
	}
	set(Condition{Networks: []string{"10.0.0.0/8"}, TwoFactors: true, Hours: &closed})
	ask := Imagined{Version: w.route.Version, Operation: "tim", Application: w.app, Credential: "token", At: now.AddDate(0, 0, 2)}
	if e, err := w.node.Explain(ask); err != nil || !e.Allowed || !slices.Equal(e.Conditions, []string{"hours", "network", "two-factors"}) {
		t.Errorf("with all that is asked: %+v, %v", e, err)
	}
	ask.From = netip.MustParseAddr("192.0.2.1")
	if e, err := w.node.Explain(ask); err != nil || e.Code != "outside-network" {
		t.Errorf("from elsewhere: %+v, %v", e, err)
	}
	ask.From, ask.Level = netip.MustParseAddr("10.1.1.1"), auth.AAL1
	if e, err := w.node.Explain(ask); err != nil || e.Code != "assurance-low" {
		t.Errorf("with one factor: %+v, %v", e, err)
	}
}
