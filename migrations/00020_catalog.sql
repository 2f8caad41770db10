-- +goose Up
create schema catalog;

create table catalog.plan (
  slug            text primary key,
  title_vi        text not null,
  title_en        text not null,
  rate_per_minute integer not null constraint plan_rate_positive check (rate_per_minute > 0),
  quota_per_day   integer not null constraint plan_quota_positive check (quota_per_day > 0),
  decision        text not null constraint plan_decision_known check (decision in ('open', 'automatic', 'approval')),
  position        integer not null constraint plan_position_key unique
);

insert into catalog.plan (slug, title_vi, title_en, rate_per_minute, quota_per_day, decision, position) values
  ('open',              'Mở',                    'Open',                 60,   5000,    'open',      1),
  ('free-automatic',    'Miễn phí, tự động',     'Free, automatic',      120,  20000,   'automatic', 2),
  ('standard-approval', 'Tiêu chuẩn, cần duyệt', 'Standard, approved',   600,  100000,  'approval',  3),
  ('high',              'Lưu lượng lớn',         'High volume',          6000, 1000000, 'approval',  4);

create table catalog.api (
  id             uuid primary key,
  agency_id      uuid not null constraint api_agency_fkey references auth.agency (id),
  slug           text not null constraint api_slug_form check (slug ~ '^[a-z][a-z0-9-]{0,58}[a-z0-9]$'),
  title_vi       text not null constraint api_title_present check (title_vi <> ''),
  title_en       text not null,
  description_vi text not null,
  description_en text not null,
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  constraint api_slug_key unique (agency_id, slug)
);

create table catalog.version (
  id           uuid primary key,
  api_id       uuid not null constraint version_api_fkey references catalog.api (id),
  number       text not null constraint version_number_form check (number ~ '^v[1-9][0-9]{0,2}$'),
  state        text not null constraint version_state_known
               check (state in ('draft', 'review', 'sandbox', 'published', 'deprecated', 'retired')),
  upstream_url text not null default '',
  plan_slug    text constraint version_plan_fkey references catalog.plan (slug),
  spec_text    text not null, -- as it was imported
  spec_json    text not null, -- the same as JSON, in its own order, without servers
  findings     jsonb not null,
  created_at   timestamptz not null,
  updated_at   timestamptz not null,
  published_at timestamptz,
  sunset       timestamptz,
  constraint version_number_key unique (api_id, number),
  constraint version_published_at_set check ((published_at is not null) = (state in ('published', 'deprecated', 'retired'))),
  constraint version_complete check (state in ('draft', 'review', 'sandbox') or (upstream_url <> '' and plan_slug is not null))
);

create table catalog.operation (
  id             uuid primary key,
  version_id     uuid not null constraint operation_version_fkey references catalog.version (id),
  slug           text not null,
  method         text not null,
  path           text not null,
  position       integer not null, -- in the document
  access         text not null default '' constraint operation_access_known
                 check (access in ('', 'open', 'restricted', 'personal')),
  classification text not null default '' constraint operation_classification_known
                 check (classification in ('', 'public', 'internal', 'confidential')),
  subject_in     text not null default '' constraint operation_subject_in_known
                 check (subject_in in ('', 'path', 'query', 'header', 'body')),
  subject_name   text not null default '',
  doc            jsonb not null,
  constraint operation_slug_key unique (version_id, slug),
  constraint operation_address_key unique (version_id, method, path),
  constraint operation_subject_set check ((access = 'personal') = (subject_in <> '' and subject_name <> '')),
  constraint operation_marked_whole check ((access = '') = (classification = ''))
);

create table catalog.upstream (
  agency_id    uuid not null constraint upstream_agency_fkey references auth.agency (id),
  host_port    text not null,
  requested_at timestamptz not null,
  requested_by uuid constraint upstream_requested_by_fkey references auth.person (id),
  approved_at  timestamptz,
  approved_by  uuid constraint upstream_approved_by_fkey references auth.person (id),
  primary key (agency_id, host_port)
);

-- +goose Down
drop schema catalog cascade;
