-- +goose Up
-- The calendar of working days: days off on days of the week, and days of the
-- weekend that are worked in exchange. agreement.holiday holds what counts now;
-- every version of a day, and who wrote it and why, is kept in the register.
alter table agreement.holiday
  add column kind       text not null default 'off' constraint holiday_kind_check check (kind in ('off', 'work')),
  add column version    int not null default 1,
  add column changed_at timestamptz not null default now(),
  add constraint holiday_work_check check (kind = 'off' or extract(isodow from day) in (6, 7));

-- What was written into the registers that clocks and agreements rest on:
-- content is the entry as it stood after, null once it was withdrawn.
create table agreement.register_entry (
  id        bigint generated always as identity primary key,
  register  text not null constraint register_entry_register_check check (register in ('holiday', 'legal-basis')),
  key       text not null,
  version   int not null,
  what      text not null constraint register_entry_what_check check (what in ('added', 'corrected', 'confirmed', 'succeeded', 'withdrawn')),
  at        timestamptz not null,
  person_id uuid,
  reason    text not null,
  content   jsonb
);
create index register_entry_by_key on agreement.register_entry (register, key, id);

-- The feasts of 2028 to 2030. Which other days are off around them is decided
-- year by year, and is entered when the decision is read. Lunar days were
-- computed with date-chinese 2.1.4 (CalendarVietnamese, UTC+7); a test holds
-- them to it.
insert into agreement.holiday (day, title_vi, title_en, confirmed, source)
select day, title_vi, title_en, false, 'Bộ luật Lao động, Điều 112; lịch nghỉ từng năm chưa đối chiếu'
  from (values ('01-01', 'Tết Dương lịch', 'New Year''s Day'), ('04-30', 'Ngày Chiến thắng', 'Victory Day'),
               ('05-01', 'Ngày Quốc tế lao động', 'Labour Day'), ('09-02', 'Quốc khánh', 'National Day')) as f (at, title_vi, title_en),
       generate_series(2028, 2030) as y (year), lateral (select (year || '-' || at)::date as day) d;

insert into agreement.holiday (day, title_vi, title_en, confirmed, source)
select tet + n, 'Tết Nguyên đán', 'Lunar New Year', false, 'Âm lịch tính bằng date-chinese 2.1.4 (UTC+7); lịch nghỉ từng năm chưa đối chiếu'
  from (values (date '2028-01-26'), (date '2029-02-13'), (date '2030-02-02')) as t (tet), generate_series(-1, 2) as n;

insert into agreement.holiday (day, title_vi, title_en, confirmed, source)
select day, 'Giỗ Tổ Hùng Vương', 'Hùng Kings'' Day', false, 'Âm lịch tính bằng date-chinese 2.1.4 (UTC+7); lịch nghỉ từng năm chưa đối chiếu'
  from (values (date '2028-04-04'), (date '2029-04-23'), (date '2030-04-12')) as k (day);

insert into agreement.register_entry (register, key, version, what, at, reason, content)
select 'holiday', to_char(day, 'YYYY-MM-DD'), 1, 'added', now(), 'Có sẵn khi cài đặt',
       jsonb_build_object('day', to_char(day, 'YYYY-MM-DD'), 'kind', kind, 'title_vi', title_vi, 'title_en', title_en, 'confirmed', confirmed, 'source', source)
  from agreement.holiday
 order by day;

-- Which clause set a request's clock, and at how many working days. Null in
-- rows written before: they were counted by the clause that was in force then.
alter table agreement.agreement
  add column clock_basis text constraint agreement_clock_basis_fkey references agreement.legal_basis,
  add column clock_days  int constraint agreement_clock_days_check check (clock_days between 1 and 60);
update agreement.agreement a
   set clock_basis = b.id, clock_days = b.working_days
  from agreement.legal_basis b
 where b.id = 'nd-194-2025-d40-3';

-- The waiting ones by their clock, of an agency and of all.
create index agreement_waiting_by_agency on agreement.agreement (agency_id, due_at, id) where state = 'requested';
create index agreement_waiting on agreement.agreement (due_at, id) where state = 'requested';
create index agreement_decided on agreement.agreement (decided_at) where decided_at is not null;

-- +goose Down
drop index agreement.agreement_decided;
drop index agreement.agreement_waiting;
drop index agreement.agreement_waiting_by_agency;
alter table agreement.agreement
  drop column clock_days,
  drop column clock_basis;
drop table agreement.register_entry;
alter table agreement.holiday
  drop constraint holiday_work_check,
  drop column changed_at,
  drop column version,
  drop column kind;
