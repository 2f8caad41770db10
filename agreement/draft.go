package agreement

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"lgsp/auth"
	"lgsp/internal/problem"
)

// Draft gives the agreement that Request would ask for, so that its words can
// be read before it is sent. Nothing is kept, and it has no id. It fails as
// Request does, but for a request that is waiting already.
func (a *Agreements) Draft(ctx context.Context, who auth.Principal, r Request) (Agreement, error) {
	g, _, err := a.draft(ctx, who, r)
	return g, err
}

// draft checks a request and gives it as an agreement, with the names as they
// are now, and how its plan decides.
func (a *Agreements) draft(ctx context.Context, who auth.Principal, r Request) (Agreement, string, error) {
	if who.Person == uuid.Nil {
		return Agreement{}, "", problem.Errorf(problem.Forbidden, "an agreement is asked for by a person").Coded("person-needed")
	}
	if err := a.OwnsApplication(ctx, who, r.ApplicationID); err != nil {
		return Agreement{}, "", err
	}
	by, err := a.Applicant(ctx, r.ApplicationID)
	if err != nil {
		return Agreement{}, "", err
	}
	offer, err := a.Offer(ctx, r.VersionID)
	if err != nil {
		return Agreement{}, "", err
	}
	if offer.State == "deprecated" && r.Replaces == nil {
		return Agreement{}, "", problem.Errorf(problem.Conflict, "the version is deprecated: only renewals").Coded("version-deprecated")
	}
	operations, bounds, err := a.check(ctx, r, offer)
	if err != nil {
		return Agreement{}, "", err
	}
	due, _, err := a.due(ctx, a.DB)
	if err != nil {
		return Agreement{}, "", err
	}
	return Agreement{
		State:         Requested,
		ApplicationID: r.ApplicationID, ApplicationName: by.Name, OwnerName: by.OwnerName,
		OwnerPersonID: by.OwnerPerson, OwnerAgencyID: by.OwnerAgency, RequesterID: who.Person, RequesterName: who.Name,
		AgencyID: offer.AgencyID, VersionID: offer.VersionID, ServiceVI: offer.ServiceVI, ServiceEN: offer.ServiceEN,
		Operations: operations, Bounds: stored(bounds), Purpose: r.Purpose, PurposeText: strings.TrimSpace(r.PurposeText), LegalBasis: r.LegalBasis,
		Subjects: strings.TrimSpace(r.Subjects), VolumePerDay: r.VolumePerDay, RetentionDays: r.RetentionDays, Onward: strings.TrimSpace(r.Onward),
		Starts: r.Starts, Ends: r.Ends, Note: strings.TrimSpace(r.Note), Replaces: r.Replaces,
		Plan: offer.Plan, RatePerMinute: offer.RatePerMinute, QuotaPerDay: offer.QuotaPerDay, QuotaPerMonth: offer.QuotaPerMonth,
		RequestedAt: a.Now().UTC(), DueAt: due,
	}, offer.Decision, nil
}
