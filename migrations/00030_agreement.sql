-- +goose Up
create schema agreement;

create table agreement.purpose (
  code     text primary key constraint purpose_code_check check (code ~ '^[a-z0-9-]{2,40}$'),
  title_vi text not null,
  title_en text not null,
  position int not null
);

-- A clause that agreements, refusals and clocks cite. A clause whose wording or
-- validity changes gets a new row. confirmed is true only where the text of the
-- clause was read and nothing known says that it is out of force; anything else
-- is shown as unconfirmed, and a clock on it as the province's own target.
create table agreement.legal_basis (
  id           text primary key constraint legal_basis_id_check check (id ~ '^[a-z0-9-]{2,60}$'),
  document_vi  text not null,
  document_en  text not null,
  article_vi   text not null,
  article_en   text not null,
  text_vi      text not null,
  text_en      text not null,
  valid_from   date,
  valid_to     date,
  confirmed    boolean not null,
  source       text not null,
  clock        text constraint legal_basis_clock_check check (clock in ('decide')),
  working_days int constraint legal_basis_working_days_check check (working_days between 1 and 60),
  constraint legal_basis_clock_days_check check ((clock is null) = (working_days is null))
);

create table agreement.holiday (
  day       date primary key,
  title_vi  text not null,
  title_en  text not null,
  confirmed boolean not null,
  source    text not null
);

-- application, version and agencies belong to other rooms, which are asked
-- when a request is made; their names are kept as they were then.
create table agreement.agreement (
  id               uuid primary key,
  revision         int not null,
  state            text not null constraint agreement_state_check
                   check (state in ('requested', 'active', 'refused', 'suspended', 'ended')),
  application_id   uuid not null,
  application_name text not null,
  owner_name       text not null,
  owner_person_id  uuid,
  owner_agency_id  uuid,
  requester_id     uuid not null,
  requester_name   text not null,
  agency_id        uuid not null,
  version_id       uuid not null,
  service_vi       text not null,
  service_en       text not null,
  operations       jsonb not null,
  purpose          text not null constraint agreement_purpose_fkey references agreement.purpose,
  purpose_text     text not null,
  legal_basis      text not null constraint agreement_legal_basis_fkey references agreement.legal_basis,
  starts           date not null,
  ends             date not null,
  note             text not null,
  replaces         uuid constraint agreement_replaces_fkey references agreement.agreement,
  plan             text not null,
  rate_per_minute  int not null,
  quota_per_day    int not null,
  requested_at     timestamptz not null,
  due_at           timestamptz not null,
  decided_at       timestamptz,
  decided_by       uuid,
  reason           text not null default '',
  refusal_basis    text constraint agreement_refusal_basis_fkey references agreement.legal_basis,
  constraint agreement_period_check check (starts <= ends),
  constraint agreement_refused_check check (state <> 'refused' or (reason <> '' and refusal_basis is not null)),
  constraint agreement_one_in_force exclude using gist
    (application_id with =, version_id with =, purpose with =, daterange(starts, ends, '[]') with &&)
    where (state in ('active', 'suspended'))
);
create unique index agreement_one_requested on agreement.agreement (application_id, version_id, purpose) where state = 'requested';
create index agreement_by_application on agreement.agreement (application_id, id);
create index agreement_by_agency on agreement.agreement (agency_id, state, id);

create table agreement.event (
  id           bigint generated always as identity primary key,
  agreement_id uuid not null constraint event_agreement_fkey references agreement.agreement,
  at           timestamptz not null,
  person_id    uuid,
  name         text not null,
  what         text not null,
  text         text not null,
  revision     int not null
);
create index event_by_agreement on agreement.event (agreement_id, id);

