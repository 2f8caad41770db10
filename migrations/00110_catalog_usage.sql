-- +goose Up

-- How often a public dataset was used in a month of the province's calendar.
-- part is a distribution; 0…0 is the dataset's page, and all its files in one.
-- Nothing here says who.
create table catalog.usage (
  month      date not null constraint usage_month check (extract(day from month) = 1),
  dataset_id uuid not null constraint usage_dataset_fk references catalog.dataset on delete cascade,
  part       uuid not null,
  views      bigint not null,
  downloads  bigint not null,
  row_calls  bigint not null,
  constraint usage_key primary key (dataset_id, month, part)
);
create index usage_by_month on catalog.usage (month);

-- The same summed up, for lists that are sorted by it: added to with each count,
-- and reckoned anew each hour, when a month falls out.
create table catalog.usage_sum (
  dataset_id   uuid not null constraint usage_sum_dataset_fk references catalog.dataset on delete cascade,
  uses         bigint not null, -- of the last twelve months
  views_recent bigint not null, -- of this month and the one before
  views_total  bigint not null,
  constraint usage_sum_key primary key (dataset_id)
);

-- How often the whole catalogue was fetched in a format.
create table catalog.usage_catalogue (
  month  date not null,
  format text not null,
  reads  bigint not null,
  constraint usage_catalogue_key primary key (month, format)
);

-- The dataset as which the platform publishes what is counted: one, or none.
create table catalog.usage_dataset (
  single          boolean not null default true constraint usage_dataset_single check (single),
  dataset_id      uuid not null constraint usage_dataset_dataset_fk references catalog.dataset on delete cascade,
  distribution_id uuid not null,
  made_at         timestamptz not null, -- when its table was last made
  constraint usage_dataset_key primary key (single)
);

-- +goose Down
drop table catalog.usage_dataset, catalog.usage_catalogue, catalog.usage_sum, catalog.usage;
