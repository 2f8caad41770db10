package agreement

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/auth"
)

// Draft gives the agreement that Request would ask for, so that its words can
// be read before it is sent. Nothing is kept, and it has no id. It fails as
// Request does.
func (a *Agreements) Draft(ctx context.Context, who auth.Principal, r Request) (Agreement, error) {
	if err := a.OwnsApplication(ctx, who, r.ApplicationID); err != nil {
		return Agreement{}, err
	}
	by, err := a.Applicant(ctx, r.ApplicationID)
	if err != nil {
		return Agreement{}, err
	}
	offer, err := a.Offer(ctx, r.VersionID)
	if err != nil {
		return Agreement{}, err
	}
	var operations []Operation
	err = pgx.BeginFunc(ctx, a.DB, func(tx pgx.Tx) error {
		operations, err = a.check(ctx, tx, r, offer)
		return err
	})
	if err != nil {
		return Agreement{}, err
	}
	due, err := a.due(ctx, a.DB)
	return Agreement{
		ID: uuid.Nil, State: Requested,
		ApplicationID: r.ApplicationID, ApplicationName: by.Name, OwnerName: by.OwnerName,
		OwnerPersonID: by.OwnerPerson, OwnerAgencyID: by.OwnerAgency, RequesterID: who.Person, RequesterName: who.Name,
		AgencyID: offer.AgencyID, VersionID: offer.VersionID, ServiceVI: offer.ServiceVI, ServiceEN: offer.ServiceEN,
		Operations: operations, Purpose: r.Purpose, PurposeText: r.PurposeText, LegalBasis: r.LegalBasis,
		Starts: r.Starts, Ends: r.Ends, Note: r.Note, Replaces: r.Replaces,
		Plan: offer.Plan, RatePerMinute: offer.RatePerMinute, QuotaPerDay: offer.QuotaPerDay,
		RequestedAt: a.Now().UTC(), DueAt: due,
	}, err
}
