-- +goose Up

-- What looks like personal data in a dataset: by part (a distribution, or the
-- dataset itself for its texts), place (a column) and kind. held: in a file or
-- text that was refused and is not kept. Examples are masked.
create table catalog.personal_finding (
  dataset_id uuid not null constraint personal_finding_dataset_fk references catalog.dataset on delete cascade,
  part       uuid not null,
  place      text not null,
  kind       text not null
             constraint personal_finding_kind check (kind in ('identity', 'phone', 'email', 'birth', 'address', 'bank', 'tax')),
  rows       bigint not null,
  examples   text[] not null,
  held       boolean not null,
  found_at   timestamptz not null,
  constraint personal_finding_key primary key (dataset_id, part, place, kind)
);

-- What a steward decided of it; it stands for later files too.
create table catalog.personal_decision (
  dataset_id uuid not null constraint personal_decision_dataset_fk references catalog.dataset on delete cascade,
  part       uuid not null,
  place      text not null,
  kind       text not null,
  decision   text not null constraint personal_decision_value check (decision in ('not-personal', 'allowed', 'remove')),
  ground     text not null constraint personal_decision_ground check (decision <> 'allowed' or ground <> ''),
  reason     text not null constraint personal_decision_reason check (reason <> ''),
  decided_by uuid,
  decided_at timestamptz not null,
  constraint personal_decision_key primary key (dataset_id, part, place, kind)
);

-- +goose Down
drop table catalog.personal_decision, catalog.personal_finding;
