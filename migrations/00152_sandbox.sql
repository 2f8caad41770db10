-- +goose Up
-- A version's sandbox: the same operations at an address of its own, answered
-- by the gateway with synthetic data. A version in state sandbox has one, and a
-- published one where its agency wants it.
alter table catalog.version
  add column sandbox boolean not null default false,
  add constraint version_sandbox check (state <> 'sandbox' or sandbox);

create table gateway.sandbox (
  version_id uuid  not null constraint sandbox_pkey primary key,
  document   jsonb not null
);

-- Calls of a sandbox are kept, and are no exchanges: nothing that counts those
-- counts these.
alter table ledger.entry
  drop constraint entry_kind_check,
  add constraint entry_kind_check check (kind in ('exchange', 'act', 'sandbox')) not valid;

-- +goose Down
alter table ledger.entry
  drop constraint entry_kind_check,
  add constraint entry_kind_check check (kind in ('exchange', 'act')) not valid;
drop table gateway.sandbox;
alter table catalog.version drop constraint version_sandbox, drop column sandbox;
