-- +goose Up
-- Since when an agency has its slug and its code, and which decision gave them;
-- null: since it is there. What it merged into, once it has ended.
alter table auth.agency
  add column slug_from date,
  add column code_from date,
  add column source text not null default '',
  add column successor uuid constraint agency_successor_fk references auth.agency
      constraint agency_successor_other check (successor <> id),
  add column ended_at timestamptz, -- its service was ended here; null: it was not
  add column end_reason text not null default '';
alter table auth.agency_alias add column source text not null default '';

-- +goose Down
alter table auth.agency_alias drop column source;
alter table auth.agency drop column slug_from, drop column code_from, drop column source, drop column successor,
  drop column ended_at, drop column end_reason;
