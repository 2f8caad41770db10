-- +goose Up
-- A file that becomes a dataset step by step belongs to an agency before there
-- is a dataset that it could belong to.
alter table catalog.upload alter dataset_id drop not null;
alter table catalog.upload add agency_id uuid constraint upload_agency_fk references auth.agency;
alter table catalog.upload add constraint upload_for_one check (num_nonnulls(dataset_id, agency_id) = 1);

-- What a person has made of such a file so far. Its id is also its upload's, and
-- that of the distribution that it becomes.
create table catalog.intake (
  id         uuid primary key,
  agency_id  uuid not null constraint intake_agency_fk references auth.agency,
  person_id  uuid not null,
  level      text not null,  -- what the person had proved when work was asked for
  file_name  text not null,
  size       bigint not null,
  state      text not null constraint intake_state_known check (state in ('sending', 'reading', 'read', 'refused', 'making', 'made', 'unmade', 'sent')),
  revision   int not null,   -- of what people decided: plan and text
  plan       jsonb not null,
  text       jsonb not null,
  described  boolean not null, -- the text was looked through by the person
  found      jsonb,
  done_rows  bigint not null,  -- of the reading that is under way
  problem    jsonb,            -- why it was refused, or could not be made
  unsaved    jsonb not null,   -- what was typed when the session had ended, by step
  dataset_id uuid constraint intake_dataset_fk references catalog.dataset,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz not null
);
create index intake_person on catalog.intake (person_id, agency_id);
create index intake_expires on catalog.intake (expires_at);

-- +goose Down
drop table catalog.intake;
delete from catalog.upload where dataset_id is null;
alter table catalog.upload drop constraint upload_for_one;
alter table catalog.upload drop agency_id;
alter table catalog.upload alter dataset_id set not null;
