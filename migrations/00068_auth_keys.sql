-- +goose Up

-- What an owner says of a credential, where it may be used, and its use: from
-- which network last (an IPv4 address, an IPv6 /64), and how often.
alter table auth.credential
  add column name           text not null default '' constraint credential_name_short check (length(name) <= 120),
  add column networks       cidr[] not null default '{}' -- none: from anywhere
                            constraint credential_networks_few check (cardinality(networks) <= 10),
  add column versions       uuid[] not null default '{}' -- of APIs; none: all that its application may call
                            constraint credential_versions_few check (cardinality(versions) <= 50),
  add column last_used_from text not null default '',
  add column uses           bigint not null default 0,
  add column expiry_set_at  timestamptz; -- when expires_at was last set: a short life that was asked for needs no reminder
update auth.credential set expiry_set_at = created_at;
alter table auth.credential alter column expiry_set_at set not null;
create index credential_expires on auth.credential (expires_at) where revoked_at is null;
create index personal_token_expires on auth.personal_token (expires_at);

-- Tokens of an application that were made before this moment are not believed.
alter table auth.application add column tokens_not_before timestamptz;
create index application_not_before on auth.application (tokens_not_before) where tokens_not_before is not null;

-- A letter to a person about something of theirs: written in the transaction
-- that gives the reason, once for each (about, mark), and sent by whichever
-- portal claims it first. A claim that was not followed by sent_at lapses.
create table auth.letter (
  id         uuid primary key,
  person_id  uuid not null constraint letter_person_fk references auth.person on delete cascade,
  kind       text not null constraint letter_kind check (kind in ('expiring', 'leaked')),
  about      uuid not null, -- a credential or personal token
  mark       text not null, -- which of the letters about it
  detail     jsonb not null, -- what it tells
  created_at timestamptz not null,
  claimed_at timestamptz,
  tries      int not null default 0,
  sent_at    timestamptz,
  constraint letter_once unique (person_id, kind, about, mark)
);
create index letter_waiting on auth.letter (created_at) where sent_at is null;
create index letter_created on auth.letter (created_at);

-- Who may report leaked credentials: a scanner signs its reports with the
-- private half of this key (ECDSA P-256), and names it by kid.
create table auth.scanner (
  id         uuid primary key,
  kid        text not null constraint scanner_kid_key unique constraint scanner_kid_given check (kid <> ''),
  name       text not null constraint scanner_name_given check (name <> ''),
  public_key bytea not null, -- PKIX, DER
  created_by uuid constraint scanner_person_fk references auth.person on delete set null,
  created_at timestamptz not null
);

-- +goose Down
drop table auth.scanner, auth.letter;
alter table auth.application drop column tokens_not_before;
drop index auth.personal_token_expires;
alter table auth.credential drop column name, drop column networks, drop column versions, drop column last_used_from,
  drop column uses, drop column expiry_set_at;
