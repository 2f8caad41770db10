-- +goose Up
-- The names of a public thing's fields as they are compared (catalog/alike.go);
-- of what was indexed before none, until it is indexed again.
alter table catalog.search_doc add column fields text[] not null default '{}';
create index search_doc_fields on catalog.search_doc using gin (fields);

-- +goose Down
drop index catalog.search_doc_fields;
alter table catalog.search_doc drop column fields;
