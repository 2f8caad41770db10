package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"lgsp/auth"
	"lgsp/auth/foreign"
	"lgsp/gateway"
)

// foreignIssuers are the other issuers that this node believes, as an operator
// set them up.
type foreignIssuers struct {
	foreign.Issuers
	read   func(ctx context.Context) ([]auth.SealedForeignIssuer, error)
	open   func(auth.SealedForeignIssuer) (string, error)
	sealed atomic.Pointer[[]auth.SealedForeignIssuer]
}

func (f *foreignIssuers) wire(a *auth.Auth, client *http.Client) {
	f.Client, f.Now, f.read, f.open = client, time.Now, a.SealedForeignIssuers, a.ForeignSecret
}

func (f *foreignIssuers) refresh(ctx context.Context) error {
	list, err := f.read(ctx)
	if err != nil {
		return err
	}
	f.set(list)
	return nil
}

// set believes these. One whose secret cannot be opened is left out.
func (f *foreignIssuers) set(list []auth.SealedForeignIssuer) {
	var open []foreign.Issuer
	for _, i := range list {
		secret, err := f.open(i)
		if err != nil {
			slog.Error("tokens of an issuer are not believed", "issuer", i.Issuer, "err", err)
			continue
		}
		open = append(open, foreign.Issuer{Identifier: i.Issuer, URL: i.URL, ClientID: i.ClientID, Secret: secret, Audience: i.Audience, Clients: i.Clients})
	}
	f.sealed.Store(&list)
	f.Set(open)
}

// list is what set was last given, sealed as it was.
func (f *foreignIssuers) list() []auth.SealedForeignIssuer {
	if list := f.sealed.Load(); list != nil {
		return *list
	}
	return nil
}

// token is foreign.Issuers.Token as the gateway has it.
func (f *foreignIssuers) token(ctx context.Context, issuer, text string) (gateway.Token, error) {
	t, err := f.Issuers.Token(ctx, issuer, text)
	return gateway.Token{Application: t.Application, Issued: t.Issued}, err
}
