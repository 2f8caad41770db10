package main

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/agreement"
	"lgsp/auth"
	"lgsp/catalog"
	"lgsp/portal/notice"
)

// ownerChanges has agreements follow an application to its new owner.
func ownerChanges(ctx context.Context, tx pgx.Tx, app auth.Application, owner string) error {
	to := agreement.Applicant{ApplicationID: app.ID, OwnerName: owner}
	if app.OwnerPerson != nil {
		to.OwnerPerson = *app.OwnerPerson
	}
	if app.OwnerAgency != nil {
		to.OwnerAgency = *app.OwnerAgency
	}
	return agreement.OwnerChanges(ctx, tx, to)
}

// forgetPerson has the other rooms forget who deletes their account.
func forgetPerson(ctx context.Context, tx pgx.Tx, person uuid.UUID, applications []uuid.UUID) error {
	if err := agreement.ForgetPerson(ctx, tx, person, applications); err != nil {
		return err
	}
	if err := notice.ForgetPerson(ctx, tx, person); err != nil {
		return err
	}
	if err := catalog.ForgetSearches(ctx, tx, person); err != nil {
		return err
	}
	return catalog.ForgetPerson(ctx, tx, person)
}