insert into agreement.purpose (code, title_vi, title_en, position) values
  ('thu-tuc', 'Giải quyết thủ tục hành chính', 'Handling administrative procedures', 1),
  ('quan-ly', 'Quản lý nhà nước, chỉ đạo điều hành', 'Public administration and steering', 2),
  ('thong-ke', 'Thống kê, báo cáo, phân tích', 'Statistics, reports and analysis', 3),
  ('dich-vu', 'Xây dựng ứng dụng phục vụ người dân, doanh nghiệp', 'Applications that serve citizens and businesses', 4),
  ('nghien-cuu', 'Nghiên cứu, giảng dạy', 'Research and teaching', 5),
  ('kiem-thu', 'Thử nghiệm kết nối', 'Testing a connection', 6);

insert into agreement.legal_basis (id, document_vi, document_en, article_vi, article_en, text_vi, text_en, valid_from, valid_to, confirmed, source, clock, working_days) values
  ('luat-60-2024-d11-2a', 'Luật Dữ liệu số 60/2024/QH15', 'Data Law 60/2024/QH15', 'Điều 11 khoản 2 điểm a', 'Article 11(2)(a)',
   'Hệ thống thông tin phải dùng thống nhất bảng mã danh mục dùng chung và dữ liệu chủ', 'Systems must use the unified code tables and master data',
   null, null, true, 'Đã đọc văn bản điều khoản', null, null),
  ('luat-60-2024-d11-2b', 'Luật Dữ liệu số 60/2024/QH15', 'Data Law 60/2024/QH15', 'Điều 11 khoản 2 điểm b', 'Article 11(2)(b)',
   'Không thu thập lại dữ liệu đã được chia sẻ', 'Data that is already shared is not collected again',
   null, null, true, 'Đã đọc văn bản điều khoản', null, null),
  ('tt-13-2017-d17', 'Thông tư 13/2017/TT-BTTTT', 'Circular 13/2017/TT-BTTTT', 'Điều 17', 'Article 17',
   'Tiếp nhận, chuyển yêu cầu dữ liệu và dữ liệu; chuyển đổi kỹ thuật giữa các hệ thống qua nền tảng tích hợp, chia sẻ dữ liệu',
   'The integration platform receives and forwards data requests and data, and converts between systems',
   null, null, true, 'Đã đọc văn bản điều khoản', null, null),
  ('nd-194-2025-d16', 'Nghị định 194/2025/NĐ-CP', 'Decree 194/2025/ND-CP', 'Điều 16', 'Article 16',
   'Chia sẻ là mặc định; từ chối phải bằng văn bản, nêu lý do và điều khoản pháp luật hạn chế', 'Sharing is the default; a refusal is in writing, with the reason and the clause that restricts',
   '2025-08-19', null, true, 'Đã đọc văn bản điều khoản', null, null),
  ('nd-194-2025-d40-3', 'Nghị định 194/2025/NĐ-CP', 'Decree 194/2025/ND-CP', 'Điều 40 khoản 3 (sửa Điều 35 khoản 3 Nghị định 47/2020/NĐ-CP)', 'Article 40(3), amending article 35(3) of Decree 47/2020',
   'Tạo tài khoản kết nối và thông báo trong 2 ngày làm việc kể từ khi nhận yêu cầu', 'The connection account is made and told within 2 working days of the request',
   '2025-08-19', null, false, 'Đã đọc văn bản điều khoản; chưa xác nhận còn hiệu lực sau Nghị định 278/2025/NĐ-CP', 'decide', 2),
  ('luat-91-2025-d19', 'Luật Bảo vệ dữ liệu cá nhân số 91/2025/QH15', 'Personal Data Protection Law 91/2025/QH15', 'Điều 19', 'Article 19',
   'Các trường hợp cơ quan nhà nước xử lý dữ liệu cá nhân không cần sự đồng ý', 'Cases in which state bodies process personal data without consent',
   '2026-01-01', null, false, 'Chỉ đọc bản tóm tắt; chưa đối chiếu văn bản', null, null),
  ('luat-20-2023-d43', 'Luật Giao dịch điện tử số 20/2023/QH15', 'Law on E-Transactions 20/2023/QH15', 'Điều 43', 'Article 43',
   'Dữ liệu mở của cơ quan nhà nước: đầy đủ, mới nhất, định dạng mở, miễn phí, không phải khai báo danh tính', 'Open data of state bodies: complete, latest, in open formats, free, without identification',
   null, null, false, 'Chỉ đọc bản tóm tắt; chưa đối chiếu văn bản', null, null),
  ('nd-278-2025', 'Nghị định 278/2025/NĐ-CP', 'Decree 278/2025/ND-CP', 'Toàn văn', 'As a whole',
   'Kết nối, chia sẻ dữ liệu bắt buộc giữa các cơ quan trong hệ thống chính trị', 'Mandatory data connection and sharing between bodies of the political system',
   '2025-10-22', null, false, 'Chỉ đọc tin báo chí; chưa đối chiếu văn bản', null, null),
  ('nd-356-2025', 'Nghị định 356/2025/NĐ-CP', 'Decree 356/2025/ND-CP', 'Toàn văn', 'As a whole',
   'Quy định chi tiết Luật Bảo vệ dữ liệu cá nhân', 'Details of the Personal Data Protection Law',
   '2026-01-01', null, false, 'Chỉ đọc bản tóm tắt; chưa đối chiếu văn bản', null, null),
  ('qd-481-2024', 'Quyết định 481/QĐ-UBND ngày 19/4/2024 của UBND tỉnh Quảng Ngãi', 'Decision 481/QD-UBND of 19 April 2024, People''s Committee of Quảng Ngãi', 'Toàn văn', 'As a whole',
   'Quy chế quản lý, vận hành nền tảng tích hợp, chia sẻ dữ liệu của tỉnh', 'The province''s regulation on its integration and data-sharing platform',
   '2024-04-19', null, false, 'Chỉ đọc tên văn bản; chưa có toàn văn', null, null);

