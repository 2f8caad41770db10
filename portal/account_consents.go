package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/gateway"
	"lgsp/internal/problem"
	"lgsp/web"
)

// audience is what a token is for, in words.
type audience struct {
	Platform         bool
	TitleVI, TitleEN string // of the API; "" when it is not known here (any more)
	Address          string
	Sandbox          bool // it is the API's sandbox
}

// audienceOf is the audience at an address, as who may see it.
func (p *Portal) audienceOf(ctx context.Context, who auth.Principal, address string) (audience, error) {
	a := audience{Address: address, Platform: address == p.OAuth.Issuer}
	path, ok := strings.CutPrefix(address, p.Gateway+"/")
	parts := strings.Split(path, "/")
	if !ok || len(parts) != 3 {
		return a, nil
	}
	number, sandbox := strings.CutSuffix(parts[2], gateway.SandboxSuffix)
	v, err := p.Catalog.VersionBySlug(ctx, who, parts[0], parts[1], number)
	if problem.Is(err, problem.NotFound) {
		return a, nil
	}
	a.Sandbox = sandbox
	a.TitleVI, a.TitleEN = v.TitleVI, v.TitleEN
	return a, err
}

// allowedApplication is an application with all that it was allowed.
type allowedApplication struct {
	ID      uuid.UUID
	Name    string
	Allowed []allowedAudience
}

// allowedAudience is what an application may do in one place.
type allowedAudience struct {
	Audience  audience
	Scopes    []string
	AllowedAt time.Time
	UsedAt    *time.Time
}

// consents answers GET /account/consents.
func (p *Portal) consents(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.OAuth.Consents(r.Context(), who)
	if err != nil {
		return page{}, err
	}
	applications := []allowedApplication{}
	for _, one := range list { // those of one application stand together
		if n := len(applications); n == 0 || applications[n-1].ID != one.ClientID {
			applications = append(applications, allowedApplication{ID: one.ClientID, Name: one.ClientName})
		}
		last := &applications[len(applications)-1]
		where, err := p.audienceOf(r.Context(), who, one.Audience)
		if err != nil {
			return page{}, err
		}
		last.Allowed = append(last.Allowed, allowedAudience{where, one.Scopes, one.AllowedAt, one.UsedAt})
	}
	return page{Name: "account-consents", Data: applications}, nil
}

// revokeConsent answers POST /account/consents/{id}/revoke; id is the application's.
func (p *Portal) revokeConsent(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	id, err := idIn(r, "id")
	if err != nil {
		return page{}, err
	}
	if err := p.OAuth.RevokeConsent(r.Context(), who, id); err != nil && !problem.Is(err, problem.NotFound) {
		return page{}, err // taken back already is what was wanted
	}
	return page{To: "/account/consents", Flash: &web.Flash{Key: "session.consent-revoked"}}, nil
}
