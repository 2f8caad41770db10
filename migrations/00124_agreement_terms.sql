-- +goose Up
-- What a request says beside its fields: whose data, how many calls, how long
-- it is kept, to whom it goes on. What was agreed before said none of it.
alter table agreement.agreement
  add column subjects       text not null default '',
  add column volume_per_day int not null default 0
    constraint agreement_volume_check check (volume_per_day >= 0),
  add column retention_days int
    constraint agreement_retention_check check (retention_days between 0 and 36500),
  add column onward         text not null default '';
create index agreement_by_owner_agency on agreement.agreement (owner_agency_id, agency_id) where owner_agency_id is not null;
create index agreement_by_owner_person on agreement.agreement (owner_person_id, agency_id) where owner_person_id is not null;

-- Terms as they were until a revision changed them, so that what was asked for
-- is still read beside what was agreed.
create table agreement.terms (
  agreement_id uuid not null constraint terms_agreement_fkey references agreement.agreement,
  revision     int not null, -- the last one that had them
  terms        jsonb not null,
  constraint terms_key primary key (agreement_id, revision)
);

-- +goose Down
drop table agreement.terms;
drop index agreement.agreement_by_owner_person;
drop index agreement.agreement_by_owner_agency;
alter table agreement.agreement
  drop column onward,
  drop column retention_days,
  drop column volume_per_day,
  drop column subjects;
