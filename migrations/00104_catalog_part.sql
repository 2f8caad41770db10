-- +goose Up
-- What a distribution is now, a file or a link: its format, and when that last
-- changed.
create view catalog.part as
select p.id, p.dataset_id, upper(coalesce(f.format, l.format)) as format, coalesce(f.uploaded_at, l.set_at) as changed_at
  from catalog.distribution p
  left join catalog.file_version f on f.distribution_id = p.id and f.version = p.version
  left join catalog.link l on l.distribution_id = p.id;

create or replace view catalog.package_row as
select d.id, d.agency_id, d.slug as name, d.title_vi as title, d.state, d.theme, d.licence,
       coalesce((select array_agg(distinct k.tag collate "C" order by k.tag collate "C")
                   from (select left(btrim(regexp_replace(translate(w, '!"#$%&''()*+,/:;<=>?@[\]^`{|}~', repeat(' ', 29)), ' +', ' ', 'g')), 100) as tag
                           from unnest(d.keywords_vi || d.keywords_en) w) k
                  where length(k.tag) >= 2), '{}') as tags,
       coalesce(f.formats, '{}') as formats, d.created_at, greatest(d.updated_at, f.changed_at) as modified_at
  from catalog.dataset d
  left join lateral (select array_agg(distinct p.format) filter (where d.access_rights <> 'RESTRICTED') as formats, max(p.changed_at) as changed_at
                       from catalog.part p
                      where p.dataset_id = d.id) f on true;

-- +goose Down
create or replace view catalog.package_row as
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
drop view catalog.part;
