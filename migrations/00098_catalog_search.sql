-- +goose Up
alter table catalog.search_doc
  add column licence  text not null default '',
  add column access   text[] not null default '{}', -- open, restricted, personal
  add column keywords text[] not null default '{}',
  add column parent   uuid,                         -- of an operation, its API
  add column first_at timestamptz not null default now(); -- since when it is found

-- Each combination of values that can be filtered by, once. Documents are
-- counted by its number, which is small, and facets are sums over combinations.
create table catalog.search_group (
  id        int generated always as identity primary key,
  kind      text not null,
  agency_id uuid not null,
  theme     text not null,
  formats   text[] not null,
  licence   text not null,
  access    text[] not null,
  constraint search_group_key unique (kind, agency_id, theme, formats, licence, access)
);
alter table catalog.search_doc add column group_id int;
-- +goose StatementBegin
create function catalog.search_doc_group() returns trigger language plpgsql as $$
begin
  select g.id into new.group_id from catalog.search_group g
   where g.kind = new.kind and g.agency_id = new.agency_id and g.theme = new.theme and g.formats = new.formats
     and g.licence = new.licence and g.access = new.access;
  if not found then
    insert into catalog.search_group (kind, agency_id, theme, formats, licence, access)
    values (new.kind, new.agency_id, new.theme, new.formats, new.licence, new.access)
    on conflict on constraint search_group_key do update set kind = excluded.kind
    returning id into new.group_id;
  end if;
  return new;
end $$;
-- +goose StatementEnd
create trigger search_doc_group before insert or update on catalog.search_doc
  for each row execute function catalog.search_doc_group();
update catalog.search_doc set slug = slug;
alter table catalog.search_doc alter column group_id set not null;
create index search_doc_facets on catalog.search_doc (group_id) include (first_at);
create index search_doc_parent on catalog.search_doc (parent) where parent is not null;
create index search_doc_first on catalog.search_doc (first_at desc, id desc);

-- What is offered while somebody types. Not unique on purpose, as search_word:
-- a keyword that stands twice is shown once, and one that no document holds any
-- more is not shown.
create table catalog.search_suggestion (
  kind     text not null, -- dataset, api, agency, keyword
  id       uuid,          -- null of a keyword
  slug     text not null, -- address below its kind; of a keyword, its key
  title_vi text not null,
  title_en text not null,
  letters  text not null, -- folded titles
  words    tsvector not null
);
create unique index search_suggestion_doc on catalog.search_suggestion (kind, id) where kind in ('dataset', 'api');
create index search_suggestion_slug on catalog.search_suggestion (kind, slug);
create index search_suggestion_words on catalog.search_suggestion using gin (words);
create index search_suggestion_letters on catalog.search_suggestion (letters text_pattern_ops);
create index search_doc_agency on catalog.search_doc (agency_id);
create index search_doc_keywords on catalog.search_doc using gin (keywords);

-- What other engines have not heard yet, once a document. A document that
-- changes again while it is being told has a higher number then, and stays.
create sequence catalog.search_change_number;
create table catalog.search_change (
  kind   text not null,
  id     uuid not null,
  number bigint not null,
  constraint search_change_key primary key (kind, id)
);
create index search_change_number_key on catalog.search_change (number);

-- By which rules the index was written, and what an engine beside was told.
create table catalog.search_state (
  name  text primary key,
  value text not null
);

alter table catalog.synonym
  add column id         uuid not null default gen_random_uuid() constraint synonym_id_key unique,
  add column kind       text not null default 'abbreviation' constraint synonym_kind check (kind in ('abbreviation', 'lay', 'former')),
  add column valid_to   date, -- the last day that a former name was in force
  add column note       text not null default '',
  add column changed_at timestamptz not null default now(),
  add constraint synonym_lengths check (length(term) <= 100 and length(meaning) <= 200 and length(note) <= 500);
