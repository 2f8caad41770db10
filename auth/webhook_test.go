package auth

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/internal/problem"
	"lgsp/internal/webhook"
)

// receiver is a server elsewhere that is told things.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	heard  []*http.Request
	bodies []string
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard, r.bodies = append(r.heard, req), append(r.bodies, string(body))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (s shop) announces(t *testing.T, e Event) {
	t.Helper()
	ok(t, "announce", pgx.BeginFunc(t.Context(), s.DB, func(tx pgx.Tx) error { return s.Announce(t.Context(), tx, e) }))
}

// TestWebhooksAreTold: of what was chosen, of what concerns the application,
// signed, again when it fails, until it arrives.
func TestWebhooksAreTold(t *testing.T) {
	t.Parallel()
	s, ctx, r := newShop(t, txDesk(t)), t.Context(), receive(t)
	made, err := s.AddWebhook(ctx, s.who, s.app.ID, NewWebhook{URL: " " + r.URL + "/tin ", Topics: []string{TopicVersion, TopicAgreement, TopicVersion}})
	ok(t, "add", err)
	s.told(t, "webhook.add", made.Secret)
	about := uuid.New()
	s.announces(t, Event{Topic: TopicAgreement, Type: "agreement.approve", About: about, Path: "/api/v1/agreements/" + about.String(), Applications: []uuid.UUID{s.app.ID}})
	s.announces(t, Event{Topic: TopicDataset, Type: "dataset.publish", About: uuid.New()})                                        // not chosen
	s.announces(t, Event{Topic: TopicAgreement, Type: "agreement.end", About: uuid.New(), Applications: []uuid.UUID{uuid.New()}}) // another's
	s.announces(t, Event{Topic: TopicVersion, Type: "version.retire", About: uuid.New(), Applications: []uuid.UUID{}})            // nobody's
	r.status = http.StatusBadGateway
	ok(t, "send", s.sendMessages(ctx, r.Client()))
	list, err := s.WebhookMessages(ctx, s.who, made.ID)
	ok(t, "list", err)
	if len(list) != 1 || list[0].Failure != "http-502" || list[0].Attempts != 1 || list[0].DueAt == nil || !list[0].DueAt.Equal(s.now.Add(5*time.Second).UTC()) || list[0].DeliveredAt != nil {
		t.Fatalf("after a failure: %+v", list)
	}
	if hooks, err := s.Webhooks(ctx, s.who, s.app.ID); err != nil || len(hooks) != 1 || hooks[0].FailingSince == nil || fmt.Sprint(hooks[0].Topics) != "[agreement version]" || hooks[0].URL != r.URL+"/tin" {
		t.Errorf("the webhook is %+v, %v", hooks, err)
	}
	ok(t, "too early", s.sendMessages(ctx, r.Client()))
	s.now = s.now.Add(5 * time.Second)
	r.status = http.StatusOK
	ok(t, "send again", s.sendMessages(ctx, r.Client()))
	if list, err = s.WebhookMessages(ctx, s.who, made.ID); err != nil || list[0].DeliveredAt == nil || list[0].DueAt != nil || list[0].Failure != "" || list[0].Attempts != 2 {
		t.Errorf("after it arrived: %+v, %v", list, err)
	}
	if hooks, _ := s.Webhooks(ctx, s.who, s.app.ID); hooks[0].FailingSince != nil {
		t.Error("it is failing still")
	}
	if len(r.heard) != 2 || r.heard[0].Header.Get("Webhook-Id") != r.heard[1].Header.Get("Webhook-Id") || r.heard[0].URL.Path != "/tin" {
		t.Fatalf("heard %d times", len(r.heard))
	}
	at, _ := strconv.ParseInt(r.heard[1].Header.Get("Webhook-Timestamp"), 10, 64)
	want, err := webhook.Sign(made.Secret, list[0].ID.String(), time.Unix(at, 0), []byte(r.bodies[1]))
	if err != nil || r.heard[1].Header.Get("Webhook-Signature") != want || at != s.now.Unix() {
		t.Errorf("signed %v, want %s", r.heard[1].Header, want)
	}
	var told struct {
		Type, Timestamp string
		Data            struct {
			ID   uuid.UUID
			Path string
		}
	}
	if err := json.Unmarshal([]byte(r.bodies[0]), &told); err != nil || told.Type != "agreement.approve" || told.Data.ID != about || told.Data.Path != "/api/v1/agreements/"+about.String() || told.Timestamp == "" {
		t.Errorf("told %s, %v", r.bodies[0], err)
	}
}

