-- +goose Up

-- A device that waits until its person has typed its code somewhere else (RFC
-- 8628). It is gone once its tokens are fetched. The device's own code is kept
-- as its SHA-256; the person's, of eight letters, as an HMAC: a plain hash of
-- so few could be tried through.
create table auth.oauth_device (
  device_code bytea primary key,
  user_code   bytea not null constraint oauth_device_user_code_key unique,
  client_id   uuid not null constraint oauth_device_client_fk references auth.application on delete cascade,
  scopes      text[] not null,
  audience    text not null constraint oauth_device_audience_given check (audience <> ''),
  wait        interval not null, -- between two questions of the device
  polled_at   timestamptz,
  expires_at  timestamptz not null,
  denied_at   timestamptz,
  grant_id    uuid constraint oauth_device_grant_fk references auth.oauth_grant on delete cascade, -- set: allowed
  constraint oauth_device_one_answer check (denied_at is null or grant_id is null)
);
create index oauth_device_client on auth.oauth_device (client_id);
create index oauth_device_grant on auth.oauth_device (grant_id);
create index oauth_device_expires on auth.oauth_device (expires_at);

-- An initial access token (RFC 7591 §3): whoever holds it registers
-- applications for its owner, so many, until so long, with these grants.
create table auth.registration_token (
  id             uuid primary key,
  owner_person   uuid constraint registration_token_person_fk references auth.person on delete cascade,
  owner_agency   uuid constraint registration_token_agency_fk references auth.agency on delete cascade,
  name           text not null,
  lookup         text not null constraint registration_token_lookup_key unique,
  hash           bytea not null,
  pepper_version smallint not null,
  last4          text not null,
  grant_types    text[] not null constraint registration_token_grants_given check (cardinality(grant_types) > 0),
  max_uses       int not null constraint registration_token_max_uses check (max_uses > 0),
  uses           int not null default 0,
  created_by     uuid not null constraint registration_token_maker_fk references auth.person on delete cascade,
  created_at     timestamptz not null,
  expires_at     timestamptz not null,
  revoked_at     timestamptz,
  constraint registration_token_uses check (uses between 0 and max_uses),
  constraint registration_token_one_owner check (num_nonnulls(owner_person, owner_agency) = 1)
);
create index registration_token_person on auth.registration_token (owner_person);
create index registration_token_agency on auth.registration_token (owner_agency);
create index registration_token_maker on auth.registration_token (created_by);

-- How an application that registered itself is managed by itself (RFC 7592).
create table auth.registration (
  application_id uuid primary key constraint registration_application_fk references auth.application on delete cascade,
  token_id       uuid not null constraint registration_token_fk references auth.registration_token on delete cascade,
  lookup         text not null constraint registration_lookup_key unique,
  hash           bytea not null,
  pepper_version smallint not null
);
create index registration_token_id on auth.registration (token_id);

alter table auth.application
  add column scopes text[]; -- the only ones it may ask for; null: all that there are

-- +goose Down
alter table auth.application drop column scopes;
drop table auth.registration, auth.registration_token, auth.oauth_device;
