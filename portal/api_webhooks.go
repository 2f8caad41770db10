package portal

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lgsp/auth"
)

func (a *API) webhookRoutes(r routes) {
	r.get("/applications/{id}/webhooks", a.listWebhooks)
	r.post("/applications/{id}/webhooks", a.addWebhook)
	r.remove("/webhooks/{id}", a.removeWebhook)
	r.get("/webhooks/{id}/messages", a.webhookMessages)
	r.post("/webhooks/{id}/test", a.testWebhook)
	r.post("/webhooks/{id}/messages/{message}/again", a.sendAgain)
}

// listWebhooks answers GET /applications/{id}/webhooks.
//
//	@Summary	The addresses at which an application hears of what concerns it
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id	path		string	true	"id of the application"
//	@Success	200	{object}	items[auth.Webhook]
//	@Router		/applications/{id}/webhooks [get]
func (a *API) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.Webhook], error) {
		list, err := a.Auth.Webhooks(ctx, who, id)
		return items[auth.Webhook]{Items: list}, err
	})
}

// addWebhook answers POST /applications/{id}/webhooks.
//
//	@Summary	Have an application told at an address, by Standard Webhooks; the secret is shown once
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id		path		string			true	"id of the application"
//	@Param		body	body		auth.NewWebhook	true	"where, and of what"
//	@Success	201		{object}	auth.IssuedWebhook
//	@Router		/applications/{id}/webhooks [post]
func (a *API) addWebhook(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", showsSecret)
	return create(a, w, r, func(ctx context.Context, who auth.Principal, n auth.NewWebhook) (auth.IssuedWebhook, string, error) {
		made, err := a.Auth.AddWebhook(ctx, who, id, n)
		return made, "/webhooks/" + made.ID.String() + "/messages", err
	})
}

// removeWebhook answers DELETE /webhooks/{id}.
//
//	@Summary	Have an address told no more, and what it was told forgotten
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id	path	string	true	"id"
//	@Success	204
//	@Router		/webhooks/{id} [delete]
func (a *API) removeWebhook(w http.ResponseWriter, r *http.Request) error {
	return remove(a, w, r, a.Auth.RemoveWebhook)
}

// webhookMessages answers GET /webhooks/{id}/messages.
//
//	@Summary	The last 50 messages to an address, newest first, with what became of them; kept for 30 days
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	items[auth.WebhookMessage]
//	@Router		/webhooks/{id}/messages [get]
func (a *API) webhookMessages(w http.ResponseWriter, r *http.Request) error {
	return showOne(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (items[auth.WebhookMessage], error) {
		list, err := a.Auth.WebhookMessages(ctx, who, id)
		return items[auth.WebhookMessage]{Items: list}, err
	})
}

// testWebhook answers POST /webhooks/{id}/test.
//
//	@Summary	Send an address a message of type webhook.test, within a second
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id	path		string	true	"id"
//	@Success	200	{object}	auth.WebhookMessage
//	@Router		/webhooks/{id}/test [post]
func (a *API) testWebhook(w http.ResponseWriter, r *http.Request) error {
	return change(a, w, r, a.Auth.TestWebhook)
}

// sendAgain answers POST /webhooks/{id}/messages/{message}/again.
//
//	@Summary	Send a message again within a second, also one that arrived
//	@Tags		webhooks
//	@Security	bearer
//	@Param		id		path		string	true	"id of the webhook"
//	@Param		message	path		string	true	"id of the message"
//	@Success	200		{object}	auth.WebhookMessage
//	@Router		/webhooks/{id}/messages/{message}/again [post]
func (a *API) sendAgain(w http.ResponseWriter, r *http.Request) error {
	message, err := pathID(r, "message")
	if err != nil {
		return err
	}
	return change(a, w, r, func(ctx context.Context, who auth.Principal, id uuid.UUID) (auth.WebhookMessage, error) {
		return a.Auth.SendAgain(ctx, who, id, message)
	})
}
