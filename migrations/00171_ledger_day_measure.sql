-- +goose Up
-- How each version answered on each day, counted when the entries of its calls
-- are written. A call that was refused for what the caller did, one that the
-- caller left, and one of a sandbox stand nowhere here.
create table ledger.day_measure (
  day        date not null, -- in Vietnam
  version_id uuid not null,
  answered   bigint not null, -- by the service, with anything below 500
  failed     bigint not null, -- with 5xx, in vain, or broken off
  own        bigint not null, -- of those that failed, the platform's own doing
  times      bigint[] not null, -- of the answered: step i of 0 to 64 took up to 2^(i/4) ms, 65 longer
  constraint day_measure_pkey primary key (version_id, day)
);

-- What was recorded before, as Exchange.Measured says it.
insert into ledger.day_measure
select day, version_id, count(*) filter (where not failed), count(*) filter (where failed), count(*) filter (where failed and not behind),
       array(select count(x.step) from generate_series(0, 65) as s(i) left join unnest(array_agg(step) filter (where not failed)) as x(step) on x.step = s.i group by s.i order by s.i)
  from (select *, outcome = 'unknown' or status >= 500 or status < 400 and code <> '' and behind as failed
          from (select (at at time zone interval '7 hours')::date as day, version_id, status, code, outcome,
                       outcome <> 'unknown' and (code = '' or code ~ '^(upstream|answer|queue)-') as behind,
                       least(65, greatest(0, ceil(round(4 * log(2, greatest(micros, 1) / 1000), 9))))::int as step
                  from (select at, version_id, operation, status, coalesce(p ->> 'code', '') as code, coalesce(p ->> 'outcome', '') as outcome,
                               coalesce((p ->> 'micros')::numeric, 0) as micros
                          from (select at, version_id, operation, status, payload::jsonb as p
                                  from ledger.entry
                                 where kind = 'exchange' and version_id is not null and agency_id is not null and payload is not null) e) e
                 where status <> 499 and outcome <> 'broken' and code not in ('call-loop', 'not-cached') and not (code = '' and coalesce(operation, '') = '')) e) e
 where behind or failed
 group by day, version_id;

-- +goose Down
drop table ledger.day_measure;
