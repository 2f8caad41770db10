-- +goose Up

-- Every access token that was issued: who may have called, as whom and where.
-- It outlives the application, the person and the grant, and holds no token.
create table auth.issued_token (
  jti       uuid not null constraint issued_token_pkey primary key,
  issued_at timestamptz not null,
  client_id uuid not null,
  person_id uuid, -- null: an application for itself
  grant_id  uuid, -- the family; null with person_id
  audience  text not null constraint issued_token_audience_given check (audience <> ''),
  scopes    text[] not null
);
create index issued_token_client on auth.issued_token (client_id, issued_at desc);
create index issued_token_issued on auth.issued_token using brin (issued_at);

-- +goose Down
drop table auth.issued_token;
