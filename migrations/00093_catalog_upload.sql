-- +goose Up
-- A file on its way in, piece by piece. Its bytes lie in the data directory,
-- files/partial/ID; how many have come the file itself tells.
create table catalog.upload (
  id         uuid primary key,
  dataset_id uuid not null constraint upload_dataset_fk references catalog.dataset,
  person_id  uuid not null,
  file_name  text not null,
  size       bigint not null constraint upload_size_given check (size > 0),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index upload_person on catalog.upload (person_id);
create index upload_expires on catalog.upload (expires_at);

-- +goose Down
drop table catalog.upload;
