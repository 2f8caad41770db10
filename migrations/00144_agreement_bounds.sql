-- +goose Up
-- What calls under an agreement are held to beside operations and fields, by
-- operation: values of parameters, rows of lists, a dossier's number.
alter table agreement.agreement
  add column bounds jsonb not null default '[]';

-- +goose Down
alter table agreement.agreement
  drop column bounds;
