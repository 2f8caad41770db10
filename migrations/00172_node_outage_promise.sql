-- +goose Up
-- How each node stands, told by itself every few seconds; of no use after a
-- crash, so it is not written to the log of the database.
create unlogged table gateway.node (
  node  text primary key,
  at    timestamptz not null, -- when it told this last
  state jsonb not null
);

-- When the system behind a version was known to give no answer.
create table gateway.outage (
  version_id uuid not null,
  began      timestamptz not null,
  seen       timestamptz not null, -- when it was known to be down last
  ended      timestamptz, -- null: it is down, or nobody has called since
  told_at    timestamptz, -- when its agency was told
  constraint outage_pkey primary key (version_id, began),
  constraint outage_order check (seen >= began and ended >= began)
);
create unique index outage_open on gateway.outage (version_id) where ended is null;

-- What an agency promises of how a version answers; 0 and '' are not promised.
create table catalog.promise (
  version_id   uuid not null references catalog.version (id) on delete cascade,
  availability integer not null constraint promise_availability check (availability between 0 and 10000), -- hundredths of a percent
  p95_ms       integer not null constraint promise_p95 check (p95_ms >= 0),
  support_vi   text not null,
  support_en   text not null,
  set_at       timestamptz not null,
  constraint promise_pkey primary key (version_id)
);

-- +goose Down
drop table catalog.promise;
drop table gateway.outage;
drop table gateway.node;
