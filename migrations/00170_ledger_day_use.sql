-- +goose Up
-- Calls by day, counted when their entries are written, so that a year of them
-- is read at once. The zero id stands for nobody and for no agreement.
create table ledger.day_use (
  day            date not null, -- in Vietnam
  version_id     uuid not null,
  operation      text not null,
  application_id uuid not null,
  agreement_id   uuid not null,
  agency_id      uuid not null, -- whose service it is
  calls          bigint not null,
  refused        bigint not null, -- of those, answered with 4xx
  failed         bigint not null, -- of those, answered with 5xx, or not to the end
  bytes          bigint not null, -- of the answers
  times          bigint[] not null, -- calls that took up to 10, 25, 50, 100, 250, 500, 1000, 2500, 5000 ms, and longer
  constraint day_use_pkey primary key (day, version_id, operation, application_id, agreement_id)
);
create index day_use_agency on ledger.day_use (agency_id, day);
create index day_use_application on ledger.day_use (application_id, day);

insert into ledger.day_use
select day, version_id, operation, application_id, agreement_id, agency_id, count(*),
       count(*) filter (where status between 400 and 499), count(*) filter (where status >= 500 or status = 0), coalesce(sum(bytes), 0),
       array[count(*) filter (where ms <= 10), count(*) filter (where ms > 10 and ms <= 25), count(*) filter (where ms > 25 and ms <= 50),
             count(*) filter (where ms > 50 and ms <= 100), count(*) filter (where ms > 100 and ms <= 250), count(*) filter (where ms > 250 and ms <= 500),
             count(*) filter (where ms > 500 and ms <= 1000), count(*) filter (where ms > 1000 and ms <= 2500), count(*) filter (where ms > 2500 and ms <= 5000),
             count(*) filter (where ms > 5000 or ms is null)]
  from (select (at at time zone interval '7 hours')::date as day, version_id, operation,
               coalesce(application_id, '00000000-0000-0000-0000-000000000000') as application_id,
               coalesce(agreement_id, '00000000-0000-0000-0000-000000000000') as agreement_id, agency_id, status,
               (payload::jsonb ->> 'response_bytes')::bigint as bytes, (payload::jsonb ->> 'micros')::bigint / 1000.0 as ms
          from ledger.entry
         where kind = 'exchange' and version_id is not null and agency_id is not null) e
 group by day, version_id, operation, application_id, agreement_id, agency_id;

-- +goose Down
drop table ledger.day_use;
