-- +goose Up
create schema auth;

create table auth.agency (
  id          uuid primary key,
  slug        text not null constraint agency_slug_key unique
              constraint agency_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 63),
  code        text not null constraint agency_code_key unique
              constraint agency_code_form check (code ~ '^[A-Z0-9]+(\.[A-Z0-9]+)*$' and length(code) <= 35),
  synthetic   boolean not null,
  name_vi     text not null constraint agency_name_vi_given check (name_vi <> ''),
  name_en     text not null constraint agency_name_en_given check (name_en <> ''),
  parent      uuid constraint agency_parent_fk references auth.agency,
  valid_from  date not null,
  valid_to    date,
  note_vi     text not null,
  note_en     text not null,
  focal_name  text not null,
  focal_email text not null,
  focal_phone text not null,
  constraint agency_valid_order check (valid_to is null or valid_to >= valid_from)
);

-- What an agency was once called. A value leads to one agency only.
create table auth.agency_alias (
  kind       text not null constraint agency_alias_kind check (kind in ('slug', 'code')),
  value      text not null constraint agency_alias_value_given check (value <> ''),
  agency_id  uuid not null constraint agency_alias_agency_fk references auth.agency on delete cascade,
  valid_from date not null,
  valid_to   date,
  constraint agency_alias_key primary key (kind, value)
);
create index agency_alias_agency on auth.agency_alias (agency_id);

create table auth.person (
  id          uuid primary key,
  email       text not null constraint person_email_key unique constraint person_email_lower check (email = lower(email)),
  name        text not null constraint person_name_given check (name <> ''),
  password    text, -- argon2id in its PHC string; null until one is set
  locale      text not null constraint person_locale check (locale in ('vi', 'en')),
  demo        boolean not null,
  created_at  timestamptz not null,
  disabled_at timestamptz
);

create table auth.membership (
  person_id  uuid not null constraint membership_person_fk references auth.person on delete cascade,
  agency_id  uuid constraint membership_agency_fk references auth.agency, -- null: the whole platform
  role       text not null,
  created_at timestamptz not null,
  constraint membership_key unique nulls not distinct (person_id, agency_id, role),
  constraint membership_role check (
    (agency_id is null and role in ('operator', 'auditor')) or (agency_id is not null and role in ('publisher', 'steward')))
);
create index membership_agency on auth.membership (agency_id);

-- A session or a one-time link is found by the SHA-256 of its 32 random bytes.
create table auth.session (
  hash       bytea primary key,
  person_id  uuid not null constraint session_person_fk references auth.person on delete cascade,
  created_at timestamptz not null,
  seen_at    timestamptz not null
);
create index session_person on auth.session (person_id);
create index session_created on auth.session (created_at);

create table auth.link (
  hash       bytea primary key,
  person_id  uuid not null constraint link_person_fk references auth.person on delete cascade,
  expires_at timestamptz not null
);
create index link_person on auth.link (person_id);

create table auth.personal_token (
  id             uuid primary key,
  person_id      uuid not null constraint personal_token_person_fk references auth.person on delete cascade,
  name           text not null constraint personal_token_name_given check (name <> ''),
  lookup         text not null constraint personal_token_lookup_key unique,
  hash           bytea not null,
  pepper_version int not null,
  last4          text not null,
  created_at     timestamptz not null,
  last_used_at   timestamptz,
  expires_at     timestamptz not null
);
create index personal_token_person on auth.personal_token (person_id);

create table auth.application (
  id            uuid primary key, -- the client_id
  owner_person  uuid constraint application_person_fk references auth.person,
  owner_agency  uuid constraint application_agency_fk references auth.agency,
  name          text not null constraint application_name_given check (name <> ''),
  description   text not null,
  kind          text not null constraint application_kind check (kind in ('confidential', 'public')),
  redirect_uris text[] not null,
  created_at    timestamptz not null,
  disabled_at   timestamptz,
  constraint application_one_owner check (num_nonnulls(owner_person, owner_agency) = 1)
);
create index application_person on auth.application (owner_person, id);
create index application_agency on auth.application (owner_agency, id);
create index application_disabled on auth.application (id) where disabled_at is not null;

create table auth.credential (
  id             uuid primary key,
  application_id uuid not null constraint credential_application_fk references auth.application on delete cascade,
  kind           text not null constraint credential_kind check (kind in ('api_key', 'client_secret')),
  lookup         text not null constraint credential_lookup_key unique,
  hash           bytea not null,
  pepper_version int not null,
  last4          text not null,
  created_by     uuid constraint credential_person_fk references auth.person on delete set null,
  created_at     timestamptz not null,
  last_used_at   timestamptz,
  expires_at     timestamptz not null,
  revoked_at     timestamptz
);
create index credential_application on auth.credential (application_id, kind);

-- +goose Down
drop schema auth cascade;
