package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lgsp/auth"
)

// CalledWithin is how long ago a call may be for its application to count
// among those that use a version.
const CalledWithin = 90 * day

// Caller is an application that called a version of late, or holds an
// agreement on it.
type Caller struct {
	ApplicationID uuid.UUID         `json:"application_id"`
	Name          string            `json:"name"`
	Owner         string            `json:"owner"` // the person or agency whose it is
	OwnerPerson   uuid.UUID         `json:"-"`     // uuid.Nil when an agency owns it
	OwnerAgency   uuid.UUID         `json:"-"`
	Team          []uuid.UUID       `json:"-"`          // who works on it beside the person
	Agreed        bool              `json:"agreed"`     // it holds an agreement that is not over
	LastAt        *time.Time        `json:"last_at"`    // its last call; null: none within 90 days
	Operations    []CallerOperation `json:"operations"` // called, agreed, or both
}

// CallerOperation is one operation of a caller.
type CallerOperation struct {
	Operation string     `json:"operation"` // slug
	LastAt    *time.Time `json:"last_at"`   // null: none within 90 days
	Agreed    bool       `json:"agreed"`
	Fields    []string   `json:"fields"` // of the answer, as agreed; none: all of it, or no agreement
}

// callers are those of a version, the latest first.
func (c *Catalog) callers(ctx context.Context, version uuid.UUID) ([]Caller, error) {
	if c.CallersOf == nil {
		return nil, nil
	}
	return c.CallersOf(ctx, version, c.Now().UTC().Add(-CalledWithin))
}

// Callers tells an agency's people which applications called a version within
// 90 days, or hold agreements on it. It fails as VersionByID does, and with
// what May says of api.edit.
func (c *Catalog) Callers(ctx context.Context, who auth.Principal, version uuid.UUID) ([]Caller, error) {
	v, err := c.VersionByID(ctx, who, version)
	if err != nil {
		return nil, err
	}
	if err := c.May(ctx, who, "api.edit", v.AgencyID); err != nil {
		return nil, err
	}
	list, err := c.callers(ctx, version)
	if list == nil && err == nil {
		list = []Caller{}
	}
	return list, err
}
