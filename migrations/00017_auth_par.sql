-- +goose Up

-- An authorization request that its client pushed and that waits for the
-- browser (RFC 9126), found by the SHA-256 of the handle in its request_uri.
create table auth.oauth_pushed (
  handle     bytea primary key constraint oauth_pushed_handle check (length(handle) = 32),
  client_id  uuid not null constraint oauth_pushed_client_fk references auth.application on delete cascade,
  request    text not null, -- the parameters, form-encoded, without what proved the client
  expires_at timestamptz not null
);
create index oauth_pushed_expires on auth.oauth_pushed (expires_at);

alter table auth.application
  add column pushed_only boolean not null default false; -- its requests are refused unless pushed

-- +goose Down
alter table auth.application drop column pushed_only;
drop table auth.oauth_pushed;
