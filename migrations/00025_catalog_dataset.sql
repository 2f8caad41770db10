-- +goose Up
create table catalog.dataset (
  id              uuid primary key,
  agency_id       uuid not null constraint dataset_agency_fk references auth.agency,
  slug            text not null constraint dataset_slug_key unique
                  constraint dataset_slug_form check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) between 2 and 100),
  title_vi        text not null constraint dataset_title_given check (title_vi <> ''),
  title_en        text not null,
  notes_vi        text not null,
  notes_en        text not null,
  keywords_vi     text[] not null,
  keywords_en     text[] not null,
  theme           text not null,
  licence         text not null,
  frequency       text not null,
  spatial         text not null,
  temporal_start  date,
  temporal_end    date constraint dataset_period_order check (temporal_end >= temporal_start),
  source_document text not null,
  source_url      text not null,
  contact_name    text not null,
  contact_email   text not null,
  contact_phone   text not null,
  state           text not null
                  constraint dataset_state check (state in ('draft', 'review', 'approved', 'published', 'withdrawn')),
  state_reason    text not null default '',
  submitted_by    uuid,
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  published_at    timestamptz,
  constraint dataset_published_at check (state <> 'published' or published_at is not null)
);
create index dataset_agency on catalog.dataset (agency_id, id);
create index dataset_state_id on catalog.dataset (state, id);

create table catalog.distribution (
  id         uuid primary key,
  dataset_id uuid not null constraint distribution_dataset_fk references catalog.dataset,
  position   int not null,
  title_vi   text not null,
  title_en   text not null,
  version    int not null, -- the current file
  rows       bigint,       -- of the table; null: the file is none
  report     jsonb,
  rows_table text not null constraint distribution_rows_table_form check (rows_table ~ '^(rows_[0-9a-f]{32})?$'),
  created_at timestamptz not null,
  constraint distribution_position_key unique (dataset_id, position)
);

-- A file as it was uploaded. Rows are only ever added; the bytes lie in the
-- data directory under their hash.
create table catalog.file_version (
  distribution_id uuid not null constraint file_version_distribution_fk references catalog.distribution,
  version         int not null,
  format          text not null,
  media_type      text not null,
  file_name       text not null,
  size            bigint not null,
  hash            text not null constraint file_version_hash_form check (hash ~ '^[0-9a-f]{64}$'),
  uploaded_by     uuid,
  uploaded_at     timestamptz not null,
  constraint file_version_key primary key (distribution_id, version)
);

-- The data dictionary, kept over uploads by the column's key. A column that the
-- current file lacks has no field.
create table catalog.column_info (
  distribution_id uuid not null constraint column_info_distribution_fk references catalog.distribution,
  key             text not null,
  position        int not null,
  field           text not null constraint column_info_field_form check (field ~ '^(c[0-9]{1,3})?$'),
  name            text not null,
  type            text not null,
  title_vi        text not null default '',
  title_en        text not null default '',
  notes_vi        text not null default '',
  notes_en        text not null default '',
  unit            text not null default '',
  constraint column_info_key primary key (distribution_id, key)
);

create table catalog.search_doc (
  kind       text not null,
  id         uuid not null,
  agency_id  uuid not null,
  slug       text not null,
  title_vi   text not null,
  title_en   text not null,
  summary_vi text not null,
  summary_en text not null,
  theme      text not null,
  formats    text[] not null,
  exact      tsvector not null,
  folded     tsvector not null,
  letters    text not null, -- folded title, keywords and agency, for trigrams
  updated_at timestamptz not null,
  constraint search_doc_key primary key (kind, id)
);
create index search_doc_folded on catalog.search_doc using gin (folded);
create index search_doc_letters on catalog.search_doc using gin (letters gin_trgm_ops);
create index search_doc_newest on catalog.search_doc (updated_at desc, id desc);

-- Every folded syllable that was ever indexed: what is in here is no typing
-- error. Not unique on purpose: two publications at once need not wait for each
-- other, and a word that stands twice does no harm.
create table catalog.search_word (
  word text not null
);
create index search_word_word on catalog.search_word (word);

-- What people type and what documents say; either finds the other.
create table catalog.synonym (
  term    text not null constraint synonym_term_given check (term <> ''),
  meaning text not null constraint synonym_meaning_given check (meaning <> ''),
  constraint synonym_key primary key (term, meaning)
);
insert into catalog.synonym (term, meaning) values
  ('UBND', 'uỷ ban nhân dân'), ('HĐND', 'hội đồng nhân dân'), ('TTHC', 'thủ tục hành chính'),
  ('CBCCVC', 'cán bộ công chức viên chức'), ('CCVC', 'công chức viên chức'), ('CNTT', 'công nghệ thông tin'),
  ('TTTT', 'thông tin truyền thông'), ('TT&TT', 'thông tin truyền thông'), ('KHCN', 'khoa học công nghệ'),
  ('KH&CN', 'khoa học công nghệ'), ('GCN', 'giấy chứng nhận'), ('GCNQSDĐ', 'giấy chứng nhận quyền sử dụng đất'),
  ('sổ đỏ', 'giấy chứng nhận quyền sử dụng đất'), ('QSDĐ', 'quyền sử dụng đất'), ('KKT', 'khu kinh tế'),
  ('KCN', 'khu công nghiệp'), ('CCN', 'cụm công nghiệp'), ('NSNN', 'ngân sách nhà nước'),
  ('CSDL', 'cơ sở dữ liệu'), ('HTX', 'hợp tác xã'), ('NTM', 'nông thôn mới'), ('THPT', 'trung học phổ thông'),
  ('THCS', 'trung học cơ sở'), ('BHYT', 'bảo hiểm y tế'), ('BHXH', 'bảo hiểm xã hội'),
  ('PCCC', 'phòng cháy chữa cháy'), ('ATTP', 'an toàn thực phẩm'), ('NN&PTNT', 'nông nghiệp phát triển nông thôn'),
  ('LĐTBXH', 'lao động thương binh xã hội'), ('NCC', 'người có công'), ('GTVT', 'giao thông vận tải'),
  ('TNMT', 'tài nguyên môi trường'), ('DVC', 'dịch vụ công'), ('DVCTT', 'dịch vụ công trực tuyến'),
  ('KT-XH', 'kinh tế xã hội'), ('VBQPPL', 'văn bản quy phạm pháp luật'), ('CCCD', 'căn cước công dân'),
  ('QĐ', 'quyết định'), ('TP', 'thành phố'), ('BTS', 'trạm thu phát sóng'), ('wifi', 'mạng không dây');

-- +goose Down
drop table catalog.synonym, catalog.search_word, catalog.search_doc, catalog.column_info, catalog.file_version,
           catalog.distribution, catalog.dataset;
