package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
	"lgsp/internal/pgtest"
	"lgsp/internal/problem"
)

var nine = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// watched is what several nodes say of one version, and what is made of it.
type watched struct {
	*Nodes
	t       *testing.T
	now     time.Time
	version uuid.UUID
	told    []string
}

func newWatched(t *testing.T) *watched {
	w := &watched{t: t, now: nine, version: uuid.Must(uuid.NewV7())}
	w.Nodes = &Nodes{DB: pgtest.Tx(t), Now: func() time.Time { return w.now },
		May: func(context.Context, auth.Principal, string, uuid.UUID) error { return nil },
		Tell: func(_ context.Context, _ pgx.Tx, o Outage) error {
			what := "down"
			if o.Ended != nil {
				what = "back"
			}
			w.told = append(w.told, what)
			return nil
		}}
	return w
}

// says has a node say how the version does: up, down, or idle, which is nothing.
func (w *watched) says(node, what string) {
	w.t.Helper()
	v := VersionState{Version: w.version, Down: what == "down" || what == "forgotten", Known: what == "down", Answers: what == "up"}
	body, err := json.Marshal(NodeState{Node: node, At: w.now, Versions: []VersionState{v}})
	if err == nil {
		_, err = w.DB.(pgx.Tx).Exec(w.t.Context(), tellNodeSQL, node, w.now, body)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// after lets time go by and looks.
func (w *watched) after(d time.Duration, says ...string) {
	w.t.Helper()
	w.now = w.now.Add(d)
	for i, what := range says {
		w.says(string(rune('a'+i)), what)
	}
	if err := w.look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) outages() []Outage {
	w.t.Helper()
	list, err := w.Outages(w.t.Context(), []uuid.UUID{w.version}, nine.Add(-time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range list {
		list[i].Began, list[i].Seen = list[i].Began.UTC(), list[i].Seen.UTC()
		if list[i].Ended != nil {
			list[i].Ended = new(list[i].Ended.UTC())
		}
	}
	return list
}

// TestOutageIsWrittenDownOnceAndTold: it begins with what some node knows and no
// other speaks against, is told after five minutes, once, and again when it ends.
func TestOutageIsWrittenDownOnceAndTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.after(0, "down", "up")
	if got := w.outages(); len(got) != 0 {
		t.Fatalf("another node has answers, and it is written down: %+v", got)
	}
	w.after(10*time.Second, "down", "idle")
	began := w.now
	for range 5 {
		w.after(time.Minute, "down", "idle")
	}
	if got := w.outages(); len(got) != 1 || !got[0].Began.Equal(began) || !got[0].Seen.Equal(w.now) || !got[0].IsDown(w.now) || got[0].ToldAt == nil {
		t.Fatalf("got %+v", got)
	}
	w.after(time.Minute, "down", "idle")
	if !reflect.DeepEqual(w.told, []string{"down"}) {
		t.Fatalf("told %v", w.told)
	}
	w.after(10*time.Second, "up", "idle")
	if got := w.outages(); len(got) != 1 || got[0].Ended == nil || !got[0].Ended.Equal(w.now) || got[0].IsDown(w.now) || !reflect.DeepEqual(w.told, []string{"down", "back"}) {
		t.Fatalf("told %v, got %+v", w.told, got)
	}
	w.after(10*time.Second, "up", "idle")
	if got := w.outages(); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestShortOutageIsNotTold: and neither is its end.
func TestShortOutageIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.after(0, "down")
	w.after(time.Minute, "up")
	if got := w.outages(); len(got) != 1 || !got[0].Until().Equal(nine.Add(time.Minute)) || w.told != nil {
		t.Errorf("told %v, got %+v", w.told, got)
	}
}

// TestOutageThatNobodyLooksAtDoesNotGoOn: what nobody knew is no minute of it;
// known again, it is another one, and is not told twice.
func TestOutageThatNobodyLooksAtDoesNotGoOn(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.after(0, "down")
	for range 5 {
		w.after(time.Minute, "down")
	}
	seen := w.now
	w.after(10*time.Second, "forgotten")
	w.after(time.Hour, "forgotten")
	if got := w.outages(); len(got) != 1 || got[0].IsDown(w.now) || !got[0].Until().Equal(seen) {
		t.Fatalf("got %+v", got)
	}
	w.after(time.Minute, "down")
	got := w.outages()
	if len(got) != 2 || got[0].Ended == nil || !got[0].Ended.Equal(seen) || !got[1].Began.Equal(w.now) || !got[1].IsDown(w.now) {
		t.Fatalf("got %+v", got)
	}
	w.after(time.Hour) // the node is silent
	w.after(time.Second, "up")
	if got := w.outages(); !got[1].Ended.Equal(got[1].Seen) || !reflect.DeepEqual(w.told, []string{"down", "back"}) {
		t.Errorf("told %v, got %+v", w.told, got)
	}
}

// TestOutageIsWrittenDownWithItsNotice: or not at all.
func TestOutageIsWrittenDownWithItsNotice(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.Tell = func(context.Context, pgx.Tx, Outage) error { return errors.New("no queue") }
	w.after(0, "down")
	for range 4 {
		w.after(time.Minute, "down")
	}
	w.now = nine.Add(outageTold)
	w.says("a", "down")
	if err := w.look(t.Context()); err == nil {
		t.Fatal("it is told nobody, and that is well")
	}
	if got := w.outages(); len(got) != 1 || got[0].ToldAt != nil || !got[0].Seen.Equal(nine.Add(4*time.Minute)) {
		t.Errorf("got %+v", got)
	}
}

// TestNodesAreForgotten after a week of silence, and are the operator's to see.
func TestNodesAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWatched(t)
	w.after(0, "up", "up")
	w.after(nodeForgot, "up")
	w.after(time.Second, "up")
	list, err := w.List(t.Context(), auth.Principal{})
	if err != nil || len(list) != 1 || list[0].Node != "a" || !list[0].At.Equal(w.now) {
		t.Errorf("got %+v, error %v", list, err)
	}
	w.May = func(_ context.Context, _ auth.Principal, act string, _ uuid.UUID) error {
		return problem.Errorf(problem.Forbidden, "may not %s", act)
	}
	if _, err := w.List(t.Context(), auth.Principal{}); !problem.Is(err, problem.Forbidden) {
		t.Errorf("for anyone: %v", err)
	}
}

// TestNodeTellsHowItStands: what is in force, what answered since it told it
// before, and which address gets no calls; and it takes its leave.
func TestNodeTellsHowItStands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	teller := &teller{node: w.node, name: "may-1 :8000", started: nine}
	first := teller.state()
	if len(first.Versions) != 1 || first.Versions[0].Down || first.Versions[0].Answers || !first.Ready || first.Stale || first.Config == 0 || first.Routes != 1 || first.Node != "may-1 :8000" || !first.StartedAt.Equal(nine) {
		t.Fatalf("got %+v", first)
	}
	w.do("GET", "/danh-muc/a")
	if s := teller.state(); !s.Versions[0].Answers || s.Versions[0].Addresses[0].UnderWay != 0 {
		t.Errorf("after an answer: %+v", s.Versions)
	}
	if s := teller.state(); s.Versions[0].Answers {
		t.Errorf("nothing answered since: %+v", s.Versions)
	}
	w.upstream.Close()
	for range 10 {
		w.do("GET", "/danh-muc/a")
	}
	s := teller.state()
	if v := s.Versions[0]; !v.Down || !v.Known || v.Answers || !v.Trouble() || !v.Addresses[0].Out || v.Addresses[0].Ejected != 1 || v.Addresses[0].Since.IsZero() || v.Addresses[0].Until.IsZero() {
		t.Errorf("after ten failures: %+v", v)
	}
	if err := teller.tell(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := readNodes(t.Context(), w.db, nodesSQL)
	if err != nil || len(list) != 1 || !list[0].Versions[0].Down {
		t.Fatalf("got %+v, error %v", list, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := teller.always(ended); err != nil {
		t.Fatal(err)
	}
	if list, err := readNodes(t.Context(), w.db, nodesSQL); err != nil || len(list) != 0 {
		t.Errorf("after its leave: %+v, error %v", list, err)
	}
}
