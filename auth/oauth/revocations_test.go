package oauth

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"lgsp/internal/recall"
)

// A server that remembers what is revoked says so at once of what it has
// revoked itself, and within a second of what another has.
func TestRevocationsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.agree(w.app, landAPI)
	feed := &recall.Feed{DB: w.db, Channel: "gateway"}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- feed.Run(ctx) }()
	defer func() {
		stop()
		w.must(<-ended)
	}()
	w.server.Younger = w.auth.TokensNotBefore
	w.server.Revocations = &recall.Memory[struct{}, Revocations]{Feed: feed, Now: time.Now, Life: time.Minute, Most: 1}

	mint := func() string {
		token, err := w.clientCredentials(url.Values{"audience": {landAPI}}).Token(ctx)
		w.must(err)
		return token.AccessToken
	}
	active := func(token string) bool {
		said := w.post("/oauth2/introspect", &w.app, url.Values{"token": {token}})
		if said.status != http.StatusOK {
			t.Fatalf("introspection: got %d %v", said.status, said.body)
		}
		return said.body["active"] == true
	}
	for range 20 {
		token := mint()
		if !active(token) {
			t.Fatal("a new token is not active")
		}
		if said := w.post("/oauth2/revoke", &w.app, url.Values{"token": {token}}); said.status != http.StatusOK {
			t.Fatalf("revocation: got %d %v", said.status, said.body)
		}
		if active(token) {
			t.Fatal("active after it was revoked here")
		}
	}

	token := mint()
	if !active(token) {
		t.Fatal("a new token is not active")
	}
	another := w.newServer(w.http.URL)
	w.must(another.Prepare())
	w.must(another.MakeKeys(ctx))
	known, err := another.client(ctx, w.app.ID.String())
	w.must(err)
	w.must(another.revokeAccess(ctx, known, token))
	for end := time.Now().Add(time.Second); active(token); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("active a second after another server revoked it")
		}
	}
}
