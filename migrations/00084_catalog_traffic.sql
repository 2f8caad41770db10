-- +goose Up
-- How a version's calls are held and sent beside its plan: gateway.Traffic as
-- JSON, which the catalogue keeps and hands on without reading it.
alter table catalog.version add column traffic jsonb not null default '{}'
  constraint version_traffic_check check (jsonb_typeof(traffic) = 'object');

-- +goose Down
alter table catalog.version drop column traffic;
