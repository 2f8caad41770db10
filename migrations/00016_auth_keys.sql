-- +goose Up

-- The public keys of applications that prove themselves by a signature
-- (private_key_jwt, RFC 7523 §3). We never hold the private half.
create table auth.application_key (
  application_id uuid not null constraint application_key_application_fk references auth.application on delete cascade,
  kid            text not null constraint application_key_kid_given check (kid <> ''),
  jwk            jsonb not null, -- RFC 7517
  set_at         timestamptz not null,
  constraint application_key_pkey primary key (application_id, kid)
);

-- The signed statements that were taken, so that none is taken twice: the
-- SHA-256 of the jti, each client's apart. A row may go when the statement has expired.
create table auth.oauth_assertion (
  client_id  uuid not null constraint oauth_assertion_client_fk references auth.application on delete cascade,
  jti        bytea not null constraint oauth_assertion_jti check (length(jti) = 32),
  expires_at timestamptz not null,
  constraint oauth_assertion_pkey primary key (client_id, jti)
);
create index oauth_assertion_expires on auth.oauth_assertion (expires_at);

-- +goose Down
drop table auth.oauth_assertion, auth.application_key;
