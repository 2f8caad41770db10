-- +goose Up
-- What people were told: an event once a person. A notice lies in the portal
-- whatever becomes of its mail: now is sent at once, daily and weekly in one
-- letter with others, off not at all. Kept for half a year.
create schema portal;
create table portal.notice (
  id         uuid primary key, -- by time
  person_id  uuid not null constraint notice_person_fkey references auth.person (id),
  event      uuid not null,
  kind       text not null, -- from a closed list, notice.Kinds
  what       text not null, -- which of the words of its kind
  body       jsonb not null, -- what they are filled with
  created_at timestamptz not null,
  read_at    timestamptz,
  mail       text not null constraint notice_mail_check check (mail in ('now', 'daily', 'weekly', 'off')),
  mailed_at  timestamptz,
  constraint notice_once unique (person_id, event)
);
create index notice_list on portal.notice (person_id, id desc);
create index notice_unread on portal.notice (person_id) where read_at is null;
create index notice_to_bundle on portal.notice (mail, created_at) where mailed_at is null and mail in ('daily', 'weekly');
create index notice_created on portal.notice (created_at);

-- How a person wants mail of a kind. No row: as their role's, else the kind's own.
create table portal.notice_choice (
  person_id uuid not null constraint notice_choice_person_fkey references auth.person (id),
  kind      text not null,
  mail      text not null constraint notice_choice_mail_check check (mail in ('now', 'daily', 'weekly', 'off')),
  constraint notice_choice_key primary key (person_id, kind)
);

-- What a role of an agency hears of, and how; none: not at all. No row: the kind's own.
create table portal.notice_role (
  agency_id uuid not null constraint notice_role_agency_fkey references auth.agency (id),
  role      text not null,
  kind      text not null,
  mail      text not null constraint notice_role_mail_check check (mail in ('now', 'daily', 'weekly', 'off', 'none')),
  constraint notice_role_key primary key (agency_id, role, kind)
);

-- +goose Down
drop table portal.notice_role, portal.notice_choice, portal.notice;
drop schema portal;
