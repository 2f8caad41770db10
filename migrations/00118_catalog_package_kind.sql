-- +goose Up

-- Packages are counted by numbers: of what can be filtered by, each combination
-- once, and of keywords each list. A search counts these, and what people read
-- is looked up for the few that there are.
create table catalog.package_kind (
  id        int generated always as identity primary key,
  agency_id uuid not null,
  state     text not null,
  theme     text not null,
  licence   text not null,
  formats   text[] not null,
  constraint package_kind_key unique (agency_id, state, theme, licence, formats)
);
create table catalog.package_tags (
  id     int generated always as identity primary key,
  digest text not null constraint package_tags_key unique, -- of the list, which is too long for an index
  tags   text[] not null
);
alter table catalog.package_index
  add column kind_id int,
  add column tags_id int;

-- +goose StatementBegin
create function catalog.package_numbers() returns trigger language plpgsql as $$
declare
  list_digest text := md5(new.tags::text);
begin
  select k.id into new.kind_id from catalog.package_kind k
   where k.agency_id = new.agency_id and k.state = new.state and k.theme = new.theme and k.licence = new.licence and k.formats = new.formats;
  if not found then
    insert into catalog.package_kind (agency_id, state, theme, licence, formats)
    values (new.agency_id, new.state, new.theme, new.licence, new.formats)
    on conflict on constraint package_kind_key do update set state = excluded.state
    returning id into new.kind_id;
  end if;
  select t.id into new.tags_id from catalog.package_tags t where t.digest = list_digest;
  if not found then
    insert into catalog.package_tags (digest, tags) values (list_digest, new.tags)
    on conflict on constraint package_tags_key do update set digest = excluded.digest
    returning id into new.tags_id;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger package_numbers before insert or update on catalog.package_index
  for each row execute function catalog.package_numbers();

update catalog.package_index set name = name;
alter table catalog.package_index alter kind_id set not null, alter tags_id set not null;
create index package_index_counted on catalog.package_index (state) include (id, kind_id, tags_id, modified_at);

-- +goose Down
drop index catalog.package_index_counted;
drop trigger package_numbers on catalog.package_index;
drop function catalog.package_numbers;
alter table catalog.package_index drop column kind_id, drop column tags_id;
drop table catalog.package_tags;
drop table catalog.package_kind;
