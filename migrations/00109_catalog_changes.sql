-- +goose Up
-- What became of a table since the version before; null: the first version, or no table.
alter table catalog.file_version add column changes jsonb;

-- +goose Down
alter table catalog.file_version drop column changes;
