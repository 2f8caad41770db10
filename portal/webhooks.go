package portal

import (
	"net/http"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/auth"
	"lgsp/web"
)

// webhookRoutes are the pages of the addresses at which an application is told.
func (p *Portal) webhookRoutes(r *mux.Router) {
	const at = "/developer/applications/{id}/webhooks"
	r.Handle(at, p.page(p.webhooks)).Methods("GET", "HEAD")
	r.Handle(at, p.page(p.addWebhook)).Methods("POST")
	r.Handle(at+"/{webhook}/test", p.page(p.testWebhook)).Methods("POST")
	r.Handle(at+"/{webhook}/remove", p.page(p.removeWebhook)).Methods("POST")
	r.Handle(at+"/{webhook}/messages/{message}/again", p.page(p.sendAgain)).Methods("POST")
}

// webhooksData is the data of the page "developer-webhooks".
type webhooksData struct {
	Application auth.Application
	At          string // address of the page, without language
	Webhooks    []toldAddress
	Topics      []web.Option
	Usual       []string
}

// toldAddress is one address with what it was told.
type toldAddress struct {
	auth.Webhook
	Messages []auth.WebhookMessage
}

func webhooksAt(app auth.Application) string {
	return "/developer/applications/" + app.ID.String() + "/webhooks"
}

// webhooks answers GET …/webhooks.
func (p *Portal) webhooks(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	data := webhooksData{Application: app, At: webhooksAt(app), Usual: []string{auth.TopicAgreement, auth.TopicVersion}}
	list, err := p.Auth.Webhooks(r.Context(), who, app.ID)
	if err != nil {
		return page{}, err
	}
	for _, w := range list {
		told := toldAddress{Webhook: w}
		if told.Messages, err = p.Auth.WebhookMessages(r.Context(), who, w.ID); err != nil {
			return page{}, err
		}
		data.Webhooks = append(data.Webhooks, told)
	}
	for _, topic := range auth.Topics() {
		option := web.Option{Value: topic}
		if option.Text, err = p.Pages.Text(localeOf(r), "webhook.topic-"+topic); err != nil {
			return page{}, err
		}
		data.Topics = append(data.Topics, option)
	}
	return page{Name: "developer-webhooks", Data: data}, nil
}

// webhookSecretData is the data of the page "developer-webhook-secret", the
// only one that ever shows the secret.
type webhookSecretData struct {
	Application auth.Application
	At          string
	Issued      auth.IssuedWebhook
}

// addWebhook answers POST …/webhooks.
func (p *Portal) addWebhook(r *http.Request) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	made, err := p.Auth.AddWebhook(r.Context(), who, app.ID, auth.NewWebhook{URL: r.PostFormValue("url"), Topics: r.PostForm["topics"]})
	if err != nil {
		return again(r, p.webhooks, err)
	}
	return page{Name: "developer-webhook-secret", Status: http.StatusCreated, Data: webhookSecretData{app, webhooksAt(app), made}}, nil
}

// testWebhook answers POST …/webhooks/{webhook}/test.
func (p *Portal) testWebhook(r *http.Request) (page, error) {
	return p.onWebhook(r, "webhook.tested", func(who auth.Principal, id uuid.UUID) error {
		_, err := p.Auth.TestWebhook(r.Context(), who, id)
		return err
	})
}

// removeWebhook answers POST …/webhooks/{webhook}/remove.
func (p *Portal) removeWebhook(r *http.Request) (page, error) {
	return p.onWebhook(r, "webhook.removed", func(who auth.Principal, id uuid.UUID) error {
		return p.Auth.RemoveWebhook(r.Context(), who, id)
	})
}

// sendAgain answers POST …/webhooks/{webhook}/messages/{message}/again.
func (p *Portal) sendAgain(r *http.Request) (page, error) {
	return p.onWebhook(r, "webhook.sent-again", func(who auth.Principal, id uuid.UUID) error {
		message, err := idIn(r, "message")
		if err != nil {
			return err
		}
		_, err = p.Auth.SendAgain(r.Context(), who, id, message)
		return err
	})
}

// onWebhook does something with the address in the path, and leads back to the
// list, which says what was done.
func (p *Portal) onWebhook(r *http.Request, done string, do func(auth.Principal, uuid.UUID) error) (page, error) {
	app, who, err := p.ownApplication(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "webhook")
	if err != nil {
		return page{}, err
	}
	if err := do(who, id); err != nil {
		return page{}, err
	}
	return page{To: webhooksAt(app), Flash: &web.Flash{Key: done}}, nil
}
