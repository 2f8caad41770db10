package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/ory/fosite"

	"lgsp/auth"
	"lgsp/internal/pg"
	"lgsp/internal/problem"
)

// ConsentView is what the consent page shows.
type ConsentView struct {
	Client       uuid.UUID
	ClientName   string
	Description  string
	Pages        []ClientPage
	Agency       *uuid.UUID // that the application belongs to; nil: a person's
	RedirectHost string     // where the browser goes next
	Audience     string     // an API version's address, or the issuer: the platform itself
	Scopes       []string
}

// ClientPage is a page that an application gives people to read of itself.
// Nobody has checked what it says.
type ClientPage struct {
	Kind string // client, policy, terms
	URI  string // https
	Host string // of it, in ASCII
}

func (c *client) pages() []ClientPage {
	var list []ClientPage
	for _, page := range []ClientPage{{Kind: "client", URI: c.ClientURI}, {Kind: "policy", URI: c.PolicyURI}, {Kind: "terms", URI: c.TermsURI}} {
		if u, err := url.Parse(page.URI); err == nil && u.Host != "" {
			page.Host = strings.ToLower(u.Host)
			list = append(list, page)
		}
	}
	return list
}

var errNoConsent = problem.Errorf(problem.NotFound,
	"this request for consent is unknown, was answered or is older than 10 minutes; start again from the application").Coded("consent-unknown")

const readConsentSQL = `
select request, session_id as session, auth_time as at, methods
  from auth.oauth_consent
 where handle = $1 and person_id = $2 and expires_at > $3`

// waiting is the request behind a handle, checked again, and how its person
// had proved who they are. Problems are those of Consent.
func (s *Server) waiting(ctx context.Context, person uuid.UUID, handle string) (*fosite.AuthorizeRequest, auth.Proof, error) {
	type row struct {
		Request string
		auth.Proof
	}
	kept, err := pg.One[row](ctx, s.DB, readConsentSQL, hashHandle(handle), person, s.Now().UTC())
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, auth.Proof{}, errNoConsent
	} else if err != nil {
		return nil, auth.Proof{}, fmt.Errorf("read authorization request: %w", err)
	}
	form, err := url.ParseQuery(kept.Request)
	if err != nil {
		return nil, auth.Proof{}, fmt.Errorf("read authorization request: %w", err)
	}
	request, err := s.readAuthorize(ctx, form)
	var said *fosite.RFC6749Error
	if errors.As(err, &said) && said.CodeField < http.StatusInternalServerError {
		return nil, auth.Proof{}, problem.Errorf(problem.Conflict, "the application's request does not hold any more (%s); start again from the application", said.ErrorField).
			Coded("consent-void", "error", said.ErrorField).Because(err)
	}
	return request, kept.Proof, err
}

// Consent is what the page at /consent?request=handle asks of who. It fails
// with NotFound (consent-unknown) when the handle is unknown, expired,
// answered or another person's, and Conflict (consent-void) when the
// application has changed since.
func (s *Server) Consent(ctx context.Context, who auth.Principal, handle string) (ConsentView, error) {
	request, _, err := s.waiting(ctx, who.Person, handle)
	if err != nil {
		return ConsentView{}, err
	}
	known, ok := request.GetClient().(*client)
	if !ok {
		return ConsentView{}, errors.New("read authorization request: not our own client")
	}
	view := ConsentView{
		Client: known.ID, ClientName: known.Name, Description: known.Description, Agency: known.OwnerAgency, Pages: known.pages(), RedirectHost: request.RedirectURI.Host,
		Audience: request.GetRequestedAudience()[0], Scopes: request.GetRequestedScopes(),
	}
	if view.RedirectHost == "" { // com.example.app:/callback
		view.RedirectHost = request.RedirectURI.Scheme
	}
	return view, nil
}

const takeConsentSQL = `
delete from auth.oauth_consent
 where handle = $1
returning pushed`

const allowSQL = `
insert into auth.oauth_allowed as a (person_id, client_id, audience, scopes, allowed_at)
values ($1, $2, $3, $4, $5)
on conflict on constraint oauth_allowed_key
do update set scopes = array(select distinct unnest(a.scopes || excluded.scopes) order by 1), allowed_at = excluded.allowed_at`

// Decide answers for who, "allow" or "deny", and gives the address to send the
// browser to: the client's, with a code or an error. A handle is answered
// once. It fails as Consent does, and with Invalid for another word.
func (s *Server) Decide(ctx context.Context, who auth.Principal, handle, word string) (string, error) {
	if word != "allow" && word != "deny" {
		return "", problem.Errorf(problem.Invalid, "the answer is neither allow nor deny").Coded("consent-answer")
	}
	request, proof, err := s.waiting(ctx, who.Person, handle)
	if err != nil {
		return "", err
	}
	var next string
	err = pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		var pushed []byte
		err := tx.QueryRow(ctx, takeConsentSQL, hashHandle(handle)).Scan(&pushed)
		if err == nil {
			err = spendPushed(ctx, tx, pushed)
		}
		if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, errPushedGone) {
			return errNoConsent // answered in another window a moment ago
		} else if err != nil {
			return fmt.Errorf("take authorization request: %w", err)
		}
		if word == "deny" {
			next, err = s.errorURL(request, fosite.ErrAccessDenied.WithHint("The person said no."))
			return err
		}
		next, err = s.allow(ctx, tx, request, SignedIn{Who: who, Proof: proof})
		return err
	})
	return next, err
}

// allow remembers the consent, issues the code and records the act.
func (s *Server) allow(ctx context.Context, tx pgx.Tx, request *fosite.AuthorizeRequest, who SignedIn) (string, error) {
	client, err := uuid.Parse(request.GetClient().GetID())
	if err != nil {
		return "", fmt.Errorf("remember consent: %w", err)
	}
	scopes, audience := []string(request.GetRequestedScopes()), request.GetRequestedAudience()[0]
	if _, err := tx.Exec(ctx, allowSQL, who.Who.Person, client, audience, scopes, s.Now().UTC()); err != nil {
		return "", fmt.Errorf("remember consent: %w", err)
	}
	// fosite passes the context on to the store, and so the transaction.
	next, err := s.codeURL(context.WithValue(ctx, txKey{}, tx), request, who)
	if err != nil {
		return "", fmt.Errorf("issue code: %w", err)
	}
	return next, s.Record(ctx, tx, auth.Act{
		Who: who.Who, Verb: "consent.allow", About: client, Detail: map[string]any{"audience": audience, "scopes": scopes},
	})
}

func newHandle() string {
	var random [32]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(random[:])
}

func hashHandle(handle string) []byte {
	sum := sha256.Sum256([]byte(handle))
	return sum[:]
}
