-- +goose Up

-- A version's upstream addresses with their weights, when there are several.
-- The first is upstream_url; a list whose first is another is out of date, for
-- a release that knows one address only has written that one since.
alter table catalog.version
  add column upstreams jsonb not null default '[]'
    constraint version_upstreams_list check (jsonb_typeof(upstreams) = 'array');

-- +goose Down
alter table catalog.version drop column upstreams;
