-- +goose Up

-- What catalogue clients of the CKAN kind filter, sort and count by, one narrow
-- row a dataset, whatever its state. package_row says what a row holds; the
-- catalogue writes it in the transaction that changes the dataset.
create table catalog.package_index (
  id          uuid not null constraint package_index_dataset_fk references catalog.dataset on delete cascade,
  agency_id   uuid not null,
  name        text not null,
  title       text not null,
  state       text not null,
  theme       text not null,
  licence     text not null,
  tags        text[] not null, -- keywords of both languages, without punctuation, of 2 to 100 characters
  formats     text[] not null, -- of the current files, upper case
  created_at  timestamptz not null,
  modified_at timestamptz not null, -- of the text or of a file
  constraint package_index_key primary key (id)
);

create view catalog.package_row as
select d.id, d.agency_id, d.slug as name, d.title_vi as title, d.state, d.theme, d.licence,
       coalesce((select array_agg(distinct k.tag collate "C" order by k.tag collate "C")
                   from (select left(btrim(regexp_replace(translate(w, '!"#$%&''()*+,/:;<=>?@[\]^`{|}~', repeat(' ', 29)), ' +', ' ', 'g')), 100) as tag
                           from unnest(d.keywords_vi || d.keywords_en) w) k
                  where length(k.tag) >= 2), '{}') as tags,
       coalesce(f.formats, '{}') as formats, d.created_at, greatest(d.updated_at, f.uploaded_at) as modified_at
  from catalog.dataset d
  left join lateral (select array_agg(distinct upper(v.format)) as formats, max(v.uploaded_at) as uploaded_at
                       from catalog.distribution p
                       join catalog.file_version v on v.distribution_id = p.id and v.version = p.version
                      where p.dataset_id = d.id) f on true;

insert into catalog.package_index (id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at)
select id, agency_id, name, title, state, theme, licence, tags, formats, created_at, modified_at
  from catalog.package_row;

create index package_index_name on catalog.package_index (name text_pattern_ops);
create index package_index_agency on catalog.package_index (agency_id);
create index package_index_newest on catalog.package_index (modified_at desc, id);
create index package_index_tags on catalog.package_index using gin (tags);
create index distribution_dataset on catalog.distribution (dataset_id, position);

-- +goose Down
drop index catalog.distribution_dataset;
drop view catalog.package_row;
drop table catalog.package_index;
