package main

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lgsp/catalog"
	"lgsp/gateway"
)

// withdraw ends a version's calls at the gateway.
func withdraw(ctx context.Context, tx pgx.Tx, e catalog.Ended) error {
	return gateway.Withdraw(ctx, tx, gateway.End{Version: e.VersionID, At: e.At, Successor: e.Successor, Docs: e.Docs})
}

// callersOf are the applications that called a version since then, by the
// evidence, and those that hold agreements on it; the latest call first.
func (p *platform) callersOf(ctx context.Context, version uuid.UUID, since time.Time) ([]catalog.Caller, error) {
	calls, err := p.ledger.CallersOf(ctx, version, since)
	if err != nil {
		return nil, err
	}
	held, err := p.agreements.HoldersOf(ctx, version)
	if err != nil {
		return nil, err
	}
	var list []catalog.Caller
	of := map[uuid.UUID]int{}
	caller := func(id uuid.UUID) *catalog.Caller {
		i, known := of[id]
		if !known {
			i, list = len(list), append(list, catalog.Caller{ApplicationID: id})
			of[id] = i
		}
		return &list[i]
	}
	for _, call := range calls {
		c := caller(call.ApplicationID)
		if c.LastAt == nil {
			c.LastAt = &call.LastAt
		}
		c.Operations = append(c.Operations, catalog.CallerOperation{Operation: call.Operation, LastAt: &call.LastAt, Fields: []string{}})
	}
	for _, holder := range held {
		c := caller(holder.ApplicationID)
		c.Agreed = true
		for _, agreed := range holder.Operations {
			i := slices.IndexFunc(c.Operations, func(o catalog.CallerOperation) bool { return o.Operation == agreed.ID })
			if i < 0 {
				i, c.Operations = len(c.Operations), append(c.Operations, catalog.CallerOperation{Operation: agreed.ID})
			}
			o := &c.Operations[i]
			o.Agreed = true
			for _, f := range agreed.Fields {
				if !slices.Contains(o.Fields, f.Path) {
					o.Fields = append(o.Fields, f.Path)
				}
			}
		}
	}
	return list, p.nameCallers(ctx, list)
}

// nameCallers fills in what applications are called, and whose they are: a
// person's name only where an agreement told it already. One that was deleted
// keeps neither.
func (p *platform) nameCallers(ctx context.Context, list []catalog.Caller) error {
	var ids, people, agencies []uuid.UUID
	for _, c := range list {
		ids = append(ids, c.ApplicationID)
	}
	applications, err := p.auth.ApplicationsByID(ctx, ids)
	if err != nil {
		return err
	}
	teams, err := p.auth.Teams(ctx, ids)
	if err != nil {
		return err
	}
	for i := range list {
		a := applications[list[i].ApplicationID]
		list[i].Team = teams[a.ID]
		list[i].Name = a.Name
		if a.OwnerPerson != nil {
			list[i].OwnerPerson = *a.OwnerPerson
			people = append(people, *a.OwnerPerson)
		}
		if a.OwnerAgency != nil {
			list[i].OwnerAgency = *a.OwnerAgency
			agencies = append(agencies, *a.OwnerAgency)
		}
	}
	persons, err := p.auth.Persons(ctx, people)
	if err != nil {
		return err
	}
	owners, err := p.auth.Agencies(ctx, agencies)
	if err != nil {
		return err
	}
	for i, c := range list {
		if c.Agreed {
			list[i].Owner = persons[c.OwnerPerson].Name
		}
		if c.OwnerAgency != uuid.Nil {
			list[i].Owner = owners[c.OwnerAgency].NameVI
		}
	}
	return nil
}
