-- What DCAT-AP 3.0.1 and Circular 24/2011 describe of a dataset beyond what
-- 00025 keeps, and when it is published, looked through and reviewed.
-- +goose Up
alter table catalog.dataset
  add column access_rights    text not null default 'PUBLIC',
  add column rights_vi        text not null default '',
  add column rights_en        text not null default '',
  add column creator          text not null default '', -- '': the agency
  add column languages        text[] not null default '{VIE}',
  add column version          text not null default '',
  add column version_notes_vi text not null default '',
  add column version_notes_en text not null default '',
  add column conforms_to      text[] not null default '{}', -- addresses of standards
  add column provenance_vi    text not null default '',
  add column provenance_en    text not null default '',
  add column spatial_codes    text[] not null default '{}', -- of a province: 2 digits; of a commune: 5
  add column bbox             double precision[] not null default '{}'
             constraint dataset_bbox_form check (cardinality(bbox) in (0, 4)), -- west, south, east, north, in degrees
  add column landing_page     text not null default '',
  add column publish_at       timestamptz, -- an approved one becomes public by itself
  add column review_by        timestamptz, -- until when the steward decides on what was submitted
  add column reviewed_at      timestamptz; -- when a published one was last looked through
create index dataset_publish_at on catalog.dataset (publish_at) where publish_at is not null;
create index dataset_review_by on catalog.dataset (review_by) where review_by is not null;

-- +goose Down
alter table catalog.dataset
  drop column access_rights, drop column rights_vi, drop column rights_en, drop column creator, drop column languages,
  drop column version, drop column version_notes_vi, drop column version_notes_en, drop column conforms_to,
  drop column provenance_vi, drop column provenance_en, drop column spatial_codes, drop column bbox,
  drop column landing_page, drop column publish_at, drop column review_by, drop column reviewed_at;
