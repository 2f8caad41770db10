-- +goose Up

-- Which columns of a table together could tell a person, and what was found of
-- groups smaller than k. held: of a file that was refused and is not kept.
-- decided: what a steward allows, up to how many rows.
create table catalog.anonymity (
  distribution_id uuid not null constraint anonymity_distribution_fk references catalog.distribution on delete cascade,
  dataset_id      uuid not null constraint anonymity_dataset_fk references catalog.dataset on delete cascade,
  columns         text[] not null constraint anonymity_columns_some check (cardinality(columns) between 1 and 8), -- keys
  k               int not null constraint anonymity_k_bound check (k between 2 and 100),
  found           jsonb not null,
  held            jsonb,
  decided         jsonb,
  set_by          uuid,
  set_at          timestamptz not null,
  constraint anonymity_key primary key (distribution_id)
);
create index anonymity_dataset on catalog.anonymity (dataset_id);

-- +goose Down
drop table catalog.anonymity;
