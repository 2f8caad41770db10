-- +goose Up
-- What calls of applications were refused or failed with, by day, counted when
-- their entries are written: a year of them is read at once.
create table ledger.day_failure (
  day            date not null, -- in Vietnam
  application_id uuid not null,
  version_id     uuid not null,
  operation      text not null,
  status         int not null, -- 0: the answer never began
  code           text not null, -- of the gateway's problem; '' where the service itself answered so
  calls          bigint not null,
  last_at        timestamptz not null,
  constraint day_failure_pkey primary key (application_id, day, version_id, operation, status, code)
);

insert into ledger.day_failure (day, application_id, version_id, operation, status, code, calls, last_at)
select (at at time zone interval '7 hours')::date, application_id, version_id, operation, status, coalesce(payload::jsonb ->> 'code', ''), count(*), max(at)
  from ledger.entry
 where kind = 'exchange' and application_id is not null and version_id is not null and (status >= 400 or status = 0)
 group by 1, 2, 3, 4, 5, 6;

-- +goose Down
drop table ledger.day_failure;