// TestWebhooksGiveUp: after ten attempts, or at once where the address says
// that it is gone; a message is sent again when its owner asks.
func TestWebhooksGiveUp(t *testing.T) {
	t.Parallel()
	s, ctx, r := newShop(t, txDesk(t)), t.Context(), receive(t)
	made, err := s.AddWebhook(ctx, s.who, s.app.ID, NewWebhook{URL: r.URL, Topics: []string{TopicAgreement}})
	ok(t, "add", err)
	m, err := s.TestWebhook(ctx, s.who, made.ID)
	if err != nil || m.Type != "webhook.test" {
		t.Fatalf("test: %+v, %v", m, err)
	}
	r.status = http.StatusInternalServerError
	for range len(messageDelays) + 3 {
		ok(t, "send", s.sendMessages(ctx, r.Client()))
		s.now = s.now.Add(24 * time.Hour)
	}
	last := func() WebhookMessage {
		list, err := s.WebhookMessages(ctx, s.who, made.ID)
		ok(t, "list", err)
		return list[0]
	}
	if got := last(); got.Attempts != len(messageDelays)+1 || got.DueAt != nil || got.DeliveredAt != nil || len(r.heard) != got.Attempts {
		t.Errorf("it was not given up: %+v, %d", got, len(r.heard))
	}
	if _, err := s.SendAgain(ctx, s.who, made.ID, m.ID); err != nil {
		t.Errorf("send again: %v", err)
	}
	r.status = http.StatusGone
	ok(t, "send", s.sendMessages(ctx, r.Client()))
	if got := last(); got.Failure != "http-410" || got.DueAt != nil {
		t.Errorf("after 410: %+v", got)
	}
	s.now = s.now.Add(messageKept + time.Hour)
	ok(t, "purge", s.PurgeMessages(ctx))
	if list, _ := s.WebhookMessages(ctx, s.who, made.ID); len(list) != 0 {
		t.Errorf("kept %+v", list)
	}
	if _, err := s.SendAgain(ctx, s.who, made.ID, m.ID); problem.Code(err) != "webhook-message-unknown" {
		t.Errorf("a message that is forgotten: %v", err)
	}
	ok(t, "remove", s.RemoveWebhook(ctx, s.who, made.ID))
	s.told(t, "webhook.remove", made.Secret)
	if _, err := s.WebhookMessages(ctx, s.who, made.ID); problem.Code(err) != "webhook-unknown" {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestWebhookRefusals(t *testing.T) {
	t.Parallel()
	s, ctx := newShop(t, txDesk(t)), t.Context()
	other := s.person(t, "nguoi-khac@x.vn")
	good := NewWebhook{URL: "https://app.example.vn/tin", Topics: []string{TopicAgreement}}
	for _, tt := range []struct {
		url    string
		topics []string
		code   string
	}{
		{"", good.Topics, "webhook-url"}, {"http://app.example.vn/", good.Topics, "webhook-url"}, {"https://a:b@app.example.vn/", good.Topics, "webhook-url"},
		{"https:///x", good.Topics, "webhook-url"}, {"https://app.example.vn/#x", good.Topics, "webhook-url"},
		{good.URL, nil, "webhook-topics"}, {good.URL, []string{"agreement", "people"}, "webhook-topics"},
	} {
		_, err := s.AddWebhook(ctx, s.who, s.app.ID, NewWebhook{URL: tt.url, Topics: tt.topics})
		if e := problem.Of(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Code != tt.code {
			t.Errorf("%q %v: got %v, want %s", tt.url, tt.topics, err, tt.code)
		}
	}
	if _, err := s.AddWebhook(ctx, other, s.app.ID, good); !problem.Is(err, problem.NotFound) {
		t.Errorf("another's application: %v", err)
	}
	var made IssuedWebhook
	for range maxWebhooks {
		var err error
		made, err = s.AddWebhook(ctx, s.who, s.app.ID, good)
		ok(t, "add", err)
	}
	if _, err := s.AddWebhook(ctx, s.who, s.app.ID, good); problem.Code(err) != "webhooks-many" {
		t.Errorf("one too many: %v", err)
	}
	for name, err := range map[string]error{
		"list":     func() error { _, err := s.Webhooks(ctx, other, s.app.ID); return err }(),
		"messages": func() error { _, err := s.WebhookMessages(ctx, other, made.ID); return err }(),
		"test":     func() error { _, err := s.TestWebhook(ctx, other, made.ID); return err }(),
		"again":    func() error { _, err := s.SendAgain(ctx, other, made.ID, uuid.New()); return err }(),
		"remove":   s.RemoveWebhook(ctx, other, made.ID),
		"unknown":  s.RemoveWebhook(ctx, s.who, uuid.New()),
	} {
		if !problem.Is(err, problem.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestResealWebhooks: their secrets move to the secret's new version, and stay
// what they are.
func TestResealWebhooks(t *testing.T) {
	t.Parallel()
	s, ctx := newTurning(t), t.Context()
	made, err := s.AddWebhook(ctx, s.who, s.app.ID, NewWebhook{URL: "https://app.example.vn/", Topics: []string{TopicAgreement}})
	ok(t, "add", err)
	s.inUse = 2
	s.has(2)
	if lost, err := s.Reseal(ctx); err != nil || lost != 1 {
		t.Errorf("without its key: %d lost, %v, want 1", lost, err)
	}
	s.has(1, 2)
	if lost, err := s.Reseal(ctx); err != nil || lost != 0 {
		t.Errorf("with its key again: %d lost, %v", lost, err)
	}
	s.has(2)
	r := receive(t)
	_, err = s.DB.Exec(ctx, `update auth.webhook set url = $2 where id = $1`, made.ID, r.URL)
	ok(t, "move", err)
	m, err := s.TestWebhook(ctx, s.who, made.ID)
	ok(t, "test", err)
	ok(t, "send", s.sendMessages(ctx, r.Client()))
	want, _ := webhook.Sign(made.Secret, m.ID.String(), s.Now(), []byte(m.Body))
	if len(r.heard) != 1 || r.heard[0].Header.Get("Webhook-Signature") != want {
		t.Errorf("signed %v, want %s", r.heard, want)
	}
}
