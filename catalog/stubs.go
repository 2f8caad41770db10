package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/catalog/spec"
)

var errSoon = errors.New("not written yet")

// NewAPI is what CreateAPI takes.
type NewAPI struct {
	AgencyID      uuid.UUID `json:"agency_id"`
	Slug          string    `json:"slug"`
	TitleVI       string    `json:"title_vi"`
	TitleEN       string    `json:"title_en"`
	DescriptionVI string    `json:"description_vi"`
	DescriptionEN string    `json:"description_en"`
}

// CreateAPI begins a data service of an agency.
func (c *Catalog) CreateAPI(ctx context.Context, who auth.Principal, n NewAPI) (API, error) {
	return API{}, errSoon
}

// APIEdit is what EditAPI takes.
type APIEdit struct {
	TitleVI       string `json:"title_vi"`
	TitleEN       string `json:"title_en"`
	DescriptionVI string `json:"description_vi"`
	DescriptionEN string `json:"description_en"`
}

// EditAPI changes the words of a data service.
func (c *Catalog) EditAPI(ctx context.Context, who auth.Principal, id uuid.UUID, e APIEdit) (API, error) {
	return API{}, errSoon
}

// InspectSpec reads a document and saves nothing.
func (c *Catalog) InspectSpec(ctx context.Context, who auth.Principal, text []byte) (*spec.Document, error) {
	return nil, errSoon
}

// FetchSpec gets a document's text from a public address.
func (c *Catalog) FetchSpec(ctx context.Context, who auth.Principal, url string) ([]byte, error) {
	return nil, errSoon
}

// CreateVersion makes a draft from a document.
func (c *Catalog) CreateVersion(ctx context.Context, who auth.Principal, api uuid.UUID, number string, text []byte) (Version, error) {
	return Version{}, errSoon
}

// ReplaceSpec gives a draft another document; marks stay with the operations that stay.
func (c *Catalog) ReplaceSpec(ctx context.Context, who auth.Principal, version uuid.UUID, text []byte) (Version, error) {
	return Version{}, errSoon
}

// SetUpstream names where the gateway forwards to.
func (c *Catalog) SetUpstream(ctx context.Context, who auth.Principal, version uuid.UUID, url string) (Version, error) {
	return Version{}, errSoon
}

// SetPlan chooses the plan.
func (c *Catalog) SetPlan(ctx context.Context, who auth.Principal, version uuid.UUID, plan string) (Version, error) {
	return Version{}, errSoon
}

// MarkOperations marks operations, by slug; all of them or none.
func (c *Catalog) MarkOperations(ctx context.Context, who auth.Principal, version uuid.UUID, marks map[string]Mark) ([]Operation, error) {
	return nil, errSoon
}

// SubmitVersion puts a draft up for review.
func (c *Catalog) SubmitVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	return Version{}, errSoon
}

// PublishVersion makes a version public and callable.
func (c *Catalog) PublishVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	return Version{}, errSoon
}

// DeprecateVersion announces the end of a published version.
func (c *Catalog) DeprecateVersion(ctx context.Context, who auth.Principal, version uuid.UUID, sunset time.Time) (Version, error) {
	return Version{}, errSoon
}

// RetireVersion ends a version.
func (c *Catalog) RetireVersion(ctx context.Context, who auth.Principal, version uuid.UUID) (Version, error) {
	return Version{}, errSoon
}

// Upstream is a host and port that an agency's versions may forward to.
type Upstream struct {
	AgencyID    uuid.UUID  `json:"agency_id"`
	HostPort    string     `json:"host_port"`
	RequestedAt time.Time  `json:"requested_at"`
	RequestedBy uuid.UUID  `json:"requested_by"`
	ApprovedAt  *time.Time `json:"approved_at"`
	ApprovedBy  *uuid.UUID `json:"approved_by"`
}

// RequestUpstream asks for a host and port to be approved.
func (c *Catalog) RequestUpstream(ctx context.Context, who auth.Principal, agency uuid.UUID, hostPort string) (Upstream, error) {
	return Upstream{}, errSoon
}

// ApproveUpstream approves a host and port of an agency.
func (c *Catalog) ApproveUpstream(ctx context.Context, who auth.Principal, agency uuid.UUID, hostPort string) (Upstream, error) {
	return Upstream{}, errSoon
}

// Upstreams lists the hosts and ports of an agency.
func (c *Catalog) Upstreams(ctx context.Context, who auth.Principal, agency uuid.UUID) ([]Upstream, error) {
	return nil, errSoon
}

// APIFilter narrows ListAPIs.
type APIFilter struct {
	Agency uuid.UUID // uuid.Nil: every agency
	Limit  int       // 1 to 100; 0 is 20
	After  string    // next of the page before
}

// ListAPIs gives a page of the APIs that who may see, newest first, and the next cursor, "" at the end.
func (c *Catalog) ListAPIs(ctx context.Context, who auth.Principal, f APIFilter) ([]API, string, error) {
	return nil, "", errSoon
}

// APIBySlug gives an API with its versions.
func (c *Catalog) APIBySlug(ctx context.Context, who auth.Principal, agency, api string) (API, error) {
	return API{}, errSoon
}

// APIByID is APIBySlug by id.
func (c *Catalog) APIByID(ctx context.Context, who auth.Principal, id uuid.UUID) (API, error) {
	return API{}, errSoon
}

// VersionBySlug gives one version.
func (c *Catalog) VersionBySlug(ctx context.Context, who auth.Principal, agency, api, number string) (Version, error) {
	return Version{}, errSoon
}

// VersionByID is VersionBySlug by id.
func (c *Catalog) VersionByID(ctx context.Context, who auth.Principal, id uuid.UUID) (Version, error) {
	return Version{}, errSoon
}

// Operations gives a version's operations in the order of its document.
func (c *Catalog) Operations(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Operation, error) {
	return nil, errSoon
}

// OperationBySlug gives one operation of a version.
func (c *Catalog) OperationBySlug(ctx context.Context, who auth.Principal, version uuid.UUID, slug string) (Operation, error) {
	return Operation{}, errSoon
}

// SpecJSON gives a version's document as JSON.
func (c *Catalog) SpecJSON(ctx context.Context, who auth.Principal, version uuid.UUID) ([]byte, error) {
	return nil, errSoon
}

// SpecText gives a version's document as it was imported.
func (c *Catalog) SpecText(ctx context.Context, who auth.Principal, version uuid.UUID) ([]byte, error) {
	return nil, errSoon
}

// Offer gives what can be asked for of a published version.
func (c *Catalog) Offer(ctx context.Context, version uuid.UUID) (Offer, error) {
	return Offer{}, errSoon
}

// Plans gives the plans, the freest first.
func (c *Catalog) Plans(ctx context.Context) ([]Plan, error) { return nil, errSoon }
