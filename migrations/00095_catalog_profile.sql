-- +goose Up
-- What was found in a column when its table was loaded, and whether questions
-- about it are answered from an index. Tables that were loaded before have
-- neither until their file is replaced.
alter table catalog.column_info
  add column indexed boolean not null default false,
  add column profile jsonb;

-- +goose Down
alter table catalog.column_info
  drop column indexed,
  drop column profile;
