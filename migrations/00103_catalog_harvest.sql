-- +goose Up
-- Other catalogues that an agency takes datasets over from, read whole each time.
create table catalog.harvest_source (
  id          uuid primary key,
  agency_id   uuid not null constraint harvest_source_agency_fkey references auth.agency (id),
  name        text not null,
  kind        text not null constraint harvest_source_kind_known check (kind in ('ckan', 'dcat', 'csv')),
  url         text not null,
  filter      jsonb not null,
  theme       text not null, -- of datasets that name none that is known
  licence     text not null, -- the same
  every_hours int not null constraint harvest_source_every check (every_hours between 0 and 8760), -- 0: only when somebody asks
  publishes   boolean not null, -- a steward lets what is new become public without a look
  created_at  timestamptz not null,
  next_at     timestamptz, -- null: nothing is due
  running_at  timestamptz, -- since when a reading is under way
  constraint harvest_source_url_key unique (agency_id, url)
);
create index harvest_source_due on catalog.harvest_source (next_at);

-- What was taken over, by the source's own key.
create table catalog.harvested (
  source_id  uuid not null constraint harvested_source_fkey references catalog.harvest_source (id) on delete cascade,
  key        text not null,
  dataset_id uuid not null constraint harvested_dataset_key unique constraint harvested_dataset_fkey references catalog.dataset (id),
  hash       bytea not null, -- of what was taken over last
  gone_at    timestamptz,    -- since when the source lacks it
  constraint harvested_key primary key (source_id, key)
);

-- Readings, newest kept.
create table catalog.harvest_run (
  id         uuid primary key,
  source_id  uuid not null constraint harvest_run_source_fkey references catalog.harvest_source (id) on delete cascade,
  started_at timestamptz not null,
  ended_at   timestamptz not null,
  seen       int not null,
  made       int not null,
  changed    int not null,
  same       int not null,
  gone       int not null,
  back       int not null,
  notes      jsonb not null, -- what was left out, and why
  fault      text not null   -- code; '': the reading was whole
);
create index harvest_run_source on catalog.harvest_run (source_id, id desc);

-- +goose Down
drop table catalog.harvest_run, catalog.harvested, catalog.harvest_source;
