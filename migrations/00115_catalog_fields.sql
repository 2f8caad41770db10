-- +goose Up

-- What an agency asks of its datasets beside what every dataset is asked: the
-- schema in force, one row an agency once it has had one, and every wording.
create table catalog.field_schema (
  agency_id  uuid not null constraint field_schema_agency_fk references auth.agency,
  version    int not null constraint field_schema_version_counts check (version >= 1),
  fields     jsonb not null, -- as it was read
  constraint field_schema_key primary key (agency_id)
);
create table catalog.field_schema_version (
  agency_id  uuid not null constraint field_schema_version_agency_fk references catalog.field_schema on delete cascade,
  version    int not null,
  text       text not null constraint field_schema_text_bound check (octet_length(text) <= 65536),
  written_by uuid,
  written_at timestamptz not null,
  constraint field_schema_version_key primary key (agency_id, version)
);

-- The values, by the names of the fields: a text, or a list of texts. One whose
-- field is gone from the schema stays.
alter table catalog.dataset add column fields jsonb not null default '{}';

-- +goose Down
alter table catalog.dataset drop column fields;
drop table catalog.field_schema_version, catalog.field_schema;
