-- +goose Up
-- Pages of documentation beside a version's document, kept with its revisions.
alter table catalog.version add column pages jsonb not null default '[]';
alter table catalog.revision add column pages jsonb not null default '[]';

-- +goose Down
alter table catalog.revision drop column pages;
alter table catalog.version drop column pages;
