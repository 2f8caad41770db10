-- +goose Up
-- Versions whose document, when it was published or changed, may lack what
-- agreements on earlier versions of the API have: their holders are to be told.
create table catalog.loss_due (
  version_id uuid primary key constraint loss_due_version_fkey references catalog.version (id),
  since      timestamptz not null
);
-- What an application's owner was told that the version lacks, once each.
create table catalog.loss_told (
  version_id     uuid not null constraint loss_told_version_fkey references catalog.version (id),
  application_id uuid not null,
  part           text not null, -- operation, field and what became of it
  at             timestamptz not null,
  constraint loss_told_key primary key (version_id, application_id, part)
);

-- +goose Down
drop table catalog.loss_told;
drop table catalog.loss_due;
