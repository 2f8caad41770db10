-- +goose Up
-- What is told of a version's end: since when, what takes its place, and where
-- the agency writes about it.
alter table catalog.version
  add column deprecated_at timestamptz,
  add column successor_id  uuid constraint version_successor_fkey references catalog.version (id),
  add column docs_url      text not null default '',
  add constraint version_successor_other check (successor_id <> id);
update catalog.version set deprecated_at = updated_at where state = 'deprecated';
create index version_ends on catalog.version (sunset) where state = 'deprecated';

-- Letters owed to those who call a version, at a time: written once, by one node.
create table catalog.version_notice (
  id         uuid primary key,
  version_id uuid not null constraint version_notice_version_fkey references catalog.version (id),
  kind       text not null constraint version_notice_kind check (kind in ('deprecated', 'near', 'moved', 'kept', 'ended')),
  sunset     timestamptz, -- as it was announced; null where there is none
  reason     text not null,
  due_at     timestamptz not null,
  written_at timestamptz,
  letters    int not null default 0
);
create index version_notice_due on catalog.version_notice (due_at) where written_at is null;
create index version_notice_version on catalog.version_notice (version_id, due_at);

-- +goose Down
drop table catalog.version_notice;
drop index catalog.version_ends;
alter table catalog.version drop constraint version_successor_other, drop column docs_url, drop column successor_id, drop column deprecated_at;
