-- +goose Up

-- What people made of a dataset. Everybody sees what a steward approved.
create table catalog.reuse (
  id             uuid primary key,
  dataset_id     uuid not null constraint reuse_dataset_fk references catalog.dataset on delete cascade,
  author         uuid, -- null once the account is gone
  kind           text not null constraint reuse_kind check (kind in ('app', 'article', 'study', 'picture', 'service', 'other')),
  title_vi       text not null,
  title_en       text not null,
  description_vi text not null,
  description_en text not null,
  url            text not null,
  host           text not null, -- of the address, lower case
  state          text not null constraint reuse_state check (state in ('waiting', 'shown', 'refused')),
  reason         text not null,
  created_at     timestamptz not null,
  decided_at     timestamptz,
  link_state     text not null default 'unchecked' constraint reuse_link_state check (link_state in ('unchecked', 'ok', 'broken')),
  link_failures  int not null default 0, -- in a row
  link_checked_at timestamptz,
  link_next_at   timestamptz not null,
  constraint reuse_titled check (title_vi <> '' or title_en <> ''),
  constraint reuse_described check (description_vi <> '' or description_en <> ''),
  constraint reuse_refused check (state <> 'refused' or reason <> '')
);
create unique index reuse_once on catalog.reuse (dataset_id, md5(url)) where state <> 'refused';
create index reuse_shown on catalog.reuse (id desc) where state = 'shown';
create index reuse_author on catalog.reuse (author, created_at);
create index reuse_due on catalog.reuse (link_next_at) where state <> 'refused';

-- +goose Down
drop table catalog.reuse;
