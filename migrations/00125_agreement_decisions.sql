-- +goose Up
-- A request waits for its requester's answer since waits_since. While its clock
-- stands still due_was is until when it should have been decided, and due_at
-- far off, so that nothing that goes by the clock takes it for late. Where two persons decide, first_* is the approval that
-- waits for a second one, and first_terms what would be agreed.
alter table agreement.agreement
  add column waits_since  timestamptz,
  add column due_was      timestamptz,
  add column first_by     uuid,
  add column first_for    uuid,
  add column first_at     timestamptz,
  add column first_terms  jsonb,
  add column first_note   text not null default '',
  add column confirmed_at timestamptz; -- when a steward last said that it is still needed

-- In whose place a steward's colleague did it.
alter table agreement.event
  add column for_id   uuid,
  add column for_name text not null default '';

-- What an agency demands of its own decisions. No row: what stands here.
create table agreement.rule (
  agency_id      uuid primary key,
  two_persons    boolean not null default false, -- personal data needs a second steward
  confirm_months int not null default 12 constraint rule_confirm_months_check check (confirm_months between 1 and 24)
);

-- A steward who is away names a colleague of the agency.
create table agreement.delegation (
  id         uuid primary key,
  agency_id  uuid not null,
  from_id    uuid not null,
  to_id      uuid not null,
  starts     date not null,
  ends       date not null,
  reason     text not null,
  created_at timestamptz not null,
  ended_at   timestamptz,
  constraint delegation_period_check check (starts <= ends),
  constraint delegation_other_check check (from_id <> to_id)
);
create index delegation_by_agency on agreement.delegation (agency_id, ends);

-- Reminders that were sent: one for each of 30, 7 and 1 days before an end.
create table agreement.reminder (
  agreement_id uuid not null constraint reminder_agreement_fkey references agreement.agreement,
  ends         date not null, -- that they were about: an end that moves has its own
  days         int not null,
  sent_at      timestamptz not null,
  constraint reminder_key primary key (agreement_id, ends, days)
);
create index agreement_by_end on agreement.agreement (ends) where state in ('active', 'suspended');

-- +goose Down
drop index agreement.agreement_by_end;
drop table agreement.reminder;
drop table agreement.delegation;
drop table agreement.rule;
alter table agreement.event
  drop column for_name,
  drop column for_id;
alter table agreement.agreement
  drop column confirmed_at,
  drop column first_note,
  drop column first_terms,
  drop column first_at,
  drop column first_for,
  drop column first_by,
  drop column due_was,
  drop column waits_since;
