-- +goose Up

-- A plan may have a quota of a month too, 0: none. An agreement keeps what its
-- plan had when it was asked for, as it does rate and quota of a day.
alter table catalog.plan
  add column quota_per_month integer not null default 0
    constraint plan_month_check check (quota_per_month >= 0);
alter table agreement.agreement
  add column quota_per_month int not null default 0
    constraint agreement_month_check check (quota_per_month >= 0);

-- +goose Down
alter table agreement.agreement drop column quota_per_month;
alter table catalog.plan drop column quota_per_month;
