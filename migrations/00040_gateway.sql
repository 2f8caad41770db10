-- +goose Up
create schema gateway;

-- One exposed version of an API: what a node must know to serve it, as the
-- publishing transaction wrote it. The document is a gateway.Route.
create table gateway.route (
  version_id uuid primary key,
  prefix     text not null
    constraint route_prefix_key unique
    constraint route_prefix_check check (prefix ~ '^/[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9.-]*$'),
  document   jsonb not null
);

-- One agreement, whatever its state: a suspended one is kept, so that the
-- caller is told so.
create table gateway.grant (
  agreement_id    uuid primary key,
  revision        integer not null constraint grant_revision_check check (revision > 0),
  application_id  uuid not null,
  version_id      uuid not null,
  purpose         text not null,
  state           text not null constraint grant_state_check check (state in ('active', 'suspended', 'ended')),
  starts          timestamptz not null,
  ends            timestamptz not null constraint grant_ends_check check (ends > starts),
  rate_per_minute integer not null constraint grant_rate_check check (rate_per_minute > 0),
  quota_per_day   integer not null constraint grant_quota_check check (quota_per_day > 0),
  operations      jsonb not null
);

-- What changed, in which transaction: a node asks for the changes of every
-- transaction that was still running when it asked last, so none is missed
-- and numbers need no lock.
create table gateway.change (
  id        bigint generated always as identity primary key,
  xid       xid8 not null default pg_current_xact_id(),
  kind      text not null constraint change_kind_check check (kind in ('route', 'grant')),
  object_id uuid not null,
  at        timestamptz not null
);
create index change_xid_idx on gateway.change (xid);
create index change_at_idx on gateway.change (at);

-- Calls used of an agreement's day quota, all nodes together. A day begins at
-- midnight in Vietnam.
create table gateway.quota_use (
  agreement_id uuid not null,
  day          date not null,
  used         bigint not null constraint quota_use_used_check check (used >= 0),
  constraint quota_use_pkey primary key (day, agreement_id)
);

-- +goose Down
drop schema gateway cascade;