update catalog.synonym set kind = 'lay' where term in ('sổ đỏ', 'wifi', 'BTS');
insert into catalog.synonym (term, meaning, kind, valid_to, note) values
  ('sổ hồng', 'giấy chứng nhận quyền sử dụng đất', 'lay', null, ''),
  ('khai sinh', 'đăng ký hộ tịch', 'lay', null, ''),
  ('giấy phép con', 'điều kiện kinh doanh', 'lay', null, ''),
  ('XKLĐ', 'xuất khẩu lao động', 'abbreviation', null, ''),
  ('QCVN', 'quy chuẩn kỹ thuật quốc gia', 'abbreviation', null, ''),
  ('TCVN', 'tiêu chuẩn việt nam', 'abbreviation', null, ''),
  ('GPXD', 'giấy phép xây dựng', 'abbreviation', null, ''),
  ('DNNVV', 'doanh nghiệp nhỏ và vừa', 'abbreviation', null, ''),
  ('OCOP', 'mỗi xã một sản phẩm', 'abbreviation', null, ''),
  ('CCHC', 'cải cách hành chính', 'abbreviation', null, ''),
  ('ATGT', 'an toàn giao thông', 'abbreviation', null, ''),
  ('KCB', 'khám chữa bệnh', 'abbreviation', null, ''),
  ('BVMT', 'bảo vệ môi trường', 'abbreviation', null, ''),
  ('GDĐT', 'giáo dục đào tạo', 'abbreviation', null, ''),
  ('VHTTDL', 'văn hoá thể thao du lịch', 'abbreviation', null, ''),
  ('KHĐT', 'kế hoạch đầu tư', 'abbreviation', null, ''),
  ('Sở Thông tin và Truyền thông', 'Sở Khoa học và Công nghệ', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('Sở Tài nguyên và Môi trường', 'Sở Nông nghiệp và Môi trường', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('Sở Nông nghiệp và Phát triển nông thôn', 'Sở Nông nghiệp và Môi trường', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('Sở Lao động - Thương binh và Xã hội', 'Sở Nội vụ', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('Sở Kế hoạch và Đầu tư', 'Sở Tài chính', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('Sở Giao thông vận tải', 'Sở Xây dựng', 'former', '2025-06-30', 'Sắp xếp tổ chức năm 2025; chưa xác nhận'),
  ('huyện Lý Sơn', 'đặc khu Lý Sơn', 'former', '2025-06-30', 'Sắp xếp đơn vị hành chính năm 2025; chưa xác nhận'),
  ('thị xã Đức Phổ', 'phường Đức Phổ', 'former', '2025-06-30', 'Sắp xếp đơn vị hành chính năm 2025; chưa xác nhận'),
  ('tỉnh Kon Tum', 'tỉnh Quảng Ngãi', 'former', '2025-06-30', 'Sắp xếp đơn vị hành chính năm 2025; chưa xác nhận')
on conflict do nothing;

create table catalog.saved_search (
  id         uuid primary key,
  person_id  uuid not null constraint saved_search_person_fk references auth.person on delete cascade,
  name       text not null constraint saved_search_name_given check (name <> '' and length(name) <= 100),
  query      text not null, -- as typed
  kind       text not null,
  agency     text not null, -- slug
  theme      text not null,
  format     text not null,
  licence    text not null,
  access     text not null,
  created_at timestamptz not null,
  seen_at    timestamptz not null, -- what is found since then is new to the person
  constraint saved_search_once unique (person_id, query, kind, agency, theme, format, licence, access)
);

-- +goose Down
drop table catalog.saved_search;
alter table catalog.synonym drop constraint synonym_lengths, drop column id, drop column kind, drop column valid_to, drop column note, drop column changed_at;
drop trigger search_doc_group on catalog.search_doc;
drop function catalog.search_doc_group();
drop table catalog.search_group, catalog.search_state, catalog.search_change, catalog.search_suggestion;
drop sequence catalog.search_change_number;
drop index catalog.search_doc_keywords, catalog.search_doc_agency, catalog.search_doc_first, catalog.search_doc_parent, catalog.search_doc_facets;
alter table catalog.search_doc drop column group_id, drop column licence, drop column access, drop column keywords, drop column parent, drop column first_at;
