-- +goose Up
-- Where the calls of a version are not as its document describes them: places
-- of the document and codes, counted; nothing of a call but a trace.
create table gateway.drift (
  version_id uuid not null,
  operation  text not null,
  direction  text not null constraint drift_direction_check check (direction in ('request', 'answer')),
  place      text not null,
  code       text not null,
  first_at   timestamptz not null,
  last_at    timestamptz not null,
  count      bigint not null constraint drift_count_check check (count > 0),
  trace_id   text not null,
  constraint drift_pkey primary key (version_id, operation, direction, place, code)
);

-- What was first found before that moment is forgotten.
alter table gateway.route add column drift_cleared_at timestamptz;

-- +goose Down
alter table gateway.route drop column drift_cleared_at;
drop table gateway.drift;
