-- +goose Up
-- Calls used of a quota by the day or the month, all nodes together: of an
-- agreement, or of another key that the gateway derives (16 bytes). Periods
-- begin at midnight in Vietnam. gateway.quota_use, which knew days of agreements
-- only, stays for nodes of an earlier version until they are gone.
create table gateway.quota_count (
  key    uuid not null,
  period smallint not null constraint quota_count_period_check check (period in (1, 2)), -- day, month
  begins date not null,
  used   bigint not null constraint quota_count_used_check check (used >= 0),
  constraint quota_count_pkey primary key (begins, period, key)
);
insert into gateway.quota_count (key, period, begins, used)
select agreement_id, 1, day, used from gateway.quota_use where day >= current_date - 1;

alter table gateway.grant add column quota_per_month int not null default 0; -- 0: none

-- +goose Down
alter table gateway.grant drop column quota_per_month;
drop table gateway.quota_count;
