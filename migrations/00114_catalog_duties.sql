-- What an agency has to do with its datasets is read off indexes, however many
-- they are.

-- +goose Up
-- When the newest of a dataset's files came, as its parts now stand; a link has none.
alter table catalog.dataset add column data_at timestamptz;

-- +goose StatementBegin
-- Old code uploads too: whoever adds, replaces or drops a file, the moment follows.
create function catalog.note_data() returns trigger language plpgsql as $$
declare
  of uuid;
  at timestamptz;
begin
  if tg_table_name = 'file_version' then
    select p.dataset_id into of from catalog.distribution p where p.id = new.distribution_id;
  elsif tg_op = 'DELETE' then
    of := old.dataset_id;
  else
    of := new.dataset_id;
  end if;
  select max(v.uploaded_at) into at
    from catalog.distribution p
    join catalog.file_version v on v.distribution_id = p.id and v.version = p.version
   where p.dataset_id = of;
  update catalog.dataset set data_at = at where id = of and data_at is distinct from at;
  return null;
end $$;
-- +goose StatementEnd

create trigger distribution_note_data after insert or delete or update of version on catalog.distribution
  for each row execute function catalog.note_data();
create trigger file_version_note_data after insert on catalog.file_version
  for each row execute function catalog.note_data();

update catalog.dataset d set data_at = f.at
  from (select p.dataset_id, max(v.uploaded_at) as at
          from catalog.distribution p
          join catalog.file_version v on v.distribution_id = p.id and v.version = p.version
         group by p.dataset_id) f
 where f.dataset_id = d.id;

create index dataset_to_decide on catalog.dataset (agency_id, review_by, id) where state = 'review';
create index dataset_to_review on catalog.dataset (agency_id, coalesce(reviewed_at, published_at), id) where state = 'published';
create index dataset_to_renew on catalog.dataset (agency_id, frequency, data_at, id) where state = 'published';
create index dataset_edit_to_decide on catalog.dataset_edit (review_by, dataset_id) where state = 'review';

-- +goose Down
drop index catalog.dataset_edit_to_decide;
drop index catalog.dataset_to_renew;
drop index catalog.dataset_to_review;
drop index catalog.dataset_to_decide;
drop trigger file_version_note_data on catalog.file_version;
drop trigger distribution_note_data on catalog.distribution;
drop function catalog.note_data();
alter table catalog.dataset drop column data_at;
