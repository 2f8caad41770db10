-- +goose Up
-- A changed description of a public dataset, which the public does not see
-- until it is approved. Its id changes with every save, so that a steward
-- approves what they read.
create table catalog.dataset_edit (
  dataset_id  uuid primary key constraint dataset_edit_dataset_fk references catalog.dataset,
  id          uuid not null,
  text        jsonb not null,
  state       text not null constraint dataset_edit_state check (state in ('review', 'returned')),
  reason      text not null,
  proposed_by uuid not null,
  proposed_at timestamptz not null,
  review_by   timestamptz not null
);

-- Who asked for the publication at publish_at.
alter table catalog.dataset add column scheduled_by uuid;

-- When the publishers of an agency were last told what is due.
create table catalog.duty_letter (
  agency_id uuid primary key,
  sent_at   timestamptz not null
);

-- +goose Down
drop table catalog.duty_letter;
alter table catalog.dataset drop column scheduled_by;
drop table catalog.dataset_edit;
