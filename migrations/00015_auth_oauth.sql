-- +goose Up

-- The keys that sign tokens. The private half is sealed under the platform's
-- secret; id is its RFC 7638 thumbprint, the kid of a token.
create table auth.signing_key (
  id         text primary key,
  public_x   bytea not null constraint signing_key_x check (length(public_x) = 32),
  public_y   bytea not null constraint signing_key_y check (length(public_y) = 32),
  sealed     bytea not null,
  created_at timestamptz not null,
  signs_from timestamptz not null, -- published before it signs, so that every node knows it
  retires_at timestamptz           -- no token of it is believed from then on; null: in use
);

-- What a person let an application do in one authorization: the family of one
-- code, and of all refresh and access tokens that come of it. They die with it.
create table auth.oauth_grant (
  id         uuid primary key,
  client_id  uuid not null constraint oauth_grant_client_fk references auth.application on delete cascade,
  person_id  uuid not null constraint oauth_grant_person_fk references auth.person on delete cascade,
  scopes     text[] not null,
  audience   text not null constraint oauth_grant_audience_given check (audience <> ''),
  nonce      text not null,
  auth_time  timestamptz not null,
  created_at timestamptz not null,
  expires_at timestamptz not null, -- nothing of the family outlives it; the row goes then
  revoked_at timestamptz
);
create index oauth_grant_client on auth.oauth_grant (client_id);
create index oauth_grant_person on auth.oauth_grant (person_id);
create index oauth_grant_expires on auth.oauth_grant (expires_at);

-- Codes and refresh tokens are kept as the HMAC part of their text, which
-- cannot be turned back into one. used_at is set once, by the statement that spends them.
create table auth.oauth_code (
  signature    text primary key,
  grant_id     uuid not null constraint oauth_code_grant_fk references auth.oauth_grant on delete cascade,
  redirect_uri text not null,
  challenge    text not null constraint oauth_code_challenge_form check (challenge ~ '^[A-Za-z0-9_-]{43}$'),
  expires_at   timestamptz not null,
  used_at      timestamptz
);
create index oauth_code_grant on auth.oauth_code (grant_id);

create table auth.oauth_refresh (
  signature  text primary key,
  grant_id   uuid not null constraint oauth_refresh_grant_fk references auth.oauth_grant on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at    timestamptz
);
create index oauth_refresh_grant on auth.oauth_refresh (grant_id);

-- The access tokens of a family that may still live, so that they can be revoked with it.
create table auth.oauth_access (
  jti        text primary key,
  grant_id   uuid not null constraint oauth_access_grant_fk references auth.oauth_grant on delete cascade,
  expires_at timestamptz not null
);
create index oauth_access_grant on auth.oauth_access (grant_id);
create index oauth_access_expires on auth.oauth_access (expires_at);

-- Access tokens that must not be believed although their signature holds. A
-- row may go when the token has expired by itself.
create table auth.revoked_token (
  jti        text primary key,
  expires_at timestamptz not null
);
create index revoked_token_expires on auth.revoked_token (expires_at);

-- An authorization request that waits for its person's word, found by the
-- SHA-256 of the handle in the page's address.
create table auth.oauth_consent (
  handle     bytea primary key,
  person_id  uuid not null constraint oauth_consent_person_fk references auth.person on delete cascade,
  client_id  uuid not null constraint oauth_consent_client_fk references auth.application on delete cascade,
  request    text not null, -- the parameters, form-encoded
  auth_time  timestamptz not null,
  expires_at timestamptz not null
);
create index oauth_consent_expires on auth.oauth_consent (expires_at);

-- What a person has allowed before and need not be asked again.
create table auth.oauth_allowed (
  person_id  uuid not null constraint oauth_allowed_person_fk references auth.person on delete cascade,
  client_id  uuid not null constraint oauth_allowed_client_fk references auth.application on delete cascade,
  audience   text not null,
  scopes     text[] not null,
  allowed_at timestamptz not null,
  constraint oauth_allowed_key primary key (person_id, client_id, audience)
);

-- +goose Down
drop table auth.oauth_allowed, auth.oauth_consent, auth.revoked_token, auth.oauth_access, auth.oauth_refresh,
  auth.oauth_code, auth.oauth_grant, auth.signing_key;
