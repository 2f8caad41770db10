-- +goose Up
-- Lists of codes that agencies share. Every version is kept whole, with who
-- wrote it and why; version 0 is a list that nothing was put into yet.
create table catalog.code_list (
  id         uuid primary key,
  slug       text not null constraint code_list_slug_key unique
               constraint code_list_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 63),
  title_vi   text not null,
  title_en   text not null,
  source     text not null, -- the document that the codes are from
  version    int not null default 0,
  created_at timestamptz not null,
  changed_at timestamptz not null
);

create table catalog.code_list_version (
  list_id   uuid not null constraint code_list_version_list_fkey references catalog.code_list (id),
  version   int not null,
  at        timestamptz not null,
  person_id uuid constraint code_list_version_person_fkey references auth.person (id), -- null: the command line
  reason    text not null,
  added     int not null,
  changed   int not null,
  removed   int not null,
  entries   jsonb not null constraint code_list_version_entries check (jsonb_typeof(entries) = 'array'),
  constraint code_list_version_pkey primary key (list_id, version)
);

-- +goose Down
drop table catalog.code_list_version;
drop table catalog.code_list;
