-- +goose Up
-- People are found by name and address, without marks and in small letters, in
-- an order that a page can go on from.
-- +goose StatementBegin
create function auth.fold(words text) returns text
language sql immutable strict parallel safe
return lower(translate(regexp_replace(normalize(words, NFD), '[\u0300-\u036f]', '', 'g'), 'Đđ', 'dd'));
-- +goose StatementEnd
alter table auth.person
  add column sought text collate "C" not null generated always as (auth.fold(name || ' ' || email)) stored;
create index person_sought on auth.person (sought, id);

-- Calls by hour, so that the last 24 hours of the whole province are read at
-- once. Hours that are over for two days go when others are counted.
create table ledger.hour_use (
  hour       timestamptz not null, -- its beginning
  version_id uuid not null,
  agency_id  uuid not null, -- whose service it is
  calls      bigint not null,
  refused    bigint not null, -- of those, answered with 4xx
  failed     bigint not null, -- of those, answered with 5xx, or not to the end
  constraint hour_use_pkey primary key (hour, version_id, agency_id)
);

insert into ledger.hour_use
select date_trunc('hour', at, 'UTC'), version_id, agency_id, count(*),
       count(*) filter (where status between 400 and 499), count(*) filter (where status >= 500 or status = 0)
  from ledger.entry
 where kind = 'exchange' and version_id is not null and agency_id is not null and at > now() - interval '2 days'
 group by 1, 2, 3;

-- +goose Down
drop table ledger.hour_use;
drop index auth.person_sought;
alter table auth.person drop column sought;
drop function auth.fold;
