-- +goose Up
-- A revision holds everything of a version that decides its calls and what is
-- read of it: beside document and pages the plan, the upstreams, the traffic
-- with its conditions, and the marks.
alter table catalog.revision
  add column settings jsonb constraint revision_settings_object check (jsonb_typeof(settings) = 'object'), -- null: only document and pages were kept then
  add column hash     text not null default ''; -- SHA-256 of all of it, hexadecimal; '': as settings
-- What stands now is what the last revision of each version holds from here on.
alter table catalog.revision disable trigger revision_stays;
update catalog.revision r
   set settings = jsonb_build_object('plan', coalesce(v.plan_slug, ''),
         'upstreams', case when v.upstreams -> 0 ->> 'url' = v.upstream_url then v.upstreams when v.upstream_url = '' then '[]'::jsonb
                           else jsonb_build_array(jsonb_build_object('url', v.upstream_url, 'weight', 1)) end,
         'traffic', v.traffic,
         'operations', coalesce((select jsonb_object_agg(o.slug, jsonb_build_object('access', o.access, 'classification', o.classification,
                                        'subject_in', o.subject_in, 'subject_name', o.subject_name))
                                   from catalog.operation o where o.version_id = v.id), '{}'))
  from catalog.version v
 where v.id = r.version_id
   and r.number = (select max(number) from catalog.revision last where last.version_id = v.id)
   and r.spec_text = v.spec_text and r.pages = v.pages;
alter table catalog.revision enable trigger revision_stays;

-- What an agency demands of what goes live; none: one person is enough.
create table catalog.release_rule (
  agency_id   uuid primary key constraint release_rule_agency_fkey references auth.agency (id),
  two_persons boolean not null
);

-- A bundle on its way to being live. What is decided stays.
create table catalog.promotion (
  id          uuid primary key,
  version_id  uuid not null constraint promotion_version_fkey references catalog.version (id),
  state       text not null constraint promotion_state_known check (state in ('prepared', 'proposed', 'returned', 'promoted', 'dropped')),
  base        int not null, -- the revision that was live, or was the version, when it was last prepared
  spec_text   text not null,
  pages       jsonb not null,
  settings    jsonb not null,
  hash        text not null,
  why         text not null,
  prepared_at timestamptz not null,
  prepared_by uuid[] not null, -- persons who had a hand in it
  proposed_at timestamptz,
  proposed_by uuid,
  decided_at  timestamptz,
  decided_by  uuid,
  answer      text not null default '', -- why it was returned
  constraint promotion_proposed_whole check ((proposed_at is null) = (proposed_by is null)),
  constraint promotion_proposed_set check (state <> 'proposed' or proposed_at is not null)
);
create unique index promotion_open_key on catalog.promotion (version_id) where state in ('prepared', 'proposed', 'returned');

-- +goose Down
drop table catalog.promotion;
drop table catalog.release_rule;
alter table catalog.revision drop column settings, drop column hash;
