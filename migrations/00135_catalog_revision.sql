-- +goose Up
-- What a version's document was at each time: added to, never changed.
create table catalog.revision (
  version_id uuid not null constraint revision_version_fkey references catalog.version (id),
  number     int not null constraint revision_number_positive check (number > 0),
  spec_text  text not null,
  why        text not null,
  by         uuid, -- person; null: not known, or a program's doing
  at         timestamptz not null,
  restores   int, -- the earlier revision whose text it is
  note       jsonb not null default '[]', -- what might have broken callers, and was let pass since nobody calls it
  constraint revision_key primary key (version_id, number),
  constraint revision_restores_fkey foreign key (version_id, restores) references catalog.revision (version_id, number)
);
insert into catalog.revision (version_id, number, spec_text, why, at) select id, 1, spec_text, '', updated_at from catalog.version;

-- +goose StatementBegin
create function catalog.revision_stays() returns trigger language plpgsql as $$
begin
  raise exception 'a revision is never changed' using errcode = 'integrity_constraint_violation';
end $$;
-- +goose StatementEnd
create trigger revision_stays before update or delete or truncate on catalog.revision
  for each statement execute function catalog.revision_stays();

-- +goose Down
drop table catalog.revision;
drop function catalog.revision_stays();
