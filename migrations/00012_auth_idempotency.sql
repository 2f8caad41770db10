-- +goose Up
-- What a POST with an Idempotency-Key was answered, so that a repeat does
-- nothing twice. Kept one day.
create table auth.idempotency (
  caller     text not null check (caller <> ''),
  key        text not null check (length(key) between 1 and 255),
  request    bytea not null check (length(request) = 32), -- SHA-256 of method, path and body
  status     integer,   -- null while the first call is still at work
  location   text not null default '',
  answer     bytea,     -- null when it showed a secret
  created_at timestamptz not null,
  constraint idempotency_pkey primary key (caller, key)
);
create index idempotency_created_at on auth.idempotency (created_at);

-- +goose Down
drop table auth.idempotency;
