-- +goose Up
-- What is to become of an agency whose service ends, on the day after last_day.
create table auth.agency_end (
  agency_id  uuid not null constraint agency_end_agency_fk references auth.agency,
  successor  uuid constraint agency_end_successor_fk references auth.agency, -- null: none
  last_day   date not null,
  reason     text not null constraint agency_end_reason_given check (reason <> ''),
  planned_by uuid constraint agency_end_person_fk references auth.person on delete set null,
  planned_at timestamptz not null,
  failure    text not null default '', -- the code of what kept it from happening, when it was tried last
  constraint agency_end_key primary key (agency_id),
  constraint agency_end_other check (successor <> agency_id)
);
create index agency_end_successor on auth.agency_end (successor);
create index agency_end_person on auth.agency_end (planned_by);
create index agency_by_successor on auth.agency (successor);
create index agency_by_parent on auth.agency (parent);

-- +goose Down
drop index auth.agency_by_parent, auth.agency_by_successor;
drop table auth.agency_end;
