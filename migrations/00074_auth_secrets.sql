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

-- +goose Down
delete from auth.letter where kind = 'honey';
alter table auth.letter drop constraint letter_kind,
  add constraint letter_kind check (kind in ('expiring', 'leaked'));
drop table auth.honey_key;
alter table auth.credential drop column scopes;
