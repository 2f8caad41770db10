-- +goose Up

-- Who is written to, and how often. next_at is when the next digest is due;
-- read_to is until when the last one told.
create table catalog.follower (
  person  uuid primary key,
  every   text not null constraint follower_every check (every in ('daily', 'weekly')),
  read_to timestamptz not null,
  next_at timestamptz not null
);
create index follower_due on catalog.follower (next_at);

create table catalog.follow (
  person     uuid not null constraint follow_follower_fk references catalog.follower on delete cascade,
  kind       text not null constraint follow_kind check (kind in ('dataset', 'agency')),
  target     uuid not null,
  created_at timestamptz not null,
  constraint follow_key primary key (person, kind, target)
);

create index file_version_uploaded on catalog.file_version (uploaded_at);
create index dataset_published on catalog.dataset (published_at);

-- +goose Down
drop index catalog.dataset_published, catalog.file_version_uploaded;
drop table catalog.follow, catalog.follower;
