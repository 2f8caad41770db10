-- +goose Up
-- Who works on a person's application beside who owns it first (application.owner_person).
create table auth.application_member (
  application_id uuid not null constraint application_member_application_fk references auth.application on delete cascade,
  person_id      uuid not null constraint application_member_person_fk references auth.person,
  role           text not null constraint application_member_role check (role in ('owner', 'developer')),
  added_by       uuid constraint application_member_by_fk references auth.person on delete set null,
  added_at       timestamptz not null,
  constraint application_member_key primary key (application_id, person_id)
);
create index application_member_person on auth.application_member (person_id);

-- Somebody else works on it, or did: who knows its keys may not come by its
-- owner's roles, so from then on it acts with none.
alter table auth.application add column shared boolean not null default false;

-- Who was invited to a team, or to take an application over, by a link in a
-- letter that is good once.
create table auth.team_invitation (
  id             uuid primary key,
  application_id uuid not null constraint team_invitation_application_fk references auth.application on delete cascade,
  role           text not null constraint team_invitation_role check (role in ('owner', 'developer', 'transfer')),
  email          text not null constraint team_invitation_email_lower check (email = lower(email)),
  locale         text not null constraint team_invitation_locale check (locale in ('vi', 'en')),
  invited_by     uuid constraint team_invitation_by_fk references auth.person on delete set null,
  sent_at        timestamptz not null, -- when its letter was last asked for
  expires_at     timestamptz not null,
  hash           bytea constraint team_invitation_hash_key unique -- SHA-256 of the link's random bytes; null: no letter is written yet
);
create unique index team_invitation_open_key on auth.team_invitation (application_id, email);
create unique index team_invitation_transfer_key on auth.team_invitation (application_id) where role = 'transfer';
create index team_invitation_by on auth.team_invitation (invited_by);

alter table auth.account_letter drop constraint account_letter_kind,
  add constraint account_letter_kind check (kind in ('sign-up', 'reset', 'email', 'email-changed', 'password-changed', 'invitation', 'team'));

-- +goose Down
delete from auth.account_letter where kind = 'team';
alter table auth.account_letter drop constraint account_letter_kind,
  add constraint account_letter_kind check (kind in ('sign-up', 'reset', 'email', 'email-changed', 'password-changed', 'invitation'));
drop table auth.team_invitation;
alter table auth.application drop column shared;
drop table auth.application_member;
