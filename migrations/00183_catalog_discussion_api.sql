-- +goose Up

-- A discussion is about a dataset or about an API.
alter table catalog.discussion
  alter dataset_id drop not null,
  add api_id uuid constraint discussion_api_fk references catalog.api on delete cascade,
  add constraint discussion_topic check (num_nonnulls(dataset_id, api_id) = 1);
create index discussion_api on catalog.discussion (api_id, updated_at desc, id desc);

-- +goose Down
drop index catalog.discussion_api;
delete from catalog.discussion where api_id is not null;
alter table catalog.discussion
  drop constraint discussion_topic,
  drop api_id,
  alter dataset_id set not null;
