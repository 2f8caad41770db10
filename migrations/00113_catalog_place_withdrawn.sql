-- Columns that say where their rows are by a code list, and what is left of a
-- dataset that was withdrawn.

-- +goose Up
alter table catalog.column_info
  add column place text not null default '' constraint column_info_place_known check (place in ('', 'code', 'name', 'none'));

-- Since when a dataset that was public is not any more, why (for everyone to
-- read; what was withdrawn before has no such words), and what takes its place.
alter table catalog.dataset
  add column withdrawn_at timestamptz,
  add column withdrawn_why text not null default '',
  add column replaced_by uuid constraint dataset_replaced_by_fk references catalog.dataset on delete set null;

-- +goose StatementBegin
-- Old code withdraws and publishes too: whatever moves a dataset, the marks follow.
create function catalog.mark_withdrawn() returns trigger language plpgsql as $$
begin
  if new.state = 'published' then
    new.withdrawn_at := null;
    new.withdrawn_why := '';
    new.replaced_by := null;
  elsif old.state = 'published' and new.withdrawn_at is null then
    new.withdrawn_at := new.updated_at;
  end if;
  return new;
end $$;
-- +goose StatementEnd

create trigger dataset_mark_withdrawn before update of state on catalog.dataset
  for each row execute function catalog.mark_withdrawn();

update catalog.dataset set withdrawn_at = updated_at where state = 'withdrawn' and published_at is not null;

create index dataset_withdrawn_at on catalog.dataset (withdrawn_at, id) where withdrawn_at is not null;

-- +goose Down
drop index catalog.dataset_withdrawn_at;
drop trigger dataset_mark_withdrawn on catalog.dataset;
drop function catalog.mark_withdrawn();
alter table catalog.dataset drop column withdrawn_at, drop column withdrawn_why, drop column replaced_by;
alter table catalog.column_info drop column place;
