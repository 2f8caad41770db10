-- +goose Up

-- What an API key may do beside where it may be used: 'read' (GET and HEAD
-- only), and operations by name as <version>/<operation>. None: all that its
-- application may.
alter table auth.credential
  add column scopes text[] not null default '{}'
             constraint credential_scopes_few check (cardinality(scopes) <= 101);

-- A key that opens nothing and is left lying about: whoever shows it has been
-- where they should not be. No query that lets anybody in reads this table.
create table auth.honey_key (
  id              uuid primary key,
  application_id  uuid constraint honey_key_application_fk references auth.application on delete cascade, -- null: the platform's
  kind            text not null constraint honey_key_kind check (kind in ('api_key', 'client_secret', 'personal_token')), -- what it looks like
  lookup          text not null constraint honey_key_lookup_key unique,
  hash            bytea not null,
  pepper_version  int not null,
  last4           text not null,
  name            text not null, -- where it was left
  created_by      uuid constraint honey_key_person_fk references auth.person on delete set null,
  created_at      timestamptz not null,
  revoked_at      timestamptz,
  uses            bigint not null default 0,
  last_used_at    timestamptz,
  last_used_from  text not null default '', -- an IPv4 address or IPv6 /64
  last_used_where text not null default '',
  told_at         timestamptz -- when letters were last written about it
);
create index honey_key_application on auth.honey_key (application_id);
alter table auth.letter drop constraint letter_kind,
  add constraint letter_kind check (kind in ('expiring', 'leaked', 'honey'));

-- Which version of the platform's secret keys or seals what is stored. That of
-- hashes stands beside most of them already (pepper_version).
alter table auth.recovery_code add column pepper_version int not null default 1;
alter table auth.totp add column seal_version int not null default 1;
alter table auth.token_key add column seal_version int not null default 1;
alter table auth.oauth_refresh add column hmac_version int not null default 1;

-- The versions that the platform has begun to use; the newest makes what is
-- new. check_value is derived from the secret, and tells nothing of it: a node
-- with another secret of that version finds out at its start.
create table auth.secret_version (
  version      int primary key constraint secret_version_positive check (version > 0),
  check_value  bytea not null constraint secret_version_check check (length(check_value) = 32),
  in_use_since timestamptz not null
);

-- +goose Down
drop table auth.secret_version;
alter table auth.oauth_refresh drop column hmac_version;
alter table auth.token_key drop column seal_version;
alter table auth.totp drop column seal_version;
alter table auth.recovery_code drop column pepper_version;
delete from auth.letter where kind = 'honey';
alter table auth.letter drop constraint letter_kind,
  add constraint letter_kind check (kind in ('expiring', 'leaked'));
drop table auth.honey_key;
alter table auth.credential drop column scopes;
