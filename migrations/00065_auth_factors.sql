-- +goose Up

-- The authenticator app of a person (RFC 6238), one at most.
create table auth.totp (
  person_id    uuid primary key constraint totp_person_fk references auth.person on delete cascade,
  sealed       bytea not null, -- nonce and XChaCha20-Poly1305 of the secret, bound to the person
  created_at   timestamptz not null,
  confirmed_at timestamptz, -- null: no code of it has been shown yet
  last_step    bigint not null default 0, -- the newest time step whose code was taken
  last_used_at timestamptz,
  tries        int not null default 0, -- codes tried since tried_since, the right ones left out
  tried_since  timestamptz not null
);

-- Recovery codes that are left: an HMAC each; a used one is deleted.
create table auth.recovery_code (
  person_id uuid not null constraint recovery_code_person_fk references auth.person on delete cascade,
  hash      bytea not null,
  constraint recovery_code_key primary key (person_id, hash)
);

create table auth.passkey (
  id            uuid primary key,
  person_id     uuid not null constraint passkey_person_fk references auth.person on delete cascade,
  credential_id bytea not null constraint passkey_credential_key unique,
  name          text not null constraint passkey_name_given check (name <> ''),
  record        jsonb not null, -- public key, counter and flags (WebAuthn Level 3, section 4, credential record)
  created_at    timestamptz not null,
  last_used_at  timestamptz
);
create index passkey_person on auth.passkey (person_id);

-- A challenge is answered once; it is found by the SHA-256 of a handle.
create table auth.passkey_challenge (
  hash       bytea primary key,
  person_id  uuid constraint passkey_challenge_person_fk references auth.person on delete cascade, -- null: whoever answers
  asked      jsonb not null,
  expires_at timestamptz not null
);
create index passkey_challenge_expires on auth.passkey_challenge (expires_at);

-- Who has shown a first factor and owes the second. It is no session: nothing
-- can be done with it but to show the second factor, once.
create table auth.pending_session (
  hash       bytea primary key,
  person_id  uuid not null constraint pending_session_person_fk references auth.person on delete cascade,
  methods    text[] not null,
  expires_at timestamptz not null
);
create index pending_session_expires on auth.pending_session (expires_at);
create index pending_session_person on auth.pending_session (person_id);

-- A personal token is worth what its person had shown when it was made.
alter table auth.personal_token
  add column level text not null default 'aal1' constraint personal_token_level check (level in ('aal1', 'aal2'));

-- +goose Down
alter table auth.personal_token drop column level;
drop table auth.pending_session, auth.passkey_challenge, auth.passkey, auth.recovery_code, auth.totp;
