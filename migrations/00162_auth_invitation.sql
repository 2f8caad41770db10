-- +goose Up
-- Who was invited to a role, by a link in a letter that is good once.
create table auth.invitation (
  id           uuid primary key,
  agency_id    uuid constraint invitation_agency_fk references auth.agency, -- null: the whole platform
  role         text not null,
  email        text not null constraint invitation_email_lower check (email = lower(email)),
  name         text not null constraint invitation_name_given check (name <> ''),
  locale       text not null constraint invitation_locale check (locale in ('vi', 'en')),
  invited_by   uuid constraint invitation_by_fk references auth.person on delete set null,
  created_at   timestamptz not null,
  sent_at      timestamptz not null, -- when its letter was last asked for
  expires_at   timestamptz not null,
  hash         bytea constraint invitation_hash_key unique, -- SHA-256 of the link's random bytes; null: no letter is written yet
  accepted_at  timestamptz,
  person_id    uuid constraint invitation_person_fk references auth.person on delete set null, -- who took it up
  withdrawn_at timestamptz,
  constraint invitation_role check (
    (agency_id is null and role in ('operator', 'auditor')) or (agency_id is not null and role in ('publisher', 'steward')))
);
create unique index invitation_open_key on auth.invitation (agency_id, email, role) nulls not distinct
 where accepted_at is null and withdrawn_at is null;
create index invitation_agency on auth.invitation (agency_id, created_at);
create index invitation_person on auth.invitation (person_id);
create index invitation_by on auth.invitation (invited_by);

alter table auth.account_letter drop constraint account_letter_kind,
  add constraint account_letter_kind check (kind in ('sign-up', 'reset', 'email', 'email-changed', 'password-changed', 'invitation'));

-- +goose Down
delete from auth.account_letter where kind = 'invitation';
alter table auth.account_letter drop constraint account_letter_kind,
  add constraint account_letter_kind check (kind in ('sign-up', 'reset', 'email', 'email-changed', 'password-changed'));
drop table auth.invitation;
