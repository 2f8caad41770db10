-- +goose Up

-- Whether a person whose application calls an API finds it useful.
create table catalog.rating (
  api_id     uuid not null constraint rating_api_fk references catalog.api on delete cascade,
  person     uuid not null,
  useful     boolean not null,
  updated_at timestamptz not null,
  constraint rating_key primary key (api_id, person)
);
create index rating_person on catalog.rating (person);

-- +goose Down
drop table catalog.rating;