-- Days off in the week (Saturdays and Sundays are never working days). The law
-- fixes the feasts; the days off around them are decided year by year, and none
-- of those decisions was read, so every row is unconfirmed.
insert into agreement.holiday (day, title_vi, title_en, confirmed, source)
select day, title_vi, title_en, false, 'Bộ luật Lao động, Điều 112; lịch nghỉ từng năm chưa đối chiếu'
  from (values
    (date '2026-01-01', 'Tết Dương lịch', 'New Year''s Day'),
    (date '2026-02-16', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2026-02-17', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2026-02-18', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2026-02-19', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2026-02-20', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2026-04-27', 'Giỗ Tổ Hùng Vương (nghỉ bù)', 'Hùng Kings'' Day (in lieu)'),
    (date '2026-04-30', 'Ngày Chiến thắng', 'Victory Day'),
    (date '2026-05-01', 'Ngày Quốc tế lao động', 'Labour Day'),
    (date '2026-09-01', 'Quốc khánh', 'National Day'),
    (date '2026-09-02', 'Quốc khánh', 'National Day'),
    (date '2027-01-01', 'Tết Dương lịch', 'New Year''s Day'),
    (date '2027-02-05', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2027-02-08', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2027-02-09', 'Tết Nguyên đán', 'Lunar New Year'),
    (date '2027-02-10', 'Tết Nguyên đán (nghỉ bù)', 'Lunar New Year (in lieu)'),
    (date '2027-02-11', 'Tết Nguyên đán (nghỉ bù)', 'Lunar New Year (in lieu)'),
    (date '2027-04-16', 'Giỗ Tổ Hùng Vương', 'Hùng Kings'' Day'),
    (date '2027-04-30', 'Ngày Chiến thắng', 'Victory Day'),
    (date '2027-05-03', 'Ngày Quốc tế lao động (nghỉ bù)', 'Labour Day (in lieu)'),
    (date '2027-09-02', 'Quốc khánh', 'National Day'),
    (date '2027-09-03', 'Quốc khánh', 'National Day')
  ) as h (day, title_vi, title_en);

-- +goose Down
drop schema agreement cascade;
